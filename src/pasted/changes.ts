import type { Report, Severity, Source } from "../text/diagnostic.ts";
import type { PeeledLine } from "./peel.ts";
import type { PhysicalLine } from "./physical-lines.ts";

/** What was done to the lines of a text. */
export interface Changes {
  readonly source: Source;
  readonly peeled: readonly PeeledLine[];
  readonly folded: readonly PeeledLine[];
  readonly removed: { readonly at: PhysicalLine; readonly count: number } | undefined;
}

const lines = (count: number): string => (count === 1 ? "1 line" : `${count} lines`);
const shown = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** Says in notes what was taken away: each kind once, at its first place. */
export function reportChanges({ source, peeled, folded, removed }: Changes, report: Report): void {
  const note = (code: string, offset: number, message: string): void =>
    report({ severity: "note", code, message, place: { source, offset } });
  const { text } = source;
  const carriage = text.indexOf("\r");
  if (carriage >= 0)
    note("carriage-return", carriage, "lines end with CR or CR LF: read as LF, which iptables-restore would refuse");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what is looked for
  const color = text.search(/\u001b|\^\[\[[0-9;]*[mK]/);
  if (color >= 0) note("terminal-codes", color, "codes that steer a terminal were taken away");
  const prefixed = peeled.filter(({ prefix }) => prefix !== "");
  const first = prefixed[0];
  if (first !== undefined) {
    const at = (first.runs[0]?.at ?? 0) - first.prefix.length;
    note(
      "line-prefix",
      Math.max(0, at),
      `${lines(prefixed.length)} begin with something that no tool prints, such as ${shown(first.prefix)}: taken away`,
    );
  }
  const fold = folded[0];
  if (fold !== undefined)
    note("folded-line", fold.runs[0]?.at ?? 0, `${lines(folded.length)} went on in the next: joined`);
  if (removed !== undefined)
    note("removed-lines", removed.at.runs[0]?.at ?? 0, `${lines(removed.count)} of the old side of a diff: left out`);
}

/** Most runs of lines that are named one by one. */
const MOST = 20;

/** Says which lines were left out, one finding for lines that stand together. */
export class LeftOut {
  readonly #source: Source;
  readonly #report: Report;
  #named = 0;
  #more = 0;

  constructor(source: Source, report: Report) {
    this.#source = source;
    this.#report = report;
  }

  /** Lines that stand together; nothing for none. */
  say(run: readonly PeeledLine[], severity: Severity): void {
    const first = run[0];
    if (first === undefined) return;
    if (++this.#named > MOST) {
      this.#more += run.length;
      return;
    }
    const message = `${run.length === 1 ? "no line" : `${run.length} lines, none`} of a table, a chain, a rule, a comment or COMMIT: left out`;
    const place = { source: this.#source, offset: first.runs[0]?.at ?? 0 };
    this.#report({ severity, code: "unknown-line", message, place });
  }

  finish(): void {
    if (this.#more === 0) return;
    const message = `${lines(this.#more)} more were left out`;
    this.#report({ severity: "warning", code: "unknown-line", message, place: { source: this.#source, offset: 0 } });
  }
}
