import { formatDyadic } from "../net/dyadic.ts";
import { textOf } from "../network/addresses.ts";
import type { Cell } from "./cell.ts";
import { cellsAt, differingCells, isSame, type Matrices, matricesOf, modesOf } from "./modes.ts";

/** Counts up when a field changes its meaning or goes. */
const VERSION = 1;

const cellJSON = (cell: Cell) =>
  cell.map(({ letter, probability }) => ({ letter, probability: formatDyadic(probability) }));

/** A cell that differs between modes is an object with what it is in each. */
function placeJSON(cells: readonly Cell[], modes: readonly string[]) {
  if (modes.length < 2 || isSame(cells)) return cellJSON(cells[0] ?? []);
  return Object.fromEntries(modes.map((mode, i) => [mode, cellJSON(cells[i] ?? [])]));
}

/** A matrix as one JSON document: the cells of a row stand in the order of the sources; an empty one asks nothing. */
export function matrixJSON(found: Matrices): string {
  const modes = modesOf(found);
  const { sources = [], rows = [], health = [] } = matricesOf(found)[0] ?? {};
  const document = {
    version: VERSION,
    ...(modes.length < 2 ? {} : { modes, ...differingCells(found) }),
    sources: sources.map(({ kind, node, addresses, assumed }) => ({
      kind,
      ...(node === undefined ? {} : { node }),
      addresses: Object.values(addresses).map(textOf),
      ...(assumed === undefined ? {} : { assumed }),
    })),
    rows: rows.map(({ frontend: { service, port, kind, family, text, protocol, node }, cells }, row) => ({
      service,
      port,
      kind,
      family,
      address: text,
      protocol,
      ...(node === undefined ? {} : { node }),
      cells: cells.map((_, column) => placeJSON(cellsAt(found, row, column), modes)),
    })),
    health,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
