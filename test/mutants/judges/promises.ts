import { endpointKey } from "../../../src/intent/endpoint-set.ts";
import { promiseOf } from "../../../src/intent/promise-of.ts";
import type { Host } from "../../../src/kernel/host.ts";
import { type Address, type Packet, protocols, tcpFlag } from "../../../src/kernel/packet.ts";
import { isLoopback } from "../../../src/net/ip.ts";
import { addressOf, ipOf } from "../../../src/network/addresses.ts";
import { type Sender, senderOf } from "../../../src/network/journey.ts";
import type { SpacePart } from "../../../src/verify/classes/space.ts";
import type { Ways } from "../../../src/verify/classes/ways.ts";
import { explanations } from "../../intent/deviations.ts";
import { type Call, faultsOf, type LawCounts } from "../../intent/journey-law.ts";
import type { Place } from "../../intent/place.ts";
import { NODE, type Scene } from "./scene.ts";

const NAMES: ReadonlyMap<number, string> = new Map([
  [protocols.tcp, "TCP"],
  [protocols.udp, "UDP"],
  [protocols.sctp, "SCTP"],
  [protocols.icmp, "ICMP"],
  [protocols.icmpv6, "ICMP"],
]);

function sourceAndSender({ place }: Scene, part: SpacePart, packet: Packet): readonly [Address, Sender] | undefined {
  if (part.interfaces.length > 0) {
    const sender = senderOf(place.network, packet.src);
    if (sender === undefined) return undefined;
    return [packet.src, sender.kind === "outside" ? { kind: "outside", node: NODE } : sender];
  }
  const own = place.facts.nodeAddresses.get(NODE)?.find(({ family }) => family === packet.family);
  const source = isLoopback(ipOf(packet.dst)) ? packet.dst : own === undefined ? undefined : addressOf(own);
  return source === undefined ? undefined : [source, { kind: "node", node: NODE, options: { anySource: true } }];
}

/** A packet of the space as somebody's call; `undefined` where it begins no connection, or nobody sends it. */
export function callFor(scene: Scene, part: SpacePart, packet: Packet): Call | undefined {
  if (packet.protocol === protocols.tcp && packet.flags !== tcpFlag.SYN) return undefined;
  const found = sourceAndSender(scene, part, packet);
  const protocol = NAMES.get(packet.protocol);
  if (found === undefined || protocol === undefined) return undefined;
  const [src, sender] = found;
  const isPort = protocol !== "ICMP";
  const owner = scene.place.network.ownerOf(packet.dst);
  const outside = sender.kind === "outside";
  const node = outside ? (owner.kind === "node" ? owner.node : NODE) : sender.node;
  return {
    packet: { ...packet, src },
    sender: outside ? { kind: "outside", node } : sender,
    asked: {
      node,
      from: sender.kind,
      source: ipOf(src),
      destination: ipOf(packet.dst),
      protocol,
      ...(isPort ? { port: packet.dport } : {}),
    },
    options: outside ? { entryNode: () => NODE } : {},
  };
}

function placeWith(place: Place, host: Host): Place {
  const node: Place["network"]["node"] = (name) => {
    const found = place.network.node(name);
    return found === undefined || name !== NODE ? found : { ...found, host };
  };
  return { ...place, network: { ...place.network, node } };
}

const counts = (): LawCounts => ({ outcomes: new Map(), unknown: 0, branches: 0 });

/** In what the ways of a call are not as promised, other than those that are known not to be. */
function news(place: Place, call: Call): readonly string[] {
  return faultsOf(place, call, counts())
    .filter((fault) => explanations(fault, place).length === 0)
    .flatMap(({ breaches }) => breaches);
}

const soundCalls = new WeakMap<Scene, Map<Packet, boolean>>();

/** Are the promises about a call kept where there is no fault? The law says so; a call of which it is not true accuses nobody. */
function isKept(scene: Scene, call: Call, key: Packet): boolean {
  const known = soundCalls.get(scene) ?? new Map<Packet, boolean>();
  soundCalls.set(scene, known);
  const before = known.get(key) ?? news(scene.place, call).length === 0;
  known.set(key, before);
  return before;
}

/** What promise is broken where the node is another host; `undefined`: none. */
export function brokenPromise(scene: Scene, host: Host, part: SpacePart, packet: Packet): string | undefined {
  const call = callFor(scene, part, packet);
  if (call === undefined) return undefined;
  const [found] = news(placeWith(scene.place, host), call);
  return found === undefined || !isKept(scene, call, packet) ? undefined : found;
}

/** What Kubernetes promises about affinity of a packet. */
export function affinitySeconds(scene: Scene, part: SpacePart, packet: Packet): number | undefined {
  const call = callFor(scene, part, packet);
  if (call === undefined) return undefined;
  const { outcome, affinity } = promiseOf(scene.place.intent, call.asked);
  return outcome.kind === "endpoints" && affinity.kind === "ClientIP" ? affinity.seconds : undefined;
}

/** Do ways lead to every endpoint that a packet may come to? Where some are to be preferred, the others need not get anything. */
export function reachesAll(scene: Scene, part: SpacePart, packet: Packet, { ways }: Ways): boolean {
  const call = callFor(scene, part, packet);
  if (call === undefined) return true;
  const { outcome } = promiseOf(scene.place.intent, call.asked);
  if (outcome.kind !== "endpoints") return true;
  const reached = new Set(ways.map(({ result: { packet: last } }) => endpointKey(ipOf(last.dst), last.dport)));
  return [...(outcome.preferred ?? outcome.allowed).keys].every((key) => reached.has(key));
}
