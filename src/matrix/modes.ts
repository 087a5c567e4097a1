import { formatDyadic } from "../net/dyadic.ts";
import { type Cell, cellText } from "./cell.ts";
import type { Matrix } from "./matrix.ts";

/** The matrix of one mode. */
export interface ModeMatrix {
  readonly mode: string;
  readonly matrix: Matrix;
}

/** One matrix, or those of several modes: the same sources and frontends, in the same order. */
export type Matrices = Matrix | readonly ModeMatrix[];

export const matricesOf = (found: Matrices): readonly Matrix[] =>
  "rows" in found ? [found] : found.map(({ matrix }) => matrix);

/** Names of the modes; none for a single matrix. */
export const modesOf = (found: Matrices): readonly string[] => ("rows" in found ? [] : found.map(({ mode }) => mode));

const keyOf = (cell: Cell): string =>
  cell.map(({ letter, probability }) => `${letter} ${formatDyadic(probability)}`).join();

/** Is a cell the same in all modes, shares and all? */
export const isSame = (cells: readonly Cell[]): boolean => cells.every((cell) => keyOf(cell) === keyOf(cells[0] ?? []));

/** The cells of one place, one for each mode. */
export function cellsAt(found: Matrices, row: number, column: number): readonly Cell[] {
  return matricesOf(found).map(({ rows }) => rows[row]?.cells[column] ?? []);
}

/** A cell that is the same in all modes once, else `≠` and what it is in each, in their order. */
export function cellsText(cells: readonly Cell[]): string {
  const texts = cells.map((cell) => cellText(cell) || "nothing");
  return isSame(cells) ? cellText(cells[0] ?? []) : `≠${texts.join("/")}`;
}

/** How many cells ask something, and how many of them differ between the modes. */
export function differingCells(found: Matrices): { readonly cells: number; readonly differing: number } {
  const [first] = matricesOf(found);
  const all = (first?.rows ?? []).flatMap(({ cells }, row) => cells.map((_, column) => cellsAt(found, row, column)));
  const asked = all.filter((cells) => cells.some((cell) => cell.length > 0));
  return { cells: asked.length, differing: asked.filter((cells) => !isSame(cells)).length };
}

/** `12 of 240 cells differ between iptables and ipvs`; nothing for a single matrix. */
export function summaryOf(found: Matrices): string | undefined {
  const modes = modesOf(found);
  if (modes.length < 2) return undefined;
  const { cells, differing } = differingCells(found);
  return `${differing === 0 ? "none" : differing} of ${cells} cells ${differing === 1 ? "differs" : "differ"} between ${modes.join(" and ")}`;
}
