import type { RuleModule } from "../module.ts";
import { type AddrtypeMatch, addrtypeModule } from "./addrtype.ts";
import { type CommentMatch, commentModule } from "./comment.ts";
import { type ConntrackMatch, conntrackModule } from "./conntrack.ts";
import { type ICMPMatch, type ICMPv6Match, icmp6Module, icmpModule } from "./icmp.ts";
import { type IprangeMatch, iprangeModule } from "./iprange.ts";
import { type IPVSMatch, ipvsModule } from "./ipvs.ts";
import { type LimitMatch, limitModule } from "./limit.ts";
import { type ConnmarkMatch, connmarkModule, type MarkMatch, markModule } from "./mark.ts";
import { type MultiportMatch, multiportModule } from "./multiport.ts";
import { type NfacctMatch, nfacctModule } from "./nfacct.ts";
import { type PhysdevMatch, physdevModule } from "./physdev.ts";
import { type RecentMatch, recentModule } from "./recent.ts";
import { type SCTPMatch, sctpModule } from "./sctp.ts";
import { type SetMatch, setModule } from "./set.ts";
import { type StateMatch, stateModule } from "./state.ts";
import { type StatisticMatch, statisticModule } from "./statistic.ts";
import { type TCPMatch, tcpModule } from "./tcp.ts";
import { type UDPMatch, udpModule } from "./udp.ts";

/** The matches whose meaning is modelled, by module name. */
export type KnownMatch =
  | AddrtypeMatch
  | CommentMatch
  | ConnmarkMatch
  | ConntrackMatch
  | ICMPMatch
  | ICMPv6Match
  | IprangeMatch
  | IPVSMatch
  | LimitMatch
  | MarkMatch
  | MultiportMatch
  | NfacctMatch
  | PhysdevMatch
  | RecentMatch
  | SCTPMatch
  | SetMatch
  | StateMatch
  | StatisticMatch
  | TCPMatch
  | UDPMatch;

type Registry = { readonly [K in KnownMatch["kind"]]: RuleModule<Extract<KnownMatch, { readonly kind: K }>> };

/** One module for each kind: a kind without one does not compile. */
export const matchModules: Registry = {
  addrtype: addrtypeModule,
  comment: commentModule,
  connmark: connmarkModule,
  conntrack: conntrackModule,
  icmp: icmpModule,
  icmp6: icmp6Module,
  iprange: iprangeModule,
  ipvs: ipvsModule,
  limit: limitModule,
  mark: markModule,
  multiport: multiportModule,
  nfacct: nfacctModule,
  physdev: physdevModule,
  recent: recentModule,
  sctp: sctpModule,
  set: setModule,
  state: stateModule,
  statistic: statisticModule,
  tcp: tcpModule,
  udp: udpModule,
};

/** The module of a name, or `undefined` when its meaning is not modelled. */
export function matchModule(name: string): RuleModule<KnownMatch> | undefined {
  return Object.hasOwn(matchModules, name)
    ? (matchModules[name as KnownMatch["kind"]] as RuleModule<KnownMatch>)
    : undefined;
}
