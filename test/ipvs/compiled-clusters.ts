import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { verifiedIPVSReleases } from "../../src/compile/ipvs/traits.ts";
import { scenarioFiles } from "../../src/golden/scenario.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import type { WeightChanges } from "../../src/sample/weights.ts";
import type { Source } from "../../src/text/diagnostic.ts";
import { hostFiles } from "../network/support.ts";
import { cellObjects } from "./cell-cluster.ts";
import { type ClusterGiven, refusedConfig } from "./compiled-node.ts";
import { certainSchedulers } from "./test-node.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const NEWEST = 37;

const schedulerOf = (i: number): string => certainSchedulers[i % certainSchedulers.length] as string;

function listSource(name: string, items: readonly unknown[]): Source {
  return { name, text: JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
}

function goldenCluster(name: string, i: number): ClusterGiven {
  const folder = `golden/scenarios/${name}`;
  const read = (file: string): Source => ({ name: file, text: readFileSync(`${ROOT}${folder}/${file}`, "utf8") });
  const files = scenarioFiles.filter((file) => existsSync(`${ROOT}${folder}/${file}`)).map(read);
  const settings = files.find(({ name: file }) => file === "scenario.yaml")?.text ?? "";
  const validate = /^validate: ignore$/m.test(settings) ? "ignore" : "strict";
  const sources = files.filter(({ name: file }) => file === "cluster.yaml" || file === "kube-proxy.yaml");
  const manifests = readManifests(sources, { validate }, () => undefined);
  const written = configurationsIn(manifests, () => undefined);
  const config = written.at(-1)?.value ?? {};
  return {
    name: `golden ${name}`,
    sources,
    validate,
    config: { ...config, ipvs: { scheduler: schedulerOf(i), ...config.ipvs } },
    minor: NEWEST,
    nodes: manifests.nodes.map(({ value }) => value.metadata.name ?? ""),
    hostFile: (node, cluster) => hostFiles(folder, cluster, () => undefined)(node),
  };
}

/** The clusters of all golden scenarios, in ipvs mode; where a configuration names no scheduler, each in turn has another. */
export function goldenClusters(): readonly ClusterGiven[] {
  return readdirSync(`${ROOT}golden/scenarios`).sort().map(goldenCluster);
}

/** The cluster of every kind of destination, with each scheduler. */
export function cellClusters(): readonly ClusterGiven[] {
  return certainSchedulers.map((scheduler) => ({
    name: "cells",
    sources: [listSource("cells", cellObjects())],
    validate: "strict",
    config: { ipvs: { scheduler }, clusterCIDR: "10.244.0.0/16,fd00:10:244::/48" },
    minor: NEWEST,
    nodes: ["worker-1", "worker-2"],
    hostFile: () => undefined,
  }));
}

/**
 * More Services that work, and more of SCTP, than the mix for comparing texts has. What the API server never lets into a slice is left out: of
 * an address of another family the compiler says itself that it does not know what the kernel makes of it.
 */
const WEIGHTS: WeightChanges = {
  "service.type": { ExternalName: 0 },
  "service.clusterIP": { None: 0, absent: 0 },
  "service.ports": { none: 0 },
  "service.affinity": { None: 2, "default time": 1, "own time": 1 },
  "port.protocol": { TCP: 2, UDP: 2, SCTP: 2 },
  "slice.label": { headless: 0, "proxy-name": 0, "no service": 0 },
  "slice.addressType": { FQDN: 0, other: 0 },
  "slice.ports": { none: 0, "no number": 0, "other name": 0, "other protocol": 0 },
  "slice.state": { ready: 8, mixed: 3, terminating: 2, unready: 1, "none ready": 1 },
  "endpoint.address": { "other family": 0, mapped: 0, none: 0, broken: 0 },
  "service.spelling": { mapped: 0 },
};

function ipvsConfig(i: number, random: Random): NonNullable<KubeProxyConfiguration["ipvs"]> {
  return {
    scheduler: schedulerOf(i),
    ...(random.chance(0.3) && { strictARP: random.chance(0.7) }),
    ...(random.chance(0.2) && { excludeCIDRs: [random.pick(["10.96.0.0/16", "fd00::/8"])] }),
    ...(random.chance(0.3) && {
      tcpTimeout: random.pick(["90.5s", "0s", "30m"]),
      udpTimeout: random.pick(["0s", "70s"]),
    }),
  };
}

/** So many sampled clusters: every second one of the newest release, the others of each that is modelled in turn. */
export function sampledClusters(seed: string, count: number): readonly ClusterGiven[] {
  const found: ClusterGiven[] = [];
  for (let i = 0; found.length < count; i++) {
    const name = `sample ${seed}/${i}`;
    const sample = sampleCluster(name, {
      services: { from: 3, to: 6 },
      endpoints: { from: 1, to: 4 },
      weights: WEIGHTS,
    });
    const older = verifiedIPVSReleases[(i >> 1) % verifiedIPVSReleases.length]?.minor ?? NEWEST;
    const given: ClusterGiven = {
      name,
      sources: [listSource(name, sample.objects)],
      validate: "ignore",
      config: { ...sample.config, ipvs: ipvsConfig(i, seededRandom(name)) },
      minor: i % 2 === 0 ? NEWEST : older,
      hostFile: (node) => (node === sample.nodeName ? sample.host : undefined),
      nodes: [sample.nodeName],
    };
    if (refusedConfig(given) === undefined) found.push(given);
  }
  return found;
}
