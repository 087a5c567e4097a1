import { ruleKinds } from "../compile/iptables/provenance.ts";
import { hasPorts, type Packet } from "../kernel/packet.ts";
import { addressText, protocolText } from "../kernel/packet-text.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import type { End } from "../network/end.ts";
import type { Endpoint } from "../proxy/endpoints.ts";
import { decidingRule, type Names, whereText } from "../trace/names.ts";
import { ruleName } from "../trace/rule-text.ts";
import { noEndpoints, ruleAdvice } from "./advice.ts";
import type { ClusterNetwork } from "./cluster-network.ts";
import { type Frontends, frontendsOf, portText, serviceKey } from "./frontends.ts";
import { holders } from "./holders.ts";

const protocolOf = ({ protocol }: Pick<Packet, "protocol">): string => protocolText(protocol, "IPv4").toUpperCase();

/** The conditions that an endpoint was chosen with. */
function conditionsText({ ready, serving, terminating }: Endpoint): string {
  if (ready) return "ready";
  return serving && terminating ? "terminating, still serving, as none is ready" : "not ready";
}

/** `80/TCP (http), 443/TCP` */
function portsText({ spec }: Parameters<typeof serviceKey>[0]): string {
  const ports = spec?.ports ?? [];
  return ports.map(({ port, protocol = "TCP", name }) => `${port}/${protocol}${name ? ` (${name})` : ""}`).join(", ");
}

/** Why nobody has got a packet, as far as Services tell. */
function nobodyWhy(end: Extract<End, { kind: "nobody" }>, packet: Packet, frontends: Frontends): readonly string[] {
  const address = addressText(packet.dst);
  const owner = frontends.owner(address);
  if (owner === undefined) return [];
  const { service, by } = owner;
  const frontend = frontends.find(address, packet.dport, protocolOf(packet));
  if (frontend === undefined)
    return [
      `${address} is a ${by} of Service ${serviceKey(service)}, which ${hasPorts(packet.protocol) ? `has no port ${packet.dport}/${protocolOf(packet)}` : `does not answer ${protocolOf(packet)}`}; it has ${portsText(service)}`,
      "by design: kube-proxy writes rules for the ports of a Service only; a packet to another port passes untranslated, and no host has the address",
      "change: call a port that the Service has, or add the port to spec.ports",
    ];
  if (end.node === undefined && by === "ClusterIP")
    return [
      `${address} is the ClusterIP of Service ${serviceKey(service)}: it means something on nodes and in Pods only`,
      "by design: routers outside the cluster know nothing of ClusterIPs",
      "change: call a node port or a load balancer's address; --node NAME shows what a node would do if the packet came there",
    ];
  return [];
}

/** Why a node got a packet to a node port itself. */
function hostWhy(packet: Packet, frontends: Frontends): readonly string[] {
  const found = frontends.find(addressText(packet.dst), packet.dport, protocolOf(packet));
  if (found?.by !== "node port") return [];
  return [
    `${packet.dport} is the node port of Service ${portText(found.service, found.portIndex)}, but no rule takes it on ${addressText(packet.dst)}: nodePortAddresses and iptables.localhostNodePorts say where node ports are served`,
    "by design: kube-proxy serves node ports by rules alone; without one the node refuses the port, unless a process of its own has it",
  ];
}

/** Why a virtual server has no real server to give (ipvs mode). */
function stuckWhy(
  { node, virtualServer }: Extract<End, { kind: "stuck" }>,
  packet: Packet,
  { proxy }: ClusterNetwork,
  frontends: Frontends,
): readonly string[] {
  const found = frontends.find(addressText(packet.dst), packet.dport, protocolOf(packet));
  if (virtualServer === undefined || found === undefined) return [];
  const decision = proxy(node, packet.family)?.ports.find(
    ({ port }) => port.service.value === found.service && port.portIndex === found.portIndex,
  );
  const service = portText(found.service, found.portIndex);
  return [
    `the virtual server is Service ${service}'s (${found.by}); kube-proxy gave it no real server, as no endpoint may be used on ${node}`,
    "by design: ip_vs refuses what it has no real server for",
    ...(decision === undefined || decision.usable.hasEndpoints ? [] : [noEndpoints(decision)]),
  ];
}

/** Why an entrance is not known. */
function unknownWhy(packet: Packet, frontends: Frontends): readonly string[] {
  const owner = frontends.owner(addressText(packet.dst));
  if (owner === undefined || owner.by === "ClusterIP") return [];
  return [
    `${addressText(packet.dst)} is a ${owner.by} of Service ${serviceKey(owner.service)}: objects do not tell to which node the world outside hands it; --node NAME says it`,
  ];
}

/** The names that a cluster's objects give to addresses and rules. */
export function clusterNames(cluster: ClusterNetwork, pods: readonly Located<Pod>[]): Names {
  const held = holders(cluster.cluster, pods);
  const isNode = (address: string): boolean =>
    held.get(address)?.startsWith("node ") === true || address.startsWith("127.");
  const frontends = frontendsOf(cluster.cluster, isNode);
  const why: Names["why"] = (node, rule) => {
    const found = cluster.reason(node, rule);
    // what no restore text holds came by the single commands: the jumps from the built-in chains
    if (found === undefined) return { kind: "jump", reason: ruleKinds.jump.reason };
    const { origin, ...rest } = found;
    const { kind, endpoint } = origin;
    return kind === "dnat" && endpoint !== undefined ? { ...rest, note: conditionsText(endpoint) } : rest;
  };
  return {
    holder: (address) => held.get(addressText(address)),
    frontend: (packet) => {
      const address = addressText(packet.dst);
      const found = frontends.find(address, packet.dport, protocolOf(packet));
      return found === undefined ? undefined : `Service ${portText(found.service, found.portIndex)} (${found.by})`;
    },
    why,
    endWhy: ({ end, packet, legs }, sent) => {
      const rule = decidingRule(end);
      if (rule !== undefined && "node" in end && end.node !== undefined) {
        const reason = cluster.reason(end.node, rule);
        if (reason === undefined) return [];
        const where = whereText(reason);
        const source = addressText(legs.at(-1)?.packet.src ?? packet.src);
        return [
          `${ruleName(rule)} is kube-proxy's: ${reason.reason}${where === "" ? "" : ` (${where})`}`,
          ...ruleAdvice(reason.origin, { node: end.node, source }),
        ];
      }
      if (end.kind === "stuck") return stuckWhy(end, legs.at(-1)?.packet ?? packet, cluster, frontends);
      if (end.kind === "host") return hostWhy(packet, frontends);
      if (end.kind === "nobody") return nobodyWhy(end, packet, frontends);
      if (end.kind === "unknown" && legs.length === 0) return unknownWhy(sent, frontends);
      return [];
    },
  };
}
