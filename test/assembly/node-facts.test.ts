import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { clusterNetwork } from "../../src/assembly/cluster-network.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { formatIP } from "../../src/net/ip.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";

function fail({ severity, message }: Diagnostic): void {
  if (severity === "error") throw new Error(message);
}

const release = { minor: 37 };
const shop = new URL("../../../examples/shop/", import.meta.url);

function shopIn(mode: "iptables" | "ipvs", nodePortAddresses: readonly string[]) {
  const sources = readdirSync(shop)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => ({ name, text: readFileSync(new URL(name, shop), "utf8") }));
  const manifests = readManifests(sources, { validate: "strict" }, fail);
  const cluster = buildCluster(manifests, { validate: "strict", ...release }, fail);
  const { config } = resolveKubeProxyConfig({ mode, clusterCIDR: "10.244.0.0/16", nodePortAddresses }, release);
  if (config === undefined) throw new Error("the configuration is refused");
  return clusterNetwork(cluster, { config, release, mode, pods: manifests.pods }, fail);
}

test("kube-proxy sees the addresses that packets see: those of the overlay and of the Pods' gateway, too", (t) => {
  const { network, proxy } = shopIn("ipvs", []);
  const own = new Set(proxy("worker-1", "IPv4")?.ipvs.nodeAddresses);
  t.deepEqual(own, new Set(["192.168.10.11", "10.244.1.0", "10.244.1.1"]));
  const nodePorts = network
    .node("worker-1")
    ?.host.ipvs?.virtualServers.flatMap(({ key }) =>
      key.kind === "address" && key.port === 30443 && key.address.family === "IPv4" ? [formatIP(key.address)] : [],
    );
  t.deepEqual(new Set(nodePorts), own);
});

test("node-port addresses are looked for on all interfaces", (t) => {
  const addresses = shopIn("iptables", ["10.244.1.0/24"]).proxy("worker-1", "IPv4")?.nodePortAddresses;
  t.deepEqual(addresses, ["10.244.1.0", "10.244.1.1"]);
});
