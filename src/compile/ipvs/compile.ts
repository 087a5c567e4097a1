import type { ProxyState } from "../../proxy/state.ts";
import type { Command, Script } from "../../rules/iptables/syntax.ts";
import type { IPVSTable } from "../../rules/ipvs/model.ts";
import { TableTree } from "../iptables/table.ts";
import { type IPVSFinding, ipvsFindings } from "./findings.ts";
import { chainLines, ipvsCommands } from "./jumps.ts";
import { type IPVSRuleKind, ipvsRuleKinds } from "./provenance.ts";
import { addRules } from "./rules.ts";
import { type BoundAddress, type CompiledServer, ServerCollector } from "./servers.ts";
import { addServicePort, type IPVSContext, type NodeAccess } from "./serviceport.ts";
import { type CompiledSet, WantedSets } from "./sets.ts";
import { ipvsSysctls, type Sysctl } from "./sysctls.ts";
import { ipvsTraitsOf } from "./traits.ts";

/** What kube-proxy in ipvs mode makes of one family on a node without anything of it. */
export interface CompiledIPVS {
  /** Single iptables commands that come before the restore: chains, and jumps to them. */
  readonly commands: readonly Command[];
  /** The input of `iptables-restore --noflush --counters`. */
  readonly restore: Script;
  /** The two tables with the origin of each rule, in the order of the restore text: nat, filter. */
  readonly tables: readonly TableTree<IPVSRuleKind>[];
  /** In the order in which they are made; `table` has the same without origins. */
  readonly servers: readonly CompiledServer[];
  readonly table: IPVSTable;
  /** In canonical order, empty ones too. */
  readonly sets: readonly CompiledSet[];
  /** What is bound to `kube-ipvs0`, in the order of binding. */
  readonly addresses: readonly BoundAddress[];
  readonly sysctls: readonly Sysctl[];
  /** Where ipvs mode does what a reader of the objects would not think of. */
  readonly findings: readonly IPVSFinding[];
}

/**
 * Spells a proxy state as ipvs mode does in its first sync (ipvs-mode §3–§6): virtual servers with their real servers,
 * sets, the iptables rules, the addresses of `kube-ipvs0` and kernel settings. Services are gone through in the state's
 * order, where upstream walks a map. Linear in what is made.
 */
export function compileIPVS(state: ProxyState): CompiledIPVS {
  const traits = ipvsTraitsOf(state.release);
  const sets = new WantedSets(state.family, traits);
  const servers = new ServerCollector();
  const nodeAccess: NodeAccess[] = [];
  const nodeAddresses = new Set(state.ipvs.nodeAddresses);
  const context: IPVSContext = { state, traits, sets, servers, nodeAddresses, nodeAccess };
  for (const decision of state.ports) addServicePort(decision, context);
  const addresses = servers.bound();
  for (const { text, origin } of addresses) sets.add("ipvsIPs", { ip: text }, origin);
  const nat = new TableTree<IPVSRuleKind>("nat", ipvsRuleKinds);
  const filter = new TableTree<IPVSRuleKind>("filter", ipvsRuleKinds);
  const chains = chainLines(traits);
  for (const chain of chains.nat) nat.chain(chain);
  for (const chain of chains.filter) filter.chain(chain);
  addRules({ state, traits, sets, nat, filter, nodeAccess });
  const made = servers.servers();
  const { timeouts } = state.ipvs;
  return {
    commands: ipvsCommands(traits),
    restore: { lines: [...nat.lines(), ...filter.lines()] },
    tables: [nat, filter],
    servers: made,
    table: { virtualServers: made.map(({ server }) => server), ...(timeouts !== undefined && { timeouts }) },
    sets: sets.sets(),
    addresses,
    sysctls: ipvsSysctls(state, traits),
    findings: ipvsFindings(state, servers.collisions(), addresses),
  };
}
