import type { ProxyState } from "../../proxy/state.ts";
import { not, option } from "../../rules/iptables/syntax.ts";
import type { TableTree } from "../iptables/table.ts";
import {
  comment,
  connectionState,
  destinationIsLocal,
  ifNotLocal,
  jump,
  marked,
  markText,
  notMarked,
  type Options,
  source,
} from "../iptables/words.ts";
import { chains, type SetKey, setDefinitions, setName } from "./names.ts";
import type { IPVSRuleKind } from "./provenance.ts";
import type { NodeAccess } from "./serviceport.ts";
import type { WantedSets } from "./sets.ts";
import type { IPVSTraits } from "./traits.ts";

/** What the rules of one family are written from. */
export interface RuleContext {
  readonly state: ProxyState;
  readonly traits: IPVSTraits;
  readonly sets: WantedSets;
  readonly nat: TableTree<IPVSRuleKind>;
  readonly filter: TableTree<IPVSRuleKind>;
  readonly nodeAccess: readonly NodeAccess[];
}

/** A rule that stands for a whole set and is written when the set has entries (ipvs-mode §6.4, rows 2a–2l). */
interface SetRule {
  readonly table: "nat" | "filter";
  readonly chain: string;
  readonly protocol?: string;
  readonly set: SetKey;
  readonly flags: string;
  readonly target: string;
  readonly kind: IPVSRuleKind;
}

const matchSet = (key: SetKey, flags: string, { state }: RuleContext): Options => [
  option("-m", "set"),
  option("--match-set", setName(key, state.family), flags),
];

/** `-m comment --comment "…" -m set --match-set SET FLAGS`, as kube-proxy writes a set with its comment. */
const described = (key: SetKey, flags: string, context: RuleContext): Options => [
  ...comment(setDefinitions[key].comment),
  ...matchSet(key, flags, context),
];

function nodePortRules(protocol: string, local: SetKey, all: SetKey, flags: string): readonly [SetRule, SetRule] {
  const both = { table: "nat", chain: chains.nodePort, protocol, flags } as const;
  return [
    { ...both, set: local, target: "RETURN", kind: "node-port-local" },
    { ...both, set: all, target: chains.markMasq, kind: "node-port-masquerade" },
  ];
}

/** The rules of source ranges: in the filter table, or, up to 1.24, in the nat table (ipvs-history §4). */
function firewallRules({ firewallInFilter }: IPVSTraits): readonly SetRule[] {
  const table = firewallInFilter ? "filter" : "nat";
  const chain = firewallInFilter ? chains.sourceRanges : chains.firewall;
  return [
    {
      table,
      chain: firewallInFilter ? chains.proxyFirewall : chains.loadBalancer,
      set: "loadBalancerFW",
      flags: "dst,dst",
      target: chain,
      kind: "firewall",
    },
    { table, chain, set: "sourceCIDR", flags: "dst,dst,src", target: "RETURN", kind: "firewall-range" },
    { table, chain, set: "sourceIP", flags: "dst,dst,src", target: "RETURN", kind: "firewall-node" },
  ];
}

function setRules(traits: IPVSTraits): readonly SetRule[] {
  const sctp = nodePortRules("sctp", "nodePortLocalSCTP", "nodePortSCTP", "dst,dst");
  const firewall = firewallRules(traits);
  return [
    {
      table: "nat",
      chain: chains.postrouting,
      set: "loopBack",
      flags: "dst,dst,src",
      target: "MASQUERADE",
      kind: "hairpin",
    },
    {
      table: "nat",
      chain: chains.services,
      set: "loadBalancer",
      flags: "dst,dst",
      target: chains.loadBalancer,
      kind: "load-balancer",
    },
    ...(traits.firewallInFilter ? [] : firewall),
    {
      table: "nat",
      chain: chains.loadBalancer,
      set: "loadBalancerLocal",
      flags: "dst,dst",
      target: "RETURN",
      kind: "load-balancer-local",
    },
    ...nodePortRules("tcp", "nodePortLocalTCP", "nodePortTCP", "dst"),
    ...nodePortRules("udp", "nodePortLocalUDP", "nodePortUDP", "dst"),
    ...(traits.sctpLocalReturnFirst ? sctp : [...sctp].reverse()),
    ...(traits.firewallInFilter ? firewall : []),
  ];
}

