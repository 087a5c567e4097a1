import { readdirSync, readFileSync } from "node:fs";
import { type ClusterNetwork, clusterNetwork } from "../../src/assembly/cluster-network.ts";
import { subjectsAt } from "../../src/assembly/subjects.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import type { Host } from "../../src/kernel/host.ts";
import { withRules } from "../../src/kernel/make-host.ts";
import { isOwnAddress } from "../../src/kernel/run.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { parseIP } from "../../src/net/ip.ts";
import { addressOf } from "../../src/network/addresses.ts";
import type { Match } from "../../src/rules/iptables/model.ts";
import type { Chain, Table } from "../../src/rules/iptables/ruleset.ts";
import type { Side } from "../../src/verify/classes/space.ts";
import type { SubjectOf } from "../../src/verify/equivalence/subject.ts";

const scenarios = new URL("../../../golden/scenarios/", import.meta.url);
const release = { minor: 37 };

function fail({ severity, message }: { readonly severity: string; readonly message: string }): void {
  if (severity === "error") throw new Error(message);
}

/** A node of a golden scenario with the rules of two modes. */
export interface TwoSides {
  readonly sides: readonly [Side, Side];
  readonly subjectOf: SubjectOf;
}

/** How a scenario is changed. */
export interface Change {
  /** Settings of kube-proxy in place of its own. */
  readonly config?: KubeProxyConfiguration;
  /** No Service has endpoints. */
  readonly withoutEndpoints?: true;
  /** All Services have this port in place of theirs. */
  readonly port?: number;
  /** Rules that ask this set ask whether a packet is not in it. */
  readonly negatedSet?: string;
}

/** The host with a set asked the other way round. */
function withNegatedSet(host: Host, name: string): Host {
  const match = (each: Match): Match =>
    each.kind === "set" && each.set.value === name ? { ...each, set: { ...each.set, negated: true } } : each;
  const chain = (each: Chain): Chain => ({
    ...each,
    rules: each.rules.map((rule) => ({ ...rule, matches: rule.matches.map(match) })),
  });
  const table = ({ chains, ...rest }: Table): Table => ({
    ...rest,
    chains: new Map([...chains].map(([key, each]) => [key, chain(each)])),
  });
  const tables = new Map([...host.rules.IPv4.tables].map(([key, each]) => [key, table(each)]));
  return withRules(host, { ...host.rules, IPv4: { ...host.rules.IPv4, tables } });
}

/** `worker-1` of a scenario in iptables mode and in ipvs mode. */
export function sidesOf(
  scenario: string,
  { config: changed, withoutEndpoints, port, negatedSet }: Change = {},
): TwoSides {
  const node = "worker-1";
  const folder = new URL(`${scenario}/`, scenarios);
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith(".yaml") && name !== "host.yaml" && name !== "scenario.yaml")
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") }))
    .map(({ name, text }) => ({
      name,
      text: port === undefined ? text : text.replace(/\bport: 80\b/g, `port: ${port}`),
    }));
  const manifests = readManifests(sources, { validate: "ignore" }, fail);
  const built = buildCluster(manifests, { validate: "ignore" }, fail);
  const cluster = withoutEndpoints === true ? { ...built, endpointSlices: [] } : built;
  const written = { ...configurationsIn(manifests, fail).at(-1)?.value, ...changed };
  const network = (mode: "iptables" | "ipvs"): ClusterNetwork["network"] => {
    const { config } = resolveKubeProxyConfig({ ...written, mode }, release);
    if (config === undefined) throw new Error(scenario);
    return clusterNetwork(cluster, { config, release, mode, pods: manifests.pods }, fail).network;
  };
  const side = (mode: "iptables" | "ipvs"): Side => {
    const host = network(mode).node(node)?.host;
    if (host === undefined) throw new Error(`${scenario} has no ${node}`);
    return { name: mode, host: negatedSet === undefined ? host : withNegatedSet(host, negatedSet) };
  };
  const [left, right] = [side("iptables"), side("ipvs")];
  const subjectOf = subjectsAt(cluster, node, (text) => {
    const ip = parseIP(text);
    return ip !== undefined && isOwnAddress(left.host, addressOf(ip));
  });
  return { sides: [left, right], subjectOf };
}
