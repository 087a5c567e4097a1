import { hasArrived } from "../network/end.ts";
import type { JourneyBranch } from "../network/journey.ts";
import { NetworkState } from "../network/network-state.ts";
import { clientText, endText } from "../trace/end-text.ts";
import { type JourneyTrace, traceJourneys } from "../trace/journey-trace.ts";
import type { Names } from "../trace/names.ts";
import { replyText } from "../trace/report.ts";
import { Story } from "../trace/story.ts";
import { wrap } from "../trace/wrap.ts";
import { type Fate, type Fates, fateOf } from "../verify/equivalence/fate.ts";
import type { Diff, DiffSide } from "./compare-nodes.ts";
import type { DiffExample } from "./merge.ts";
import { type Sending, sendingOf } from "./reproduce.ts";

/** An example traced on one side. */
interface TracedSide {
  readonly side: DiffSide;
  readonly sending: Sending;
  readonly traced: JourneyTrace;
  /** The way that is told. */
  readonly branch: JourneyBranch | undefined;
  /** Arguments that make `rulewalk trace` tell the same way; `undefined`: it tells another one, whose turn is first. */
  readonly choice: readonly string[] | undefined;
}

/** What of a fate shows on the way through the node. */
function wayKey(fate: Fate): string {
  if (fate.kind === "stopped") return `stopped ${fate.notice}`;
  if (fate.kind === "unknown") return "unknown";
  const { kind, by, to, from } = fate;
  return JSON.stringify([kind, by, to, from]);
}

/** A way that the other side has not. */
function differingBranch({ packet, branches }: JourneyTrace, others: Fates): number {
  const known = new Set([...others.values()].map(wayKey));
  return branches.findIndex(({ journey: { there } }) => {
    const leg = there.legs[0];
    return leg !== undefined && !known.has(wayKey(fateOf(packet, { result: leg.result, answer: undefined })));
  });
}

/** Traces an example on a side: the first way of a fate that the other side has not; which real server has its turn first is tried before others. */
function traceSide(side: DiffSide, example: DiffExample, others: Fates): TracedSide {
  const sending = sendingOf(side, example);
  const place = { network: side.place.network, state: new NetworkState() };
  const { oneWay } = sending;
  const first = traceJourneys(place, sending.packet, sending.sender, { oneWay });
  const at = differingBranch(first, others);
  if (at >= 0) {
    const choice = at === 0 ? [] : ["--choose", `${at + 1}`];
    return { side, sending, traced: first, branch: first.branches[at], choice };
  }
  const any = traceJourneys(place, sending.packet, sending.sender, { oneWay, anyTurn: true });
  const turn = differingBranch(any, others);
  if (turn >= 0) return { side, sending, traced: any, branch: any.branches[turn], choice: undefined };
  // each way of this side is one of the other's: that has more
  return { side, sending, traced: first, branch: first.branches[0], choice: [] };
}

const PLAIN = (text: string): string => text;
const TITLE = 8;

/** What happens on the node, and what comes of it. */
function columnOf({ side: { names, place }, traced, branch }: TracedSide, width: number): readonly string[] {
  if (branch === undefined) return [];
  const { there, reply } = branch.journey;
  const why: Names["why"] = (node, rule) => {
    const found = names.why(node, rule);
    if (found === undefined) return undefined;
    // columns are narrow: object and field are enough
    const { place: _, ...rest } = found;
    return rest;
  };
  const options = { names: { ...names, why }, everything: false, faint: PLAIN, strong: PLAIN, width };
  const story = new Story(place.network, options);
  story.way(branch, { legs: there.legs.slice(0, 1) });
  const sees = hasArrived(there.end) ? `, which sees ${clientText(there)} as its client` : "";
  const ends = [
    ...(reply === undefined ? [] : [["REPLY", replyText(reply, traced.packet, names)] as const]),
    ["RESULT", `${endText(there, names)}${sees}`] as const,
  ];
  return [...story.lines, ...ends.flatMap(([title, text]) => wrap(title.padEnd(TITLE), TITLE, text, width))];
}

const GAP = " | ";
/** Narrower columns than this are unreadable. */
const LEAST = 48;

/** Two columns where they fit, else one below the other. */
function layOut(
  titles: readonly [string, string],
  columns: (width: number) => readonly [readonly string[], readonly string[]],
  width: number,
) {
  const half = Math.floor((width - GAP.length) / 2);
  if (half < LEAST) {
    const [left, right] = columns(width);
    return [titles[0], ...left, "", titles[1], ...right];
  }
  const [left, right] = columns(half);
  // a rule can be longer than a column: it goes on below
  const cut = (lines: readonly string[]): readonly string[] => lines.flatMap((line) => folded(line, half));
  const [a, b] = [
    [titles[0], ...cut(left)],
    [titles[1], ...cut(right)],
  ];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
    `${(a[i] ?? "").padEnd(half)}${GAP}${b[i] ?? ""}`.trimEnd(),
  );
}

function folded(line: string, width: number): readonly string[] {
  if (line.length <= width) return [line];
  const indent = (/^ */.exec(line)?.[0] ?? "").length + 2;
  return [line.slice(0, width), ...folded(`${" ".repeat(indent)}${line.slice(width)}`, width)];
}

/** An argument as a shell takes it. */
const quoted = (text: string): string => (/^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The commands that trace an example, one for each side. */
function commandsOf(sides: readonly TracedSide[]): readonly string[] {
  return sides.map(({ side, sending, choice }) => {
    const words = ["rulewalk", "trace", ...side.args, ...sending.args, ...(choice ?? [])];
    const note = choice === undefined ? "   # tells the way of the real server whose turn is first" : "";
    return `${words.map(quoted).join(" ")}${note}`;
  });
}

/** What happens to an example on both sides, and how to see it again. */
export interface ExampleTrace {
  /** Both sides' traces on the node, side by side where `width` is enough. */
  readonly lines: (width: number) => readonly string[];
  readonly commands: readonly string[];
}

/** Traces an example on both sides. */
export function traceExample({ setting: { sides } }: Diff, example: DiffExample): ExampleTrace {
  const [a, b] = example.fates;
  const traced = [traceSide(sides[0], example, b), traceSide(sides[1], example, a)] as const;
  return {
    lines: (width) =>
      layOut([sides[0].name, sides[1].name], (each) => [columnOf(traced[0], each), columnOf(traced[1], each)], width),
    commands: commandsOf(traced),
  };
}
