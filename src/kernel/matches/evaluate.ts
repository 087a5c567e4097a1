import type { KnownMatch } from "../../rules/iptables/matches/registry.ts";
import type { Match, Unknown } from "../../rules/iptables/model.ts";
import { wordText } from "../../rules/iptables/syntax.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { addrtypeMatches } from "./addrtype.ts";
import { conntrackMatches, stateMatches } from "./conntrack.ts";
import { hashlimitMatches } from "./hashlimit.ts";
import { dscpMatches, hlMatches, lengthMatches, tosMatches, ttlMatches } from "./header.ts";
import { icmpMatches } from "./icmp.ts";
import { iprangeMatches } from "./iprange.ts";
import { ipvsMatches } from "./ipvs.ts";
import { limitMatches } from "./limit.ts";
import { connmarkMatches, markMatches } from "./mark.ts";
import { multiportMatches } from "./multiport.ts";
import { nfacctMatches } from "./nfacct.ts";
import { askUnknown } from "./not-modelled.ts";
import { ownerMatches } from "./owner.ts";
import { physdevMatches } from "./physdev.ts";
import { pkttypeMatches } from "./pkttype.ts";
import { recentMatches } from "./recent.ts";
import { rpfilterMatches } from "./rpfilter.ts";
import { sctpMatches } from "./sctp.ts";
import { setMatches } from "./set.ts";
import { statisticMatches } from "./statistic.ts";
import { tcpMatches, udpMatches } from "./tcp.ts";
import { connbytesMatches, cpuMatches, devgroupMatches, macMatches, realmMatches, socketMatches } from "./undecided.ts";

type Evaluators = {
  readonly [K in KnownMatch["kind"]]: (
    walk: Walk,
    skb: Skb,
    match: Extract<KnownMatch, { readonly kind: K }>,
  ) => boolean;
};

/** One function for each kind: a kind without one does not compile. */
const evaluators: Evaluators = {
  addrtype: addrtypeMatches,
  comment: () => true,
  connbytes: connbytesMatches,
  connlimit: (walk, skb) => askUnknown(walk, skb, "-m connlimit holds for the connections of the address"),
  connmark: connmarkMatches,
  conntrack: conntrackMatches,
  cpu: cpuMatches,
  devgroup: devgroupMatches,
  dscp: dscpMatches,
  hashlimit: hashlimitMatches,
  hl: hlMatches,
  icmp: icmpMatches,
  icmp6: icmpMatches,
  iprange: iprangeMatches,
  ipvs: ipvsMatches,
  length: lengthMatches,
  limit: limitMatches,
  mac: macMatches,
  mark: markMatches,
  multiport: multiportMatches,
  nfacct: nfacctMatches,
  owner: ownerMatches,
  physdev: physdevMatches,
  pkttype: pkttypeMatches,
  realm: realmMatches,
  recent: recentMatches,
  rpfilter: rpfilterMatches,
  sctp: sctpMatches,
  set: setMatches,
  socket: socketMatches,
  state: stateMatches,
  statistic: statisticMatches,
  tcp: tcpMatches,
  tos: tosMatches,
  ttl: ttlMatches,
  udp: udpMatches,
};

/**
 * Does a match of the current rule hold for a packet? It is asked only when all matches to its left held: those that count
 * do so here. What is not modelled, or depends on what the host does not tell, is asked of `walk.chooser`.
 */
export function evaluateMatch(walk: Walk, skb: Skb, match: Match): boolean {
  switch (match.kind) {
    case "comment":
      return true;
    case "tcp":
      return tcpMatches(walk, skb, match);
    case "udp":
      return udpMatches(walk, skb, match);
    case "mark":
      return markMatches(walk, skb, match);
    case "conntrack":
      return conntrackMatches(walk, skb, match);
    case "unknown":
      return askUnknown(walk, skb, `${unknownText(match)} holds`);
    default: {
      const evaluate = evaluators[match.kind] as (walk: Walk, skb: Skb, match: KnownMatch) => boolean;
      return evaluate(walk, skb, match);
    }
  }
}

/** A match as it was written. */
function unknownText({ module, options }: Unknown): string {
  const words = options.map(({ negated, flag, args }) => [negated ? "!" : "", flag, ...args.map(wordText)]);
  return [module === "" ? "" : `-m ${module}`, ...words.flat()].filter((word) => word !== "").join(" ");
}
