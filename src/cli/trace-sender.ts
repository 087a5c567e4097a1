import type { Packet } from "../kernel/packet.ts";
import { isOwnAddress, wayTo } from "../kernel/run.ts";
import { type Sender, senderOf } from "../network/journey.ts";
import { UsageError } from "./terminal.ts";
import type { TracedPlace } from "./trace-network.ts";
import type { Endpoint } from "./trace-packet.ts";

/** What the options say of who sends. */
export interface SenderOptions {
  readonly node?: string;
  readonly iif?: string;
  readonly mark?: number;
}

function oneNode({ network }: TracedPlace, { node }: SenderOptions, why: string): string {
  if (node !== undefined) {
    if (network.nodes.includes(node)) return node;
    throw new UsageError(`--node ${node}: no such node; known are ${network.nodes.join(", ")}`);
  }
  const [only, second] = network.nodes;
  if (only !== undefined && second === undefined) return only;
  throw new UsageError(`${why}; known are ${network.nodes.join(", ")}`);
}

function byInterface(place: TracedPlace, options: SenderOptions, iif: string): Sender {
  const name = oneNode(place, options, "--iif needs --node: whose interface is it?");
  const host = place.network.node(name)?.host;
  if (host?.byName.has(iif) !== true) {
    const known = [...(host?.byName.keys() ?? [])];
    const more = known.length > 12 ? ` and ${known.length - 12} more` : "";
    throw new UsageError(`--iif ${iif}: ${name} has ${known.slice(0, 12).join(", ")}${more}`);
  }
  return { kind: "outside", node: name, inInterface: iif };
}

/** Who is outside of a node that only dumps tell of: it is reached by the interface that leads back to it. */
function outsideOfDump(place: TracedPlace, packet: Packet, options: SenderOptions): Sender {
  const name = oneNode(place, options, "--node is needed: which node does the packet come to?");
  const node = place.network.node(name);
  const way = node === undefined ? undefined : wayTo(node.host, place.state.of(name), packet.family, packet.src);
  if (way?.kind === "unicast") return { kind: "outside", node: name, inInterface: way.device.name };
  throw new UsageError("--from: no interface of the node leads there; --iif names the one that the packet comes in by");
}

/**
 * Who sends the packet: whoever has the source address, or a process on the node where none is given. `undefined` when nobody
 * is known to have it, which the trace then says.
 */
export function senderFor(
  place: TracedPlace,
  packet: Packet,
  from: Endpoint | undefined,
  options: SenderOptions,
): Sender | undefined {
  const { iif, mark, node } = options;
  if (iif !== undefined) {
    if (from === undefined) throw new UsageError("--iif needs --from: a received packet has a source");
    return byInterface(place, options, iif);
  }
  const own = { ...(mark === undefined ? {} : { mark }), anySource: from === undefined };
  const sender = from === undefined ? undefined : senderOf(place.network, packet.src);
  if (from === undefined || sender?.kind === "node") {
    const name =
      sender?.kind === "node" ? sender.node : oneNode(place, options, "--from or --node is needed: who sends?");
    return { kind: "node", node: name, options: own };
  }
  const loopback = node === undefined ? undefined : place.network.node(node)?.host;
  if (sender === undefined && loopback !== undefined && isOwnAddress(loopback, packet.src))
    return { kind: "node", node: loopback.name, options: own };
  if (mark !== undefined) throw new UsageError("--mark: only a process on a node sets one; packets come in without");
  if (sender?.kind !== "outside") return sender;
  if (place.book === undefined) return outsideOfDump(place, packet, options);
  return node === undefined ? sender : { kind: "outside", node };
}
