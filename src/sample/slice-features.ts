import type { Endpoint, EndpointSlice } from "../manifest/endpointslice.ts";
import type { Service } from "../manifest/service.ts";
import { canonicalIP, familyOf } from "../net/ip.ts";
import type { SampleObject } from "./cluster.ts";
import { describeAddress } from "./describe.ts";
import { thisNode, thisZone } from "./node.ts";

/** Features of one slice, and of each of its endpoints. */
export interface SliceUnit {
  readonly slice: readonly string[];
  readonly endpoints: readonly (readonly string[])[];
}

/** The slices of a Service: by label, and without label by the number in the name that the sample gave. */
export function slicesOf(service: Service, objects: readonly SampleObject[]): readonly EndpointSlice[] {
  const { namespace, name } = service.metadata;
  const slices = objects.filter((object) => object.kind === "EndpointSlice");
  const own = slices.filter(
    ({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name,
  );
  const numbers = new Set(own.map(({ metadata }) => metadata.name?.split("-")[1]));
  return slices.filter(
    (slice) =>
      own.includes(slice) ||
      (slice.metadata.namespace === namespace &&
        slice.metadata.labels?.["kubernetes.io/service-name"] === undefined &&
        numbers.has(slice.metadata.name?.split("-")[1])),
  );
}

function state({ conditions }: Endpoint): string {
  const { ready, serving, terminating } = conditions ?? {};
  if (ready === true && serving === true && terminating === false) return "ready";
  if (ready !== false || terminating === undefined || serving !== terminating) return "mixed";
  return terminating ? "terminating" : "unready";
}

const one = (values: readonly string[]): string => (new Set(values).size === 1 ? (values[0] ?? "mixed") : "mixed");

/** The state of all endpoints together. */
function states(endpoints: readonly Endpoint[]): string {
  const kind = one(endpoints.map(state));
  return kind === "mixed" && endpoints.every(({ conditions }) => conditions?.ready === false) ? "none ready" : kind;
}

function hintKind({ hints }: Endpoint): string {
  const zones = hints?.forZones !== undefined;
  if (hints?.forNodes !== undefined) return zones ? "mixed" : "nodes";
  return zones ? "zones" : "none";
}

function label(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels?.["kubernetes.io/service-name"] === undefined) return "no service";
  if (labels["service.kubernetes.io/headless"] !== undefined) return "headless";
  return labels["service.kubernetes.io/service-proxy-name"] === undefined ? "none" : "proxy-name";
}

/** `other`: most addresses are of the other family than the type says. */
function addressType({ addressType: type, endpoints = [] }: EndpointSlice): string {
  if (type === "FQDN") return "FQDN";
  const families = endpoints.flatMap(({ addresses }) => familyOf(addresses?.[0] ?? "") ?? []);
  return families.filter((family) => family !== type).length * 2 > families.length ? "other" : "own";
}

function portsKind({ ports = [] }: EndpointSlice, service: Service): string {
  const wanted = service.spec?.ports ?? [];
  if (ports.length === 0) return "none";
  if (ports.length > wanted.length) return "more";
  if (ports.some(({ port }) => port === undefined)) return "no number";
  if (ports.some(({ name }, i) => name !== (wanted[i]?.name ?? ""))) return "other name";
  return ports.some(({ protocol }, i) => protocol !== wanted[i]?.protocol) ? "other protocol" : "all";
}

function truth(value: boolean | undefined): string {
  return value === undefined ? "absent" : String(value);
}

function hinted(names: readonly { readonly name?: string }[] | undefined, own: string): string {
  if (names === undefined) return "none";
  if (names.length > 1) return "several";
  return names[0]?.name === own ? "this" : "other";
}

function place(name: string | undefined, own: string): string {
  return name === undefined ? "absent" : name === own ? "this" : "other";
}

function address({ addresses = [] }: Endpoint, type: string | undefined): string {
  const [first] = addresses;
  if (first === undefined) return "none";
  if (addresses.length > 1) return "second";
  const spelling = describeAddress(first);
  return spelling === "plain" && type !== "FQDN" && familyOf(first) !== type ? "other family" : spelling;
}

function endpointFeatures(endpoint: Endpoint, type: string | undefined): readonly string[] {
  const { conditions, hints, nodeName, zone } = endpoint;
  return [
    `endpoint.ready=${truth(conditions?.ready)}`,
    `endpoint.serving=${truth(conditions?.serving)}`,
    `endpoint.terminating=${truth(conditions?.terminating)}`,
    `endpoint.node=${place(nodeName, thisNode)}`,
    `endpoint.zone=${place(zone, thisZone)}`,
    `endpoint.zoneHint=${hinted(hints?.forZones, thisZone)}`,
    `endpoint.nodeHint=${hinted(hints?.forNodes, thisNode)}`,
    `endpoint.address=${address(endpoint, type)}`,
  ];
}

function sliceUnit(slice: EndpointSlice, service: Service): SliceUnit {
  const endpoints = slice.endpoints ?? [];
  const size = endpoints.length === 0 ? "none" : endpoints.length === 1 ? "one" : "some";
  const own = [
    `slice.label=${label(slice.metadata.labels)}`,
    `slice.addressType=${addressType(slice)}`,
    `slice.ports=${portsKind(slice, service)}`,
    `slice.endpoints=${size}`,
  ];
  const of = [`slice.state=${states(endpoints)}`, `slice.hints=${one(endpoints.map(hintKind))}`];
  return {
    slice: endpoints.length === 0 ? own : [...own, ...of],
    endpoints: endpoints.map((endpoint) => endpointFeatures(endpoint, slice.addressType)),
  };
}

function duplicate(slices: readonly EndpointSlice[]): string {
  const seen = new Map<string, { readonly slice: EndpointSlice; readonly text: string }>();
  let found = "none";
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      const canonical = canonicalIP(endpoint.addresses?.[0] ?? "");
      if (canonical === undefined) continue;
      const key = `${slice.addressType} ${canonical}`;
      const text = JSON.stringify({ ...endpoint, addresses: [] });
      const before = seen.get(key);
      if (before?.slice === slice) return "same slice";
      if (before !== undefined && before.text !== text) return "contradicting";
      if (before !== undefined) found = "equal";
      seen.set(key, { slice, text });
    }
  }
  return found;
}

const counted = ["none", "one", "two"] as const;

/** What the slices of a Service show together, and each of them. */
export function sliceFeatures(
  service: Service,
  slices: readonly EndpointSlice[],
): { readonly features: readonly string[]; readonly units: readonly SliceUnit[] } {
  const counts = ["ipv4", "ipv6"].map(
    (family) => slices.filter(({ metadata }) => metadata.name?.includes(family)).length,
  );
  return {
    features: [
      `service.duplicate=${duplicate(slices)}`,
      ...new Set(counts.map((count) => `slice.count=${counted[count] ?? "three"}`)),
    ],
    units: slices.map((slice) => sliceUnit(slice, service)),
  };
}
