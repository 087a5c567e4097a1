import type { IPFamily } from "../net/family.ts";
import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import { LeftOut, reportChanges } from "./changes.ts";
import { newSide } from "./diff.ts";
import type { RulesExtract } from "./extract.ts";
import { unfoldLines } from "./fold.ts";
import type { TableLine } from "./fragments.ts";
import { frameRules } from "./frame.ts";
import type { PartKind } from "./line-kinds.ts";
import { type DerivedSource, derived, joined, underived } from "./mapped-text.ts";
import { jsonSeam, partsOf, type TextPart } from "./parts.ts";
import { type PeeledLine, peel } from "./peel.ts";
import { hasStrayCharacters, physicalLines } from "./physical-lines.ts";
import { lookAt } from "./scan.ts";

/** A piece of what was pasted that one tool has printed, without what its way here has put into it. */
export interface PastedPart {
  /** `unknown`: nothing in it is what a known tool prints. */
  readonly kind: PartKind | "unknown";
  /** What readers read: the source itself where nothing had to be taken away. */
  readonly text: DerivedSource;
  /** What the command at the prompt told. */
  readonly family?: IPFamily;
  /** What a text of rules does not show; absent when it is whole. */
  readonly extract?: RulesExtract;
}

export interface PastedOptions {
  /**
   * The rules are to be loaded, not only looked at: tables are closed and chains declared that are only named, each with a mark
   * in `extract`.
   */
  readonly forLoading: boolean;
}

/**
 * The dumps in a text as people paste it, each as its tool printed it: prompts, colours, line ends, folded lines, the signs of
 * diff, what loggers, mails and editors put before lines are taken away, and several dumps are taken apart. Rules without
 * their table get one where chains, targets and jumps tell it. What is taken away is said in notes, what cannot be read in
 * warnings, each with its place in the text as it was given. A clean text comes back as it is, after one look at each line.
 */
export function readPasted(source: Source, options: PastedOptions, report: Report): readonly PastedPart[] {
  const look = hasStrayCharacters(source.text) ? "other" : lookAt(source.text);
  if (look === "whole") return [{ kind: "iptables", text: underived(source) }];
  return readLines(source, options, report);
}

/** A report that gives places in the text as it was given. */
export function originalPlaces<Found extends Diagnostic>(
  parts: readonly PastedPart[],
  report: (found: Found) => void,
): (found: Found) => void {
  const texts = new Map(parts.map(({ text }) => [text.source, text]));
  return (found) => {
    const text = found.place === undefined ? undefined : texts.get(found.place.source);
    report(
      text === undefined || found.place === undefined ? found : { ...found, place: text.placeOf(found.place.offset) },
    );
  };
}

interface Reading extends PastedOptions {
  readonly source: Source;
  readonly gaps: boolean;
  readonly endsCut: boolean;
  readonly leftOut: LeftOut;
}

function readLines(source: Source, options: PastedOptions, report: Report): readonly PastedPart[] {
  const physical = physicalLines(source.text);
  const diff = newSide(physical);
  const peeled = peel(diff?.lines ?? physical);
  const { lines, folded } = unfoldLines(peeled);
  const parts = partsOf(lines);
  const only = parts.length === 1 ? parts[0]?.kind : undefined;
  if (parts.every(({ kind }) => kind === "unknown")) return [{ kind: "unknown", text: underived(source) }];
  const isUntouched = diff === undefined && folded.length === 0 && isPlain(source, peeled);
  // its own reader says best what is wrong with it
  if (isUntouched && only !== undefined && only !== "iptables") return [{ kind: only, text: underived(source) }];
  reportChanges({ source, peeled, folded, removed: diff?.removed }, report);
  const leftOut = new LeftOut(source, report);
  const reading = { ...options, source, gaps: diff?.gaps ?? false, endsCut: diff?.open ?? false, leftOut };
  const found = parts.flatMap((part) => readPart(part, reading, isUntouched && only !== undefined, report));
  leftOut.finish();
  return found;
}

/** Was nothing taken away from any line? */
function isPlain(source: Source, lines: readonly PeeledLine[]): boolean {
  return (
    !hasStrayCharacters(source.text) &&
    lines.every(({ kind, prefix }) => prefix === "" && kind !== "prompt" && kind !== "frame")
  );
}

