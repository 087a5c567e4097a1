import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import { type CleanupTraits, cleanupTraitsOf } from "./conntrack-traits.ts";
import { type Endpoint, endpointsOfPort, slicesByService } from "./endpoints.ts";
import type { ServicePort } from "./serviceport.ts";
import type { PortDecision, ProxyState } from "./state.ts";
import { proxyTraitsOf } from "./traits.ts";

/** Chooses entries of one protocol for `conntrack -D`; what is absent is not asked for. Addresses are canonical texts. */
export interface CleanupFilter {
  readonly protocol: "UDP";
  /** `--orig-dst` */
  readonly originalDestination?: string;
  /** `--dport`, of the first packet */
  readonly originalPort?: number;
  /** `--dst-nat`: the destination was translated to this address. */
  readonly translatedTo?: string;
}

/** What kube-proxy deletes from a node's connection table after a sync. */
export type ConntrackCleanup =
  /** Each entry that one of the filters chooses (releases up to 1.31). */
  | { readonly kind: "filters"; readonly filters: readonly CleanupFilter[] }
  /**
   * Each UDP entry whose original destination is a key and whose replies come from nowhere in the key's set: `ADDRESS:PORT`
   * (IPv6 in brackets), or `ADDRESS` where the release compares no ports.
   */
  | {
      readonly kind: "reconcile";
      readonly byAddress: ReadonlyMap<string, ReadonlySet<string>>;
      readonly byNodePort: ReadonlyMap<number, ReadonlySet<string>>;
      readonly comparesPorts: boolean;
    };

/** An entry as the clean-up looks at it; addresses are canonical texts. */
export interface CleanupEntry {
  /** UDP, SCTP or another name. */
  readonly protocol: string;
  readonly originalDestination: { readonly ip: string; readonly port: number };
  readonly replySource: { readonly ip: string; readonly port: number };
  readonly destinationTranslated: boolean;
}

/** Modes whose clean-up is known; they differ in old releases only. */
export type CleanupMode = "iptables" | "ipvs";

/** What a node knew at one sync, for one family. */
export interface Synced {
  readonly cluster: Cluster;
  readonly state: ProxyState;
}

const withPort = (ip: string, port: number): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);

/** Does the clean-up delete the entry? */
export function isStale(cleanup: ConntrackCleanup, entry: CleanupEntry): boolean {
  const { protocol, originalDestination: to, replySource: from } = entry;
  if (cleanup.kind === "filters")
    return cleanup.filters.some(
      (filter) =>
        filter.protocol === protocol &&
        (filter.originalDestination === undefined || filter.originalDestination === to.ip) &&
        (filter.originalPort === undefined || filter.originalPort === to.port) &&
        (filter.translatedTo === undefined || (entry.destinationTranslated && filter.translatedTo === from.ip)),
    );
  if (protocol !== "UDP") return false;
  const source = cleanup.comparesPorts ? withPort(from.ip, from.port) : from.ip;
  const allowed = [cleanup.byAddress.get(withPort(to.ip, to.port)), cleanup.byNodePort.get(to.port)];
  return allowed.some((set) => set !== undefined && !set.has(source));
}

/** The addresses of a service port that packets from anywhere are sent to. */
const externalAddresses = ({ externalIPs, loadBalancerVIPs }: ServicePort, vips: boolean): readonly string[] =>
  [...externalIPs, ...(vips ? loadBalancerVIPs : [])].map(({ text }) => text);

const keyOf = ({ port }: PortDecision): string => `${port.namespace}/${port.name}/${port.portName}/${port.protocol}`;

const byKey = ({ ports }: ProxyState): ReadonlyMap<string, PortDecision> =>
  new Map(ports.map((decision) => [keyOf(decision), decision]));

/** The endpoints that a service port had, whether or not there was such a port. */
function endpointFinder({ cluster, state }: Synced): (port: ServicePort) => readonly Endpoint[] {
  const traits = proxyTraitsOf(state.release);
  const slices = slicesByService(cluster.endpointSlices, state.family, traits);
  return ({ namespace, name, portName, protocol }) =>
    endpointsOfPort(slices.get(`${namespace}/${name}`) ?? [], portName, protocol, state.nodeName, traits);
}

const isActive = ({ ready, serving }: Endpoint, { byServing, countsAll }: CleanupTraits): boolean =>
  countsAll || (byServing ? serving : ready);

/** `detectStaleConntrackEntries`: the same endpoint, as active as before; where ready counts, also as near or far. */
const isSame = (a: Endpoint, b: Endpoint, traits: CleanupTraits): boolean =>
  a.text === b.text && isActive(a, traits) === isActive(b, traits) && (traits.byServing || a.local === b.local);

/** How one mode of a release makes filters. */
interface Events {
  readonly traits: CleanupTraits;
  /** Load-balancer addresses of newly active service ports count. */
  readonly vips: boolean;
  /** Node ports whose entries go in this pass. */
  readonly nodePorts: "newly active" | "new" | "all";
  /** A removed endpoint's entries by node port go. */
  readonly endpointNodePorts: boolean;
}

function eventsOf(traits: CleanupTraits, mode: CleanupMode): Events {
  if (mode === "ipvs" && traits.ipvsByPass)
    return { traits, vips: traits.ipvsVIPs, nodePorts: "all", endpointNodePorts: false };
  const nodePorts = traits.nodePortWhenOpened ? "new" : "newly active";
  return { traits, vips: traits.vipsToo, nodePorts, endpointNodePorts: true };
}

