import { formatDyadic } from "../net/dyadic.ts";
import { textOf } from "../network/addresses.ts";
import type { Cell } from "./cell.ts";
import type { Matrix } from "./matrix.ts";

/** Counts up when a field changes its meaning or goes. */
const VERSION = 1;

const cellJSON = (cell: Cell) =>
  cell.map(({ letter, probability }) => ({ letter, probability: formatDyadic(probability) }));

/** A matrix as one JSON document: the cells of a row stand in the order of the sources; an empty one asks nothing. */
export function matrixJSON({ sources, rows, health }: Matrix): string {
  const document = {
    version: VERSION,
    sources: sources.map(({ kind, node, addresses, assumed }) => ({
      kind,
      ...(node === undefined ? {} : { node }),
      addresses: Object.values(addresses).map(textOf),
      ...(assumed === undefined ? {} : { assumed }),
    })),
    rows: rows.map(({ frontend: { service, port, kind, family, text, protocol, node }, cells }) => ({
      service,
      port,
      kind,
      family,
      address: text,
      protocol,
      ...(node === undefined ? {} : { node }),
      cells: cells.map(cellJSON),
    })),
    health,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
