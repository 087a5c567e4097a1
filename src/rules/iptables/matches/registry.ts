import type { RuleModule } from "../module.ts";
import { type AddrtypeMatch, addrtypeModule } from "./addrtype.ts";
import { type CommentMatch, commentModule } from "./comment.ts";
import { type ConnbytesMatch, connbytesModule } from "./connbytes.ts";
import { type ConnlimitMatch, connlimitModule } from "./connlimit.ts";
import { type ConntrackMatch, conntrackModule } from "./conntrack.ts";
import { type CPUMatch, cpuModule } from "./cpu.ts";
import { type DevgroupMatch, devgroupModule } from "./devgroup.ts";
import { type DSCPMatch, dscpModule } from "./dscp.ts";
import { type HashlimitMatch, hashlimitModule } from "./hashlimit.ts";
import { type ICMPMatch, type ICMPv6Match, icmp6Module, icmpModule } from "./icmp.ts";
import { type IprangeMatch, iprangeModule } from "./iprange.ts";
import { type IPVSMatch, ipvsModule } from "./ipvs.ts";
import { type LengthMatch, lengthModule } from "./length.ts";
import { type LimitMatch, limitModule } from "./limit.ts";
import { type MacMatch, macModule } from "./mac.ts";
import { type ConnmarkMatch, connmarkModule, type MarkMatch, markModule } from "./mark.ts";
import { type MultiportMatch, multiportModule } from "./multiport.ts";
import { type NfacctMatch, nfacctModule } from "./nfacct.ts";
import { type OwnerMatch, ownerModule } from "./owner.ts";
import { type PhysdevMatch, physdevModule } from "./physdev.ts";
import { type PkttypeMatch, pkttypeModule } from "./pkttype.ts";
import { type RealmMatch, realmModule } from "./realm.ts";
import { type RecentMatch, recentModule } from "./recent.ts";
import { type RpfilterMatch, rpfilterModule } from "./rpfilter.ts";
import { type SCTPMatch, sctpModule } from "./sctp.ts";
import { type SetMatch, setModule } from "./set.ts";
import { type SocketMatch, socketModule } from "./socket.ts";
import { type StateMatch, stateModule } from "./state.ts";
import { type StatisticMatch, statisticModule } from "./statistic.ts";
import { type TCPMatch, tcpModule } from "./tcp.ts";
import { type TOSMatch, tosModule } from "./tos.ts";
import { type HLMatch, hlModule, type TTLMatch, ttlModule } from "./ttl.ts";
import { type UDPMatch, udpModule } from "./udp.ts";

/** The matches whose meaning is modelled, by module name. */
export type KnownMatch =
  | AddrtypeMatch
  | CommentMatch
  | ConnbytesMatch
  | ConnlimitMatch
  | ConnmarkMatch
  | ConntrackMatch
  | CPUMatch
  | DevgroupMatch
  | DSCPMatch
  | HashlimitMatch
  | HLMatch
  | ICMPMatch
  | ICMPv6Match
  | IprangeMatch
  | IPVSMatch
  | LengthMatch
  | LimitMatch
  | MacMatch
  | MarkMatch
  | MultiportMatch
  | NfacctMatch
  | OwnerMatch
  | PhysdevMatch
  | PkttypeMatch
  | RealmMatch
  | RecentMatch
  | RpfilterMatch
  | SCTPMatch
  | SetMatch
  | SocketMatch
  | StateMatch
  | StatisticMatch
  | TCPMatch
  | TOSMatch
  | TTLMatch
  | UDPMatch;

type Registry = { readonly [K in KnownMatch["kind"]]: RuleModule<Extract<KnownMatch, { readonly kind: K }>> };

/** One module for each kind: a kind without one does not compile. */
export const matchModules: Registry = {
  addrtype: addrtypeModule,
  comment: commentModule,
  connbytes: connbytesModule,
  connlimit: connlimitModule,
  connmark: connmarkModule,
  conntrack: conntrackModule,
  cpu: cpuModule,
  devgroup: devgroupModule,
  dscp: dscpModule,
  hashlimit: hashlimitModule,
  hl: hlModule,
  icmp6: icmp6Module,
  icmp: icmpModule,
  iprange: iprangeModule,
  ipvs: ipvsModule,
  length: lengthModule,
  limit: limitModule,
  mac: macModule,
  mark: markModule,
  multiport: multiportModule,
  nfacct: nfacctModule,
  owner: ownerModule,
  physdev: physdevModule,
  pkttype: pkttypeModule,
  realm: realmModule,
  recent: recentModule,
  rpfilter: rpfilterModule,
  sctp: sctpModule,
  set: setModule,
  socket: socketModule,
  state: stateModule,
  statistic: statisticModule,
  tcp: tcpModule,
  tos: tosModule,
  ttl: ttlModule,
  udp: udpModule,
};

/** The module of a name, or `undefined` when its meaning is not modelled. */
export function matchModule(name: string): RuleModule<KnownMatch> | undefined {
  return Object.hasOwn(matchModules, name)
    ? (matchModules[name as KnownMatch["kind"]] as RuleModule<KnownMatch>)
    : undefined;
}
