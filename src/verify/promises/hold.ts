import { type Breach, breachesOf, type Seen } from "../../intent/breaches.ts";
import type { OperatorFacts } from "../../intent/facts.ts";
import type { Intent } from "../../intent/intent.ts";
import type { KubernetesPromise } from "../../intent/promise.ts";
import type { ServicePort } from "../../intent/service-port.ts";
import type { Host } from "../../kernel/host.ts";
import type { Result } from "../../kernel/outcome.ts";
import { type Packet, tcpFlag } from "../../kernel/packet.ts";
import type { IPFamily } from "../../net/family.ts";
import type { Network } from "../../network/network.ts";
import { partition } from "../classes/partition.ts";
import type { Way } from "../classes/ways.ts";
import { fateKey, fateOf } from "../equivalence/fate.ts";
import type { BreachFacts } from "./breach-facts.ts";
import { clientsAt } from "./clients.ts";
import { type Deviation, explanationsOf } from "./deviations.ts";
import { promisedBoxAt } from "./promise-box.ts";
import { type PromisedClass, promisedClasses } from "./refine.ts";
import { seenAt } from "./seen.ts";

/** A node whose packets are held against promises. */
export interface HeldNode {
  readonly node: string;
  readonly family: IPFamily;
  /** With kube-proxy's rules, and the same without any Service. */
  readonly host: Host;
  readonly without: Host;
  readonly network: Network;
  readonly intent: Intent;
  readonly facts: OperatorFacts;
  /** Known deviations: `deviations` unless given. */
  readonly list?: readonly Deviation[];
}

/** A way of a class that is not as promised. */
export interface Wrong {
  readonly way: Way;
  readonly seen: Seen;
  readonly breaches: readonly Breach[];
  /** Why it is known not to be so; `undefined`: it is a finding. */
  readonly deviation: Deviation | undefined;
}

/** A class of packets with what was promised, and what is not so. */
export interface Held {
  readonly class: PromisedClass;
  /** `said`: something is promised; `unsaid`: nothing, for this packet or for its sender. */
  readonly standing: "said" | "unsaid";
  readonly wrong: readonly Wrong[];
  /** Ways whose end is not known. */
  readonly unknown: number;
}

/** Promises are about the first packet of a connection, which for TCP has SYN. */
const beginsNothing = ({ protocol, flags }: Packet): boolean => protocol === 6 && (flags & tcpFlag.SYN) === 0;

/** What is held against a class: what begins no connection is only held to what is no Service's business. */
function promiseFor({ packet, promise }: PromisedClass): KubernetesPromise | undefined {
  if (promise?.outcome.kind === "unpromised") return undefined;
  return beginsNothing(packet) && promise?.outcome.kind !== "none" ? undefined : promise;
}

/** What is to be done elsewhere may go there as if there were no Services: that node is held to it. */
function breachesHere(promise: KubernetesPromise, node: string, seen: Seen, likeNoService: boolean): readonly Breach[] {
  if (promise.at !== node && likeNoService) return [];
  return breachesOf(promise, seen, likeNoService);
}

/** The rule's chain that ended a way. */
function endChain({ outcome }: Result): string | undefined {
  if (outcome.kind === "rejected") return outcome.rule.chain;
  return outcome.kind === "dropped" && outcome.cause.kind === "rule" ? outcome.cause.rule.chain : undefined;
}

/** The Service's port of a promise. */
function portOf({ frontends }: PromisedClass, { service, port }: KubernetesPromise): ServicePort | undefined {
  return frontends.find((each) => each.port.service === service && each.port.index === port)?.port;
}

function deviationOf(
  held: HeldNode,
  found: PromisedClass,
  promise: KubernetesPromise,
  wrong: Omit<Wrong, "deviation">,
): Deviation | undefined {
  const { packet, asked } = found;
  const { result } = wrong.way;
  const { intent, network, host } = held;
  const facts: BreachFacts = {
    packet,
    last: result.packet,
    asked,
    promise,
    seen: wrong.seen,
    breaches: wrong.breaches,
    intent,
    network,
    host,
    port: portOf(found, promise),
    endedBy: endChain(result),
    crossed: false,
    addresses: () => [packet.dst, result.packet.dst],
  };
  return explanationsOf(facts, held.list)[0];
}

function hold(found: PromisedClass, held: HeldNode): Held {
  const { node } = held;
  const promise = promiseFor(found);
  if (promise === undefined) return { class: found, standing: "unsaid", wrong: [], unknown: 0 };
  const { packet: sent, ways: sides } = found.class;
  const key = (way: Way): string => fateKey(fateOf(sent, way));
  const [own, without] = sides;
  const untouched = new Set(without?.ways.map(key));
  let unknown = 0;
  const wrong = (own?.ways ?? []).flatMap((way): Wrong[] => {
    const seen = seenAt(sent, found.asked, way);
    if (seen === undefined) unknown++;
    if (seen === undefined) return [];
    const breaches = breachesHere(promise, node, seen, untouched.has(key(way)));
    if (breaches.length === 0) return [];
    return [{ way, seen, breaches, deviation: deviationOf(held, found, promise, { way, seen, breaches }) }];
  });
  return { class: found, standing: "said", wrong, unknown };
}

/**
 * Holds all packets of a node's space against what Kubernetes promises, class by class and in all their ways. Classes are those of the node
 * and of itself without Services, which is what promises leave to the node, cut where promises change.
 */
export function* holdToPromises(held: HeldNode): Generator<Held> {
  const { node, family, host, without, network, intent, facts } = held;
  const promisedAt = promisedBoxAt(intent, facts, node, family, clientsAt(network, node, family, intent.sources));
  const sides = [
    { name: "with Services", host },
    { name: "without", host: without },
  ];
  for (const found of partition(sides, family))
    for (const each of promisedClasses(found, promisedAt)) yield hold(each, held);
}
