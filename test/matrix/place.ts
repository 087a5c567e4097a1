import { type ClusterNetwork, clusterNetwork } from "../../src/assembly/cluster-network.ts";
import type { EmulatedMode } from "../../src/assembly/node-rules.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { assumedAddresses, matrixSources, type Source } from "../../src/matrix/sources.ts";
import type { Diagnostic, Source as Text } from "../../src/text/diagnostic.ts";

/** A cluster's network with kube-proxy 1.37 on every node, and the columns of its matrix. */
export interface MatrixPlace {
  readonly place: ClusterNetwork;
  readonly sources: readonly Source[];
}

/** Builds it from the texts of objects. */
export function matrixPlace(texts: readonly Text[], mode: EmulatedMode = "iptables"): MatrixPlace {
  const report = ({ severity, message }: Diagnostic): void => {
    if (severity === "error") throw new Error(message);
  };
  const manifests = readManifests(texts, { validate: "strict" }, report);
  const cluster = buildCluster(manifests, { validate: "ignore" }, report);
  const release = { minor: 37 };
  const written = { ...configurationsIn(manifests, report).at(-1)?.value, mode };
  const config = resolveKubeProxyConfig(written, release).config as ResolvedConfig;
  const sources = matrixSources(cluster, manifests.pods);
  const askedFor = assumedAddresses(sources);
  const place = clusterNetwork(cluster, { config, mode, release, pods: manifests.pods, askedFor }, report);
  return { place, sources };
}
