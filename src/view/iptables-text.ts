import { iptablesCommands } from "../compile/iptables/compile.ts";
import type { IPFamily } from "../net/family.ts";
import type { ProxyState } from "../proxy/state.ts";
import { formatCommand } from "../rules/iptables/format.ts";

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables", IPv6: "ip6tables" };

/** The single commands before the restore, one shell line each. */
export function commandsText(state: ProxyState): string {
  const tool = TOOLS[state.family];
  return iptablesCommands(state)
    .map((command) => `${tool} ${formatCommand(command)}\n`)
    .join("");
}
