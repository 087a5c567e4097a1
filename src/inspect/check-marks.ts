import { formatMasked, type MaskedValue } from "../rules/iptables/values.ts";
import { type Dump, type LintChain, type LintRule, type LintTable, leadsTo } from "./dump.ts";
import type { FaultReport } from "./finding.ts";

/** How a table's faults are reported. */
export type ReportOf = (table: LintTable) => FaultReport;

interface Setter {
  readonly rule: LintRule;
  readonly bits: MaskedValue;
}

/**
 * Marks are set in one chain and used in another: masquerading in KUBE-MARK-MASQ and KUBE-POSTROUTING (and let through in
 * KUBE-FORWARD of table filter), dropping in KUBE-MARK-DROP and the kubelet's KUBE-FIREWALL.
 */
export function checkMarks(dump: Dump, reportOf: ReportOf): void {
  const nat = dump.tables.get("nat");
  const filter = dump.tables.get("filter");
  if (nat === undefined) return;
  const report = reportOf(nat);
  const masquerade = checkSetter(nat, "KUBE-MARK-MASQ", report);
  if (masquerade !== undefined) {
    checkPostrouting(nat, masquerade, report);
    const forward = filter?.chains.get("KUBE-FORWARD");
    if (filter !== undefined && forward !== undefined) checkUses(forward, masquerade, reportOf(filter));
  }
  if (filter !== undefined && !filter.partial && !nat.partial) checkDrop(nat, filter, reportOf);
}

/** The rule of a chain that sets a mark; a chain that is used and has none is a fault. */
function checkSetter(nat: LintTable, name: string, report: FaultReport): Setter | undefined {
  const chain = nat.chains.get(name);
  if (chain === undefined) return undefined;
  const setter = setterOf(chain);
  if (setter !== undefined || !isUsed(nat, name)) return setter;
  const message = `packets are sent to ${name}, which sets no mark (-j MARK --set-xmark 0x4000/0x4000 by default): they are not masqueraded; restart kube-proxy to have the chain written again`;
  report({ code: "mark-missing", message, chain: name, at: chain.offset });
  return undefined;
}

function setterOf(chain: LintChain | undefined): Setter | undefined {
  for (const rule of chain?.rules ?? []) if (rule.target?.kind === "MARK") return { rule, bits: rule.target.set };
  return undefined;
}

function isUsed(table: LintTable, name: string): boolean {
  for (const chain of table.chains.values()) for (const rule of chain.rules) if (leadsTo(rule) === name) return true;
  return false;
}

function markOf(rule: LintRule): MaskedValue | undefined {
  for (const match of rule.matches) if (match.kind === "mark") return match.mark.value;
  return undefined;
}

function sameBits(a: MaskedValue, b: MaskedValue): boolean {
  return a.value === b.value && a.mask === b.mask;
}

function checkPostrouting(nat: LintTable, setter: Setter, report: FaultReport): void {
  const chain = nat.chains.get("KUBE-POSTROUTING");
  if (chain === undefined && nat.partial) return;
  if (!chain?.rules.some(({ target }) => target?.kind === "MASQUERADE" || target?.kind === "SNAT")) {
    const message = `packets get mark ${formatMasked(setter.bits)} to be masqueraded, but KUBE-POSTROUTING has no MASQUERADE rule: answers to them miss the node; restart kube-proxy to have the chain written again`;
    const at = chain?.offset ?? setter.rule;
    report({ code: "masquerade-missing", message, chain: chain?.name ?? setter.rule.chain, at });
    return;
  }
  checkUses(chain, setter, report);
}

/** The first rule that looks at another mark than is set, or takes another one away. */
function checkUses(chain: LintChain, { bits, rule: setter }: Setter, report: FaultReport): void {
  for (const rule of chain.rules) {
    const tested = markOf(rule);
    const cleared = rule.target?.kind === "MARK" ? rule.target.set : undefined;
    const wrong =
      tested !== undefined && !sameBits(tested, bits)
        ? tested
        : cleared !== undefined && !clears(cleared, bits)
          ? cleared
          : undefined;
    if (wrong === undefined) continue;
    const message = `this rule is about mark ${formatMasked(wrong)}, but ${setter.chain} sets ${formatMasked(bits)}; use one mark (masqueradeBit of kube-proxy's configuration)`;
    const word = wrong === cleared ? "-j MARK" : "--mark";
    report({ code: "mark-mismatch", message, chain: chain.name, at: rule, word });
    return;
  }
}

/** True when the change takes exactly the mark's bits away from a packet that has them: xor, or and-not. */
function clears(change: MaskedValue, bits: MaskedValue): boolean {
  const { value } = bits;
  const flips = change.mask === 0 && change.value === value;
  return flips || (change.mask === value && change.value === 0);
}

function isMarkDrop(rule: LintRule): boolean {
  return rule.target?.kind === "DROP" && markOf(rule) !== undefined;
}

function checkDrop(nat: LintTable, filter: LintTable, reportOf: ReportOf): void {
  const firewall = filter.chains.get("KUBE-FIREWALL");
  const drop = firewall?.rules.find(isMarkDrop);
  const chain = nat.chains.get("KUBE-MARK-DROP");
  const setter = setterOf(chain);
  if (drop === undefined || firewall === undefined) {
    if (chain !== undefined && isUsed(nat, chain.name)) reportUndropped(chain, setter, reportOf(nat));
  } else if (setter !== undefined) checkUses({ ...firewall, rules: [drop] }, setter, reportOf(filter));
  else reportUnmarked(firewall, drop, reportOf(filter));
}

function reportUndropped(chain: LintChain, setter: Setter | undefined, report: FaultReport): void {
  const message = `packets are sent to ${chain.name} to be dropped, but no rule of KUBE-FIREWALL in table filter drops them: they pass; the kubelet (up to 1.27) writes that rule, restart it`;
  report({ code: "drop-missing", message, chain: chain.name, at: setter?.rule ?? chain.offset });
}

function reportUnmarked(firewall: LintChain, drop: LintRule, report: FaultReport): void {
  const mark = markOf(drop);
  const message = `this rule drops packets with mark ${mark === undefined ? "" : formatMasked(mark)}, but KUBE-MARK-DROP of table nat, which sets it, has no such rule; restart the kubelet (up to 1.27) or remove this rule`;
  report({ code: "drop-without-mark", message, chain: firewall.name, at: drop, word: "--mark" });
}
