import type { Breach, Seen } from "../../intent/breaches.ts";
import type { Clause } from "../../intent/clauses.ts";
import type { Intent } from "../../intent/intent.ts";
import { addressKey, type PacketAtNode } from "../../intent/packet.ts";
import type { KubernetesPromise } from "../../intent/promise.ts";
import type { ServicePort } from "../../intent/service-port.ts";
import type { Host } from "../../kernel/host.ts";
import { addressServiceId } from "../../kernel/ipvs/service-index.ts";
import type { Address, Packet } from "../../kernel/packet.ts";
import { isOwnAddress } from "../../kernel/run.ts";
import { addressOf, ipOf } from "../../network/addresses.ts";
import type { Network } from "../../network/network.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";

/** Something that is not as promised, as far as its causes can be asked for: on one node, or on a way over several. */
export interface BreachFacts {
  /** As it was sent, and as it was at the end of its way. */
  readonly packet: Packet;
  readonly last: Packet;
  readonly asked: PacketAtNode;
  readonly promise: KubernetesPromise;
  readonly seen: Seen;
  readonly breaches: readonly Breach[];
  readonly intent: Intent;
  /** The Service's port that the promise is about. */
  readonly port: ServicePort | undefined;
  readonly network: Network;
  /** The node that has to do with the packet (`promise.at`); where one node alone is looked at, that one. */
  readonly host: Host;
  /** The chain whose rule ended the way. */
  readonly endedBy: string | undefined;
  /** Did it cross several nodes? */
  readonly crossed: boolean;
  /** Addresses that it, or what carried it, had on the way. */
  readonly addresses: () => readonly Address[];
}

/** Is one of these clauses at stake? */
export const by = ({ promise }: BreachFacts, ...wanted: readonly Clause[]): boolean =>
  wanted.some((clause) => promise.clauses.includes(clause));

/** The virtual server for the packet, where there is one. */
export const serverOf = ({ host, packet }: BreachFacts): VirtualServer | undefined =>
  host.services.byId.get(addressServiceId(packet.protocol, packet.dst, packet.dport))?.description;

/** Is no endpoint of the port certain to be on the node that counts? */
export const hasNoneThere = ({ port, promise }: BreachFacts): boolean => port?.on(promise.at).certain === false;

/** Has nodePortAddresses entries, and none of the packet's family? */
export function listsOtherFamily({ asked, intent }: BreachFacts): boolean {
  const { everywhere, primary, networks } = intent.places;
  return !everywhere && !primary && networks.every(({ address }) => address.family !== asked.destination.family);
}

/** Has loadBalancerSourceRanges entries, and none of the packet's family? */
export function restrictsOtherFamily({ asked, port }: BreachFacts): boolean {
  return (
    port?.ranges.kind === "only" &&
    port.ranges.ranges.every(({ address }) => address.family !== asked.destination.family)
  );
}

const claimed = new WeakMap<Network, ReadonlySet<string>>();

/** Nodes' addresses that some Service has as an external IP or a load balancer's, and that another node has taken for its own. */
function claimedAddresses({ intent, network }: BreachFacts): ReadonlySet<string> {
  const known = claimed.get(network);
  if (known !== undefined) return known;
  const takes = (name: string, address: Address): boolean => {
    const host = network.node(name)?.host;
    return host !== undefined && isOwnAddress(host, address);
  };
  const found = [...intent.owners].filter(([key, owner]) => {
    const frontends = [...(intent.byAddress.get(key)?.values() ?? [])].flat();
    const address = frontends.find(({ standing }) => standing.kind !== "none")?.address;
    if (address === undefined) return false;
    return network.nodes.some((name) => name !== owner && takes(name, addressOf(address)));
  });
  const keys = new Set(found.map(([key]) => key));
  claimed.set(network, keys);
  return keys;
}

/** Does the way meet a node's address that other nodes have taken for theirs? */
export function meetsClaimed(facts: BreachFacts): boolean {
  const keys = claimedAddresses(facts);
  return keys.size > 0 && facts.addresses().some((address) => keys.has(addressKey(ipOf(address))));
}