/** Filters for service ports that are gone or that had no active endpoint before, and for node ports. */
function serviceFilters(
  before: Synced,
  after: ProxyState,
  { traits, vips, nodePorts: which }: Events,
): CleanupFilter[] {
  const [old, now] = [byKey(before.state), byKey(after)];
  const endpointsBefore = endpointFinder(before);
  const addresses = new Set<string>();
  const nodePorts = new Set<number>();
  for (const [key, { port }] of old) if (port.protocol === "UDP" && !now.has(key)) addresses.add(port.clusterIP);
  for (const [key, { port, known }] of now) {
    if (port.protocol !== "UDP") continue;
    const isNew = which === "new" && old.get(key)?.port.nodePort !== port.nodePort;
    const isSwept = which === "all" && after.ipvs.nodePortAddresses.length > 0;
    if (port.nodePort !== 0 && (isNew || isSwept)) nodePorts.add(port.nodePort);
    // endpoints count by themselves: those that were there before their Service make nothing newly active
    const wasActive = endpointsBefore(port).some((endpoint) => isActive(endpoint, traits));
    if (wasActive || !known.some((endpoint) => isActive(endpoint, traits))) continue;
    for (const ip of [port.clusterIP, ...externalAddresses(port, vips)]) addresses.add(ip);
    if (which === "newly active" && port.nodePort !== 0) nodePorts.add(port.nodePort);
  }
  return [
    ...[...addresses].map((originalDestination) => ({ protocol: "UDP" as const, originalDestination })),
    ...[...nodePorts].map((originalPort) => ({ protocol: "UDP" as const, originalPort })),
  ];
}

/** Filters for endpoints that were active and are gone, or changed, of service ports that are still there. */
function endpointFilters(
  before: ProxyState,
  after: ProxyState,
  { traits, endpointNodePorts }: Events,
): CleanupFilter[] {
  const now = byKey(after);
  return before.ports.flatMap((old) => {
    const current = now.get(keyOf(old));
    if (current === undefined || old.port.protocol !== "UDP") return [];
    const { nodePort, clusterIP } = current.port;
    const gone = old.known.filter(
      (was) => isActive(was, traits) && !current.known.some((is) => isSame(was, is, traits)),
    );
    const ofCluster = nodePort !== 0 && endpointNodePorts && traits.nodePortInsteadOfClusterIP ? [] : [clusterIP];
    return gone.flatMap(({ ip: translatedTo }): CleanupFilter[] => [
      ...(nodePort === 0 || !endpointNodePorts
        ? []
        : [{ protocol: "UDP" as const, originalPort: nodePort, translatedTo }]),
      ...[...ofCluster, ...externalAddresses(current.port, true)].map((originalDestination) => ({
        protocol: "UDP" as const,
        originalDestination,
        translatedTo,
      })),
    ]);
  });
}

function reconciliation({ ports }: ProxyState, traits: CleanupTraits): ConntrackCleanup {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byNodePort = new Map<number, ReadonlySet<string>>();
  for (const { port, known } of ports) {
    if (port.protocol !== "UDP") continue;
    const serving = known.filter((endpoint) => endpoint.serving);
    if (serving.length === 0 && traits.skipsEmpty) continue;
    const allowed = new Set(serving.map(({ ip, port: to }) => (traits.comparesPorts ? withPort(ip, to) : ip)));
    for (const ip of [port.clusterIP, ...externalAddresses(port, true)])
      byAddress.set(withPort(ip, port.port), allowed);
    if (port.nodePort !== 0 && (allowed.size > 0 || !traits.nodePortNeedsEndpoints))
      byNodePort.set(port.nodePort, allowed);
  }
  return { kind: "reconcile", byAddress, byNodePort, comparesPorts: traits.comparesPorts };
}

const sliceTexts = (slices: readonly Located<EndpointSlice>[]): string =>
  JSON.stringify(slices.map(({ value }) => value));

/** Has a Service whose slices changed a UDP port with endpoints, before or after? */
function udpSlicesChanged(before: Synced, after: Synced): boolean {
  const { release, family, nodeName } = after.state;
  const traits = proxyTraitsOf(release);
  const [old, now] = [before, after].map(({ cluster }) => slicesByService(cluster.endpointSlices, family, traits));
  if (old === undefined || now === undefined) return false;
  const hasUDP = (slices: readonly Located<EndpointSlice>[]): boolean =>
    slices
      .flatMap(({ value }) => value.ports ?? [])
      .some(
        ({ name, protocol }) =>
          protocol === "UDP" && endpointsOfPort(slices, name ?? "", protocol, nodeName, traits).length > 0,
      );
  return [...new Set([...old.keys(), ...now.keys()])].some((service) => {
    const [was, is] = [old.get(service) ?? [], now.get(service) ?? []];
    return sliceTexts(was) !== sliceTexts(is) && (hasUDP(was) || hasUDP(is));
  });
}

/**
 * What kube-proxy deletes from the connection table after it has written the rules of a change (iptables-mode §5.1 for 1.32 and
 * later, iptables-history §8 for releases before; ipvs-mode §7.6); `undefined` when it does not look at the table at all. Both sides
 * are of one node and family, and the same for a pass without changes.
 */
export function conntrackCleanup(before: Synced, after: Synced, mode: CleanupMode): ConntrackCleanup | undefined {
  const traits = cleanupTraitsOf(after.state.release);
  if (!traits.byEvents) return udpSlicesChanged(before, after) ? reconciliation(after.state, traits) : undefined;
  const events = eventsOf(traits, mode);
  const filters = [
    ...serviceFilters(before, after.state, events),
    ...endpointFilters(before.state, after.state, events),
  ];
  return filters.length === 0 ? undefined : { kind: "filters", filters };
}
