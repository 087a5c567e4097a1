import type { Endpoint, EndpointSlice } from "../manifest/endpointslice.ts";
import type { IPFamily } from "../net/family.ts";
import { formatIP, type IPAddress, parseIP } from "../net/ip.ts";

/** Somewhere that a Service's traffic may go. */
export interface PromisedEndpoint {
  readonly ip: IPAddress;
  readonly port: number;
  /** The Node that it is on; absent where its slice does not say. */
  readonly node?: string;
}

/** Some endpoints; `keys` has the `endpointKey` of each. */
export interface EndpointSet {
  readonly endpoints: readonly PromisedEndpoint[];
  readonly keys: ReadonlySet<string>;
}

/** The text that names an endpoint: its address in canonical form, a blank, its port. */
export const endpointKey = (ip: IPAddress, port: number): string => `${formatIP(ip)} ${port}`;

/** A set of endpoints, each once. */
export function endpointSet(endpoints: readonly PromisedEndpoint[]): EndpointSet {
  const byKey = new Map(endpoints.map((endpoint) => [endpointKey(endpoint.ip, endpoint.port), endpoint]));
  return { endpoints: [...byKey.values()], keys: new Set(byKey.keys()) };
}

/** What slices say of one endpoint of a Service's port. */
export interface ListedEndpoint extends PromisedEndpoint {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** False where objects contradict each other about it. */
  readonly certain: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** Which endpoints are asked for. */
export interface PortWanted {
  readonly family: IPFamily;
  /** `ServicePort.name`: the endpoints' port has the same; "" for none. */
  readonly name: string;
  readonly protocol: string;
  /** `ServiceSpec.publishNotReadyAddresses`: whoever deals with endpoints passes over readiness. */
  readonly publishNotReady: boolean;
}

/** Labels that say that a slice belongs to a Service of another kind than the one that it names. */
const FOREIGN = ["service.kubernetes.io/headless", "service.kubernetes.io/service-proxy-name"];

const names = (hints: readonly { readonly name?: string }[] | undefined): readonly string[] =>
  (hints ?? []).flatMap(({ name }) => name ?? []);

/**
 * One entry of a slice, for one port number. `Endpoint.addresses`: nothing but the first counts. `EndpointConditions`: absent, ready
 * and serving are true and terminating is false. A slice that is not ready by hand under publishNotReadyAddresses is a
 * contradiction: controllers say ready then.
 */
function listed(endpoint: Endpoint, port: number, wanted: PortWanted, foreign: boolean): ListedEndpoint[] {
  const ip = parseIP(endpoint.addresses?.[0] ?? "");
  if (ip === undefined || ip.family !== wanted.family) return [];
  const { ready = true, serving = true, terminating = false } = endpoint.conditions ?? {};
  return [
    {
      ip,
      port,
      ...(endpoint.nodeName === undefined ? {} : { node: endpoint.nodeName }),
      ready,
      serving,
      terminating,
      certain: !foreign && (ready || !wanted.publishNotReady),
      zoneHints: names(endpoint.hints?.forZones),
      nodeHints: names(endpoint.hints?.forNodes),
    },
  ];
}

/** `EndpointPort`: the name is the Service port's, the protocol too; without a number there is nothing to send to. */
function portsOf({ ports = [] }: EndpointSlice, { name, protocol }: PortWanted): readonly number[] {
  return ports
    .filter((port) => (port.name ?? "") === name && (port.protocol ?? "TCP") === protocol)
    .flatMap(({ port }) => (port === undefined || port === 0 ? [] : [port]));
}

const state = ({ ready, serving, terminating, node }: ListedEndpoint): string =>
  `${ready} ${serving} ${terminating} ${node}`;

/** An endpoint that several slices list is one endpoint; where they do not say the same of it, none of it is certain. */
function withDoubts(all: readonly ListedEndpoint[]): readonly ListedEndpoint[] {
  const byKey = new Map<string, ListedEndpoint[]>();
  for (const each of all) {
    const key = endpointKey(each.ip, each.port);
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [each]);
    else same.push(each);
  }
  if (byKey.size === all.length) return all;
  return [...byKey.values()].flatMap((same) => {
    const agree = same.every((each) => state(each) === state(same[0] as ListedEndpoint));
    if (agree) return [{ ...(same[0] as ListedEndpoint), certain: same.every(({ certain }) => certain) }];
    return same.map((each) => ({ ...each, certain: false }));
  });
}

/**
 * The endpoints of a Service's port, by all its slices together (discovery/v1 `EndpointSlice`: slices are joined by the label
 * `kubernetes.io/service-name`; `addressType` FQDN means nothing).
 */
export function listedEndpoints(slices: readonly EndpointSlice[], wanted: PortWanted): readonly ListedEndpoint[] {
  const found = slices
    .filter(({ addressType }) => addressType === wanted.family)
    .flatMap((slice) => {
      const foreign = FOREIGN.some((label) => slice.metadata.labels?.[label] !== undefined);
      const ports = portsOf(slice, wanted);
      return (slice.endpoints ?? []).flatMap((endpoint) =>
        ports.flatMap((port) => listed(endpoint, port, wanted, foreign)),
      );
    });
  return withDoubts(found);
}
