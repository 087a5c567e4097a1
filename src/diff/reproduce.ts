import { type Packet, protocols } from "../kernel/packet.ts";
import { addressText, endpointText, flagsText, protocolText } from "../kernel/packet-text.ts";
import { isUnset } from "../kernel/routing/address.ts";
import { type Sender, senderOf } from "../network/journey.ts";
import { podWith, wireInterface } from "../network/network.ts";
import type { DiffSide } from "./compare-nodes.ts";
import type { DiffExample } from "./merge.ts";

/** An example as somebody sends it, and how `rulewalk trace` is told so. */
export interface Sending {
  readonly sender: Sender;
  readonly packet: Packet;
  /** Whoever sends is elsewhere, and not known to this node: where a reply belongs to is not told. */
  readonly oneWay: boolean;
  /** Arguments of `rulewalk trace` that tell sender and packet. */
  readonly args: readonly string[];
}

const CLIENT_PORT = 40000;

function packetArguments(packet: Packet): readonly string[] {
  const { dst, dport, sport, protocol, family, flags } = packet;
  const hasPorts = protocol !== protocols.icmp && protocol !== protocols.icmpv6;
  const text = flagsText(flags);
  return [
    ...["--to", hasPorts ? endpointText(dst, dport) : addressText(dst)],
    ...["--proto", protocolText(protocol, family)],
    ...(hasPorts && sport !== CLIENT_PORT ? ["--sport", `${sport}`] : []),
    ...(protocol === protocols.tcp && text !== "SYN" ? ["--flags", text] : []),
  ];
}

/** Who sends what comes in at a node by an interface: a Pod there or somebody outside, else only the interface is known. */
function receivedFrom(
  { place: { network } }: DiffSide,
  node: string,
  inInterface: string,
  { src, dst }: Packet,
): Omit<Sending, "packet"> {
  const from = ["--from", addressText(src)];
  const there = network.node(node);
  const pod = there === undefined ? undefined : podWith(there, src);
  if (pod !== undefined && pod.interface === inInterface)
    return { sender: { kind: "pod", node, pod: pod.key }, oneWay: false, args: from };
  const usual = there === undefined ? undefined : wireInterface(there, dst);
  if (senderOf(network, src)?.kind === "outside" && inInterface === usual)
    return { sender: { kind: "outside", node }, oneWay: false, args: [...from, "--node", node] };
  const args = [...from, "--node", node, "--iif", inInterface, "--no-reply"];
  return { sender: { kind: "outside", node, inInterface }, oneWay: true, args };
}

/** How an example is sent on a side. */
export function sendingOf(side: DiffSide, { example, inInterface, comparison: { node } }: DiffExample): Sending {
  // classes have some payload, which nothing here asks for; `rulewalk trace` has none
  const packet = { ...example, payload: 0 };
  const rest = packetArguments(packet);
  if (inInterface === undefined) {
    const args = ["--node", node, ...rest];
    return {
      sender: { kind: "node", node, options: { anySource: isUnset(example.src) } },
      packet,
      oneWay: false,
      args,
    };
  }
  const { args, ...received } = receivedFrom(side, node, inInterface, packet);
  return { ...received, packet, args: [...args, ...rest] };
}
