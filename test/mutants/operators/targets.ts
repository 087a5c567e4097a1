import type { Rule, Target } from "../../../src/rules/iptables/model.ts";
import { orderedChains, type Table } from "../../../src/rules/iptables/ruleset.ts";
import type { DNATTarget } from "../../../src/rules/iptables/targets/nat.ts";
import type { Operator } from "./fault.ts";
import { isLoadable } from "./loadable.ts";
import { type RuleSite, ruleOperator, withChains } from "./rule-sites.ts";
import { nextTo } from "./values.ts";

const to = (rule: Rule, target: Target): Rule => ({ ...rule, target });

/** The next user chain that the rule may jump to. */
function retargeted({ table, chain, index, rule }: RuleSite): readonly Rule[] {
  const { target } = rule;
  if (target?.kind !== "jump" && target?.kind !== "goto") return [];
  const names = orderedChains(table as Table).flatMap(({ name, policy }) => (policy === undefined ? name : []));
  const at = names.indexOf(target.chain);
  for (const name of [...names.slice(at + 1), ...names.slice(0, at)]) {
    const other = to(rule, { ...target, chain: name });
    if (isLoadable(withChains(table, { [chain.name]: chain.rules.with(index, other) }))) return [other];
  }
  return [];
}

const VERDICTS: readonly Target["kind"][] = ["ACCEPT", "DROP", "RETURN"];

/** Verdicts in place of a target that is one, or a refusal. */
function otherVerdicts({ rule, chain, table }: RuleSite): readonly Rule[] {
  const { target } = rule;
  if (target === undefined || (!VERDICTS.includes(target.kind) && target.kind !== "REJECT")) return [];
  // table nat takes no DROP (`nf_nat` refuses it since 2.6.34)
  const wanted = VERDICTS.filter((kind) => kind !== target.kind && !(kind === "DROP" && table.name === "nat"));
  return wanted
    .filter((kind) => !(kind === "RETURN" && chain.policy !== undefined))
    .map((kind) => to(rule, { kind } as Target));
}

/** The destination's address and port, each next to what it is, and the port lost. */
function otherDestinations({ range, ...rest }: DNATTarget): readonly DNATTarget[] {
  const { addresses, ports } = range;
  const found: DNATTarget[] = [];
  if (addresses !== undefined) {
    const other = { from: nextTo(addresses.from), to: nextTo(addresses.to) };
    found.push({ ...rest, range: { ...range, addresses: other } });
  }
  if (ports !== undefined) {
    const { ports: _, ...portless } = range;
    found.push({ ...rest, range: { ...range, ports: { from: ports.from + 1, to: ports.to + 1 } } });
    if (addresses !== undefined) found.push({ ...rest, range: portless });
  }
  return found;
}

/** Faults of what a rule does. */
export const targetOperators: readonly Operator[] = [
  ruleOperator("retarget a jump", retargeted),
  // behind the last rule of a chain there is nothing to come back to
  ruleOperator("a jump that does not come back", ({ rule, chain, index }) =>
    rule.target?.kind === "jump" && index < chain.rules.length - 1
      ? [to(rule, { kind: "goto", chain: rule.target.chain })]
      : [],
  ),
  ruleOperator("another verdict", otherVerdicts),
  ruleOperator("another refusal", ({ rule, family }) =>
    rule.target?.kind === "REJECT"
      ? [to(rule, { kind: "REJECT", with: family === "IPv4" ? "icmp-admin-prohibited" : "icmp6-adm-prohibited" })]
      : [],
  ),
  ruleOperator("another destination", ({ rule }) =>
    rule.target?.kind === "DNAT" ? otherDestinations(rule.target).map((target) => to(rule, target)) : [],
  ),
  ruleOperator("another mark set", ({ rule }) => {
    if (rule.target?.kind !== "MARK") return [];
    const { value, mask } = rule.target.set;
    return [
      to(rule, { kind: "MARK", set: { value: (value << 1) >>> 0, mask: (mask << 1) >>> 0 } }),
      to(rule, { kind: "MARK", set: { value, mask: mask === 0 ? value : 0xffffffff } }),
    ];
  }),
  ruleOperator("a flag of masquerading lost", ({ rule }) =>
    rule.target?.kind === "MASQUERADE" && rule.target.randomFully
      ? [to(rule, { ...rule.target, randomFully: false })]
      : [],
  ),
];
