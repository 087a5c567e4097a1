import { hash } from "node:crypto";
import { plainClusterJSON } from "../src/cli/plain-cluster.ts";
import type { StageSubject } from "../src/cli/stage-times.ts";
import { buildCluster } from "../src/cluster/build.ts";
import type { Cluster } from "../src/cluster/cluster.ts";
import { resolveKubeProxyConfig } from "../src/cluster/kubeproxy-config.ts";
import { compileIptables, iptablesCommands } from "../src/compile/iptables/compile.ts";
import type { Manifests } from "../src/manifest/read-manifests.ts";
import { readManifests } from "../src/manifest/read-manifests.ts";
import type { SHA256Hex } from "../src/net/sha256.ts";
import type { ProxyStateOptions } from "../src/proxy/state.ts";
import { proxyState } from "../src/proxy/state.ts";
import { applyCommand, applyScript } from "../src/rules/iptables/restore.ts";
import { emptyRuleset } from "../src/rules/iptables/ruleset.ts";
import { formatSave } from "../src/rules/iptables/save.ts";
import type { Diagnostic } from "../src/text/diagnostic.ts";

export const sha256: SHA256Hex = (text) => hash("sha256", text, "hex");

/** Findings are faults here: what is measured must be what a clean input costs. */
export function refuse({ severity, message }: Diagnostic): void {
  if (severity === "error" || severity === "warning") throw new Error(message);
}

const release = { minor: 37 } as const;

function config(): ProxyStateOptions["config"] {
  const { config } = resolveKubeProxyConfig({ mode: "iptables", clusterCIDR: "10.128.0.0/9" }, release);
  if (config === undefined) throw new Error("the configuration of the benchmark is refused");
  return config;
}

/** A node of the plain cluster. */
export const options: ProxyStateOptions = {
  release,
  family: "IPv4",
  node: { name: "node-1", ips: [{ family: "IPv4", value: 0xc0a80002 }], zone: "zone-1", podCIDRs: [] },
  host: {
    interfaces: [],
    nfacct: { ctStateInvalidDropped: true, localhostNodePortsAccepted: true },
    conntrackTCPLiberal: false,
    randomFully: true,
  },
  config: config(),
};

/** A text of objects and that node, for the stages. */
export function subjectOf(text: string): StageSubject {
  return {
    sources: [{ name: "cluster.json", text }],
    build: { validate: "strict", minor: release.minor },
    states: [options],
    sha256,
  };
}

/** The objects of a text. */
export function manifestsOf(text: string): Manifests {
  return readManifests([{ name: "cluster.json", text }], { validate: "strict" }, refuse);
}

/** The plain cluster, read and checked. */
export function clusterOf(services: number, endpoints: number): Cluster {
  return buildCluster(manifestsOf(plainClusterJSON(services, endpoints)), { validate: "strict", ...release }, refuse);
}

/** What iptables-save prints on that node of a small plain cluster. */
export function saveText(services: number, endpoints: number): string {
  const how = { family: "IPv4", backend: "nft", noflush: true } as const;
  const state = proxyState(clusterOf(services, endpoints), options);
  const before = iptablesCommands(state).reduce((rules, each) => applyCommand(rules, each, how, refuse), emptyRuleset);
  return formatSave(applyScript(before, compileIptables(state, { sha256 }).restore, how, refuse), "IPv4", how);
}
