import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Node } from "../manifest/node.ts";
import type { Located } from "../manifest/object.ts";
import type { Service } from "../manifest/service.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { type IPAddress, parseIP } from "../net/ip.ts";
import { listAt } from "../net/multimap.ts";
import type { OperatorFacts } from "./facts.ts";
import { type Frontend, frontendsOf } from "./frontends.ts";
import { type HealthCheck, healthCheckPort } from "./health-check.ts";
import { type NodePortPlaces, nodePortPlaces } from "./node-ports.ts";
import { addressKey, portKey } from "./packet.ts";
import type { Whereabouts } from "./preference.ts";
import { type ServicePort, servicePort } from "./service-port.ts";
import { type SourceFacts, sourceFacts } from "./source-address.ts";

/** Frontends by `portKey`. */
export type ByPort = ReadonlyMap<string, readonly Frontend[]>;

/** A node as far as promises depend on it. */
export interface IntentNode extends Whereabouts {
  /** Its own address of each family. */
  readonly primary: readonly IPAddress[];
}

/** A cluster, made ready to be asked for its promises. */
export interface Intent {
  readonly release: { readonly minor: number };
  /** Frontends with an address, by `addressKey`. */
  readonly byAddress: ReadonlyMap<string, ByPort>;
  readonly nodePorts: Readonly<Record<IPFamily, ByPort>>;
  readonly healthChecks: ReadonlyMap<number, readonly HealthCheck[]>;
  /** The name of the node that has an address, by `addressKey`. */
  readonly owners: ReadonlyMap<string, string>;
  readonly nodes: ReadonlyMap<string, IntentNode>;
  readonly places: NodePortPlaces;
  readonly sources: SourceFacts;
}

/** discovery/v1 `LabelServiceName`: the Service of a slice is of its namespace, and the label has its name. */
function slicesByService({ endpointSlices }: Cluster): ReadonlyMap<string, readonly EndpointSlice[]> {
  const found = new Map<string, EndpointSlice[]>();
  for (const { value } of endpointSlices) {
    const name = value.metadata.labels?.["kubernetes.io/service-name"];
    if (name !== undefined) listAt(found, `${value.metadata.namespace}/${name}`).push(value);
  }
  return found;
}

/** A Node's own address of each family: the first InternalIP, else the first ExternalIP (core/v1 `NodeAddressType`). */
function primaryAddresses({ status }: Node): readonly IPAddress[] {
  const all = ["InternalIP", "ExternalIP"].flatMap((wanted) =>
    (status?.addresses ?? []).flatMap(({ type, address = "" }) => (type === wanted ? (parseIP(address) ?? []) : [])),
  );
  return ipFamilies.flatMap((family) => all.find((ip) => ip.family === family) ?? []);
}

function intentNode(node: Node): IntentNode {
  const { name = "", labels = {} } = node.metadata;
  return { node: name, zone: labels["topology.kubernetes.io/zone"], primary: primaryAddresses(node) };
}

function ownersOf({ nodeAddresses }: OperatorFacts): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const [node, addresses] of nodeAddresses) {
    for (const address of addresses) {
      const key = addressKey(address);
      if (!owners.has(key)) owners.set(key, node);
    }
  }
  return owners;
}

/** The ports of one Service, each made once. */
function portsOf(
  service: Located<Service>,
  slices: readonly EndpointSlice[],
  { release }: OperatorFacts,
): (index: number, family: IPFamily) => ServicePort {
  const made = new Map<string, ServicePort>();
  return (index, family) => {
    const key = `${family} ${index}`;
    const found = made.get(key) ?? servicePort(service, index, family, slices, release);
    made.set(key, found);
    return found;
  };
}

/** Reads a cluster once: linear in its objects. Endpoints are read when a packet first comes to their Service. */
export function intentOf(cluster: Cluster, facts: OperatorFacts): Intent {
  const slices = slicesByService(cluster);
  const byAddress = new Map<string, Map<string, Frontend[]>>();
  const nodePorts = { IPv4: new Map<string, Frontend[]>(), IPv6: new Map<string, Frontend[]>() };
  const healthChecks = new Map<number, HealthCheck[]>();
  for (const service of cluster.services) {
    const { namespace, name } = service.value.metadata;
    const portOf = portsOf(service, slices.get(`${namespace}/${name}`) ?? [], facts);
    for (const frontend of frontendsOf(service.value, portOf, facts)) {
      const key = portKey(frontend.port.protocol, frontend.number);
      if (frontend.address === undefined) listAt(nodePorts[frontend.port.family], key).push(frontend);
      else addFrontend(byAddress, addressKey(frontend.address), key, frontend);
    }
    const port = healthCheckPort(service.value);
    if (port === undefined) continue;
    const indexes = [...(service.value.spec?.ports ?? []).keys()];
    const ports = indexes.flatMap((index) => [portOf(index, "IPv4"), portOf(index, "IPv6")]);
    healthChecks.set(port, [...(healthChecks.get(port) ?? []), { service, port, ports }]);
  }
  return {
    release: facts.release,
    byAddress,
    nodePorts,
    healthChecks,
    owners: ownersOf(facts),
    nodes: new Map(cluster.nodes.map(({ value }) => [value.metadata.name ?? "", intentNode(value)])),
    places: nodePortPlaces(facts),
    sources: sourceFacts(facts),
  };
}

function addFrontend(
  byAddress: Map<string, Map<string, Frontend[]>>,
  address: string,
  port: string,
  frontend: Frontend,
): void {
  const known = byAddress.get(address) ?? new Map<string, Frontend[]>();
  byAddress.set(address, known);
  listAt(known, port).push(frontend);
}
