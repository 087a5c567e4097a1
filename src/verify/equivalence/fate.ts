import type { Result } from "../../kernel/outcome.ts";
import { type Address, type Packet, protocols, sameAddress, tcpFlag } from "../../kernel/packet.ts";
import { addressText, endpointText } from "../../kernel/packet-text.ts";
import type { Answer } from "../classes/answer.ts";
import type { Way, Ways } from "../classes/ways.ts";

/** What the sender is told of a packet that does not get through. */
export type Notice = "nothing" | string;

/**
 * What becomes of a packet on one host, as far as anybody can tell: who gets it, from whom it seems to come, what the sender is told or hears.
 * By which rule, and what the host thinks of it, is no part of it.
 */
export type Fate =
  | {
      readonly kind: "sent-on" | "delivered";
      /** The interface that it leaves by; absent for what is delivered here. */
      readonly by?: string;
      /** Where it goes now; absent where its destination is as it was. */
      readonly to?: string;
      /** As whose it is seen; absent where its source is as it was sent. A source port that was drawn is no part of it. */
      readonly from?: string;
      /** What the sender hears of whoever gets it; absent where nothing was translated, or nothing is answered. */
      readonly answer?: Answer;
    }
  | { readonly kind: "stopped"; readonly notice: Notice }
  | { readonly kind: "unknown"; readonly what: string };

const isICMP = (protocol: number): boolean => protocol === protocols.icmp || protocol === protocols.icmpv6;

/** An answer as its receiver knows it. */
function answerText({ protocol, flags, icmpType, icmpCode }: Packet): string {
  if (isICMP(protocol)) return `ICMP ${icmpType}/${icmpCode}`;
  return protocol === protocols.tcp && (flags & tcpFlag.RST) !== 0 ? "TCP RST" : `protocol ${protocol}`;
}

/** What comes back to the sender: of an own packet the error of the call, where routing refused it. */
function noticeOf(sent: Packet, { outcome, answers }: Result): Notice {
  if (outcome.kind === "no-route" && outcome.where === "send") return `error of the call (no route: ${outcome.type})`;
  const heard = answers.flatMap(({ outcome: end, packet }) => {
    const arrives = end.kind === "transmitted" || end.kind === "delivered";
    const toSender = isICMP(packet.protocol) || sameAddress(packet.dst, sent.src);
    return arrives && toSender ? [answerText(packet)] : [];
  });
  return heard.length === 0 ? "nothing" : heard.sort().join(" and ");
}

const written = (before: Address, after: Address): string | undefined =>
  sameAddress(before, after) ? undefined : addressText(after);

/** The fate that a way leads to. */
export function fateOf(sent: Packet, { result, answer }: Pick<Way, "result" | "answer">): Fate {
  const { outcome, packet } = result;
  switch (outcome.kind) {
    case "transmitted":
    case "delivered": {
      const moved = !sameAddress(sent.dst, packet.dst) || sent.dport !== packet.dport;
      const from = written(sent.src, packet.src);
      return {
        kind: outcome.kind === "delivered" ? "delivered" : "sent-on",
        ...(outcome.kind === "transmitted" ? { by: outcome.outInterface } : {}),
        ...(moved ? { to: endpointText(packet.dst, packet.dport) } : {}),
        ...(from === undefined ? {} : { from }),
        ...(answer === undefined ? {} : { answer }),
      };
    }
    case "unknown":
      return { kind: "unknown", what: outcome.what.what };
    default:
      return { kind: "stopped", notice: noticeOf(sent, result) };
  }
}

/** One text a fate: equal for equal ones. */
export function fateKey(fate: Fate): string {
  switch (fate.kind) {
    case "sent-on":
    case "delivered":
      return `${fate.kind} by ${fate.by ?? "-"} to ${fate.to ?? "-"} from ${fate.from ?? "-"}, answer ${fate.answer ?? "-"}`;
    case "stopped":
      return `stopped ${fate.notice}`;
    case "unknown":
      return `unknown ${fate.what}`;
  }
}

/** All fates that a packet can have on a host, by key, in the order of the keys. */
export type Fates = ReadonlyMap<string, Fate>;

export function fatesOf(sent: Packet, { ways }: Ways): Fates {
  const found = new Map<string, Fate>();
  for (const way of ways) {
    const fate = fateOf(sent, way);
    found.set(fateKey(fate), fate);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const fatesKey = (fates: Fates): string => [...fates.keys()].join(" | ");
