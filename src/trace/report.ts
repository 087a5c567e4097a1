import type { Packet } from "../kernel/packet.ts";
import { packetText } from "../kernel/packet-text.ts";
import { equalDyadic, oneDyadic } from "../net/dyadic.ts";
import { hasArrived } from "../network/end.ts";
import type { JourneyBranch, Reply } from "../network/journey.ts";
import { chanceText } from "./chance-text.ts";
import { clientText, endText, senderText, targetText, toldTexts } from "./end-text.ts";
import type { JourneyTrace } from "./journey-trace.ts";
import type { Names } from "./names.ts";
import { outcomeText } from "./outcome-text.ts";
import { ruleName } from "./rule-text.ts";
import { endpointReason, sourceReason } from "./source-reason.ts";
import { Story, WIDTH } from "./story.ts";
import { wrap } from "./wrap.ts";

/** How a trace is printed. */
export interface ReportOptions {
  readonly names: Names;
  /** Every way, not only one. */
  readonly all: boolean;
  /** The way that is told when not all are: an index into the branches. */
  readonly chosen: number;
  /** Every rule that was looked at, and the reply's way rule by rule. */
  readonly everything: boolean;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  /** More words for the head, such as the mode and release of the rules. */
  readonly setting?: string;
  /** More lines for the head: what a load balancer does before. */
  readonly heads?: readonly string[];
  /** Further blocks between the result and the end: a title and its lines. */
  readonly blocks?: readonly (readonly [title: string, lines: readonly string[]])[];
}

const TITLE = 8;

function* titled(title: string, texts: readonly string[], { strong }: ReportOptions): Generator<string> {
  let head = `${strong(title.padEnd(TITLE))}`;
  for (const text of texts) {
    for (const line of wrap(head, TITLE, text, WIDTH)) yield `${line}\n`;
    head = " ".repeat(TITLE);
  }
}

/** A source that routing chose is known from the way it went. */
function shownPacket({ packet, sender, branches }: JourneyTrace): Packet {
  if (sender?.kind !== "node" || sender.options?.anySource !== true) return packet;
  const first = branches[0];
  const leg = first?.journey.there.legs[0];
  const hook = leg === undefined ? undefined : first?.events(leg).find((event) => event.kind === "hook");
  return hook?.kind === "hook" ? { ...packet, src: hook.view.src } : packet;
}

function* head(trace: JourneyTrace, options: ReportOptions): Generator<string> {
  const { names, setting, heads = [] } = options;
  const packet = shownPacket(trace);
  const frontend = names.frontend(packet) ?? names.holder(packet.dst);
  yield* titled(
    "PACKET",
    [
      `${packetText(packet)}${setting === undefined ? "" : `   ${setting}`}`,
      `${senderText(trace.sender, packet, names)}${frontend === undefined ? "" : `   to ${frontend}`}`,
      ...heads,
    ],
    options,
  );
  yield "\n";
}

/** How the reply comes back, in words. */
export function replyText({ way, arrival }: Reply, sent: Packet, names: Names): string {
  const nodes = way.legs.map(({ node }) => node);
  const over = nodes.length === 0 ? "" : ` over ${nodes.join(", ")}`;
  const from = clientText(way);
  switch (arrival) {
    case "as-called":
      return `comes back${over}; the sender sees it from ${from}, as it called`;
    case "not-as-called":
      return `comes back${over} from ${from}, but the sender called ${targetText(sent)}: it takes this for nobody's answer`;
    case "lost":
      return `is lost: ${endText(way, names)}`;
    case "unknown":
      return `is ${endText(way, names)}`;
  }
}

