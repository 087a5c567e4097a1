import type { Command, RuleLine } from "../../rules/iptables/syntax.ts";
import { chains } from "./names.ts";
import type { IptablesTraits } from "./traits.ts";
import { comment, connectionState, jump, type Options } from "./words.ts";

interface Jump {
  readonly table: "filter" | "nat";
  readonly from: string;
  readonly to: string;
  readonly onlyNew?: boolean;
  readonly comment?: string;
  /** The release traits under which the jump exists; every release has it when absent. */
  readonly when?: (traits: IptablesTraits) => boolean;
}

const EXTERNAL = "kubernetes externally-visible service portals";
const PORTALS = "kubernetes service portals";
const FIREWALL = "kubernetes load balancer firewall";

const proxyFirewall = (from: string): Jump => ({
  table: "filter",
  from,
  to: chains.proxyFirewall,
  onlyNew: true,
  comment: FIREWALL,
  when: (traits) => traits.proxyFirewallChain,
});

const postrouting: Jump = {
  table: "nat",
  from: "POSTROUTING",
  to: chains.postrouting,
  comment: "kubernetes postrouting rules",
};

/** The jumps from built-in chains in the order kube-proxy ensures them (iptables-mode §3.1, iptables-history §7). */
const jumps: readonly Jump[] = [
  { table: "filter", from: "INPUT", to: chains.externalServices, onlyNew: true, comment: EXTERNAL },
  {
    table: "filter",
    from: "FORWARD",
    to: chains.externalServices,
    onlyNew: true,
    comment: EXTERNAL,
    when: (traits) => traits.externalServicesFromForward,
  },
  {
    table: "filter",
    from: "INPUT",
    to: chains.nodePorts,
    comment: "kubernetes health check service ports",
    when: (traits) => traits.healthCheckAccept,
  },
  { table: "filter", from: "FORWARD", to: chains.services, onlyNew: true, comment: PORTALS },
  { table: "filter", from: "OUTPUT", to: chains.services, onlyNew: true, comment: PORTALS },
  { table: "filter", from: "FORWARD", to: chains.forward, comment: "kubernetes forwarding rules" },
  proxyFirewall("INPUT"),
  proxyFirewall("OUTPUT"),
  proxyFirewall("FORWARD"),
  { table: "nat", from: "OUTPUT", to: chains.services, comment: PORTALS },
  { table: "nat", from: "PREROUTING", to: chains.services, comment: PORTALS },
  { ...postrouting, when: (traits) => !traits.postroutingJumpLast },
  { table: "filter", from: "INPUT", to: chains.kubeletFirewall, when: (traits) => traits.jumpsToKubeletFirewall },
  { table: "filter", from: "OUTPUT", to: chains.kubeletFirewall, when: (traits) => traits.jumpsToKubeletFirewall },
  { ...postrouting, when: (traits) => traits.postroutingJumpLast },
];

function jumpRule(rule: Jump): RuleLine {
  const options: Options = [
    ...(rule.onlyNew ? connectionState("NEW") : []),
    ...(rule.comment === undefined ? [] : comment(rule.comment)),
    jump(rule.to),
  ];
  return { kind: "rule", command: "-I", chain: rule.from, options };
}

/**
 * The single commands of a full sync on a node that has none of kube-proxy's chains yet: each chain is created before
 * the first jump to it, each jump is inserted at the top of its built-in chain.
 */
export function jumpCommands(traits: IptablesTraits): readonly Command[] {
  const commands: Command[] = [];
  const created = new Set<string>();
  const create = (table: string, chain: string): void => {
    const key = `${table} ${chain}`;
    if (created.has(key)) return;
    created.add(key);
    commands.push({ table, line: { kind: "chain-command", command: "-N", args: [chain] } });
  };
  for (const rule of jumps) {
    if (rule.when !== undefined && !rule.when(traits)) continue;
    create(rule.table, rule.to);
    commands.push({ table: rule.table, line: jumpRule(rule) });
  }
  if (traits.markDropEnsured) create("nat", chains.markDrop);
  return commands;
}
