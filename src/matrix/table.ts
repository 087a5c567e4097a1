import { textOf } from "../network/addresses.ts";
import { type Letter, letters, meanings } from "./cell.ts";
import type { Matrix, MatrixRow } from "./matrix.ts";
import { cellsAt, cellsText, differingCells, type Matrices, matricesOf, modesOf, summaryOf } from "./modes.ts";
import type { Source } from "./sources.ts";

/** Words above the columns of one kind of source. */
const GROUPS: Readonly<Record<Source["kind"], string>> = {
  pod: "a Pod on",
  node: "node",
  outside: "outside, by",
  itself: "itself",
};

/** One column: its head under the group's words, and its cells. */
export interface Column {
  readonly kind: Source["kind"];
  readonly group: string;
  readonly head: string;
  readonly cells: readonly string[];
}

/** A matrix as texts, for whoever lays it out. */
export interface MatrixTable {
  /** Service and port, kind, address of each row; a Service is named once. */
  readonly rows: readonly (readonly [name: string, kind: string, address: string])[];
  readonly columns: readonly Column[];
  /** Names of nodes behind the short heads, where these are used. */
  readonly nodes: readonly string[];
  readonly legend: readonly string[];
  /** Clients that were made up, a line each. */
  readonly notes: readonly string[];
  /** How many cells differ, where several modes are shown. */
  readonly summary: string | undefined;
}

const nameOf = ({ frontend: { service, port } }: MatrixRow): string => `${service}:${port}`;

const KINDS = { ClusterIP: "ClusterIP", ExternalIP: "external IP", LoadBalancer: "balancer", NodePort: "node port" };

function legendOf(found: Matrices): string[] {
  const cells = matricesOf(found).flatMap(({ rows }) => rows.flatMap((row) => row.cells));
  const seen = new Set<Letter>(cells.flatMap((cell) => cell.map(({ letter }) => letter)));
  const mixed = cells.some((cell) => cell.length > 1);
  const modes = modesOf(found);
  const differs = modes.length > 1 && differingCells(found).differing > 0;
  return [
    ...[...letters].reverse().flatMap((letter) => (seen.has(letter) ? [`${letter} ${meanings[letter]}`] : [])),
    ...(mixed ? ["X50% half of the ways, the others are better"] : []),
    ...(differs ? [`≠X/. modes differ: X in ${modes.join(", . in ")}`] : []),
  ];
}

function notesOf({ sources }: Matrix): string[] {
  const assumed = sources.filter((source) => source.assumed === true);
  const client = sources.find(({ kind }) => kind === "outside");
  const texts = (source: Source): string => Object.values(source.addresses).map(textOf).join(", ");
  return [
    ...assumed.map((source) => `the Pod on ${source.node} is assumed: ${texts(source)}`),
    ...(client === undefined ? [] : [`the client outside is ${texts(client)}`]),
  ];
}

/** The texts of a matrix, or of those of several modes; `short` heads are numbers of nodes. */
export function matrixTable(found: Matrices, short: boolean): MatrixTable {
  const [matrix] = matricesOf(found);
  if (matrix === undefined) return { rows: [], columns: [], nodes: [], legend: [], notes: [], summary: undefined };
  const nodes = [...new Set(matrix.sources.flatMap(({ node }) => node ?? []))];
  let before = "";
  const rows = matrix.rows.map((row) => {
    const name = nameOf(row);
    const { kind, text, protocol } = row.frontend;
    const shown = name === before ? "" : name;
    before = name;
    return [shown, KINDS[kind], `${text}/${protocol.toLowerCase()}`] as const;
  });
  const columns = matrix.sources.map(
    (source, i): Column => ({
      kind: source.kind,
      group: GROUPS[source.kind],
      head: source.node === undefined ? "" : short ? `${nodes.indexOf(source.node) + 1}` : source.node,
      cells: matrix.rows.map((_, row) => cellsText(cellsAt(found, row, i))),
    }),
  );
  return {
    rows,
    columns,
    nodes: short ? nodes : [],
    legend: legendOf(found),
    notes: notesOf(matrix),
    summary: summaryOf(found),
  };
}