function* resultLines(
  trace: JourneyTrace,
  branch: JourneyBranch,
  looked: number,
  options: ReportOptions,
): Generator<string> {
  const { names } = options;
  const { there, reply } = branch.journey;
  const { sender } = trace;
  const sent = shownPacket(trace);
  if (reply !== undefined) yield* titled("REPLY", [replyText(reply, sent, names)], options);
  const sees = hasArrived(there.end) ? `, which sees ${clientText(there)} as its client` : "";
  const chance = equalDyadic(branch.probability, oneDyadic) ? "" : `   chance ${chanceText(branch.probability)}`;
  const rules = looked === 1 ? "1 rule looked at" : `${looked} rules looked at`;
  yield* titled("RESULT", [`${endText(there, names)}${sees}${chance}   ${rules}`], options);
  for (const { what, holds } of branch.assumptions) {
    const place = what.rule === undefined ? "" : ` (${ruleName(what.rule)})`;
    const same = trace.verdict.some(({ unknown }) => unknown !== undefined) ? "" : "; it makes no difference";
    yield* titled("ASSUMED", [`${holds ? "" : "that it is not so: "}${what.what}${place}${same}`], options);
  }
  const told = hasArrived(there.end) || there.end.kind === "unknown" ? [] : toldTexts(there, sent, sender);
  if (told.length > 0)
    yield* titled(
      "SENDER",
      told.map((text) => `gets ${text}`),
      options,
    );
  const lost = reply?.arrival === "lost" ? names.endWhy(reply.way, reply.packet) : [];
  const why = [...names.endWhy(there, sent), ...lost.map((text) => `reply: ${text}`)];
  const source = sourceReason(branch, names);
  const endpoint = hasArrived(there.end) ? endpointReason(branch, names) : undefined;
  const lines = [...why, ...(source === undefined ? [] : [source]), ...(endpoint === undefined ? [] : [endpoint])];
  if (lines.length > 0) yield* titled("WHY", lines, options);
}

/** The other fates with their chances, and what makes the whole unknown. */
function* othersLines(trace: JourneyTrace, told: number, options: ReportOptions): Generator<string> {
  const { names } = options;
  const { branches, verdict, complete } = trace;
  const others: string[] = [];
  const open: string[] = [];
  for (const { branch, probability, unknown } of verdict) {
    const found = branches[branch];
    if (found === undefined) continue;
    const { there, reply } = found.journey;
    const ends = there.end.kind === "unknown" || reply?.arrival === "unknown";
    if (unknown !== undefined && !(ends && branch === told))
      open.push(`${outcomeText({ kind: "unknown", what: unknown })}; the ways differ`);
    if (unknown !== undefined || branch === told) continue;
    const back =
      reply === undefined || reply.arrival === "as-called"
        ? ""
        : `; the reply ${replyText(reply, trace.packet, names)}`;
    others.push(`${chanceText(probability).padEnd(10)} ${endText(there, names)}${back}`);
  }
  if (others.length > 0) yield* titled("OTHERS", others, options);
  if (open.length > 0) yield* titled("VERDICT", open, options);
  if (!complete) yield* titled("NOTE", [`there are more ways than the ${branches.length} that were followed`], options);
}

/** A trace as people read it, piece by piece: the story first, then what came of it and why. */
export function* traceReport(trace: JourneyTrace, options: ReportOptions): Generator<string> {
  const { branches, network } = trace;
  yield* head(trace, options);
  const shown = options.all ? branches.map((_, i) => i) : [options.chosen];
  for (const [n, index] of shown.entries()) {
    const branch = branches[index];
    if (branch === undefined) continue;
    if (shown.length > 1)
      yield `${n === 0 ? "" : "\n"}${options.strong(`WAY ${index + 1}`)}   ${chanceText(branch.probability)}\n`;
    const story = new Story(network, options);
    story.way(branch, branch.journey.there);
    const looked = story.looked;
    const { reply } = branch.journey;
    if (reply !== undefined && (options.everything || reply.arrival === "lost")) {
      story.lines.push(`${options.strong("the reply")}   ${packetText(reply.packet)}`);
      story.way(branch, reply.way);
    }
    if (story.lines.length > 0) yield `${story.lines.join("\n")}\n\n`;
    yield* resultLines(trace, branch, looked, options);
  }
  if (!options.all) yield* othersLines(trace, options.chosen, options);
  for (const [title, lines] of options.blocks ?? []) if (lines.length > 0) yield* titled(title, lines, options);
}
