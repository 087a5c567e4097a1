import type { Endpoint, EndpointConditions, EndpointPort, EndpointSlice } from "../manifest/endpointslice.ts";
import type { Service } from "../manifest/service.ts";
import type { IPFamily } from "../net/family.ts";
import { addressIn, spell } from "./addresses.ts";
import type { Maker } from "./chooser.ts";
import { member } from "./member.ts";
import { otherNodes, otherZones, thisNode, thisZone } from "./node.ts";
import type { ServicePlan } from "./service.ts";
import type { Way } from "./weights.ts";

/** How many endpoints the slices of one Service and family hold; without a range the weights decide. */
export interface SliceOptions {
  readonly endpoints: { readonly from: number; readonly to: number } | undefined;
  /** Two slices may contradict each other about an endpoint; kube-proxy's answer is then random. */
  readonly contradictions: boolean;
  /** How far the endpoints of one Service lie from those of the next. */
  readonly stride: number;
}

const SLICE_SIZE = 100;
const FAR = 0x200000;

const states: Readonly<Record<Exclude<Way<"slice.state">, "mixed" | "none ready">, EndpointConditions>> = {
  ready: { ready: true, serving: true, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
  unready: { ready: false, serving: false, terminating: false },
};

function condition(way: "absent" | "true" | "false"): boolean | undefined {
  return way === "absent" ? undefined : way === "true";
}

function conditions({ choose }: Maker, state: Way<"slice.state">): EndpointConditions {
  if (state !== "mixed" && state !== "none ready") return states[state];
  return {
    ...member("ready", state === "mixed" ? condition(choose("endpoint.ready")) : false),
    ...member("serving", condition(choose("endpoint.serving"))),
    ...member("terminating", condition(choose("endpoint.terminating"))),
  };
}

const zoneHints: Readonly<Record<Way<"endpoint.zoneHint">, readonly string[]>> = {
  none: [],
  this: [thisZone],
  other: [otherZones[0] ?? ""],
  several: [otherZones[1] ?? "", thisZone],
};

const nodeHints: Readonly<Record<Way<"endpoint.nodeHint">, readonly string[]>> = {
  none: [],
  this: [thisNode],
  other: [otherNodes[0] ?? ""],
};

/** `zones` and `nodes` give every endpoint such a hint: one endpoint without makes kube-proxy pass over all. */
function hints({ choose, random }: Maker, way: Way<"slice.hints">): Endpoint["hints"] {
  if (way === "none") return undefined;
  const named = (names: readonly string[]): readonly { readonly name: string }[] => names.map((name) => ({ name }));
  const zones = way === "mixed" ? zoneHints[choose("endpoint.zoneHint")] : [random.pick([thisZone, ...otherZones])];
  const nodes = way === "mixed" ? nodeHints[choose("endpoint.nodeHint")] : [random.pick([thisNode, ...otherNodes])];
  const forZones = way === "nodes" || zones.length === 0 ? undefined : named(zones);
  const forNodes = way === "zones" || nodes.length === 0 ? undefined : named(nodes);
  return { ...member("forZones", forZones), ...member("forNodes", forNodes) };
}

interface EndpointWays {
  readonly state: Way<"slice.state">;
  readonly hints: Way<"slice.hints">;
  readonly family: IPFamily;
  /** Which slice of the family it is for. */
  readonly part: number;
}

function addresses({ choose }: Maker, { family, part }: EndpointWays, n: number): readonly string[] {
  const address = addressIn("pod", family, n);
  const chosen = choose("endpoint.address");
  // kube-proxy takes all texts that are no address for one endpoint: in two slices they would contradict each other
  const way = chosen === "broken" && part > 0 ? "plain" : chosen;
  switch (way) {
    case "other family":
      // far from the addresses of the other family's slices: no endpoint is listed twice by accident
      return [addressIn("pod", family === "IPv4" ? "IPv6" : "IPv4", n + FAR)];
    case "second":
      return [address, addressIn("pod", family, n + 2 * FAR)];
    case "none":
      return [];
    case "broken":
      return ["not-an-address"];
    default:
      return [spell(address, way)];
  }
}

const zones: Readonly<Record<Way<"endpoint.zone">, string | undefined>> = {
  absent: undefined,
  this: thisZone,
  other: otherZones[0],
};

function sampleEndpoint(maker: Maker, ways: EndpointWays, n: number): Endpoint {
  const node = maker.choose("endpoint.node");
  const nodeName = node === "absent" ? undefined : node === "this" ? thisNode : maker.random.pick(otherNodes);
  const conditioned = conditions(maker, ways.state);
  return {
    addresses: addresses(maker, ways, n),
    ...member("conditions", Object.keys(conditioned).length > 0 ? conditioned : undefined),
    ...member("nodeName", nodeName),
    ...member("zone", zones[maker.choose("endpoint.zone")]),
    ...member("hints", hints(maker, ways.hints)),
  };
}

function slicePorts({ choose }: Maker, service: Service): readonly EndpointPort[] {
  const way = choose("slice.ports");
  const ports = (service.spec?.ports ?? []).map((port, i) => ({
    name: port.name ?? "",
    port: 8080 + i,
    protocol: port.protocol ?? "TCP",
  }));
  const [first, ...others] = ports;
  if (first === undefined || way === "all") return ports;
  const { name, port, protocol } = first;
  switch (way) {
    case "none":
      return [];
    case "no number":
      return [{ name, protocol }, ...others];
    case "other protocol":
      return [{ name, port, protocol: protocol === "TCP" ? "UDP" : "TCP" }, ...others];
    case "other name":
      return [{ ...first, name: "other" }, ...others];
    case "more":
      return [...ports, { ...first, port: 9000 }, { name: "metrics", port: 9100, protocol: "TCP" }];
  }
}

const labels: Readonly<Record<Way<"slice.label">, Readonly<Record<string, string>>>> = {
  none: {},
  headless: { "service.kubernetes.io/headless": "" },
  "proxy-name": { "service.kubernetes.io/service-proxy-name": "other-proxy" },
  "no service": {},
};

const counts = { none: 0, one: 1, two: 2, three: 3 } as const;

function makeSlice(
  plan: ServicePlan,
  maker: Maker,
  family: IPFamily,
  part: number,
  content: Pick<EndpointSlice, "endpoints" | "ports">,
): EndpointSlice {
  const { namespace, name, number } = plan;
  const label = maker.choose("slice.label");
  const type = maker.choose("slice.addressType");
  const other = family === "IPv4" ? "IPv6" : "IPv4";
  const owner = label === "no service" ? {} : { "kubernetes.io/service-name": name };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `slice-${number}-${family.toLowerCase()}-${part}`,
      namespace,
      labels: { ...owner, ...labels[label] },
    },
    addressType: type === "own" ? family : type === "other" ? other : type,
    ...content,
  };
}

