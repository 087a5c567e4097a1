import type { Seen } from "../../intent/breaches.ts";
import type { PacketAtNode } from "../../intent/packet.ts";
import type { Result } from "../../kernel/outcome.ts";
import { type Packet, sameAddress } from "../../kernel/packet.ts";
import { addressOf, ipOf } from "../../network/addresses.ts";
import { fateOf } from "../equivalence/fate.ts";

/** Is the sender told? What is meant is a reset or ICMP's port unreachable, and it has to come to the sender. */
function stoppedAs(sent: Packet, result: Result): Seen {
  const fate = fateOf(sent, result);
  return { kind: fate.kind === "stopped" && fate.notice !== "nothing" ? "refused" : "dropped" };
}

/**
 * What one node's walk is to somebody who knows only of promises; `undefined` where its end is not known. A packet that leaves for an
 * endpoint has arrived there: what lies between is no Service's business. `sent`: the packet of the walk; `asked`: any packet of its class.
 */
export function seenAt(sent: Packet, { node, from, source }: PacketAtNode, result: Result): Seen | undefined {
  const { outcome, packet } = result;
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
      };
    }
    case "rejected":
      return stoppedAs(sent, result);
    case "dropped":
      return { kind: "dropped" };
    case "stuck":
      return outcome.virtualServer === undefined ? { kind: "dropped" } : stoppedAs(sent, result);
    case "no-route":
      return moved ? undefined : { kind: "dropped" };
    case "unknown":
      return undefined;
  }
}
