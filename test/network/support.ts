import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type EmulatedMode, ipvsExtras, nodeRules } from "../../src/assembly/node-rules.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { makePacket, type Packet } from "../../src/kernel/packet.ts";
import { type HostFile, readHostFile } from "../../src/manifest/hostfile.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { formatDyadic } from "../../src/net/dyadic.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import type { End } from "../../src/network/end.ts";
import type { Journey, JourneyBranch } from "../../src/network/journey.ts";
import { makeNetwork, type Network, type NetworkOptions, type NodeExtras } from "../../src/network/network.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { nodeAddresses } from "../../src/network/node-addresses.ts";
import { nodeInterfaces } from "../../src/network/node-host.ts";
import type { Way } from "../../src/network/way.ts";
import { usualHostFacts } from "../../src/proxy/host-facts.ts";
import { nodeView } from "../../src/proxy/node.ts";
import { type ProxyState, proxyState } from "../../src/proxy/state.ts";
import { readOnce } from "../../src/rules/iptables/read-once.ts";
import type { Backend, Ruleset } from "../../src/rules/iptables/ruleset.ts";
import type { Diagnostic, Report } from "../../src/text/diagnostic.ts";
import { readEnd, readFlags, readProtocol } from "../flows/packet-text.ts";
import { addressText } from "../routing/support.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** A cluster's network with kube-proxy's rules of 1.37 on every node. */
export interface Place {
  readonly network: Network;
  readonly state: NetworkState;
  readonly cluster: Cluster;
  /** What kube-proxy decides on a node. */
  readonly proxy: (node: string, family: IPFamily) => ProxyState;
  readonly rules: (node: string, family: IPFamily) => Ruleset;
  /** What ipvs mode makes on a node besides rules; `undefined` in iptables mode. */
  readonly extras?: (node: string) => NodeExtras;
  readonly found: readonly Diagnostic[];
}

export interface PlaceSettings extends Partial<Pick<NetworkOptions, "outsideRoutesPods" | "hostFile">> {
  /** A text in the objects, and what stands there instead. */
  readonly edit?: readonly [from: string, to: string];
  /** nft unless given. */
  readonly backend?: Backend;
  /** iptables unless given. */
  readonly mode?: EmulatedMode;
  /** By how many places each virtual server's round has moved on. */
  readonly turn?: number;
}

/** What a folder's `host.yaml` says about a node: its interfaces are those of the node that has their addresses. */
export function hostFiles(folder: string, cluster: Cluster, report: Report): (node: string) => HostFile | undefined {
  const path = join(ROOT, folder, "host.yaml");
  if (!existsSync(path)) return () => undefined;
  const file = readHostFile({ name: path, text: readFileSync(path, "utf8") }, report);
  if (file?.interfaces === undefined) return () => file;
  const { interfaces, ...rest } = file;
  const listed = new Set(interfaces.flatMap(({ addresses = [] }) => addresses.map((text) => text.split("/")[0] ?? "")));
  return (name) => {
    const node = cluster.nodes.find(({ value }) => value.metadata.name === name)?.value;
    const own = node === undefined ? [] : nodeAddresses(node);
    return own.some((ip) => listed.has(formatIP(ip))) ? file : rest;
  };
}

/** With each list of real servers turned, so that round robin begins `by` places further on. */
function turned(extras: NodeExtras, by: number): NodeExtras {
  const turn = <T>(list: readonly T[]): readonly T[] => {
    const at = list.length === 0 ? 0 : by % list.length;
    // the kernel puts each new one in front: the round goes from the last to the first
    return [...list.slice(list.length - at), ...list.slice(0, list.length - at)];
  };
  const virtualServers = extras.ipvs.virtualServers.map((each) => ({ ...each, realServers: turn(each.realServers) }));
  return { ...extras, ipvs: { ...extras.ipvs, virtualServers } };
}

