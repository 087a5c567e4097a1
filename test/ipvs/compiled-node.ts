import { clusterNetwork } from "../../src/assembly/cluster-network.ts";
import { ipvsFamilyText, ipvsResults, nodeText } from "../../src/cli/compile-ipvs.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import type { HostFile } from "../../src/manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { readManifests, type Validation } from "../../src/manifest/read-manifests.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";
import type { NetworkNode } from "../../src/network/network.ts";
import { podNetworks } from "../../src/network/node-addresses.ts";
import { behind } from "../../src/network/node-host.ts";
import { parseIPVSCommands } from "../../src/rules/ipvs/parse-commands.ts";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";
import type { IPVSFamilyResult } from "../../src/view/family-result.ts";
import { sysctlText } from "../../src/view/ipvs-text.ts";
import { addressText } from "../routing/support.ts";
import { clientsOf, frontendsOf, routersOf } from "./compiled-ends.ts";
import { EmulatedNode } from "./emulated-node.ts";
import type { TestNode } from "./test-node.ts";

/** A cluster as it is given to rulewalk, with what only tests know of it. */
export interface ClusterGiven {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly validate: Validation;
  readonly config: KubeProxyConfiguration;
  readonly minor: number;
  readonly hostFile: (node: string, cluster: Cluster) => HostFile | undefined;
  /** The nodes that are asked about. */
  readonly nodes: readonly string[];
}

/** The texts of one family's iptables. */
interface FamilyTexts {
  readonly family: IPFamily;
  readonly commands: string;
  readonly restore: string;
  readonly save: string;
}

/** What `rulewalk compile --mode ipvs --backend legacy` prints for a node. */
export interface CompiledTexts {
  readonly ipvsadm: string;
  readonly listing: string;
  readonly ipset: string;
  readonly addresses: string;
  readonly sysctl: string;
  readonly families: readonly FamilyTexts[];
}

/** A node of a cluster as rulewalk makes it in ipvs mode: texts for the tools, and a host for the emulator. */
export interface CompiledNode extends TestNode {
  readonly minor: number;
  /** The first of its cluster. */
  readonly first: boolean;
  readonly results: readonly IPVSFamilyResult[];
  readonly texts: CompiledTexts;
  readonly network: NetworkNode;
}

function refuse({ severity, code, message }: Diagnostic): void {
  // what the API server would refuse is let in on purpose; what the tools would refuse is not
  if (severity === "error" || message.includes("would refuse these rules")) throw new Error(`${code}: ${message}`);
}

/** Why kube-proxy would not start so; `undefined` when it would. */
export function refusedConfig({ config, minor }: ClusterGiven): string | undefined {
  const { errors } = resolveKubeProxyConfig({ ...config, mode: "ipvs" }, { minor });
  return errors.length === 0 ? undefined : errors.map(({ detail }) => detail).join("; ");
}

function textsOf(results: readonly IPVSFamilyResult[]): CompiledTexts {
  const family = (result: IPVSFamilyResult, output: "commands" | "restore" | "save"): string =>
    ipvsFamilyText(result, output, "legacy", refuse);
  return {
    ipvsadm: nodeText(results, "ipvsadm", refuse),
    listing: nodeText(results, "ipvsadm-ln", refuse),
    ipset: nodeText(results, "ipset", refuse),
    addresses: nodeText(results, "addresses", refuse),
    sysctl: sysctlText(results),
    families: results.map((result) => ({
      family: result.state.family,
      commands: family(result, "commands"),
      restore: family(result, "restore"),
      save: family(result, "save"),
    })),
  };
}

/** Pods that no object names: what is far behind in each of a cluster's Pod networks. */
const STRANGERS = [200, 201];

/** A node of a cluster, compiled. */
export function compiledNode(given: ClusterGiven, node: string): CompiledNode {
  const { name, sources, validate, minor } = given;
  const manifests = readManifests(sources, { validate }, refuse);
  const cluster = buildCluster(manifests, { validate, minor, keepAbsent: validate === "ignore" }, refuse);
  const release = { minor };
  const config = resolveKubeProxyConfig({ ...given.config, mode: "ipvs" }, release).config as ResolvedConfig;
  const strangers = cluster.nodes.flatMap(({ value }) =>
    podNetworks(value).flatMap(({ network }) => STRANGERS.map((steps) => addressText(behind(network, steps)))),
  );
  const hostFile = (node: string): HostFile | undefined => given.hostFile(node, cluster);
  const askedFor = strangers.flatMap((text) => parseIP(text) ?? []);
  const options = {
    config,
    release,
    mode: "ipvs",
    backend: "legacy",
    pods: manifests.pods,
    askedFor,
    hostFile,
  } as const;
  const made = clusterNetwork(cluster, options, refuse);
  const network = made.network.node(node);
  if (network === undefined) throw new Error(`no Node ${node}`);
  const states = ipFamilies.flatMap((family) => made.proxy(node, family) ?? []);
  const results = ipvsResults(states, refuse);
  const clients = clientsOf(network, made, results, strangers);
  const pods = clients.filter(({ kind }) => kind === "pod" || kind === "other-pod");
  return {
    name: `${name} ${node} 1.${minor} ${results[0]?.state.ipvs.scheduler}`,
    minor,
    first: node === given.nodes[0],
    results,
    texts: textsOf(results),
    network,
    clients,
    frontends: frontendsOf(results),
    routers: routersOf(network),
    spare: (family) =>
      pods.flatMap(({ addresses }) => addresses.filter((text) => (family === "IPv6") === text.includes(":"))),
  };
}

/**
 * The emulated node: the host that `rulewalk trace` walks through. Virtual servers come in the order of the text that is loaded, which is
 * ipvsadm's: of one address and port it is kube-proxy's, or one of its random orders. There is no bridge in the guest.
 */
export function emulated({ network: { host }, texts }: Pick<CompiledNode, "network" | "texts">): EmulatedNode {
  const { ipvs: _, ...rest } = host;
  const timeouts = host.ipvs?.timeouts;
  const table = parseIPVSCommands({ name: "ipvsadm", text: texts.ipvsadm }, refuse);
  const interfaces = host.interfaces.map((each) => ({ ...each, bridge: false as const }));
  const ipvs = { ...table, ...(timeouts === undefined ? {} : { timeouts }) };
  return new EmulatedNode({ ...rest, interfaces, ipvs }, host.sets, true);
}