function readPart(part: TextPart, reading: Reading, isUntouched: boolean, report: Report): readonly PastedPart[] {
  const { source } = reading;
  switch (part.kind) {
    case "iptables":
      return readRules(part, reading, isUntouched, report);
    case "unknown":
      return readUnknown(part, reading, report);
    case "json": {
      const lines = part.lines.filter(({ kind }) => kind !== "frame" && kind !== "comment");
      const between = jsonSeam(lines.map(({ text }) => text));
      return [{ kind: part.kind, text: derived(source, between === "" ? [joined(lines, "")] : lines) }];
    }
    default: {
      const all = part.kind === "ipset-listing" ? withMembers(part.lines) : part.lines;
      const lines = all.filter(({ kind }) => kind !== undefined && kind !== "frame");
      runsOf(all, (run) => reading.leftOut.say(run, "warning"));
      return [{ kind: part.kind, text: derived(source, lines) }];
    }
  }
}

/** Members of a listed set may look like anything: what stands below its lines, up to an empty one, are members. */
function withMembers(lines: readonly PeeledLine[]): readonly PeeledLine[] {
  let inSet = false;
  return lines.map((line) => {
    const { kind } = line;
    if (kind === "listed-set" || kind === "set-field") inSet = true;
    else if (kind === "blank") inSet = false;
    return kind === undefined && inSet ? { ...line, kind: "member" } : line;
  });
}

/** Hands over each run of lines that nothing recognises. */
function runsOf(lines: readonly PeeledLine[], found: (run: readonly PeeledLine[]) => void): void {
  let run: PeeledLine[] = [];
  for (const line of lines) {
    if (line.kind === undefined) run.push(line);
    else if (line.kind !== "blank") {
      found(run);
      run = [];
    }
  }
  found(run);
}

/** What stands behind a prompt may be the output of a tool whose other form is read: its reader says so. */
function readUnknown({ lines, command }: TextPart, { source }: Reading, report: Report): readonly PastedPart[] {
  const named = lines.filter(({ kind }) => kind === undefined);
  if (named.length === 0) return [];
  if (command === undefined) {
    const message = `${named.length === 1 ? "this line is" : `these ${named.length} lines are`} not the output of a known tool: left out`;
    const place = { source, offset: named[0]?.runs[0]?.at ?? 0 };
    report({ severity: "note", code: "text-left-out", message, place });
    return [];
  }
  return [{ kind: "unknown", text: derived(source, named) }];
}

function readRules(part: TextPart, reading: Reading, isUntouched: boolean, report: Report): readonly PastedPart[] {
  const { source, forLoading, leftOut } = reading;
  const isLook = !forLoading && isUntouched;
  // what is looked at as it is keeps the faults that its own reader finds
  if (isLook && !needsTables(part.lines)) return [{ kind: "iptables", text: underived(source) }];
  const lines = tableLines(part.lines, (run, inTable) =>
    leftOut.say(run, inTable ? (forLoading ? "warning" : "error") : "note"),
  );
  const filtered = part.command?.filtered ?? false;
  const options = {
    forLoading,
    command: part.command,
    gaps: reading.gaps || filtered || skipsNumbers(part.lines),
    endsCut: reading.endsCut,
  };
  return frameRules(lines, source, options, report).map(({ text, family, extract }) => ({
    kind: "iptables",
    text,
    ...(family === undefined ? {} : { family }),
    ...(extract === undefined ? {} : { extract }),
  }));
}

/** The lines without those that say nothing to a reader of rules; what cannot be read leaves a gap. */
function tableLines(
  lines: readonly PeeledLine[],
  leftOut: (run: readonly PeeledLine[], inTable: boolean) => void,
): readonly TableLine[] {
  const found: TableLine[] = [];
  let inTable = false;
  let run: PeeledLine[] = [];
  for (const line of lines) {
    const { kind } = line;
    if (kind === undefined) {
      run.push(line);
      found.push("gap");
      continue;
    }
    if (kind === "blank" || kind === "frame") continue;
    leftOut(run, inTable);
    run = [];
    if (kind !== "header" && kind !== "comment") inTable = kind !== "commit";
    found.push(line);
  }
  leftOut(run, inTable);
  return found;
}

/** Do lines of rules stand outside of any table? */
function needsTables(lines: readonly PeeledLine[]): boolean {
  let inTable = false;
  for (const { kind } of lines) {
    if (kind === "table") inTable = true;
    else if (kind === "commit") inTable = false;
    else if (!inTable && (kind === "rule" || kind === "chain" || kind === "policy" || kind === "chain-command"))
      return true;
  }
  return false;
}

/** Do the numbers that stood in front of the lines leave any out? */
function skipsNumbers(lines: readonly PeeledLine[]): boolean {
  const numbers = lines.flatMap(({ number }) => (number === undefined ? [] : [number]));
  return numbers.some((number, i) => i > 0 && number - (numbers[i - 1] ?? 0) > 1);
}