/** Builds the network of a folder of objects; `asked`: Pods that no object names. */
export function placeOf(folder: string, asked: readonly string[] = [], settings: PlaceSettings = {}): Place {
  const { edit, backend = "nft", mode = "iptables", turn = 0, ...options } = settings;
  const found: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") throw new Error(diagnostic.message);
    found.push(diagnostic);
  };
  const sources = readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".yaml") && name !== "host.yaml" && name !== "scenario.yaml")
    .map((name) => ({ name, text: readFileSync(join(ROOT, folder, name), "utf8") }))
    .map(({ name, text }) => ({ name, text: edit === undefined ? text : text.replaceAll(...edit) }));
  const scenario = join(ROOT, folder, "scenario.yaml");
  const lenient = existsSync(scenario) && /^validate: ignore$/m.test(readFileSync(scenario, "utf8"));
  const validate = lenient ? "ignore" : "strict";
  const manifests = readManifests(sources, { validate }, report);
  const cluster = buildCluster(manifests, { validate }, report);
  const release = { minor: 37 };
  const written = { ...configurationsIn(manifests, report).at(-1)?.value, mode };
  const config = resolveKubeProxyConfig(written, release).config as ResolvedConfig;
  const hostFile = options.hostFile ?? hostFiles(folder, cluster, report);
  const askedFor = asked.flatMap((text) => parseIP(text) ?? []);
  const known = { config, release, pods: manifests.pods, askedFor, ...options, hostFile };
  const proxy = (name: string, family: IPFamily): ProxyState => {
    const object = cluster.nodes.find(({ value }) => value.metadata.name === name);
    if (object === undefined) throw new Error(name);
    const node = nodeView(object.value);
    const file = hostFile(name) ?? {};
    // what kube-proxy sees of a node is what packets see
    const interfaces = nodeInterfaces(cluster, name, { ...known, hostFile: file });
    const host = { ...usualHostFacts(file, node, config, report), interfaces };
    return proxyState(cluster, { release, family, node, host, config });
  };
  const context = { mode, backend, read: readOnce() };
  const rulesOf = (node: string, family: IPFamily): Ruleset => nodeRules(proxy(node, family), context, report);
  const extras = (node: string): NodeExtras =>
    turned(ipvsExtras(ipFamilies.map((family) => proxy(node, family))), turn);
  const rules = (node: string) => ({ IPv4: rulesOf(node, "IPv4"), IPv6: rulesOf(node, "IPv6") });
  const own = mode === "ipvs" ? { extras } : {};
  const network = makeNetwork(cluster, { ...known, rules, backend, ...own }, report);
  return { network, state: new NetworkState(), cluster, proxy, rules: rulesOf, ...own, found };
}

/** `PROTOCOL SRC > DST [FLAGS] [ttl N]`; ports where the protocol has them. */
export function packetOf(text: string): Packet {
  const [protocol, from = "", , to = "", ...more] = text.split(" ");
  const [source, destination] = [readEnd(from), readEnd(to)];
  const number = (port: typeof source.port): number => (typeof port === "number" ? port : 0);
  const flags = more[0] === undefined || more[0] === "ttl" ? undefined : readFlags(more[0]);
  const ttl = more.indexOf("ttl");
  return makePacket({
    family: source.family,
    src: source.address,
    dst: destination.address,
    protocol: readProtocol(protocol, source.family),
    sport: number(source.port),
    dport: number(destination.port),
    icmpId: protocol === "icmp" ? 7 : 0,
    ...(flags === undefined ? {} : { flags }),
    ...(ttl < 0 ? {} : { ttl: Number(more[ttl + 1]) }),
  });
}

const bracket = (text: string): string => (text.includes(":") ? `[${text}]` : text);

function side(address: Packet["src"], port: number, drawn = false): string {
  const text = addressText(address);
  if (drawn) return `${bracket(text)}:drawn`;
  return port === 0 ? text : `${bracket(text)}:${port}`;
}

function endText(end: End): string {
  switch (end.kind) {
    case "pod":
      return `pod on ${end.node}`;
    case "host":
      return `host ${end.node}`;
    case "outside":
      return end.node === undefined ? "outside" : `outside from ${end.node}`;
    case "nobody":
      return `nobody: ${end.why}`;
    case "dropped":
      return `dropped on ${end.node} by ${end.cause.kind === "rule" ? end.cause.rule.chain : end.cause.kind}`;
    case "rejected":
      return `rejected on ${end.node} by ${end.rule.chain}`;
    case "no-route":
      return `no route on ${end.node}`;
    case "stuck":
      return `stuck on ${end.node}`;
    case "unknown":
      return `unknown: ${end.what.what}`;
  }
}

/** `NODE,NODE END SRC > DST`, and what was sent meanwhile behind `!`. */
function wayText({ legs, end, packet, sourcePortOf, answers }: Way): string {
  const nodes = legs.map(({ node }) => node).join(",");
  const looks = `${side(packet.src, packet.sport, sourcePortOf !== undefined)} > ${side(packet.dst, packet.dport)}`;
  const rest = answers.map((answer) => ` ! from ${answer.from} ${wayText(answer).trim()}`).join("");
  return `${nodes === "" ? "" : `${nodes} `}${endText(end)} ${looks}${rest}`;
}

/** There, and back behind `|`. */
export function journeyText({ there, reply }: Journey): string {
  if (reply === undefined) return wayText(there);
  const { way, arrival } = reply;
  return `${wayText(there)} | ${wayText(way)} ${arrival}`;
}

/** The chance and the journey of one branch. */
export function branchText({ journey, probability }: JourneyBranch): string {
  return `${formatDyadic(probability)} ${journeyText(journey)}`;
}
