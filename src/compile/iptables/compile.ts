import { portableSHA256, type SHA256Hex } from "../../net/sha256.ts";
import type { ProxyState } from "../../proxy/state.ts";
import type { Command, Script } from "../../rules/iptables/syntax.ts";
import { TextWriter } from "../../text/textwriter.ts";
import { addClassicServicePort } from "./classic.ts";
import type { IptablesContext } from "./context.ts";
import { addForwardRules, addLocalnetRule, addMasqueradeRules, addNodePortsTail } from "./fixed.ts";
import { jumpCommands } from "./jumps.ts";
import { addModernServicePort } from "./modern.ts";
import { chains } from "./names.ts";
import { ruleKinds } from "./provenance.ts";
import { type TableSink, TableText, TableTree } from "./table.ts";
import { type IptablesTraits, iptablesTraitsOf } from "./traits.ts";

/** kube-proxy's threshold of large-cluster mode (upstream `largeClusterEndpointsThreshold`). */
const LARGE_CLUSTER_ENDPOINTS = 1000;

export interface CompileIptablesOptions {
  /** A faster SHA-256 of the platform; the portable one when absent. */
  readonly sha256?: SHA256Hex;
}

/** What kube-proxy writes in a full sync on a node without any of its chains. */
export interface CompiledIptables {
  /** Single iptables commands that come before the restore: chains to jump to, and the jumps. */
  readonly commands: readonly Command[];
  /** The input of `iptables-restore --noflush --counters`. */
  readonly restore: Script;
  /** The two tables with the origin of each rule, in the order of the restore text: filter, nat. */
  readonly tables: readonly TableTree[];
}

function filterChains(traits: IptablesTraits, localnet: boolean): readonly string[] {
  return [
    chains.services,
    chains.externalServices,
    chains.forward,
    ...(traits.healthCheckAccept ? [chains.nodePorts] : []),
    ...(traits.proxyFirewallChain ? [chains.proxyFirewall] : []),
    ...(localnet ? [chains.kubeletFirewall] : []),
  ];
}

/** Writes all rules of a proxy state into the two tables, in kube-proxy's order (iptables-mode §3.2). */
function writeTables(state: ProxyState, filter: TableSink, nat: TableSink, options: CompileIptablesOptions): void {
  const traits = iptablesTraitsOf(state.release);
  const context: IptablesContext = {
    state,
    traits,
    sha256: options.sha256 ?? portableSHA256,
    filter,
    nat,
    largeCluster: state.endpointCount > LARGE_CLUSTER_ENDPOINTS,
  };
  const localnet = traits.localnetRule && state.localhostNodePorts;
  for (const chain of filterChains(traits, localnet)) filter.chain(chain);
  for (const chain of [chains.services, chains.nodePorts, chains.postrouting, chains.markMasq]) nat.chain(chain);
  addMasqueradeRules(nat, state, traits);
  if (localnet) addLocalnetRule(filter);
  const addServicePort = traits.classicLayout ? addClassicServicePort : addModernServicePort;
  for (const decision of state.ports) addServicePort(decision, context);
  addNodePortsTail(nat, state);
  addForwardRules(filter, state, traits);
}

/** The single commands of a full sync, for the state's release. */
export function iptablesCommands(state: ProxyState): readonly Command[] {
  return jumpCommands(iptablesTraitsOf(state.release));
}

/**
 * Spells a proxy state as iptables mode does: the text order is kube-proxy's own, with Services in the state's order
 * (upstream walks a map there). Linear in the rules.
 */
export function compileIptables(state: ProxyState, options: CompileIptablesOptions = {}): CompiledIptables {
  const filter = new TableTree("filter", ruleKinds);
  const nat = new TableTree("nat", ruleKinds);
  writeTables(state, filter, nat, options);
  return {
    commands: iptablesCommands(state),
    restore: { lines: [...filter.lines(), ...nat.lines()] },
    tables: [filter, nat],
  };
}

/**
 * The restore text alone, byte for byte `formatScript(compileIptables(state).restore)`: rules become text as they
 * are made, so that large clusters cost no tree.
 */
export function compileIptablesText(state: ProxyState, options: CompileIptablesOptions = {}): string {
  const filter = new TableText("filter");
  const nat = new TableText("nat");
  writeTables(state, filter, nat, options);
  const out = new TextWriter();
  filter.writeTo(out);
  nat.writeTo(out);
  return out.toString();
}
