import { visible } from "../text/visible.ts";
import type { Matrix } from "./matrix.ts";
import { type Matrices, matricesOf } from "./modes.ts";
import { type Column, type MatrixTable, matrixTable } from "./table.ts";

const GAP = "  ";
/** Columns of one kind that stand together: their group's words are above them. */
interface Block {
  readonly columns: readonly Column[];
  readonly width: number;
}

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));

const columnWidth = ({ head, cells }: Column): number => Math.max(head.length, widest(cells), 1);

function blocksOf({ columns }: MatrixTable): readonly Block[] {
  const blocks: { columns: Column[]; width: number }[] = [];
  for (const column of columns) {
    const last = blocks.at(-1);
    if (last?.columns[0]?.kind === column.kind) last.columns.push(column);
    else blocks.push({ columns: [column], width: 0 });
  }
  return blocks.map(({ columns: own }) => {
    const inner = own.reduce((sum, column) => sum + columnWidth(column) + 1, -1);
    return { columns: own, width: Math.max(inner, own[0]?.group.length ?? 0) };
  });
}

const labelWidth = ({ rows }: MatrixTable, part: 0 | 1 | 2): number => widest(rows.map((row) => row[part]));

const labelsWidth = (table: MatrixTable): number =>
  labelWidth(table, 0) + labelWidth(table, 1) + labelWidth(table, 2) + 2 * GAP.length;

/** As many blocks side by side as fit. */
function pages(blocks: readonly Block[], room: number): readonly (readonly Block[])[] {
  const found: Block[][] = [];
  let left = -1;
  for (const block of blocks) {
    const needs = block.width + GAP.length;
    if (needs > left) {
      found.push([]);
      left = room;
    }
    found.at(-1)?.push(block);
    left -= needs;
  }
  return found;
}

const line = (parts: readonly string[]): string => `${visible(parts.join(GAP)).trimEnd()}\n`;

function* pageText(table: MatrixTable, blocks: readonly Block[]): Generator<string> {
  const empty = " ".repeat(labelsWidth(table));
  const laid =
    (text: (column: Column) => string) =>
    ({ columns, width }: Block): string =>
      columns
        .map((column) => text(column).padEnd(columnWidth(column)))
        .join(" ")
        .padEnd(width);
  yield line([empty, ...blocks.map(({ columns, width }) => (columns[0]?.group ?? "").padEnd(width))]);
  yield line([empty, ...blocks.map(laid(({ head }) => head))]);
  for (const [i, [name, kind, address]] of table.rows.entries()) {
    const labels = [
      name.padEnd(labelWidth(table, 0)),
      kind.padEnd(labelWidth(table, 1)),
      address.padEnd(labelWidth(table, 2)),
    ];
    yield line([...labels, ...blocks.map(laid(({ cells }) => cells[i] ?? ""))]);
  }
}

/** What health checks answer is the same in all modes. */
const healthOf = (found: Matrices): Matrix["health"] => matricesOf(found)[0]?.health ?? [];

function* healthText(health: Matrix["health"]): Generator<string> {
  if (health.length === 0) return;
  yield "\nHEALTH CHECKS\n";
  const width = widest(health.map(({ service }) => service));
  for (const { service, port, answers } of health)
    yield line([service.padEnd(width), `:${port}`, ...answers.map(({ node, status }) => `${node} ${status}`)]);
}

/** The matrix in columns of at most `width` characters: node names where they fit, numbers where not, then in several blocks. */
export function* matrixText(found: Matrices, width: number): Generator<string> {
  const named = matrixTable(found, false);
  const needs = labelsWidth(named) + blocksOf(named).reduce((sum, block) => sum + block.width + GAP.length, 0);
  const table = needs <= width ? named : matrixTable(found, true);
  if (table.rows.length === 0) {
    yield "no Service has an address\n";
    return;
  }
  if (table.summary !== undefined) yield `${table.summary}\n\n`;
  if (table.nodes.length > 0)
    yield `NODES  ${visible(table.nodes.map((name, i) => `${i + 1} ${name}`).join("   "))}\n\n`;
  const all = pages(blocksOf(table), width - labelsWidth(table));
  for (const [i, blocks] of all.entries()) {
    if (i > 0) yield "\n";
    yield* pageText(table, blocks);
  }
  yield* healthText(healthOf(found));
  yield "\n";
  for (const text of table.legend) yield `${text}\n`;
  for (const text of table.notes) yield `${visible(text)}\n`;
}

const cell = (text: string): string => visible(text).replaceAll("|", "\\|");
const tableRow = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |\n`;

/** The same as a Markdown table. */
export function* matrixMarkdown(found: Matrices): Generator<string> {
  const { rows, columns, legend, notes, summary } = matrixTable(found, false);
  const health = healthOf(found);
  if (summary !== undefined) yield `${summary}\n\n`;
  const heads = ["Service", "", "address", ...columns.map(({ group, head }) => `${group} ${head}`.trim())];
  yield tableRow(heads);
  yield tableRow(heads.map(() => "---"));
  for (const [i, labels] of rows.entries()) yield tableRow([...labels, ...columns.map(({ cells }) => cells[i] ?? "")]);
  if (health.length > 0) yield "\n| health check | port | answers |\n| --- | --- | --- |\n";
  for (const { service, port, answers } of health)
    yield tableRow([service, `${port}`, answers.map(({ node, status }) => `${node} ${status}`).join(", ")]);
  yield "\n";
  for (const text of [...legend, ...notes]) yield `- ${visible(text)}\n`;
}
