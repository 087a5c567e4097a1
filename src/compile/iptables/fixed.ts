import type { ProxyState } from "../../proxy/state.ts";
import { not, option } from "../../rules/iptables/syntax.ts";
import { chains } from "./names.ts";
import type { TableSink } from "./table.ts";
import type { IptablesTraits } from "./traits.ts";
import {
  comment,
  connectionState,
  destination,
  destinationIsLocal,
  jump,
  marked,
  markText,
  nfacct,
  notConnectionState,
  notMarked,
  source,
} from "./words.ts";

const LOOPBACK = { IPv4: "127.0.0.0/8", IPv6: "::1/128" } as const;

/** Name of the counter of packets that the INVALID rule drops. */
const INVALID_COUNTER = "ct_state_invalid_dropped_pkts";

/** KUBE-POSTROUTING and KUBE-MARK-MASQ (iptables-mode §3.3). */
export function addMasqueradeRules(nat: TableSink, state: ProxyState, traits: IptablesTraits): void {
  const mark = markText(state.masqueradeBit);
  const masked = `${mark}/${mark}`;
  const masquerade = [...comment("kubernetes service traffic requiring SNAT"), jump("MASQUERADE")];
  if (traits.randomFullyAlways || state.randomFully) masquerade.push(option("--random-fully"));
  nat.rule(chains.postrouting, [...notMarked(masked), jump("RETURN")], "unmarked-return");
  nat.rule(chains.postrouting, [jump("MARK"), option("--xor-mark", mark)], "unmark");
  nat.rule(chains.postrouting, masquerade, "masquerade");
  nat.rule(chains.markMasq, [jump("MARK"), option("--or-mark", mark)], "mark-for-masquerade");
}

/** The rule against packets to 127/8 from elsewhere, where route_localnet is set (iptables-mode §3.4). */
export function addLocalnetRule(filter: TableSink): void {
  const options = [
    ...comment("block incoming localnet connections"),
    destination(LOOPBACK.IPv4),
    not(source(LOOPBACK.IPv4)),
    ...notConnectionState("RELATED,ESTABLISHED,DNAT"),
    jump("DROP"),
  ];
  filter.rule(chains.kubeletFirewall, options, "localnet-drop");
}

const FORWARDING_COMMENTS = {
  one: ["kubernetes forwarding conntrack rule"],
  two: ["kubernetes forwarding conntrack pod source rule", "kubernetes forwarding conntrack pod destination rule"],
} as const;

/** KUBE-FORWARD (iptables-mode §3.4; iptables-history §3, 1.23). */
export function addForwardRules(filter: TableSink, state: ProxyState, traits: IptablesTraits): void {
  const mark = markText(state.masqueradeBit);
  if (!(traits.invalidUnlessLiberal && state.conntrackTCPLiberal)) {
    const counted = traits.nfacct && state.nfacct.ctStateInvalidDropped;
    const options = [...connectionState("INVALID"), ...(counted ? nfacct(INVALID_COUNTER) : []), jump("DROP")];
    filter.rule(chains.forward, options, "invalid-drop");
  }
  const accept = [...comment("kubernetes forwarding rules"), ...marked(`${mark}/${mark}`), jump("ACCEPT")];
  filter.rule(chains.forward, accept, "forward-marked");
  for (const text of traits.oneForwardingConntrackRule ? FORWARDING_COMMENTS.one : FORWARDING_COMMENTS.two) {
    const options = [...comment(text), ...connectionState("RELATED,ESTABLISHED"), jump("ACCEPT")];
    filter.rule(chains.forward, options, "forward-established");
  }
}

const TAIL = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain");

/** The last rules of nat KUBE-SERVICES, which hand over to the node ports (iptables-mode §3.8). */
export function addNodePortsTail(nat: TableSink, state: ProxyState): void {
  const { family, nodePortAddresses: addresses } = state;
  if (addresses === "all") {
    const exclude = state.nodePortsExcludeLoopback ? [not(destination(LOOPBACK[family]))] : [];
    const options = [...TAIL, ...destinationIsLocal, ...exclude, jump(chains.nodePorts)];
    nat.rule(chains.services, options, "node-ports-tail");
    return;
  }
  for (const address of addresses) {
    nat.rule(chains.services, [...TAIL, destination(address), jump(chains.nodePorts)], "node-ports-tail");
  }
}
