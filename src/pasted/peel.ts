import { kindAt, type LineKind } from "./line-kinds.ts";
import { lineFrom, type PhysicalLine } from "./physical-lines.ts";
import { prefixOf } from "./prefixes.ts";
import { type Prompt, promptOf } from "./prompts.ts";

/** A line without what stood in front of it. */
export interface PeeledLine extends PhysicalLine {
  /** `undefined`: a continuation, or something that no known tool has printed. */
  readonly kind: LineKind | "blank" | "frame" | "prompt" | undefined;
  readonly prompt?: Prompt;
  /** The columns it took on the screen. */
  readonly width: number;
  /** What was taken off; "" for nothing. */
  readonly prefix: string;
  /** The line number that stood in front. */
  readonly number: number | undefined;
}

/** Lines that documents put around a dump, and pagers into it. */
const FRAME =
  /^\s*(?:`{3,}.*|~{3,}.*|--More--.*|\(END\)|\^C|<\/?(?:pre|code)>|conntrack v\d.* have been shown\.|sysctl: .*)\s*$/;

/** A line of nothing but quotation marks and numbers is an empty one. */
const EMPTY = /^(?:[>|│\s]|\d+[\t:])*$/;

function numberIn(text: string): number | undefined {
  const digits = /\d+/.exec(text)?.[0];
  return digits === undefined ? undefined : Number.parseInt(digits, 10);
}

/** What is left of COMMIT where a text begins, and of `*table` where it ends. */
const CUT_COMMIT = /^(?:OMMIT|MMIT|MIT|IT|T)$/;
const CUT_TABLE = /^\*[a-z]?$/;

/** Takes the prefix off each line; one that nothing recognises loses what the line before it lost. */
export function peel(lines: readonly PhysicalLine[]): PeeledLine[] {
  let last = "";
  return lines.map((line, i) => {
    const { text } = line;
    const width = text.length;
    const found = prefixOf(text);
    const asked = found?.kind === "comment" && found.length === 0 ? promptOf(text) : undefined;
    if (found !== undefined && asked === undefined) {
      last = text.slice(0, found.length);
      return { ...lineFrom(line, found.length), kind: found.kind, width, prefix: last, number: found.number };
    }
    const plain = { width, prefix: "", number: undefined };
    if (i === 0 && CUT_COMMIT.test(text)) return { ...line, ...plain, kind: "commit" };
    if (line.open && CUT_TABLE.test(text)) return { ...line, ...plain, kind: "table" };
    if (EMPTY.test(text)) return { ...line, ...plain, kind: "blank", number: numberIn(text) };
    if (FRAME.test(text)) return { ...line, ...plain, kind: "frame" };
    const prompt = asked ?? promptOf(text);
    if (prompt !== undefined) return { ...line, ...plain, kind: "prompt", prompt };
    const shared = last !== "" && text.startsWith(last) ? last : "";
    const rest = lineFrom(line, shared.length);
    return { ...rest, kind: kindAt(rest.text, 0), width, prefix: shared, number: undefined };
  });
}
