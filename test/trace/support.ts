import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clusterNames } from "../../src/assembly/cluster-names.ts";
import { type ClusterNetwork, clusterNetwork } from "../../src/assembly/cluster-network.ts";
import { findAddress } from "../../src/assembly/find-address.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { makePacket, type Packet, protocols } from "../../src/kernel/packet.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { type Sender, senderOf } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import type { Names } from "../../src/trace/names.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A cluster of the repository, ready to trace in. */
export interface TracePlace {
  readonly made: ClusterNetwork;
  readonly names: Names;
  readonly place: { readonly network: ClusterNetwork["network"]; readonly state: NetworkState };
  /** From and to as the command line takes them. */
  readonly packet: (from: string, to: string, protocol?: keyof typeof protocols) => Packet;
  readonly sender: (packet: Packet) => Sender | undefined;
}

/** Folders of the golden scenarios. */
export const scenarios: readonly string[] = readdirSync(join(root, "golden/scenarios")).sort();

/** Reads a folder's objects, or those of a golden scenario. */
export function tracePlace(folder: string): TracePlace {
  const report = ({ severity, message }: { readonly severity: string; readonly message: string }): void => {
    if (severity === "error") throw new Error(message);
  };
  const sources = readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".yaml") && name !== "host.yaml" && name !== "scenario.yaml")
    .map((name) => ({ name, text: readFileSync(join(root, folder, name), "utf8") }));
  const manifests = readManifests(sources, { validate: "ignore" }, report);
  const cluster = buildCluster(manifests, { validate: "ignore" }, report);
  const release = { minor: 37 };
  const { config } = resolveKubeProxyConfig(configurationsIn(manifests, report).at(-1)?.value ?? {}, release);
  if (config === undefined) throw new Error(folder);
  const made = clusterNetwork(cluster, { config, release, pods: manifests.pods }, report);
  const book = { cluster, pods: manifests.pods };
  const end = (text: string) => {
    const found = findAddress(book, text);
    if (found.kind === "not-found") throw new Error(found.message);
    return found;
  };
  return {
    made,
    names: clusterNames(made, manifests.pods),
    place: { network: made.network, state: new NetworkState() },
    packet: (from, to, protocol = "tcp") => {
      const [source, target] = [end(from), end(to)];
      return makePacket({
        family: target.family,
        src: source.address,
        dst: target.address,
        protocol: protocols[protocol],
        sport: source.port ?? 40000,
        dport: target.port ?? 0,
      });
    },
    sender: (packet) => senderOf(made.network, packet.src),
  };
}
