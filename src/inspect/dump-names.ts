import { canonicalIP, formatIP } from "../net/ip.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { formatProtocol } from "../rules/iptables/protocols.ts";
import type { Ruleset } from "../rules/iptables/ruleset.ts";
import { maskLength } from "../rules/iptables/values.ts";
import { hashedKind, isKube } from "./chain-names.ts";
import { leadsTo } from "./dump.ts";
import { commentOf, readKubeComment } from "./explain-comments.ts";
import { KubeNames } from "./explain-names.ts";

/**
 * The Service ports behind addresses and chains of a dump, each `namespace/name:port` (`namespace/name` for a port without a
 * name); `undefined` where nothing tells. Addresses are texts in any spelling.
 */
export interface DumpNames {
  /** Of a cluster IP, an external IP or one of a load balancer; `protocol` is `tcp`, `udp` or `sctp`. */
  readonly frontend: (address: string, port: number, protocol: string) => string | undefined;
  /** Of a node port, at whatever address of the node. */
  readonly nodePort: (port: number, protocol: string) => string | undefined;
  /** Of a chain of kube-proxy with a hash in its name. */
  readonly chain: (name: string) => string | undefined;
  /** Of an endpoint; several that share it are joined by `, `. */
  readonly endpoint: (address: string, port: number) => string | undefined;
}

const NODE_PORT = "*";

/**
 * Recovers the names of Services from the rules of a dump, both families together: kube-proxy's comments tell them, and where
 * a chain has none, its name is the hash (iptables-mode §2.2) of a name that stands elsewhere in the rules, that every
 * cluster has, or that is `given` (`namespace/name:port`). Linear in the rules.
 */
export function dumpNames(rulesets: readonly Ruleset[], given: readonly string[] = []): DumpNames {
  const candidates = new Set(given);
  for (const rule of kubeRules(rulesets)) {
    const service = said(rule);
    if (service !== undefined) candidates.add(service);
  }
  const names = new KubeNames(candidates);
  for (const { tables } of rulesets)
    for (const { chains } of tables.values())
      for (const chain of chains.values()) if (isKube(chain.name)) names.learn(chain);
  const frontends = frontendsOf(rulesets, names);
  const endpoints = endpointsOf(rulesets, names);
  return {
    frontend: (address, port, protocol) => frontends.get(frontendKey(canonicalIP(address) ?? address, port, protocol)),
    nodePort: (port, protocol) => frontends.get(frontendKey(NODE_PORT, port, protocol)),
    chain: (name) => names.service(name)?.service,
    endpoint: (address, port) => endpoints.get(endpointText(canonicalIP(address) ?? address, port)),
  };
}

function* kubeRules(rulesets: readonly Ruleset[]): Generator<Rule> {
  for (const { tables } of rulesets)
    for (const { chains } of tables.values())
      for (const { name, rules } of chains.values()) if (isKube(name)) yield* rules;
}

function said(rule: Rule): string | undefined {
  const comment = commentOf(rule);
  return comment === undefined ? undefined : readKubeComment(comment)?.service;
}

const frontendKey = (address: string, port: number, protocol: string): string => `${protocol} ${address} ${port}`;
const endpointText = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

/** The one address that a rule asks for, `*` for none; `undefined` for a network. */
function addressOf({ destination }: Rule): string | undefined {
  if (destination === undefined) return NODE_PORT;
  if (destination.negated) return undefined;
  const { address, mask } = destination.value;
  return maskLength(mask) === (address.family === "IPv4" ? 32 : 128) ? formatIP(address) : undefined;
}

/** The one port that a rule asks for. */
function portOf({ matches }: Rule): number | undefined {
  for (const match of matches) {
    if (match.kind !== "tcp" && match.kind !== "udp" && match.kind !== "sctp") continue;
    const port = match.destination;
    if (port !== undefined && !port.negated && port.value.from === port.value.to) return port.value.from;
  }
  return undefined;
}

/** Chains whose rules ask for a port of the node when they ask for no address. */
const NODE_PORTS = /^KUBE-NODEPORT/;

/** Addresses and ports by the rules that ask for them; the first rule counts, as it does for packets. */
function frontendsOf(rulesets: readonly Ruleset[], names: KubeNames): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const rule of kubeRules(rulesets)) {
    const { chain, protocol } = rule;
    // what stands behind the dispatch asks for frontends no more, but for endpoints
    if (hashedKind(chain) === "SEP" || protocol === undefined || protocol.negated) continue;
    const address = addressOf(rule);
    const port = portOf(rule);
    if (address === undefined || port === undefined) continue;
    if (address === NODE_PORT && !NODE_PORTS.test(chain)) continue;
    const comment = commentOf(rule);
    const role = comment === undefined ? undefined : readKubeComment(comment)?.role;
    if (role === "health check") continue;
    const to = leadsTo(rule);
    const service =
      (to === undefined ? undefined : names.service(to)?.service) ?? said(rule) ?? names.service(chain)?.service;
    const key = frontendKey(address, port, formatProtocol(protocol.value));
    if (service !== undefined && !found.has(key)) found.set(key, service);
  }
  return found;
}

function endpointsOf(rulesets: readonly Ruleset[], names: KubeNames): ReadonlyMap<string, string> {
  const found = new Map<string, Set<string>>();
  for (const { tables } of rulesets)
    for (const { chains } of tables.values())
      for (const name of chains.keys()) {
        if (hashedKind(name) !== "SEP") continue;
        const endpoint = names.endpoint(name);
        const service = names.service(name)?.service;
        if (endpoint === undefined || service === undefined) continue;
        const services = found.get(endpoint);
        if (services === undefined) found.set(endpoint, new Set([service]));
        else services.add(service);
      }
  return new Map([...found].map(([endpoint, services]) => [endpoint, [...services].sort().join(", ")]));
}
