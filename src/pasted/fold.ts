import { hasOpenQuote, problemsOf, UNSURE } from "./judge.ts";
import type { LineKind } from "./line-kinds.ts";
import { joined } from "./mapped-text.ts";
import type { PeeledLine } from "./peel.ts";

/** Lines after those that a terminal or a mail had folded were joined. */
export interface Unfolded {
  readonly lines: readonly PeeledLine[];
  /** The lines that were continued on the next, as they stood. */
  readonly folded: readonly PeeledLine[];
}

/** More pieces than a rule has at the narrowest terminal. */
const MOST_PIECES = 30;
/** So many pieces are put together in every way. */
const ALL_WAYS = 6;

const FOLDABLE: ReadonlySet<PeeledLine["kind"]> = new Set([
  "rule",
  "chain",
  "header",
  "policy",
  "chain-command",
  "connection",
]);
/** Where a line of one of these begins, nothing goes on. */
const STRONG: ReadonlySet<PeeledLine["kind"]> = new Set<LineKind | "prompt">([
  "table",
  "chain",
  "rule",
  "commit",
  "policy",
  "chain-command",
  "set",
  "connection",
  "prompt",
]);

/** The lines behind `at` that may continue it. */
function continuations(lines: readonly PeeledLine[], at: number): number {
  const head = lines[at] as PeeledLine;
  let text = head.kind === "rule" ? head.text : "";
  let end = at + 1;
  for (; end < lines.length && end - at < MOST_PIECES; end++) {
    const { kind, text: next } = lines[end] as PeeledLine;
    const isOpen = head.kind === "rule" && hasOpenQuote(text);
    if (STRONG.has(kind) || kind === "frame" || (kind !== undefined && !isOpen)) break;
    if (head.kind === "rule") text += next;
  }
  return end - at - 1;
}

const complete = (text: string): boolean => /\buse=\d+|\[(?:HW_)?OFFLOAD\]/.test(text);

/** Names of chains that the text itself shows: a jump to one of them is no piece of a name. */
function chainsOf(lines: readonly PeeledLine[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { kind, text } of lines) {
    const name =
      kind === "chain"
        ? /^:(\S+)/.exec(text)?.[1]
        : kind === "rule"
          ? /-[AIDRC] (\S+)/.exec(text)?.[1]
          : kind === "chain-command" || kind === "policy"
            ? /^-[NP] (\S+)/.exec(text)?.[1]
            : undefined;
    if (name !== undefined) names.add(name);
  }
  return names;
}

type Glue = "" | " ";

function glued(pieces: readonly PeeledLine[], glues: readonly Glue[]): PeeledLine {
  let whole = pieces[0] as PeeledLine;
  for (const [i, piece] of pieces.entries()) {
    if (i === 0) continue;
    whole = { ...whole, ...joined([whole, piece], glues[i - 1] as Glue), open: piece.open };
  }
  return whole;
}

/** How the pieces may have been apart: cut at the last column, at blanks, and any mixture. */
function* ways(pieces: readonly PeeledLine[], width: number): Generator<readonly Glue[]> {
  const seams = pieces.slice(0, -1);
  // a line that ends one column earlier has lost the blank that stood in the last
  yield seams.map(({ width: own }) => (own >= width ? "" : " "));
  yield seams.map(() => "");
  yield seams.map(() => " ");
  if (seams.length >= ALL_WAYS) return;
  for (let mask = 1; mask < 2 ** seams.length - 1; mask++)
    yield seams.map((_, i) => ((mask >> i) % 2 === 1 ? " " : ""));
}

/** Does the next piece begin like an option of the rule? */
const OPTION = /^\s*(?:!|--?[a-z])/;

/** May what is put together jump to a chain that nothing shows? Where the beginning alone is worse, or goes on with an option. */
function mayBeUnsure(pieces: readonly PeeledLine[], chains: ReadonlySet<string>): boolean {
  const [head, next] = pieces as readonly [PeeledLine, PeeledLine];
  const alone = problemsOf(head.text, chains);
  return alone > UNSURE || (alone === 0 && OPTION.test(next.text));
}

/** Rules that are read in order to join lines, for each line; more only where somebody means to keep us busy. */
const MOST_JUDGED = 10;

class Unfolder {
  readonly #width: number;
  readonly #chains: ReadonlySet<string>;
  #budget: number;

  constructor(lines: readonly PeeledLine[]) {
    this.#width = screenWidth(lines);
    this.#chains = chainsOf(lines);
    this.#budget = 10_000 + MOST_JUDGED * lines.length;
  }

  /** The first way to put the pieces together in which nothing is wrong, or the least that may be. */
  unfold(pieces: readonly PeeledLine[]): PeeledLine | undefined {
    const head = pieces[0] as PeeledLine;
    if (head.kind === "header") {
      return glued(
        pieces,
        pieces.slice(1).map(() => " "),
      );
    }
    if (head.kind === "connection") {
      const whole = glued(pieces, [...ways(pieces, this.#width)][0] as readonly Glue[]);
      return !complete(head.text) && complete(whole.text) ? whole : undefined;
    }
    let unsure: PeeledLine | undefined;
    for (const glues of ways(pieces, this.#width)) {
      if (this.#budget-- <= 0) return undefined;
      const whole = glued(pieces, glues);
      const problems = problemsOf(whole.text, this.#chains);
      if (problems === 0) return whole;
      if (problems <= UNSURE) unsure ??= whole;
    }
    return unsure !== undefined && mayBeUnsure(pieces, this.#chains) ? unsure : undefined;
  }
}

/** The width of the screen: that of the longest line which goes on in the next. */
function screenWidth(lines: readonly PeeledLine[]): number {
  let width = 0;
  for (const [i, line] of lines.entries()) {
    const next = lines[i + 1];
    if (next === undefined || next.kind !== undefined) continue;
    if (line.kind === undefined || FOLDABLE.has(line.kind)) width = Math.max(width, line.width);
  }
  return width;
}

/** Joins rules, chains and connections that go on in the next lines, where what comes out can be read. */
export function unfoldLines(lines: readonly PeeledLine[]): Unfolded {
  if (lines.every(({ kind }) => kind !== undefined)) return { lines, folded: [] };
  const unfolder = new Unfolder(lines);
  const found: PeeledLine[] = [];
  const folded: PeeledLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as PeeledLine;
    let whole: PeeledLine | undefined;
    let taken = FOLDABLE.has(line.kind) ? continuations(lines, i) : 0;
    // what stands behind the last piece may be something else
    for (; taken > 0 && whole === undefined; taken--) {
      whole = unfolder.unfold(lines.slice(i, i + taken + 1));
      if (whole !== undefined) break;
    }
    found.push(whole ?? line);
    if (whole === undefined) continue;
    folded.push(line);
    i += taken;
  }
  return { lines: found, folded };
}
