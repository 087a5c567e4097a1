import type { IPFamily } from "../../net/family.ts";
import { applyCommand, applyScript, type RestoreOptions } from "../../rules/iptables/restore.ts";
import { type Backend, emptyRuleset, type Ruleset } from "../../rules/iptables/ruleset.ts";
import type { Command, Script } from "../../rules/iptables/syntax.ts";
import type { Diagnostic, Report } from "../../text/diagnostic.ts";

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables", IPv6: "ip6tables" };

/** What a mode does with iptables. */
export interface IptablesSteps {
  /** Single commands that come before the restore. */
  readonly commands: readonly Command[];
  readonly restore: Script;
}

export interface LoadOptions {
  readonly family: IPFamily;
  readonly backend: Backend;
  /** How a line is read (`readOnce` where several nodes are loaded). */
  readonly read?: RestoreOptions["read"];
}

/**
 * The tables of a node that was empty before kube-proxy's commands and its restore: both are applied as the tools do it.
 * `report` is told of anything the tools would refuse; what they took is in the result.
 */
export function loadCompiled(compiled: IptablesSteps, { family, backend, read }: LoadOptions, report: Report): Ruleset {
  const refuse = ({ message, code }: Diagnostic): void => {
    report({ severity: "warning", code, message: `${TOOLS[family]} would refuse these rules: ${message}` });
  };
  let ruleset = emptyRuleset;
  for (const command of compiled.commands) ruleset = applyCommand(ruleset, command, { family, backend }, refuse);
  const options = { family, backend, noflush: true, counters: true, ...(read === undefined ? {} : { read }) };
  return applyScript(ruleset, compiled.restore, options, refuse);
}