/** Sizes of the slices: as many as the range says in full slices, or a few small ones by weight. */
function sliceSizes(maker: Maker, { endpoints }: SliceOptions): readonly number[] {
  if (endpoints !== undefined) {
    let rest = maker.random.between(endpoints.from, endpoints.to);
    const sizes: number[] = [];
    for (; rest > 0; rest -= SLICE_SIZE) sizes.push(Math.min(rest, SLICE_SIZE));
    return sizes;
  }
  return Array.from({ length: counts[maker.choose("slice.count")] }, () => {
    const way = maker.choose("slice.endpoints");
    return way === "none" ? 0 : way === "one" ? 1 : maker.random.between(2, 5);
  });
}

/** Repeats an endpoint of the first slice: in it, or in the last one as it is or with its state turned round. */
function withDuplicate(slices: readonly EndpointSlice[], way: Way<"service.duplicate">): readonly EndpointSlice[] {
  const [first, last] = [slices[0], slices.at(-1)];
  const repeated = first?.endpoints?.[0];
  if (way === "none" || first === undefined || last === undefined || repeated === undefined) return slices;
  const turned: Endpoint = {
    ...repeated,
    conditions: { ready: repeated.conditions?.ready === false, serving: true, terminating: false },
    nodeName: repeated.nodeName === thisNode ? (otherNodes[0] ?? "") : thisNode,
  };
  const into = way === "same slice" ? first : last;
  if (way !== "same slice" && into === first) return slices;
  const more = way === "equal" ? repeated : turned;
  return slices.map((slice) => (slice === into ? { ...slice, endpoints: [...(slice.endpoints ?? []), more] } : slice));
}

function slicesOfFamily(
  plan: ServicePlan,
  service: Service,
  family: IPFamily,
  options: SliceOptions,
  duplicate: Way<"service.duplicate">,
): readonly EndpointSlice[] {
  const maker = plan.maker.fork(family);
  const state = maker.choose("slice.state");
  const hinted = maker.choose("slice.hints");
  let n = plan.number * options.stride;
  const slices = sliceSizes(maker, options).map((size, part) => {
    const own = maker.fork(`slice ${part}`);
    const ways: EndpointWays = { state, hints: hinted, family, part };
    const endpoints = Array.from({ length: size }, () => sampleEndpoint(own, ways, ++n));
    return makeSlice(plan, own, family, part, { endpoints, ports: slicePorts(own, service) });
  });
  return withDuplicate(slices, duplicate);
}

/** The slices of a Service, of both families whatever the Service's are: controllers may lag behind. */
export function sampleSlices(plan: ServicePlan, service: Service, options: SliceOptions): readonly EndpointSlice[] {
  const chosen = plan.maker.choose("service.duplicate");
  const duplicate = chosen === "contradicting" && !options.contradictions ? "none" : chosen;
  return (["IPv4", "IPv6"] as const).flatMap((family) => slicesOfFamily(plan, service, family, options, duplicate));
}
