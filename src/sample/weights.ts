/**
 * The mix of a sample: one entry a choice, and in it the weight of each way it can go. The names are those of features
 * (features.ts). Cluster-wide choices are nearly even, so that each pair of them turns up in a few hundred clusters.
 */
const weights = {
  // the configuration (iptables-mode §1.1)
  "config.mode": { absent: 1, iptables: 1 },
  "config.detectLocalMode": {
    absent: 1,
    ClusterCIDR: 1.5,
    NodeCIDR: 1,
    BridgeInterface: 1,
    InterfaceNamePrefix: 1,
  },
  "config.detectLocal": { absent: 3, bridge: 2, prefix: 2, both: 2 },
  "config.clusterCIDR": { absent: 2, IPv4: 2, IPv6: 2, "IPv4,IPv6": 2, "IPv6,IPv4": 2, "host-bits": 1 },
  "config.masqueradeAll": { absent: 1, false: 1, true: 1 },
  "config.masqueradeBit": { absent: 2, zero: 1, other: 2, "thirty-one": 1 },
  "config.localhostNodePorts": { absent: 1, false: 1, true: 1 },
  "config.nodePortAddresses": {
    absent: 3,
    primary: 1.5,
    localhost: 1.5,
    all: 1.5,
    IPv4: 1.5,
    IPv6: 1.5,
    both: 2,
    loopback: 1.5,
    "match-all": 1.5,
    nowhere: 1.5,
    several: 2,
  },
  "config.bindAddress": { absent: 2, "any IPv4": 1, "any IPv6": 1, IPv4: 1, IPv6: 1 },
  "config.externalIPs": { absent: 2, true: 1, false: 1 },
  "config.tcpBeLiberal": { absent: 2, true: 1, false: 1 },
  // the host and the node
  "host.nfacct": { true: 2, false: 1 },
  "host.liberal": { true: 1, false: 2 },
  "host.interfaces": { one: 1, several: 2, shared: 1, "loopback only": 1 },
  "node.ips": { IPv4: 2, IPv6: 2, "IPv4,IPv6": 2, "IPv6,IPv4": 2, external: 1, none: 1 },
  "node.podCIDRs": { absent: 1, IPv4: 1, IPv6: 1, "IPv4,IPv6": 1, "IPv6,IPv4": 1 },
  "node.zone": { absent: 1, given: 3 },
  "cluster.endpoints": { few: 19, large: 1 },
  // Services (§1.2 to §1.4)
  "service.type": { ClusterIP: 6, NodePort: 6, LoadBalancer: 10, ExternalName: 1 },
  /** The Service holds fields its type should not have. */
  "service.stray": { false: 1, true: 1 },
  "service.families": { absent: 2, IPv4: 4, IPv6: 3, "IPv4,IPv6": 4, "IPv6,IPv4": 4 },
  "service.clusterIP": { given: 24, None: 1, absent: 1 },
  "service.spelling": { plain: 14, zeros: 1, mapped: 1, "upper-case": 1.5, long: 1.5 },
  "service.name": { short: 5, long: 1 },
  "service.label": { none: 10, "proxy-name": 1, headless: 1 },
  "service.ports": { one: 4, two: 4, three: 2, none: 1 },
  "service.externalIPs": { none: 4, IPv4: 1, IPv6: 1, both: 2, node: 1, odd: 1 },
  "service.ingress": { none: 2, IPv4: 2, IPv6: 2, both: 2, hostname: 1, several: 1 },
  "service.ipMode": { absent: 3, VIP: 2, Proxy: 1 },
  "service.ranges": { none: 4, some: 5 },
  "service.range": {
    IPv4: 4,
    IPv6: 4,
    zero: 1,
    "host bits": 1,
    padded: 1,
    node: 3,
    invalid: 1,
    empty: 1,
  },
  "service.externalPolicy": { absent: 1, Cluster: 3, Local: 4 },
  "service.internalPolicy": { absent: 1, Cluster: 3, Local: 3 },
  "service.healthCheckNodePort": { absent: 1, given: 2 },
  "service.affinity": { None: 3, "default time": 1, "own time": 2 },
  "service.duplicate": { none: 10, equal: 2, contradicting: 4, "same slice": 1 },
  "port.name": { unnamed: 1, named: 2 },
  "port.protocol": { TCP: 4, UDP: 2, SCTP: 1 },
  "port.nodePort": { absent: 1, given: 5 },
  // EndpointSlices (§1.5 to §1.7)
  "slice.count": { none: 1, one: 4, two: 3, three: 1 },
  "slice.label": { none: 16, headless: 1, "proxy-name": 1, "no service": 1 },
  "slice.addressType": { own: 12, FQDN: 1, other: 1 },
  "slice.ports": { all: 10, none: 1, "no number": 1, more: 1, "other name": 1, "other protocol": 1 },
  "slice.endpoints": { none: 1, one: 3, some: 6 },
  /** One kind of place for all endpoints of a Service makes the fallbacks of both policies come up. */
  "slice.state": { mixed: 3, ready: 4, terminating: 2, unready: 1, "none ready": 2 },
  "slice.hints": { none: 4, mixed: 2, zones: 2, nodes: 2 },
  "endpoint.ready": { absent: 2, true: 6, false: 3 },
  "endpoint.serving": { absent: 2, true: 4, false: 2 },
  "endpoint.terminating": { absent: 2, true: 3, false: 4 },
  "endpoint.node": { absent: 1, this: 3, other: 3 },
  "endpoint.zone": { absent: 1, this: 1, other: 1 },
  "endpoint.zoneHint": { none: 1, this: 2, other: 1, several: 1 },
  "endpoint.nodeHint": { none: 1, this: 2, other: 1 },
  "endpoint.address": {
    plain: 20,
    zeros: 1,
    mapped: 1,
    "upper-case": 1,
    long: 1,
    "other family": 1,
    second: 1,
    none: 1,
    broken: 1,
  },
} as const;

/** A choice, such as `service.type`. */
export type Choice = keyof typeof weights;

/** A way a choice can go, such as `NodePort`. */
export type Way<C extends Choice> = keyof (typeof weights)[C] & string;

/** Weights of all choices. */
export type Weights = { readonly [C in Choice]: Readonly<Record<Way<C>, number>> };

/** The weights that are changed: those of the ways named, in the choices named. */
export type WeightChanges = { readonly [C in Choice]?: Readonly<Partial<Record<Way<C>, number>>> };

/** The mix that conformance runs with. */
export const defaultWeights: Weights = weights;

/** The default mix with some weights changed. */
export function mixedWeights(changes: WeightChanges): Weights {
  const all: Record<string, Readonly<Record<string, number>>> = { ...weights };
  for (const [choice, ways] of Object.entries(changes)) all[choice] = { ...all[choice], ...ways };
  return all as Weights;
}
