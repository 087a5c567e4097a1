import { argumentsFor } from "./argued.ts";
import { type Fate, type Judge, judges } from "./record.ts";

/** What became of the faults of one kind. */
export interface Row {
  readonly operator: string;
  readonly faults: number;
  /** How many each judge found; one fault may be found by several. */
  readonly by: Readonly<Record<Judge, number>>;
  /** Found by somebody. */
  readonly dead: number;
  readonly equivalent: number;
  readonly argued: number;
  readonly survivors: number;
}

/** One run over all scenarios, as it is kept. */
export interface RunRecord {
  readonly date: string;
  readonly command: string;
  readonly rows: readonly Row[];
  /** Faults that each argument covers. */
  readonly argued: Readonly<Record<string, number>>;
}

export const isEquivalent = ({ by, differences }: Fate): boolean => by.length === 0 && differences.length === 0;

/** Faults that nobody found, that are no equivalents, and that no argument covers. */
export const survivorsOf = (fates: readonly Fate[]): readonly Fate[] =>
  fates.filter((fate) => argumentsFor(fate) === undefined);

function rowOf(operator: string, fates: readonly Fate[]): Row {
  const count = (wanted: (fate: Fate) => boolean): number => fates.filter(wanted).length;
  const survivors = survivorsOf(fates).length;
  return {
    operator,
    faults: fates.length,
    by: Object.fromEntries(judges.map((judge) => [judge, count(({ by }) => by.includes(judge))])) as Row["by"],
    dead: count(({ by }) => by.length > 0),
    equivalent: count(isEquivalent),
    argued: count(({ differences }) => differences.length > 0) - survivors,
    survivors,
  };
}

/** The rows of a run, in the order of the operators. */
export function rowsOf(fates: readonly Fate[], operators: readonly string[]): readonly Row[] {
  return operators.map((operator) =>
    rowOf(
      operator,
      fates.filter((fate) => fate.operator === operator),
    ),
  );
}

/** How many faults each argument covers. */
export function arguedIn(fates: readonly Fate[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const fate of fates) {
    for (const { id } of argumentsFor(fate) ?? []) found[id] = (found[id] ?? 0) + 1;
  }
  return found;
}

function total(rows: readonly Row[]): Row {
  const sum = (of: (row: Row) => number): number => rows.reduce((all, row) => all + of(row), 0);
  return {
    operator: "all",
    faults: sum(({ faults }) => faults),
    by: Object.fromEntries(judges.map((judge) => [judge, sum(({ by }) => by[judge])])) as Row["by"],
    dead: sum(({ dead }) => dead),
    equivalent: sum(({ equivalent }) => equivalent),
    argued: sum(({ argued }) => argued),
    survivors: sum(({ survivors }) => survivors),
  };
}

/** The kill table in Markdown. */
export function tableText(rows: readonly Row[]): string {
  const head = ["fault", "places", "dead", ...judges, "equivalent", "argued", "survive"];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  const rowText = ({ operator, faults, dead, by, equivalent, argued, survivors }: Row): string =>
    line([operator, faults, dead, ...judges.map((judge) => by[judge]), equivalent, argued, survivors]);
  const rule = line(head.map((_, i) => (i === 0 ? "---" : "---:")));
  return [line(head), rule, ...rows.map(rowText), rowText(total(rows))].join("\n");
}
