import type { IPFamily } from "../net/family.ts";
import type { Place, Report, Source } from "../text/diagnostic.ts";
import { type Extent, extentOf, leavesOpen, type RulesExtract, type TableExtract, tableExtract } from "./extract.ts";
import { type Fragment, type FragmentLine, type FragmentRun, fragmentsOf, type TableLine } from "./fragments.ts";
import { inferTables, onlyTable } from "./infer.ts";
import { problemsOf, UNSURE } from "./judge.ts";
import { type DerivedSource, derived, type MappedText, mapped } from "./mapped-text.ts";
import { reportExtract, reportListing, reportPassedOver, reportTold } from "./notes.ts";
import type { PeeledLine } from "./peel.ts";
import type { PromptCommand } from "./prompts.ts";
import { maskOf, tablesIn } from "./tables-of.ts";

/** Rules that stood together, as a text that can be read alone. */
export interface FramedRules {
  readonly text: DerivedSource;
  readonly family: IPFamily | undefined;
  /** What the text does not show of them; `undefined` when it is whole. */
  readonly extract: RulesExtract | undefined;
}

export interface FrameOptions {
  /**
   * The rules are to be loaded: chains that are named only are declared, tables are closed, lines that were cut are left out.
   * Otherwise only what has no table gets one.
   */
  readonly forLoading: boolean;
  readonly command: PromptCommand | undefined;
  /** Lines are missing anywhere (grep, a diff), or at the end. */
  readonly gaps: boolean;
  readonly endsCut: boolean;
}

/** A table that is put together. */
interface OpenTable {
  readonly name: string;
  readonly lines: FragmentLine[];
  opening: PeeledLine | undefined;
  closing: PeeledLine | undefined;
  extent: Extent;
}

/** Puts lines of rules into tables: those that have none into the one that chains, targets and jumps tell. */
export function frameRules(
  lines: readonly TableLine[],
  original: Source,
  options: FrameOptions,
  report: Report,
): readonly FramedRules[] {
  return fragmentsOf(lines).map((run) => new Framer(original, options, report).frame(run));
}

const isListing = ({ opening, lines }: Fragment): boolean =>
  opening === undefined && lines.some(({ line }) => line.kind === "policy" || /^-N /.test(line.text));

const CUT_LINE = "the text ends in this line, which may be cut: it is left out";

class Framer {
  readonly #original: Source;
  readonly #options: FrameOptions;
  readonly #report: Report;
  readonly #tables = new Map<string, OpenTable>();
  #mayHaveMore = false;

  constructor(original: Source, options: FrameOptions, report: Report) {
    this.#original = original;
    this.#options = options;
    this.#report = report;
  }

