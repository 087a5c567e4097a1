import type { Command } from "../../rules/iptables/syntax.ts";
import { comment, jump } from "../iptables/words.ts";
import { chains } from "./names.ts";
import type { IPVSTraits } from "./traits.ts";

interface Jump {
  readonly table: "filter" | "nat";
  readonly from: string;
  readonly to: string;
  readonly comment: string;
  readonly when?: (traits: IPVSTraits) => boolean;
}

const PORTALS = "kubernetes service portals";
const FIREWALL = "kube-proxy firewall rules";
const FILTER = "kubernetes ipvs access filter";

/** The jumps from built-in chains in the order kube-proxy ensures them (ipvs-mode §6.2, ipvs-history §3.2). */
const jumps: readonly Jump[] = [
  { table: "nat", from: "OUTPUT", to: chains.services, comment: PORTALS },
  { table: "nat", from: "PREROUTING", to: chains.services, comment: PORTALS },
  { table: "nat", from: "POSTROUTING", to: chains.postrouting, comment: "kubernetes postrouting rules" },
  { table: "filter", from: "FORWARD", to: chains.forward, comment: "kubernetes forwarding rules" },
  {
    table: "filter",
    from: "INPUT",
    to: chains.nodePort,
    comment: "kubernetes health check rules",
    when: (traits) => traits.healthCheckSet,
  },
  {
    table: "filter",
    from: "INPUT",
    to: chains.proxyFirewall,
    comment: FIREWALL,
    when: (traits) => traits.firewallInFilter,
  },
  {
    table: "filter",
    from: "FORWARD",
    to: chains.proxyFirewall,
    comment: FIREWALL,
    when: (traits) => traits.firewallInFilter,
  },
  { table: "filter", from: "INPUT", to: chains.filter, comment: FILTER, when: (traits) => traits.filterChain },
  { table: "filter", from: "OUTPUT", to: chains.outFilter, comment: FILTER, when: (traits) => traits.outFilterChain },
];

/** The chains that kube-proxy makes, in their order (ipvs-mode §6.1, ipvs-history §3.1). */
export function chainsOf(traits: IPVSTraits): { readonly nat: readonly string[]; readonly filter: readonly string[] } {
  return {
    nat: [
      chains.services,
      chains.postrouting,
      ...(traits.firewallInFilter ? [] : [chains.firewall]),
      chains.nodePort,
      chains.loadBalancer,
      chains.markMasq,
    ],
    filter: [
      chains.forward,
      ...(traits.healthCheckSet ? [chains.nodePort] : []),
      ...(traits.firewallInFilter ? [chains.proxyFirewall, chains.sourceRanges] : []),
      ...(traits.filterChain ? [chains.filter] : []),
      ...(traits.outFilterChain ? [chains.outFilter] : []),
    ],
  };
}

/**
 * The chain lines of the restore text. Old releases write one line of a fixed name for every chain that was not there
 * before, which on a new node are all but kubelet's (ipvs-history §3.1).
 */
export function chainLines(traits: IPVSTraits): ReturnType<typeof chainsOf> {
  const { nat, filter } = chainsOf(traits);
  const kubelets = traits.markDropFlushed ? [chains.markDrop] : [];
  if (!traits.chainLinesRepeated) return { nat: [...nat, ...kubelets], filter };
  return { nat: [...nat.map(() => chains.postrouting), ...kubelets], filter: filter.map(() => chains.forward) };
}

/**
 * The single commands of a sync on a node that has none of kube-proxy's chains yet: all chains are created, then each
 * jump is inserted at the top of its built-in chain.
 */
export function ipvsCommands(traits: IPVSTraits): readonly Command[] {
  const { nat, filter } = chainsOf(traits);
  const create = (table: string, chain: string): Command => ({
    table,
    line: { kind: "chain-command", command: "-N", args: [chain] },
  });
  return [
    ...[...(traits.markDropEnsured ? [chains.markDrop] : []), ...nat].map((chain) => create("nat", chain)),
    ...filter.map((chain) => create("filter", chain)),
    ...jumps
      .filter(({ when }) => when === undefined || when(traits))
      .map(({ table, from, to, comment: text }): Command => {
        const options = [...comment(text), jump(to)];
        return { table, line: { kind: "rule", command: "-I", chain: from, options } };
      }),
  ];
}
