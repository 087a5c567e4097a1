import { portableSHA256, type SHA256Hex } from "../../net/sha256.ts";
import type { ProxyState } from "../../proxy/state.ts";
import type { Command, Script } from "../../rules/iptables/syntax.ts";
import { addClassicServicePort } from "./classic.ts";
import type { IptablesContext } from "./context.ts";
import { addForwardRules, addLocalnetRule, addMasqueradeRules, addNodePortsTail } from "./fixed.ts";
import { jumpCommands } from "./jumps.ts";
import { addModernServicePort } from "./modern.ts";
import { chains } from "./names.ts";
import { addChain, type TableDraft, tableDraft, tableLines } from "./table.ts";
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
  /** The two tables with the origin of each rule (`originOf`), in the order of the restore text. */
  readonly tables: readonly TableDraft[];
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

/**
 * Spells a proxy state as iptables mode does: the text order is kube-proxy's own, with Services in the state's order
 * (upstream walks a map there). Rules come out in linear time; see iptables-mode §3.2 for the shape.
 */
export function compileIptables(state: ProxyState, options: CompileIptablesOptions = {}): CompiledIptables {
  const traits = iptablesTraitsOf(state.release);
  const filter = tableDraft("filter");
  const nat = tableDraft("nat");
  const context: IptablesContext = {
    state,
    traits,
    sha256: options.sha256 ?? portableSHA256,
    filter,
    nat,
    largeCluster: state.endpointCount > LARGE_CLUSTER_ENDPOINTS,
  };
  const localnet = traits.localnetRule && state.localhostNodePorts;
  for (const chain of filterChains(traits, localnet)) addChain(filter, chain);
  for (const chain of [chains.services, chains.nodePorts, chains.postrouting, chains.markMasq]) addChain(nat, chain);
  addMasqueradeRules(nat, state, traits);
  if (localnet) addLocalnetRule(filter);
  const addServicePort = traits.classicLayout ? addClassicServicePort : addModernServicePort;
  for (const decision of state.ports) addServicePort(decision, context);
  addNodePortsTail(nat, state, traits);
  addForwardRules(filter, state, traits);
  const lines = tableLines(filter);
  for (const line of tableLines(nat)) lines.push(line);
  return { commands: jumpCommands(traits), restore: { lines }, tables: [filter, nat] };
}
