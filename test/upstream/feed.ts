import { hash } from "node:crypto";
import { buildCluster } from "../../src/cluster/build.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { compileIptables, compileIptablesText } from "../../src/compile/iptables/compile.ts";
import type { HostFile } from "../../src/manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { nodeView } from "../../src/proxy/node.ts";
import { type ProxyState, proxyState } from "../../src/proxy/state.ts";
import { formatCommand, formatScript } from "../../src/rules/iptables/format.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { objectsOf, type Recorded, type RecordedNode } from "./records.ts";

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

/** One node of a cluster, as kube-proxy is asked about it. */
export interface Question {
  readonly minor: number;
  readonly objects: readonly unknown[];
  readonly config: KubeProxyConfiguration;
  readonly nodeName: string;
  readonly host: HostFile;
}

/** The question that a record's step answers. */
export function questionOf(record: Recorded, number = 0): Question {
  const { node, host, config } = record.request;
  const objects = objectsOf(record, number);
  const isAsked = (object: unknown): boolean => {
    const { kind, metadata } = object as { kind?: string; metadata?: { name?: string } };
    return kind === "Node" && metadata?.name === node.name;
  };
  const interfaces = node.interfaces.map(({ name, addrs }) => ({ name, addresses: addrs }));
  return {
    minor: record.minor,
    objects: objects.some(isAsked) ? objects : [nodeObject(node), ...objects],
    config: config as KubeProxyConfiguration,
    nodeName: node.name,
    host: { ...host, interfaces },
  };
}

/** Why kube-proxy would not start with this configuration; empty when it would. */
export function refusals({ config, minor }: Pick<Question, "config" | "minor">): readonly string[] {
  return resolveKubeProxyConfig(config, { minor }).errors.map(({ detail }) => detail);
}

export function readState({ minor, objects, config: written, nodeName, host }: Question, family: IPFamily): ProxyState {
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") unexpected(diagnostic);
  };
  const manifests = readManifests([{ name: "question", text }], { validate: "ignore" }, report);
  const cluster = buildCluster(manifests, { validate: "ignore", keepAbsent: true, minor }, report);
  const { config, errors } = resolveKubeProxyConfig(written, { minor });
  if (config === undefined) throw new Error(`configuration refused: ${errors.map(({ detail }) => detail).join("; ")}`);
  const own = cluster.nodes.find(({ value }) => value.metadata.name === nodeName);
  if (own === undefined) throw new Error(`no Node ${nodeName}`);
  return proxyState(cluster, {
    release: { minor },
    family,
    node: nodeView(own.value),
    config,
    host: {
      interfaces: (host.interfaces ?? []).map(({ name = "", addresses = [] }) => ({ name, addresses })),
      nfacct: {
        ctStateInvalidDropped: host.nfacct ?? false,
        localhostNodePortsAccepted: host.nfacct ?? false,
      },
      conntrackTCPLiberal: host.conntrackTCPLiberal ?? false,
      randomFully: host.randomFully ?? true,
    },
  });
}

/** Takes a question through the whole pipeline and compiles it for a family. */
export function answerTo(question: Question, family: IPFamily): OurAnswer {
  const state = readState(question, family);
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

/** Reads a record's request through the whole pipeline and compiles its first step for a family. */
export function ourAnswer(
  record: Recorded,
  family: IPFamily,
  shuffle: (objects: readonly unknown[]) => readonly unknown[] = (objects) => objects,
): OurAnswer {
  const question = questionOf(record);
  return answerTo({ ...question, objects: shuffle(question.objects) }, family);
}
