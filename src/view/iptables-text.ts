import { type CompiledIptables, iptablesCommands } from "../compile/iptables/compile.ts";
import type { IPFamily } from "../net/family.ts";
import type { ProxyState } from "../proxy/state.ts";
import { formatCommand } from "../rules/iptables/format.ts";
import { applyCommand, applyScript } from "../rules/iptables/restore.ts";
import { type Backend, emptyRuleset } from "../rules/iptables/ruleset.ts";
import { formatSave } from "../rules/iptables/save.ts";
import type { Diagnostic, Report } from "../text/diagnostic.ts";

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables", IPv6: "ip6tables" };

/** The single commands before the restore, one shell line each. */
export function commandsText(state: ProxyState): string {
  const tool = TOOLS[state.family];
  return iptablesCommands(state)
    .map((command) => `${tool} ${formatCommand(command)}\n`)
    .join("");
}

/**
 * What iptables-save prints on a node that was empty before kube-proxy's commands and its restore: both are applied to
 * an empty ruleset. `report` is told of anything the tools would refuse; then the text is that of what they took.
 */
export function saveText(state: ProxyState, compiled: CompiledIptables, backend: Backend, report: Report): string {
  const refuse = ({ message, code }: Diagnostic): void => {
    const tool = TOOLS[state.family];
    report({ severity: "warning", code, message: `${tool} would refuse these rules: ${message}` });
  };
  let ruleset = emptyRuleset;
  for (const command of compiled.commands) {
    ruleset = applyCommand(ruleset, command, { family: state.family, backend }, refuse);
  }
  ruleset = applyScript(
    ruleset,
    compiled.restore,
    { family: state.family, backend, noflush: true, counters: true },
    refuse,
  );
  return formatSave(ruleset, state.family, { backend });
}
