import { type Packet, protocols } from "../kernel/packet.ts";
import { addressText, endpointText } from "../kernel/packet-text.ts";
import { endsAt, type Sender } from "../network/journey.ts";
import type { Way } from "../network/way.ts";
import type { Names } from "./names.ts";
import { causeText, outcomeText } from "./outcome-text.ts";
import { ruleName } from "./rule-text.ts";

const hasPorts = ({ protocol }: Packet): boolean =>
  protocol === protocols.tcp ||
  protocol === protocols.udp ||
  protocol === protocols.sctp ||
  protocol === protocols.udplite;

/** Where a packet goes, with its port where it has one. */
export function targetText(packet: Packet): string {
  return hasPorts(packet) ? endpointText(packet.dst, packet.dport) : addressText(packet.dst);
}

/** Whom the receiver sees as its client: the source, and the port unless the kernel drew it. */
export function clientText({ packet, sourcePortOf }: Pick<Way, "packet" | "sourcePortOf">): string {
  if (!hasPorts(packet)) return addressText(packet.src);
  if (sourcePortOf === undefined) return endpointText(packet.src, packet.sport);
  const { from, to } = sourcePortOf;
  return `${addressText(packet.src)} port ${from}-${to} (drawn)`;
}

/** `Pod shop/web-1 at 10.244.1.7:8080`, or the address alone. */
export function namedText(text: string, name: string | undefined): string {
  return name === undefined ? text : `${name} at ${text}`;
}

/** Where a way ends, in words. */
export function endText(way: Pick<Way, "end" | "packet">, names: Names): string {
  const { end, packet } = way;
  const target = targetText(packet);
  switch (end.kind) {
    case "pod":
      return `delivered to ${namedText(target, names.holder(packet.dst, packet.dport) ?? "a Pod")} on ${end.node}`;
    case "host":
      return `delivered to node ${end.node} itself at ${target} (whether a process listens there is not known)`;
    case "outside": {
      const by = end.outInterface === undefined ? "" : ` by ${end.outInterface}`;
      const from = end.node === undefined ? "" : `leaves ${end.node}${by} to `;
      return `${from}${namedText(target, names.holder(packet.dst, packet.dport))}${end.node === undefined ? " outside" : ""}`;
    }
    case "nobody":
      return `reaches nobody: ${end.why} (${addressText(end.address)})`;
    case "dropped":
      return `dropped on ${end.node} ${causeText(end.cause)}`;
    case "rejected":
      return `rejected on ${end.node} with ${end.with} by ${ruleName(end.rule)}`;
    case "no-route":
    case "stuck":
      return `${outcomeText(end)}, on ${end.node}`;
    case "unknown":
      return `${outcomeText(end)}${end.node === undefined ? "" : `, on ${end.node}`}`;
  }
}

/** Who sends, in words. */
export function senderText(sender: Sender | undefined, packet: Packet, names: Names): string {
  if (sender === undefined) return "from an address that nobody is known to have";
  const name = names.holder(packet.src);
  switch (sender.kind) {
    case "pod":
      return `from ${name ?? "a Pod"} on ${sender.node}`;
    case "node":
      return `from a process on node ${sender.node}`;
    case "outside":
      return `from ${name ?? "outside"}`;
  }
}

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: "network unreachable",
  1: "host unreachable",
  2: "protocol unreachable",
  3: "port unreachable",
  4: "fragmentation needed",
  9: "network prohibited",
  10: "host prohibited",
  13: "administratively prohibited",
};
const UNREACHABLE6: Readonly<Record<number, string>> = {
  0: "no route",
  1: "administratively prohibited",
  3: "address unreachable",
  4: "port unreachable",
  5: "source address failed policy",
  6: "route rejected",
};

/** What an answer of a node says, in words. */
function answerText(packet: Packet): string {
  const { protocol, icmpType, icmpCode } = packet;
  if (protocol === protocols.tcp) return "a TCP RST";
  if (protocol === protocols.icmp && icmpType === 3)
    return `ICMP ${UNREACHABLE[icmpCode] ?? `unreachable, code ${icmpCode}`}`;
  if (protocol === protocols.icmpv6 && icmpType === 1)
    return `ICMPv6 ${UNREACHABLE6[icmpCode] ?? `unreachable, code ${icmpCode}`}`;
  if (protocol === protocols.icmp && icmpType === 11) return "ICMP time exceeded";
  if (protocol === protocols.icmpv6 && icmpType === 3) return "ICMPv6 time exceeded";
  if (protocol === protocols.icmpv6 && icmpType === 2) return "ICMPv6 packet too big";
  return `ICMP type ${icmpType} code ${icmpCode}`;
}

/** Does a program that called see "connection refused"? (`tcp_v4_err`, `udp_err`: port unreachable; RST) */
function isRefusal({ protocol, icmpType, icmpCode }: Packet): boolean {
  if (protocol === protocols.tcp) return true;
  return protocol === protocols.icmp ? icmpType === 3 && icmpCode === 3 : icmpType === 1 && icmpCode === 4;
}

/** What the sender of a packet that did not arrive gets to know, one line each. */
export function toldTexts({ end, answers }: Way, sent: Packet, sender: Sender | undefined): readonly string[] {
  const lines = answers.map((answer) => {
    const what = `${answerText(answer.packet)} from ${answer.from}`;
    if (sender === undefined || !endsAt(sender, answer.end)) return `${what} is sent, but does not reach the sender`;
    const { protocol } = sent;
    const asks = protocol === protocols.tcp || protocol === protocols.udp;
    return `${what}${asks && isRefusal(answer.packet) ? ': "connection refused"' : ""}`;
  });
  if (lines.length > 0) return lines;
  const local = sender?.kind === "node" && end.kind === "no-route" && end.where !== "receive";
  if (local) return ["the send itself fails"];
  if (end.kind === "dropped" || end.kind === "rejected" || end.kind === "nobody" || end.kind === "stuck")
    return ["nothing: it waits until it gives up (a time-out)"];
  return [];
}
