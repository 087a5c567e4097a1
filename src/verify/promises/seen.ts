import type { Seen } from "../../intent/breaches.ts";
import type { PacketAtNode } from "../../intent/packet.ts";
import { type Packet, sameAddress } from "../../kernel/packet.ts";
import { addressOf, ipOf } from "../../network/addresses.ts";
import type { Answer } from "../classes/answer.ts";
import type { Way } from "../classes/ways.ts";
import { fateOf } from "../equivalence/fate.ts";

type SeenWay = Pick<Way, "result" | "answer">;

/** What goes another way is not known here. */
function answered(answer: Answer | undefined): { readonly answered?: boolean } {
  if (answer === "as called") return { answered: true };
  return answer === "lost" || answer === "not as called" ? { answered: false } : {};
}

/** Is the sender told? What is meant is a reset or ICMP's port unreachable, and it has to come to the sender. */
function stoppedAs(sent: Packet, way: SeenWay): Seen {
  const fate = fateOf(sent, way);
  return { kind: fate.kind === "stopped" && fate.notice !== "nothing" ? "refused" : "dropped" };
}

/**
 * What one node's walk is to somebody who knows only of promises; `undefined` where its end is not known. A packet that leaves for an
 * endpoint has arrived there: what lies between is no Service's business. `sent`: the packet of the walk; `asked`: any packet of its class.
 */
export function seenAt(sent: Packet, { node, from, source }: PacketAtNode, way: SeenWay): Seen | undefined {
  const { outcome, packet } = way.result;
  const moved = !sameAddress(sent.dst, packet.dst) || sent.dport !== packet.dport;
  switch (outcome.kind) {
    case "transmitted":
    case "delivered": {
      if (!moved) return outcome.kind === "delivered" ? { kind: "node", node } : { kind: "passed" };
      const ip = ipOf(packet.dst);
      return {
        kind: "arrived",
        ip,
        port: packet.dport,
        source: sameAddress(sent.src, packet.src) ? "kept" : "rewritten",
        itself: from === "pod" && source !== undefined && sameAddress(addressOf(source), packet.dst),
        ...answered(way.answer),
      };
    }
    case "rejected":
      return stoppedAs(sent, way);
    case "dropped":
      return { kind: "dropped" };
    case "stuck":
      return outcome.virtualServer === undefined ? { kind: "dropped" } : stoppedAs(sent, way);
    case "no-route":
      return moved ? undefined : { kind: "dropped" };
    case "unknown":
      return undefined;
  }
}
