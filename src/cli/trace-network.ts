import { statSync } from "node:fs";
import { clusterNames } from "../assembly/cluster-names.ts";
import { type ClusterNetwork, clusterNetwork } from "../assembly/cluster-network.ts";
import type { AddressBook } from "../assembly/find-address.ts";
import { buildCluster } from "../cluster/build.ts";
import { readNodeDumps } from "../dump/node-dumps.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import { readHostFile } from "../manifest/hostfile.ts";
import { readManifests } from "../manifest/read-manifests.ts";
import type { IPAddress } from "../net/ip.ts";
import { dumpedNetwork } from "../network/dumped-network.ts";
import type { Network } from "../network/network.ts";
import { NetworkState } from "../network/network-state.ts";
import { nodeView } from "../proxy/node.ts";
import { formatRelease } from "../proxy/release.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import { namesOfDumps } from "../trace/dump-names.ts";
import type { Names } from "../trace/names.ts";
import {
  buildOptions,
  type ClusterOptions,
  clusterSources,
  reportEmpty,
  reportSkipped,
  reportStart,
  shownFacts,
} from "./cluster-input.ts";
import { checkMode, checkRelease, releaseOf, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { readSource } from "./read-input.ts";
import { UsageError } from "./terminal.ts";

/** The options that say which network a packet goes through. */
export interface NetworkOptions extends ClusterOptions {
  readonly dump?: readonly string[];
  readonly kubeVersion: string;
  readonly mode?: string;
  readonly backend: Backend;
  /** Do routers outside lead to Pods? Objects do not tell. */
  readonly routedPods?: boolean;
  readonly podNetwork: "overlay" | "direct";
}

/** A network to send packets through, and what it is told with. */
export interface TracedPlace {
  readonly network: Network;
  readonly state: NetworkState;
  readonly names: Names;
  /** Where names are looked up; absent for dumps. */
  readonly book?: AddressBook;
  readonly cluster?: ClusterNetwork;
  /** Words for the head of a trace. */
  readonly setting: string;
}

const ASSUMED = new Set(["interfaces-assumed", "gateway-assumed", "pod-routes-assumed"]);

/** Reports what was assumed about nodes once, in one note, unless every note is wanted. */
export function foldAssumptions(report: Report, verbose: boolean): Report {
  if (verbose) return report;
  let said = false;
  return (diagnostic: Diagnostic) => {
    if (!ASSUMED.has(diagnostic.code)) return report(diagnostic);
    if (said) return;
    said = true;
    const message =
      "objects do not tell the nodes' interfaces and routes: usual ones are assumed (--verbose lists them, --host tells better)";
    report({ severity: "note", code: "hosts-assumed", message });
  };
}

/** `NODE=FILE` or `FILE`. */
function dumpPath(text: string, fallback: string): { readonly node: string; readonly path: string } {
  const [, node, path] = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)=(.+)$/.exec(text) ?? [];
  if (node === undefined || path === undefined || statSync(text, { throwIfNoEntry: false }) !== undefined)
    return { node: fallback, path: text };
  return { node, path };
}

/** Nodes from dumps of their tools. */
export function placeFromDumps({ dump = [], node }: NetworkOptions, report: Report): TracedPlace {
  const paths = dump.map((text) => dumpPath(text, node ?? "node"));
  if (paths.filter(({ path }) => path === "-").length > 1)
    throw new UsageError("--dump -: standard input can be read only once");
  const byNode = new Map<string, Source[]>();
  for (const each of paths) {
    const source = readSource(each.path, report);
    if (source !== undefined) byNode.set(each.node, [...(byNode.get(each.node) ?? []), source]);
  }
  const nodes = [...byNode].map(([name, sources]) => readNodeDumps(sources, name, report));
  const { network, state } = dumpedNetwork(nodes);
  const message = "whoever is behind a node's interface is taken to reply, and by the same interface";
  report({ severity: "note", code: "replies-assumed", message });
  const backends = [...new Set(nodes.flatMap(({ host }) => host.backend ?? []))];
  const setting = `rules from ${nodes.length === 1 ? "a dump" : `dumps of ${nodes.length} nodes`}${backends.length === 1 ? ` (${backends[0]} back end)` : ""}`;
  return { network, state, names: namesOfDumps(network), setting };
}