function addSetRules(context: RuleContext): void {
  for (const { table, chain, protocol, set, flags, target, kind } of setRules(context.traits)) {
    if (context.sets.isEmpty(set)) continue;
    const start = protocol === undefined ? [] : [option("-p", protocol)];
    context[table].rule(chain, [...start, ...described(set, flags, context), jump(target)], kind);
  }
}

/** Which packets to cluster IPs are masqueraded (ipvs-mode §6.4, row 3). */
function addClusterIPMasquerade(context: RuleContext): void {
  const { state, nat, sets } = context;
  if (sets.isEmpty("clusterIP")) return;
  const toMark = jump(chains.markMasq);
  const toClusterIP = described("clusterIP", "dst,dst", context);
  if (state.masqueradeAll) nat.rule(chains.services, [...toClusterIP, toMark], "cluster-ip-masquerade-all");
  else if (state.localDetector !== undefined) {
    nat.rule(chains.services, [...toClusterIP, ifNotLocal(state.localDetector), toMark], "cluster-ip-masquerade");
  } else {
    // a process of the node that calls a bound address has that address as its source
    nat.rule(chains.services, [...described("clusterIP", "src,dst", context), toMark], "cluster-ip-own-source");
  }
}

const notFromBridge: Options = [
  option("-m", "physdev"),
  not(option("--physdev-is-in")),
  option("-m", "addrtype"),
  not(option("--src-type", "LOCAL")),
];

function addExternalAccepts(key: SetKey, kind: IPVSRuleKind, context: RuleContext): void {
  const to = described(key, "dst,dst", context);
  context.nat.rule(chains.services, [...to, ...notFromBridge, jump("ACCEPT")], kind);
  context.nat.rule(chains.services, [...to, ...destinationIsLocal, jump("ACCEPT")], kind);
}

function addExternalIPRules(context: RuleContext): void {
  const { nat, sets } = context;
  if (!sets.isEmpty("externalIP")) {
    const options = [...described("externalIP", "dst,dst", context), jump(chains.markMasq)];
    nat.rule(chains.services, options, "external-ip-masquerade");
    addExternalAccepts("externalIP", "external-ip-accept", context);
  }
  if (!sets.isEmpty("externalIPLocal")) {
    addExternalAccepts("externalIPLocal", "external-ip-local-accept", context);
  }
}

/** Rules that keep the node's own packets out of virtual servers whose source ranges do not hold it (row 9). */
function addNodeAccessRules({ traits, filter, nodeAccess }: RuleContext): void {
  if (!traits.outFilterChain) return;
  for (const { address, decision } of nodeAccess) {
    const { protocol, port } = decision.port;
    const options = [
      source(address),
      option("-m", "ipvs"),
      option("--vaddr", address),
      option("--vproto", protocol.toLowerCase()),
      option("--vport", String(port)),
      jump("DROP"),
    ];
    filter.rule(chains.outFilter, options, "node-access-drop", decision);
  }
}

function addAccepts(context: RuleContext): void {
  const { nat, sets } = context;
  const accept = jump("ACCEPT");
  if (!sets.isEmpty("clusterIP")) {
    nat.rule(chains.services, [...matchSet("clusterIP", "dst,dst", context), accept], "cluster-ip-accept");
  }
  if (!sets.isEmpty("loadBalancer")) {
    nat.rule(chains.services, [...matchSet("loadBalancer", "dst,dst", context), accept], "load-balancer-accept");
  }
}

