import { iptablesCommands } from "../compile/iptables/compile.ts";
import { type IptablesSteps, loadCompiled } from "../compile/iptables/load-compiled.ts";
import type { IPFamily } from "../net/family.ts";
import type { ProxyState } from "../proxy/state.ts";
import { formatCommand } from "../rules/iptables/format.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import { formatSave } from "../rules/iptables/save.ts";
import type { Command } from "../rules/iptables/syntax.ts";
import type { Report } from "../text/diagnostic.ts";

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables", IPv6: "ip6tables" };

/** Single commands, one shell line each. */
export function commandLines(commands: readonly Command[], family: IPFamily): string {
  return commands.map((command) => `${TOOLS[family]} ${formatCommand(command)}\n`).join("");
}

/** The single commands of iptables mode before the restore, one shell line each. */
export function commandsText(state: ProxyState): string {
  return commandLines(iptablesCommands(state), state.family);
}

/**
 * What iptables-save prints on a node that was empty before kube-proxy's commands and its restore. `report` is told of
 * anything the tools would refuse; then the text is that of what they took.
 */
export function saveText(
  { family }: Pick<ProxyState, "family">,
  compiled: IptablesSteps,
  backend: Backend,
  report: Report,
): string {
  return formatSave(loadCompiled(compiled, { family, backend }, report), family, { backend });
}
