import { type CompiledIptables, iptablesCommands } from "../compile/iptables/compile.ts";
import { loadCompiled } from "../compile/iptables/load-compiled.ts";
import type { IPFamily } from "../net/family.ts";
import type { ProxyState } from "../proxy/state.ts";
import { formatCommand } from "../rules/iptables/format.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import { formatSave } from "../rules/iptables/save.ts";
import type { Report } from "../text/diagnostic.ts";

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables", IPv6: "ip6tables" };

/** The single commands before the restore, one shell line each. */
export function commandsText(state: ProxyState): string {
  const tool = TOOLS[state.family];
  return iptablesCommands(state)
    .map((command) => `${tool} ${formatCommand(command)}\n`)
    .join("");
}

/**
 * What iptables-save prints on a node that was empty before kube-proxy's commands and its restore. `report` is told of
 * anything the tools would refuse; then the text is that of what they took.
 */
export function saveText(state: ProxyState, compiled: CompiledIptables, backend: Backend, report: Report): string {
  return formatSave(loadCompiled(compiled, { family: state.family, backend }, report), state.family, { backend });
}
