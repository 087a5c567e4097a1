import { type CompiledIptables, compileIptables } from "../compile/iptables/compile.ts";
import { loadCompiled } from "../compile/iptables/load-compiled.ts";
import { type CompiledIPVS, compileIPVS } from "../compile/ipvs/compile.ts";
import { loadSet } from "../compile/ipvs/sets.ts";
import { defaultIPVSSwitches, type IPVSSwitches } from "../kernel/ipvs/switches.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import type { SHA256Hex } from "../net/sha256.ts";
import type { NodeExtras } from "../network/network.ts";
import type { ProxyState } from "../proxy/state.ts";
import type { RestoreOptions } from "../rules/iptables/restore.ts";
import type { Backend, Ruleset } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import { type RulePlace, type RuleReason, reasonFinder } from "../view/rule-reasons.ts";

/** Modes that are compiled and emulated. */
export type EmulatedMode = "iptables" | "ipvs";

/** Why a rule is there, in any mode. */
export type AnyReason = RuleReason<string>;

export interface RulesContext {
  readonly mode: EmulatedMode;
  readonly backend: Backend;
  readonly sha256?: SHA256Hex | undefined;
  readonly read: NonNullable<RestoreOptions["read"]>;
}

function compile(state: ProxyState, { mode, sha256 }: RulesContext): CompiledIptables | CompiledIPVS {
  return mode === "ipvs" ? compileIPVS(state) : compileIptables(state, sha256 === undefined ? {} : { sha256 });
}

/** The iptables rules that kube-proxy writes for a family on a node that had none. */
export function nodeRules(state: ProxyState, context: RulesContext, report: Report): Ruleset {
  const { backend, read } = context;
  return loadCompiled(compile(state, context), { family: state.family, backend, read }, report);
}

/** Finds why a rule is on the node. */
export function nodeReasons(
  state: ProxyState,
  context: RulesContext,
  written: Located<KubeProxyConfiguration> | undefined,
): (place: RulePlace) => AnyReason | undefined {
  if (context.mode === "ipvs") return reasonFinder(compileIPVS(state), written);
  return reasonFinder(compileIptables(state, context.sha256 === undefined ? {} : { sha256: context.sha256 }), written);
}

/** `net/ipv4/vs/*` as kube-proxy sets them; the kernel's own for the rest. */
export function ipvsSwitches({ sysctls }: CompiledIPVS): IPVSSwitches {
  const value = (name: string): number | undefined =>
    sysctls.find((each) => each.name === `net/ipv4/vs/${name}`)?.value;
  const { connReuseMode } = defaultIPVSSwitches;
  return {
    ...defaultIPVSSwitches,
    conntrack: value("conntrack") === 1,
    connReuseMode: value("conn_reuse_mode") ?? connReuseMode,
    expireNodestConn: value("expire_nodest_conn") === 1,
    expireQuiescentTemplate: value("expire_quiescent_template") === 1,
  };
}

/** What ipvs mode makes on a node besides rules, of both families together. */
export function ipvsExtras(states: readonly ProxyState[]): NodeExtras {
  const compiled = states.map(compileIPVS);
  const timeouts = compiled.find(({ table }) => table.timeouts !== undefined)?.table.timeouts;
  return {
    bound: compiled.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
    ipvs: {
      virtualServers: compiled.flatMap(({ table }) => table.virtualServers),
      ...(timeouts === undefined ? {} : { timeouts }),
    },
    sets: compiled.flatMap(({ sets }) => sets.map(loadSet)),
    switches: compiled[0] === undefined ? defaultIPVSSwitches : ipvsSwitches(compiled[0]),
  };
}