const FORWARDING_COMMENTS = {
  one: ["kubernetes forwarding conntrack rule"],
  two: ["kubernetes forwarding conntrack pod source rule", "kubernetes forwarding conntrack pod destination rule"],
} as const;

function addForwardRules({ state, traits, filter }: RuleContext): void {
  const mark = markText(state.masqueradeBit);
  const accept = jump("ACCEPT");
  const forward = [...comment("kubernetes forwarding rules"), ...marked(`${mark}/${mark}`), accept];
  filter.rule(chains.forward, forward, "forward-marked");
  for (const text of traits.oneForwardingConntrackRule ? FORWARDING_COMMENTS.one : FORWARDING_COMMENTS.two) {
    const options = [...comment(text), ...connectionState("RELATED,ESTABLISHED"), accept];
    filter.rule(chains.forward, options, "forward-established");
  }
}

/** KUBE-IPVS-FILTER: a bound address answers on its Services' ports only (row 13). */
function addFilterRules(context: RuleContext): void {
  const { traits, filter } = context;
  if (!traits.filterChain) return;
  const passes: readonly (readonly [SetKey, string])[] = [
    ["loadBalancer", "dst,dst"],
    ["clusterIP", "dst,dst"],
    ["externalIP", "dst,dst"],
    ...(traits.filterKnowsExternalLocal ? ([["externalIPLocal", "dst,dst"]] as const) : []),
    ["healthCheck", "dst"],
  ];
  for (const [key, flags] of passes) {
    filter.rule(chains.filter, [...matchSet(key, flags, context), jump("RETURN")], "service-return");
  }
  const others = [...connectionState("NEW"), ...matchSet("ipvsIPs", "dst", context), jump("REJECT")];
  filter.rule(chains.filter, others, "other-port-reject");
}

function addMasqueradeRules({ state, traits, nat }: RuleContext): void {
  const mark = markText(state.masqueradeBit);
  const masquerade = [...comment("kubernetes service traffic requiring SNAT"), jump("MASQUERADE")];
  if (traits.randomFullyAlways || state.randomFully) masquerade.push(option("--random-fully"));
  nat.rule(chains.postrouting, [...notMarked(`${mark}/${mark}`), jump("RETURN")], "unmarked-return");
  nat.rule(chains.postrouting, [jump("MARK"), option("--xor-mark", mark)], "unmark");
  nat.rule(chains.postrouting, masquerade, "masquerade");
  nat.rule(chains.markMasq, [jump("MARK"), option("--or-mark", mark)], "mark-for-masquerade");
}

const LOOPBACK = { IPv4: "127.0.0.0/8", IPv6: "::1/128" } as const;

/** Writes all rules of both tables in kube-proxy's order (ipvs-mode §6.4, ipvs-history §4.1). */
export function addRules(context: RuleContext): void {
  const { state, traits, nat, filter } = context;
  if (traits.filterChain)
    nat.rule(chains.services, [source(LOOPBACK[state.family]), jump("RETURN")], "loopback-return");
  addSetRules(context);
  addClusterIPMasquerade(context);
  addExternalIPRules(context);
  nat.rule(chains.services, [...destinationIsLocal, jump(chains.nodePort)], "node-ports");
  nat.rule(chains.loadBalancer, [jump(chains.markMasq)], "load-balancer-masquerade");
  if (traits.firewallInFilter) filter.rule(chains.sourceRanges, [jump("DROP")], "firewall-drop");
  else nat.rule(chains.firewall, [jump(chains.markDrop)], "firewall-drop");
  addNodeAccessRules(context);
  addAccepts(context);
  addForwardRules(context);
  if (traits.healthCheckSet) {
    const options = [...described("healthCheck", "dst", context), jump("ACCEPT")];
    filter.rule(chains.nodePort, options, "health-check-accept");
  }
  addFilterRules(context);
  addMasqueradeRules(context);
}
