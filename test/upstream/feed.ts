import { hash } from "node:crypto";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { compileIptables, compileIptablesText } from "../../src/compile/iptables/compile.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { nodeView } from "../../src/proxy/node.ts";
import { type ProxyState, proxyState } from "../../src/proxy/state.ts";
import { formatCommand, formatScript } from "../../src/rules/iptables/format.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { firstObjects, type Recorded, type RecordedNode } from "./records.ts";

/** What we write where the record holds what kube-proxy wrote. */
export interface OurAnswer {
  readonly state: ProxyState;
  readonly commands: readonly string[];
  readonly restore: string;
  readonly kinds: readonly string[];
  readonly healthCheck: Readonly<Record<string, unknown>>;
}

/** The record's node as a Node object; it stands in where the record's objects have none of that name. */
function nodeObject({ name, ips, labels, podCIDRs }: RecordedNode): unknown {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: labels ?? {} },
    spec: { podCIDRs },
    status: { addresses: ips.map((address) => ({ type: "InternalIP", address })) },
  };
}

/** Fails on anything that was reported: records hold nothing that a cluster would not. */
function unexpected(diagnostic: Diagnostic): never {
  throw new Error(`${diagnostic.field ?? ""}: ${diagnostic.message}`);
}

function readState(
  record: Recorded,
  family: IPFamily,
  shuffle: (objects: readonly unknown[]) => readonly unknown[],
): ProxyState {
  const { node, host, config: written } = record.request;
  const items = shuffle([...firstObjects(record)]);
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: [nodeObject(node), ...items] });
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") unexpected(diagnostic);
  };
  const manifests = readManifests([{ name: record.name, text }], { validate: "ignore" }, report);
  const cluster = buildCluster(manifests, { validate: "ignore", keepAbsent: true, minor: record.minor }, report);
  const { config, errors } = resolveKubeProxyConfig(written as KubeProxyConfiguration, { minor: record.minor });
  if (config === undefined) throw new Error(`configuration refused: ${errors.map(({ detail }) => detail).join("; ")}`);
  const own = cluster.nodes.find(({ value }) => value.metadata.name === node.name);
  if (own === undefined) throw new Error(`no Node ${node.name}`);
  return proxyState(cluster, {
    release: { minor: record.minor },
    family,
    node: nodeView(own.value),
    config,
    host: {
      interfaces: node.interfaces.map(({ name, addrs }) => ({ name, addresses: addrs })),
      nfacct: {
        ctStateInvalidDropped: host?.nfacct ?? false,
        localhostNodePortsAccepted: host?.nfacct ?? false,
      },
      conntrackTCPLiberal: host?.conntrackTCPLiberal ?? false,
      randomFully: host?.randomFully ?? true,
    },
  });
}

/** Reads a record's request through the whole pipeline and compiles its first step for a family. */
export function ourAnswer(
  record: Recorded,
  family: IPFamily,
  shuffle: (objects: readonly unknown[]) => readonly unknown[] = (objects) => objects,
): OurAnswer {
  const state = readState(record, family, shuffle);
  const sha256 = (text: string): string => hash("sha256", text, "hex");
  const compiled = compileIptables(state, { sha256 });
  const restore = formatScript(compiled.restore);
  if (restore !== compileIptablesText(state, { sha256 })) throw new Error("the two ways to the restore text differ");
  return {
    state,
    commands: compiled.commands.map(formatCommand),
    restore,
    kinds: compiled.tables.flatMap((table) => table.rules.map((_, i) => table.origin(i)?.kind ?? "unknown")),
    healthCheck: Object.fromEntries(state.health),
  };
}
