import type { ServicePort } from "../../src/intent/service-port.ts";
import type { Address } from "../../src/kernel/packet.ts";
import type { BreachFacts } from "../../src/verify/promises/breach-facts.ts";
import { type Deviation, deviations, explanationsOf } from "../../src/verify/promises/deviations.ts";
import type { Fault } from "./journey-law.ts";
import type { Place } from "./place.ts";

/** The Service's port that a fault is about, in the packet's family. */
function portOf({ promise, call }: Fault, { intent }: Place): ServicePort | undefined {
  const { service, port } = promise;
  const { family } = call.asked.destination;
  const all = [...intent.byAddress.values(), intent.nodePorts[family]].flatMap((ports) => [...ports.values()].flat());
  return all.find((each) => each.port.service === service && each.port.index === port && each.port.family === family)
    ?.port;
}

/** The rule's chain that ended the way. */
function endChain({ branch }: Fault): string | undefined {
  const { end } = branch.journey.there;
  if (end.kind === "rejected") return end.rule.chain;
  return end.kind === "dropped" && end.cause.kind === "rule" ? end.cause.rule.chain : undefined;
}

/** Addresses of the packet, of its reply, and of the nodes that they cross or lead to: the overlay is carried between them. */
function addressesOn({ call, branch }: Fault, { network }: Place): readonly Address[] {
  const { there, reply } = branch.journey;
  const ways = reply === undefined ? [there] : [there, reply.way];
  const names = ways.flatMap(({ legs, packet }) => {
    const owner = network.ownerOf(packet.dst);
    return [...legs.map(({ node }) => node), ...("node" in owner ? [owner.node] : [])];
  });
  const carriers = [...new Set(names)]
    .flatMap((name) => network.node(name)?.host.interfaces ?? [])
    .filter(({ up }) => up)
    .flatMap(({ addresses }) => addresses.map(({ address }) => address));
  return [
    call.packet.src,
    call.packet.dst,
    there.packet.src,
    ...(reply === undefined ? [] : [reply.packet.dst, reply.way.packet.dst]),
    ...carriers,
  ];
}

/** A fault of a way over nodes in the terms of the list of known deviations. */
function factsOf(fault: Fault, place: Place): BreachFacts {
  const { call, promise, branch, seen, breaches } = fault;
  const { there } = branch.journey;
  const host = place.network.node(promise.at)?.host;
  if (host === undefined) throw new Error(`there is no ${promise.at}`);
  return {
    packet: call.packet,
    last: there.packet,
    asked: call.asked,
    promise,
    seen,
    breaches,
    intent: place.intent,
    port: portOf(fault, place),
    network: place.network,
    host,
    endedBy: endChain(fault),
    crossed: there.legs.length > 2,
    addresses: () => addressesOn(fault, place),
  };
}

/** The ids of what explains a fault; none where it is news. */
export function explanations(fault: Fault, place: Place, list: readonly Deviation[] = deviations): readonly string[] {
  return explanationsOf(factsOf(fault, place), list).map(({ id }) => id);
}
