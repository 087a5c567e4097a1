import type { Host } from "../kernel/host.ts";
import type { Outcome } from "../kernel/outcome.ts";
import { type Address, type Packet, sameAddress } from "../kernel/packet.ts";
import { isOwnAddress, type SendOptions, wayTo } from "../kernel/run.ts";
import { isLoopback } from "../net/ip.ts";
import { addressOf, ipOf, textOf } from "./addresses.ts";
import { OVERLAY } from "./devices.ts";
import type { End } from "./end.ts";
import type { Network, NetworkNode } from "./network.ts";
import { podWith, wireInterface } from "./network.ts";
import type { NetworkState } from "./network-state.ts";
import type { AttachedPod } from "./node-host.ts";
import { leadsToPod } from "./pod-index.ts";

/** How a packet gets to a host: by an interface, or from a process of its own. */
export type Entrance =
  | { readonly kind: "received"; readonly inInterface: string }
  | { readonly kind: "sent"; readonly options: SendOptions };

/** A packet about to be walked through a node. */
export interface Arrival {
  readonly kind: "arrival";
  readonly node: NetworkNode;
  readonly entrance: Entrance;
  /** As it enters, where routers outside changed it. */
  readonly packet?: Packet;
}

/** What lies between the hosts. */
export interface Wires {
  readonly network: Network;
  readonly state: NetworkState;
  /** The node that packets from outside to an external address of a Service are handed to. */
  readonly entryNode?: ((address: Address) => string | undefined) | undefined;
}

const unknown = (what: string, node?: string): End => ({
  kind: "unknown",
  what: { what },
  ...(node === undefined ? {} : { node }),
});

/** `from`: the node that the packet was transmitted by, where there was one. */
function nobody(address: Address, why: string, from: string | undefined): End {
  return { kind: "nobody", address, why, ...(from === undefined ? {} : { node: from }) };
}

function arriveBy(node: NetworkNode, inInterface: string): Arrival {
  return { kind: "arrival", node, entrance: { kind: "received", inInterface } };
}

/** Pods and hosts outside are no routers for localnet: `ip_route_input_slow` and `ip6_rcv_core` drop what says it is from loopback. */
const saysLoopback = ({ src }: Packet): boolean => isLoopback(ipOf(src));

/** A source that is the receiver's own is a martian in IPv4 (`fib_validate_source`). */
function saysItself({ addresses }: AttachedPod, { src }: Packet): boolean {
  return typeof src === "number" && addresses.some((own) => sameAddress(addressOf(own), src));
}

const FROM_ITSELF = "no host takes a packet that says to be from itself";
const FROM_LOOPBACK = "no other host takes a packet from a loopback address";

/**
 * A packet from outside enters a node by the interface that the node's own way back to the source takes, unless that is a
 * Pod's or the overlay; then by the one that has the destination, else by the uplink. `by` says another interface of it.
 */
export function enterNode(
  { network, state }: Wires,
  name: string,
  { family, src, dst }: Packet,
  by?: string,
): Arrival | End {
  const node = network.node(name);
  if (node === undefined) return unknown(`what ${name} does: there is no Node of this name among the objects`);
  if (by !== undefined) return arriveBy(node, by);
  const way = wayTo(node.host, state.of(name), family, src);
  const taken = new Set([
    ...node.pods.map((pod) => pod.interface),
    ...(node.overlay === undefined ? [] : [node.overlay]),
  ]);
  const byRoute = way.kind === "unicast" && !taken.has(way.device.name) ? way.device.name : undefined;
  const inInterface = byRoute ?? wireInterface(node, dst);
  if (inInterface === undefined) return unknown(`by which interface ${family} packets enter ${name}`, name);
  return arriveBy(node, inInterface);
}

/** A packet that left the cluster and is led back into it has crossed a router at least: it takes one from the TTL. */
function ledBack(packet: Packet, to: Arrival | End, from: string | undefined): Arrival | End {
  if (to.kind !== "arrival" || from === undefined) return to;
  if (packet.ttl <= 1) return unknown("what a router outside answers when the TTL runs out there", from);
  return { ...to, packet: { ...packet, ttl: packet.ttl - 1 } };
}

/**
 * Where the world outside delivers a packet; `from`: the node that sent it out. What it knows: nodes by their addresses; Services' external addresses if
 * `entryNode` tells; Pod networks if the network's options say so. Every other address is somebody's outside.
 */
export function outsideDelivers(wires: Wires, packet: Packet, from?: string, outInterface?: string): Arrival | End {
  return ledBack(packet, deliverOutside(wires, packet, from, outInterface), from);
}