  frame(run: FragmentRun): FramedRules {
    const { forLoading, gaps, endsCut, command } = this.#options;
    this.#mayHaveMore = gaps || endsCut || run.startsCut || run.endsCut;
    const framed = run.fragments.flatMap(({ opening }) => (opening === undefined ? [] : [tableName(opening)]));
    for (const fragment of run.fragments) {
      if (forLoading && fragment.opening?.open === true) {
        // nothing stands behind it, not even the end of its own line
        this.#mayHaveMore = true;
        this.#leftOut(fragment.opening, CUT_LINE);
        continue;
      }
      if (gaps) fragment.gaps = true;
      if (fragment.opening === undefined) this.#infer(fragment, maskOf(...framed));
      else this.#add(tableName(fragment.opening), fragment, fragment.lines);
    }
    const extracts = new Map<string, TableExtract>();
    for (const table of this.#tables.values()) {
      const found = tableExtract(table.name, table.lines, table.extent);
      if (found.chains.size > 0 || found.policies.size > 0) extracts.set(table.name, found);
    }
    const extract = { tables: extracts, mayHaveMore: this.#mayHaveMore };
    const isOpen = leavesOpen(extract);
    const pieces = [
      ...run.headers,
      ...[...this.#tables.values()].flatMap((table) => this.#text(table, extracts.get(table.name))),
    ];
    const text = derived(this.#original, pieces);
    const shown = [...this.#tables.keys()];
    if (isOpen && forLoading) reportExtract(extract, shown, text.placeOf(0), this.#report);
    if (!isOpen && forLoading && run.fragments.some(isListing)) reportListing(shown, text.placeOf(0), this.#report);
    return { text, family: command?.family, extract: isOpen ? extract : undefined };
  }

  /** Lines without `*table`. */
  #infer(fragment: Fragment, others: number): void {
    const listing = isListing(fragment);
    const told = this.#options.command?.table;
    const assigned = inferTables(fragment.lines, { isOne: fragment.closing !== undefined, told, others });
    const byTable = new Map<string, FragmentLine[]>();
    const passed: FragmentLine[] = [];
    for (const [i, line] of fragment.lines.entries()) {
      const mask = assigned[i] ?? 0;
      // without -t a listing is filter's
      const table = onlyTable(mask) ?? (listing && tablesIn(mask).includes("filter") ? "filter" : undefined);
      if (table === undefined) {
        passed.push(line);
        continue;
      }
      const list = byTable.get(table);
      if (list === undefined) byTable.set(table, [line]);
      else list.push(line);
    }
    if (passed.length > 0) {
      fragment.gaps = true;
      reportPassedOver(passed, this.#original, this.#report);
    }
    if (told === undefined)
      reportTold([...byTable.keys()], placeOf([...byTable.values()].flat(), this.#original), this.#report);
    for (const [table, lines] of byTable) this.#add(table, fragment, lines);
    if (byTable.size !== 1 || passed.length > 0) this.#mayHaveMore = true;
  }

  #add(name: string, fragment: Fragment, lines: readonly FragmentLine[]): void {
    const { forLoading } = this.#options;
    const kept = forLoading ? this.#readable(fragment, lines) : lines;
    const extent = extentOf({ ...fragment, lines: [...lines] }, name, isListing(fragment));
    if (extent !== "whole" && !(fragment.opening !== undefined && fragment.closing !== undefined))
      this.#mayHaveMore = true;
    const known = this.#tables.get(name);
    if (known === undefined) {
      const { opening, closing } = fragment;
      this.#tables.set(name, { name, lines: [...kept], opening, closing, extent });
      return;
    }
    // a table in several pieces: what stood between them is not known
    known.lines.push(...kept);
    known.opening ??= fragment.opening;
    known.closing ??= fragment.closing;
    known.extent = "lines";
  }

  /** The lines without those that the end of the text has cut, and of a table that is not whole without those that cannot be read. */
  #readable(fragment: Fragment, lines: readonly FragmentLine[]): readonly FragmentLine[] {
    const { opening, closing, gaps } = fragment;
    if (opening !== undefined && closing !== undefined && !gaps) return lines;
    const chains = new Set(lines.map(({ chain }) => chain));
    // what stands between the first line of a table and a cut is as good as in a whole one
    const isSound = opening !== undefined && !gaps;
    return lines.filter(({ line }) => {
      const isCut = line.open && closing === undefined && (opening !== undefined || line.kind === "chain");
      if (!isCut && (isSound || line.kind === "policy" || problemsOf(line.text, chains) <= UNSURE)) return true;
      fragment.gaps ||= !isCut;
      this.#leftOut(
        line,
        isCut ? CUT_LINE : "this line cannot be read: it is cut, or something is missing in it; it is left out",
      );
      return false;
    });
  }

  #leftOut({ runs }: PeeledLine, message: string): void {
    const place = { source: this.#original, offset: runs[0]?.at ?? 0 };
    this.#report({ severity: "warning", code: "line-left-out", message, place });
  }

  /** The lines of a table. */
  #text({ name, lines, opening, closing }: OpenTable, extract: TableExtract | undefined): readonly MappedText[] {
    const at = lines[0]?.line.runs[0]?.at ?? 0;
    const declared = new Set(lines.filter(({ rule }) => rule === undefined).map(({ chain }) => chain));
    const missing = new Set(
      lines.flatMap(({ rule, chain }) => (rule === undefined || declared.has(chain) ? [] : [chain])),
    );
    if (this.#options.forLoading) for (const { rule } of lines) if (rule?.jump !== undefined) missing.add(rule.jump);
    const added = [...missing].filter(
      (chain) => !declared.has(chain) && !extract?.policies.has(chain) && this.#mayDeclare(chain, extract, opening),
    );
    const last = lines.at(-1)?.line.runs[0]?.at ?? at;
    const isClosed = closing !== undefined || opening === undefined || this.#options.forLoading;
    return [
      opening ?? mapped(`*${name}`, at),
      ...added.map((chain) => mapped(`:${chain} - [0:0]`, at)),
      ...(opening === undefined ? declarationsFirst(lines) : lines.map(({ line }) => line)),
      ...(isClosed ? [closing ?? mapped("COMMIT", last)] : []),
    ];
  }

  /** A chain that a whole table does not declare is a fault of that table, not of the text. */
  #mayDeclare(chain: string, extract: TableExtract | undefined, opening: PeeledLine | undefined): boolean {
    return opening === undefined || (this.#options.forLoading && extract?.chains.has(chain) === true);
  }
}

/** Lines of several pieces of one table; a chain that is declared again would be flushed. */
function declarationsFirst(lines: readonly FragmentLine[]): readonly MappedText[] {
  const seen = new Set<string>();
  const declarations = lines.filter(({ rule, chain }) => {
    const isFirst = rule === undefined && !seen.has(chain);
    seen.add(chain);
    return isFirst;
  });
  const withoutCounters = ({ line }: FragmentLine): MappedText =>
    line.kind === "policy" ? { ...line, text: line.text.replace(/ -c \d+ \d+\s*$/, "") } : line;
  return [
    ...declarations.map(withoutCounters),
    ...lines.flatMap(({ rule, line }) => (rule === undefined ? [] : [line])),
  ];
}

function placeOf(lines: readonly FragmentLine[], source: Source): Place {
  return { source, offset: lines[0]?.line.runs[0]?.at ?? 0 };
}

const tableName = ({ text }: PeeledLine): string => text.trim().slice(1);
