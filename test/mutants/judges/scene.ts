import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { ipvsExtras } from "../../../src/assembly/node-rules.ts";
import { subjectsAt } from "../../../src/assembly/subjects.ts";
import type { Host } from "../../../src/kernel/host.ts";
import { isOwnAddress } from "../../../src/kernel/run.ts";
import type { HostFile } from "../../../src/manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../../../src/manifest/kubeproxy.ts";
import { type IPFamily, ipFamilies } from "../../../src/net/family.ts";
import { parseIP } from "../../../src/net/ip.ts";
import { addressOf } from "../../../src/network/addresses.ts";
import type { IPSet } from "../../../src/rules/ipset/model.ts";
import type { SubjectOf } from "../../../src/verify/equivalence/subject.ts";
import { type Mode, type Place, placeOf, type Setting } from "../../intent/place.ts";
import { withRules } from "../operators/fault.ts";

const scenarios = new URL("../../../../golden/scenarios/", import.meta.url);

/** The node that faults are put into. */
export const NODE = "worker-1";

/**
 * Scenarios that have among them each kind of rule, set and virtual server that kube-proxy writes, and no more: all are dual-stack and
 * have endpoints on the node and elsewhere.
 */
export const tenScenarios: Readonly<Record<string, string>> = {
  "three-protocols": "cluster IPs over TCP, UDP and SCTP",
  "no-endpoints": "what refuses, at each kind of address",
  "nodeport-addresses": "node ports on some of the node's addresses",
  "source-ranges": "a load balancer address that some networks reach, with the firewall's chains and sets",
  "both-policies-local": "internalTrafficPolicy and externalTrafficPolicy Local with endpoints here",
  "internal-local-none-here": "internalTrafficPolicy Local without endpoints here: what drops",
  "session-affinity-local": "ClientIP affinity of 15 minutes: lists of clients, persistence",
  "external-ips-local": "external IPs and node ports under externalTrafficPolicy Local",
  "loadbalancer-local-health-check": "a load balancer with externalTrafficPolicy Local and a health check port",
  "local-endpoint-terminating": "an endpoint here that terminates and serves",
};

/** A node of a golden scenario in one mode. */
export interface Scene {
  readonly scenario: string;
  readonly mode: Mode;
  readonly place: Place;
  readonly host: Host;
  readonly sets: readonly IPSet[];
  readonly subjectOf: SubjectOf;
}

const read = (scenario: string, name: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(new URL(`${scenario}/${name}`, scenarios), "utf8")).map((document) => document.toJS());

function settingOf(scenario: string): Setting {
  const files = readdirSync(new URL(`${scenario}/`, scenarios));
  const [file] = files.includes("host.yaml") ? read(scenario, "host.yaml") : [];
  return {
    objects: read(scenario, "cluster.yaml"),
    config: read(scenario, "kube-proxy.yaml")[0] as KubeProxyConfiguration,
    host: { node: NODE, file: (file ?? {}) as HostFile },
  };
}

/** The node of a scenario, with what kube-proxy 1.37 writes there in a mode. */
export function sceneOf(scenario: string, mode: Mode): Scene {
  const place = placeOf(settingOf(scenario), mode);
  const host = place?.network.node(NODE)?.host;
  if (place === undefined || host === undefined) throw new Error(`${scenario} has no ${NODE}`);
  const states = ipFamilies.flatMap((family) => place.proxy(NODE, family) ?? []);
  const isNode = (text: string): boolean => {
    const ip = parseIP(text);
    return ip !== undefined && isOwnAddress(host, addressOf(ip));
  };
  return {
    scenario,
    mode,
    place,
    host,
    sets: mode === "ipvs" ? ipvsExtras(states).sets : [],
    subjectOf: subjectsAt(place.cluster, NODE, isNode),
  };
}

/** A node that drops what no rule of a built-in chain of table filter accepts, as a firewall of its own has it. */
export function closed(host: Host, chain: string, family: IPFamily): Host {
  const ruleset = host.rules[family];
  const filter = ruleset.tables.get("filter");
  if (filter === undefined) return host;
  const before = filter.chains.get(chain) ?? { name: chain, rules: [] };
  const table = { ...filter, chains: new Map([...filter.chains, [chain, { ...before, policy: "DROP" }]]) };
  return withRules(host, family, { ...ruleset, tables: new Map([...ruleset.tables, [table.name, table]]) });
}