function deliverOutside(
  wires: Wires,
  packet: Packet,
  from: string | undefined,
  outInterface: string | undefined,
): Arrival | End {
  const { network, entryNode } = wires;
  const { dst } = packet;
  const owner = network.ownerOf(dst);
  switch (owner.kind) {
    case "node":
      return enterNode(wires, owner.node, packet);
    case "node-external":
      return unknown(`how packets to ${textOf(dst)} get to ${owner.node}, which has it on no interface`, from);
    case "no-host":
      return nobody(dst, "it is the address of no other host", from);
    case "external": {
      const name = entryNode?.(dst);
      if (name === undefined) return unknown(`which node packets to ${textOf(dst)} are handed to from outside`, from);
      return enterNode(wires, name, packet);
    }
    case "pod":
    case "pod-network":
      if (network.outsideRoutesPods === undefined)
        return unknown(`whether routers outside lead to the Pod address ${textOf(dst)}`, from);
      if (!network.outsideRoutesPods) return nobody(dst, "routers outside do not lead to Pod addresses", from);
      return enterNode(wires, owner.node, packet);
    case "cluster-ip":
      return nobody(dst, "no host has a ClusterIP, and no rule translated it", from);
    case "outside":
      if (saysLoopback(packet)) return nobody(dst, FROM_LOOPBACK, from);
      return {
        kind: "outside",
        ...(from === undefined ? {} : { node: from }),
        ...(outInterface === undefined ? {} : { outInterface }),
      };
  }
}

/** Broadcast addresses of hosts, as their routes tell. */
const broadcasts = new WeakMap<Host, ReadonlySet<Address>>();

function broadcastsOf(host: Host): ReadonlySet<Address> {
  const known = broadcasts.get(host);
  if (known !== undefined) return known;
  const routes = host.routes.filter(({ type, prefixLength }) => type === "broadcast" && prefixLength === 32);
  const found = new Set(routes.map(({ destination }) => destination));
  broadcasts.set(host, found);
  return found;
}

function isCast({ host }: NetworkNode, address: Address): boolean {
  if (typeof address !== "number") return address[0] >>> 24 === 0xff;
  if (address >>> 28 === 14 || address === 0xffffffff) return true;
  return broadcastsOf(host).has(address);
}

/** The address that a node's overlay sends from and is sent to: on its uplink, of IPv4 where it has one. */
function carrierOf({ host, uplinks }: NetworkNode): Address | undefined {
  const family = uplinks.IPv4 === undefined ? "IPv6" : "IPv4";
  const device = uplinks[family];
  const addresses = device === undefined ? [] : (host.byName.get(device)?.addresses ?? []);
  return addresses.find((own) => own.family === family)?.address;
}

/**
 * Over the overlay to another node, unless one of the two has the other's address, as ipvs mode gives it those of Services: what is for its own
 * comes in again by its own overlay (`vxlan_encap_bypass`), and what says to be from its own is a martian (IPv4).
 */
function carry(node: NetworkNode, other: NetworkNode, nextHop: Address): Arrival | End {
  const [from, to] = [carrierOf(node), carrierOf(other)];
  if (to !== undefined && isOwnAddress(node.host, to)) return arriveBy(node, node.overlay ?? OVERLAY);
  if (typeof from === "number" && isOwnAddress(other.host, from))
    return nobody(
      nextHop,
      `${other.name} has ${textOf(from)} itself, from which ${node.name} carries packets to it`,
      node.name,
    );
  return arriveBy(other, other.overlay ?? OVERLAY);
}

/** Where a packet comes to that a node transmitted: to a Pod, to another node as it is, or out of the cluster. */
export function crossWire(
  wires: Wires,
  node: NetworkNode,
  { outInterface, nextHop }: Extract<Outcome, { kind: "transmitted" }>,
  packet: Packet,
): Arrival | End {
  const { network } = wires;
  const { name } = node;
  if (isCast(node, packet.dst)) return unknown("who hears a broadcast or multicast that leaves the host", name);
  if (leadsToPod(node.pods, outInterface)) {
    const pod = podWith(node, packet.dst);
    if (saysLoopback(packet)) return nobody(packet.dst, FROM_LOOPBACK, name);
    if (pod?.interface === outInterface) {
      if (saysItself(pod, packet)) return nobody(packet.dst, FROM_ITSELF, name);
      return { kind: "pod", node: name, pod: pod.key };
    }
    return nobody(packet.dst, `the Pod behind ${outInterface} has another address`, name);
  }
  if (outInterface === node.overlay) {
    const next = network.overlayNode(nextHop);
    if (next === undefined || next === name)
      return nobody(nextHop, "no other node is behind the overlay by this next hop", name);
    const other = network.node(next);
    return other === undefined
      ? unknown(`what ${next} does: there is no Node of this name among the objects`, name)
      : carry(node, other, nextHop);
  }
  const neighbour = network.ownerOf(nextHop);
  if (neighbour.kind === "node" && neighbour.node !== name) {
    const other = network.node(neighbour.node);
    const inInterface = other === undefined ? undefined : wireInterface(other, nextHop);
    if (other !== undefined && inInterface !== undefined) return arriveBy(other, inInterface);
  }
  // without a gateway the destination itself must answer on the link: no router takes it on
  const onLink = sameAddress(nextHop, packet.dst);
  const owner = network.ownerOf(packet.dst).kind;
  if (onLink && (owner === "pod" || owner === "pod-network" || neighbour.kind === "node"))
    return nobody(packet.dst, `no other host on ${outInterface} has the address`, name);
  return outsideDelivers(wires, packet, name, outInterface);
}