function hostFileOf(
  { host, node }: NetworkOptions,
  report: Report,
): ((name: string) => HostFile | undefined) | undefined {
  if (host === undefined) return undefined;
  if (node === undefined) throw new UsageError("--host FILE needs --node: whose facts are they?");
  const source = readSource(host, report);
  const file = source === undefined ? undefined : readHostFile(source, report);
  return (name) => (name === node ? file : undefined);
}

/** Objects do not tell what ip_vs has done so far. */
function noteFresh(report: Report): void {
  const message =
    "the virtual servers are taken to have just been made: no connections, schedulers at their beginning, real servers added in the order of compile -o ipvsadm, which kube-proxy leaves to chance";
  report({ severity: "note", code: "virtual-servers-fresh", message });
}

/**
 * The nodes of a cluster, from objects. `askedFor` tells addresses that are taken to be Pods where they lie in a Pod network.
 * `undefined` after errors, which are reported; `"host shown"` when only the facts of a node were asked for.
 */
export function placeFromObjects(
  options: NetworkOptions,
  values: Readonly<Record<string, unknown>>,
  askedFor: (book: AddressBook) => readonly IPAddress[],
  report: Report,
): TracedPlace | "host shown" | undefined {
  const release = releaseOf(options.kubeVersion);
  const { validate, node, backend, routedPods, podNetwork } = options;
  const manifests = readManifests(clusterSources(options, report), { validate }, report);
  reportSkipped(manifests, report);
  reportEmpty(manifests, report);
  const cluster = buildCluster(manifests, buildOptions(options, release), report);
  const configured = kubeProxyConfig(manifests, options, values, release, report);
  if (configured === undefined) return undefined;
  const { config, written } = configured;
  const mode = options.mode ?? config.mode;
  checkMode(mode, ["iptables", "ipvs"]);
  checkRelease(release, mode);
  const emulated = mode === "ipvs" ? "ipvs" : "iptables";
  const names = cluster.nodes.map(({ value }) => value.metadata.name ?? "");
  if (names.length === 0)
    throw new UsageError("there is no Node among the objects: kubectl get nodes -o json tells them");
  if (node !== undefined && !names.includes(node))
    throw new UsageError(`--node ${node}: no such Node; known are ${names.join(", ")}`);
  for (const { value } of cluster.nodes)
    if (node === undefined || value.metadata.name === node)
      reportStart(config, nodeView(value), options.verbose === true, report);
  if (options.showHost === true) {
    const shown = cluster.nodes.find(({ value }) => value.metadata.name === (node ?? names[0]));
    if (shown === undefined || (node === undefined && names.length > 1))
      throw new UsageError(`--show-host needs --node; known are ${names.join(", ")}`);
    return shownFacts(options, nodeView(shown.value), config, report) === undefined ? undefined : "host shown";
  }
  if (emulated === "ipvs") noteFresh(report);
  const hostFile = hostFileOf(options, report);
  const book: AddressBook = { cluster, pods: manifests.pods };
  const made = clusterNetwork(
    cluster,
    {
      config: { ...config, mode: emulated },
      release,
      mode: emulated,
      backend,
      sha256,
      podNetwork,
      written,
      askedFor: askedFor(book),
      pods: manifests.pods,
      ...(hostFile === undefined ? {} : { hostFile }),
      ...(routedPods === undefined ? {} : { outsideRoutesPods: routedPods }),
    },
    foldAssumptions(report, options.verbose === true),
  );
  return {
    network: made.network,
    state: new NetworkState(),
    names: clusterNames(made, manifests.pods),
    book,
    cluster: made,
    setting: `kube-proxy ${formatRelease(release)}, mode ${mode}`,
  };
}
