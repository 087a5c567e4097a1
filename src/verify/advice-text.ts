import { countOf, type IntervalSet } from "../net/intervals.ts";
import type { End } from "../network/end.ts";
import type { ClassNames } from "./class-text.ts";
import type { Advice, AdviceField } from "./why-not.ts";

const SHOWN = 5;

/** What happens to a packet, in a few words. */
function endText(end: End): string {
  switch (end.kind) {
    case "pod":
      return `in Pod ${end.pod} on ${end.node}`;
    case "host":
      return `on node ${end.node}`;
    case "outside":
      return "outside the cluster";
    case "nobody":
      return "reach nobody";
    case "dropped":
      return `be dropped on ${end.node}`;
    case "rejected":
      return `be rejected on ${end.node}`;
    case "no-route":
      return `find no route on ${end.node}`;
    case "stuck":
      return `run in a circle on ${end.node}`;
    case "unknown":
      return `come to an unknown end`;
  }
}

function resultText({ arrives, ends }: Advice): string {
  const texts = [...new Set(ends.map(endText))];
  if (arrives) return `would arrive ${texts.slice(0, 2).join(" or ")}${texts.length > 2 ? " or elsewhere" : ""}`;
  const [first = "fail", second] = texts;
  const lost = ends.every(({ kind }) => kind === "pod" || kind === "host" || kind === "outside");
  if (lost) return "would get no answer";
  return `would ${first}${second === undefined ? "" : ", or otherwise fail"}`;
}

const connections: Readonly<Record<string, string>> = {
  new: "as the first packet of a new connection",
  established: "as a later packet of a connection made before",
  none: "as a later packet of no known connection",
};

function changeText({ field, from, to }: Advice, names: ClassNames): string {
  const name = (text: string): string => {
    const known = names.address?.(text);
    return known === undefined ? text : `${text} (${known})`;
  };
  if (field === "connection") return connections[to] ?? to;
  if (field === "source" || field === "destination") return `with ${field} ${name(to)} instead of ${name(from)}`;
  if (field === "entry node") return `entering by node ${to}${from === "none" ? "" : ` instead of ${from}`}`;
  return `with ${field} ${to} instead of ${from}`;
}

const NUMBERS: readonly AdviceField[] = ["port", "source port"];

function setText(set: IntervalSet): string {
  const parts = set.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  const rest = parts.length - SHOWN;
  return rest <= 1 ? parts.join(", ") : `${parts.slice(0, SHOWN).join(", ")} and ${rest.toLocaleString("en-US")} more`;
}

/** An advice in words: `it would arrive in Pod shop/api-77 on worker-2 with port 80 instead of 81 (so with 80, 443)`. */
export function adviceText(advice: Advice, names: ClassNames = {}): string {
  const { field, set } = advice;
  const more = set !== undefined && countOf(set) > 1n && NUMBERS.includes(field) ? ` (so with ${setText(set)})` : "";
  const [end] = advice.ends;
  const why = end?.kind === "nobody" ? `: ${end.why}` : "";
  return `it ${resultText(advice)} ${changeText(advice, names)}${more}${why}`;
}
