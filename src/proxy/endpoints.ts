import type { EndpointPort, EndpointSlice, Endpoint as SliceEndpoint } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import { compareText } from "../net/compare.ts";
import type { IPFamily } from "../net/family.ts";
import { canonicalIP } from "../net/ip.ts";
import type { ProxyTraits } from "./traits.ts";

/** One endpoint of a service port as kube-proxy sees it (iptables-mode §1.5). */
export interface Endpoint {
  /** Canonical address (`<nil>` when the slice's text is no address: kube-proxy writes that, too). */
  readonly ip: string;
  readonly port: number;
  /** `ip:port`, IPv6 as `[ip]:port`; the key and the order of endpoints. */
  readonly text: string;
  readonly local: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Names in hints.forZones and hints.forNodes; empty means no hint. */
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  /** Where it stands: `endpoints[index]` of the slice. */
  readonly slice: Located<EndpointSlice>;
  readonly index: number;
}

/** Which slices the informer of a release delivers (iptables-mode §1.2). */
export function isSliceSeen(slice: EndpointSlice, traits: ProxyTraits): boolean {
  const labels = slice.metadata.labels;
  if (labels === undefined) return true;
  if (labels["service.kubernetes.io/headless"] !== undefined) return false;
  return !traits.bothLabelsHide || labels["service.kubernetes.io/service-proxy-name"] === undefined;
}

/** `namespace/name` of the Service that a slice belongs to, or `undefined` when it names none. */
export function serviceOfSlice(slice: EndpointSlice): string | undefined {
  const { namespace, name, labels } = slice.metadata;
  const service = labels?.["kubernetes.io/service-name"];
  if (!service || !namespace || !name) return undefined;
  return `${namespace}/${service}`;
}

/** Groups the seen slices of a family by `namespace/name` of their Service, in the order given. */
export function slicesByService(
  slices: readonly Located<EndpointSlice>[],
  family: IPFamily,
  traits: ProxyTraits,
): Map<string, Located<EndpointSlice>[]> {
  const groups = new Map<string, Located<EndpointSlice>[]>();
  for (const slice of slices) {
    if (slice.value.addressType !== family || !isSliceSeen(slice.value, traits)) continue;
    const service = serviceOfSlice(slice.value);
    if (service === undefined) continue;
    const group = groups.get(service);
    if (group === undefined) groups.set(service, [slice]);
    else group.push(slice);
  }
  return groups;
}

const NONE: readonly string[] = [];

function hintNames(hints: readonly { readonly name?: string }[] | undefined): readonly string[] {
  return hints === undefined || hints.length === 0 ? NONE : hints.map((hint) => hint.name ?? "");
}

function makeEndpoint(
  slice: Located<EndpointSlice>,
  index: number,
  endpoint: SliceEndpoint,
  port: number,
  nodeName: string,
  traits: ProxyTraits,
): Endpoint | undefined {
  const written = endpoint.addresses?.[0];
  if (written === undefined) return undefined;
  const ip = canonicalIP(written) ?? "<nil>";
  const shown = traits.endpointAddressAsWritten ? written : ip;
  const conditions = endpoint.conditions;
  return {
    ip,
    port,
    text: shown.includes(":") ? `[${shown}]:${port}` : `${shown}:${port}`,
    local: nodeName !== "" && endpoint.nodeName === nodeName,
    ready: conditions?.ready !== false,
    serving: conditions?.serving !== false,
    terminating: conditions?.terminating === true,
    zoneHints: hintNames(endpoint.hints?.forZones),
    nodeHints: traits.nodeHints ? hintNames(endpoint.hints?.forNodes) : NONE,
    slice,
    index,
  };
}

/** Ports in their own order; releases that key endpoints by IP read them by ascending number. */
function portsInOrder(slice: EndpointSlice, traits: ProxyTraits): readonly EndpointPort[] {
  const ports = slice.ports ?? [];
  return traits.duplicateByIP ? [...ports].sort((a, b) => (a.port ?? 0) - (b.port ?? 0)) : ports;
}

function replaces(later: Endpoint, traits: ProxyTraits): boolean {
  return traits.duplicateLocalWins ? later.local : !later.terminating;
}

/** Releases up to 1.21 pass over an endpoint whose address is not of its slice's family. */
function isOfFamily({ ip }: Endpoint, slice: EndpointSlice, traits: ProxyTraits): boolean {
  return !traits.endpointsOfFamilyOnly || ip.includes(":") === (slice.addressType === "IPv6");
}

/** Keeps one of each run of equal keys in a list sorted by key; the release says which. */
function withoutDuplicates(sorted: readonly Endpoint[], traits: ProxyTraits): readonly Endpoint[] {
  if (!sorted.some(({ text }, i) => i > 0 && text === sorted[i - 1]?.text)) return sorted;
  const kept: Endpoint[] = [];
  for (const endpoint of sorted) {
    const last = kept.at(-1);
    if (last?.text !== endpoint.text) kept.push(endpoint);
    else if (replaces(endpoint, traits)) kept[kept.length - 1] = endpoint;
  }
  return kept;
}

/** Releases up to 1.21 keep one endpoint an IP, whatever its port. */
function onePerIP(found: readonly Endpoint[], traits: ProxyTraits): Endpoint[] {
  const byIP = new Map<string, Endpoint>();
  for (const endpoint of found) {
    const address = endpoint.slice.value.endpoints?.[endpoint.index]?.addresses?.[0] ?? "";
    if (!byIP.has(address) || replaces(endpoint, traits)) byIP.set(address, endpoint);
  }
  return [...byIP.values()];
}

const byText = (a: Endpoint, b: Endpoint): number => compareText(a.text, b.text);

/**
 * The endpoints of one service port, sorted by `text` by code unit. Slices count in the order given (upstream's is
 * random); inside a slice ports and endpoints count in their own order. Ports without name or number and endpoints
 * without address are passed over; of duplicates the release decides which one stays (iptables-mode §1.5).
 */
export function endpointsOfPort(
  slices: readonly Located<EndpointSlice>[],
  portName: string,
  protocol: string,
  nodeName: string,
  traits: ProxyTraits,
): readonly Endpoint[] {
  const found: Endpoint[] = [];
  for (const slice of slices) {
    const endpoints = slice.value.endpoints ?? [];
    for (const port of portsInOrder(slice.value, traits)) {
      if (port.name !== portName || !port.port || (port.protocol ?? "TCP") !== protocol) continue;
      for (let index = 0; index < endpoints.length; index++) {
        const made = makeEndpoint(slice, index, endpoints[index] as SliceEndpoint, port.port, nodeName, traits);
        if (made !== undefined && isOfFamily(made, slice.value, traits)) found.push(made);
      }
    }
  }
  // sorting is stable, so duplicates keep the order they were read in
  return traits.duplicateByIP ? onePerIP(found, traits).sort(byText) : withoutDuplicates(found.sort(byText), traits);
}
