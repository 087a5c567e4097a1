import type { Cluster } from "../cluster/cluster.ts";
import type { Address } from "../kernel/packet.ts";
import { protocols } from "../kernel/packet.ts";
import { endpointText } from "../kernel/packet-text.ts";
import { compareText } from "../net/compare.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import { nodeAddresses } from "../network/node-addresses.ts";
import type { Endpoint } from "../proxy/endpoints.ts";
import type { ServicePort } from "../proxy/serviceport.ts";
import type { PortDecision, ProxyState } from "../proxy/state.ts";

/** An address and port by which a Service's port is reached: a row of the matrix. */
export interface Frontend {
  /** `NAMESPACE/NAME` */
  readonly service: string;
  /** Name of the port, or its number where it has none. */
  readonly port: string;
  readonly kind: "ClusterIP" | "ExternalIP" | "LoadBalancer" | "NodePort";
  readonly family: IPFamily;
  readonly address: Address;
  readonly number: number;
  /** TCP, UDP or SCTP. */
  readonly protocol: string;
  /** `ADDRESS:PORT` */
  readonly text: string;
  /** Whose address it is, for node ports. */
  readonly node?: string;
  /** What each node decides about the port. */
  readonly decisions: readonly PortDecision[];
  /** Endpoints of the port, usable or not, as `ADDRESS:PORT`. */
  readonly endpoints: ReadonlySet<string>;
  /** Those that a new connection can come to on some node, in their order. */
  readonly usable: readonly Endpoint[];
}

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ["TCP", protocols.tcp],
  ["UDP", protocols.udp],
  ["SCTP", protocols.sctp],
]);

/** The number of a frontend's protocol. */
export const protocolNumber = ({ protocol }: Frontend): number => NUMBERS.get(protocol) ?? protocols.tcp;

function nodePortAddresses(cluster: Cluster, family: IPFamily): readonly (readonly [node: string, text: string])[] {
  return cluster.nodes.flatMap(({ value }) => {
    const ip = nodeAddresses(value).find((each) => each.family === family);
    const text =
      ip === undefined
        ? undefined
        : endpointText(addressOf(ip), 0)
            .replace(/:0$/, "")
            .replace(/^\[(.*)\]$/, "$1");
    return text === undefined ? [] : [[value.metadata.name ?? "", text] as const];
  });
}

function frontendsOf(cluster: Cluster, decisions: readonly PortDecision[], family: IPFamily): readonly Frontend[] {
  const [first] = decisions;
  if (first === undefined) return [];
  const { port, known } = first;
  const usable = new Set(
    decisions.flatMap((each) => [...each.usable.cluster, ...each.usable.local]).map(({ text }) => text),
  );
  const make = (kind: Frontend["kind"], ip: string, number: number, node?: string): Frontend[] => {
    const parsed = parseIP(ip);
    if (parsed === undefined) return [];
    const address = addressOf(parsed);
    return [
      {
        service: `${port.namespace}/${port.name}`,
        port: port.portName === "" ? `${port.port}` : port.portName,
        kind,
        family,
        address,
        number,
        protocol: port.protocol,
        text: endpointText(address, number),
        ...(node === undefined ? {} : { node }),
        decisions,
        endpoints: new Set(known.map(({ text }) => text)),
        usable: known.filter(({ text }) => usable.has(text)),
      },
    ];
  };
  return [
    ...make("ClusterIP", port.clusterIP, port.port),
    ...port.externalIPs.flatMap(({ text }) => make("ExternalIP", text, port.port)),
    ...port.loadBalancerVIPs.flatMap(({ text }) => make("LoadBalancer", text, port.port)),
    ...(port.nodePort === 0
      ? []
      : nodePortAddresses(cluster, family).flatMap(([node, text]) => make("NodePort", text, port.nodePort, node))),
  ];
}

const identity = ({ namespace, name, portName, protocol }: ServicePort): string =>
  [namespace, name, portName, protocol].join("\u0000");

/** What every node decides about each service port, by its identity. */
function decisionsByPort(states: readonly ProxyState[]): ReadonlyMap<string, readonly PortDecision[]> {
  const found = new Map<string, PortDecision[]>();
  for (const decision of states.flatMap(({ ports }) => ports)) {
    const list = found.get(identity(decision.port));
    if (list === undefined) found.set(identity(decision.port), [decision]);
    else list.push(decision);
  }
  return found;
}

/**
 * All frontends of a cluster in the order of Services and their ports, IPv4 before IPv6; `states` gives what kube-proxy decides
 * on each node, `wanted` chooses Services by `NAMESPACE/NAME`.
 */
export function matrixFrontends(
  cluster: Cluster,
  states: (family: IPFamily) => readonly ProxyState[],
  wanted: (service: string) => boolean,
): readonly Frontend[] {
  return ipFamilies
    .flatMap((family, index) =>
      [...decisionsByPort(states(family))].map(([key, decisions]) => ({ key, decisions, family, index })),
    )
    .filter(({ decisions: [first] }) => first !== undefined && wanted(`${first.port.namespace}/${first.port.name}`))
    .sort((a, b) => compareText(a.key, b.key) || a.index - b.index)
    .flatMap(({ decisions, family }) => frontendsOf(cluster, decisions, family));
}
