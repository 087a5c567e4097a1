import type { End } from "../network/end.ts";
import type { Journey } from "../network/journey.ts";
import type { Way } from "../network/way.ts";
import type { Fate } from "./verdict.ts";

function endKey(end: End): string {
  switch (end.kind) {
    case "pod":
      return `pod ${end.node} ${end.pod}`;
    case "host":
      return `host ${end.node}`;
    case "outside":
      return `outside ${end.node ?? ""} ${end.outInterface ?? ""}`;
    case "rejected":
      return `rejected ${end.node} ${end.with}`;
    case "unknown":
      return `unknown ${end.what.what}`;
    case "nobody":
      return `nobody ${end.why}`;
    default:
      return `${end.kind} ${end.node}`;
  }
}

function wayKey({ end, packet, sourcePortOf }: Way): string {
  const { src, dst, sport, dport, icmpId } = packet;
  return [endKey(end), src, dst, sourcePortOf === undefined ? sport : "drawn", dport, icmpId].join("|");
}

/**
 * What becomes of a packet and its reply: who gets it, as what, and how the answer comes back; not by which rules. The reply's
 * own source and destination do not count: they say no more than the packet's.
 */
export function journeyFate({ there, reply }: Journey): Fate {
  const key = `${wayKey(there)} ${reply === undefined ? "" : `${reply.arrival} ${endKey(reply.way.end)}`}`;
  const unknown =
    there.end.kind === "unknown" ? there.end.what : reply?.way.end.kind === "unknown" ? reply.way.end.what : undefined;
  return { key, ...(unknown === undefined ? {} : { unknown }) };
}
