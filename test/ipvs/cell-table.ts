import {
  certainSchedulers,
  type DestinationKind,
  type Frontend,
  type ProtocolName,
  protocolNames,
  type SourceKind,
  sourceKinds,
  unserved,
} from "./test-node.ts";

const keyOf = (source: SourceKind, kind: DestinationKind, scheduler: string, protocol: ProtocolName): string =>
  `${source} ${kind} ${unserved.has(kind) ? "-" : scheduler} ${protocol}`;

/** The cell of the table that a client's packets to a virtual server are in. */
export const cellKey = (source: SourceKind, { kind, scheduler, protocol }: Frontend): string =>
  keyOf(source, kind, scheduler, protocol);

/** Counts packets by who began their flow, with whom, which scheduler stands there, and the flow's protocol. */
export class CellTable {
  readonly #cells = new Map<string, number>();
  readonly #kinds: readonly DestinationKind[];

  /** `kinds`: the destinations that there can be. */
  constructor(kinds: readonly DestinationKind[]) {
    this.#kinds = kinds;
  }

  add(source: SourceKind, frontend: Frontend): void {
    const key = cellKey(source, frontend);
    this.#cells.set(key, (this.#cells.get(key) ?? 0) + 1);
  }

  /** All cells that can be filled. */
  cells(): readonly string[] {
    return sourceKinds.flatMap((source) =>
      this.#kinds.flatMap((kind) =>
        (unserved.has(kind) ? ["-"] : certainSchedulers).flatMap((scheduler) =>
          protocolNames.map((protocol) => keyOf(source, kind, scheduler, protocol)),
        ),
      ),
    );
  }

  /** How often each cell was met. */
  get met(): ReadonlyMap<string, number> {
    return this.#cells;
  }

  /** Cells with fewer packets than that. */
  below(least: number): readonly string[] {
    return this.cells().filter((key) => (this.#cells.get(key) ?? 0) < least);
  }

  /** The smallest count of any cell. */
  least(): number {
    return Math.min(...this.cells().map((key) => this.#cells.get(key) ?? 0));
  }

  /** A block of columns a source, a line a scheduler and protocol. */
  toString(): string {
    const columns = sourceKinds.flatMap((source) => this.#kinds.map((kind) => [source, kind] as const));
    const width = 6;
    const short = (text: string): string => text.slice(0, width - 1).padStart(width);
    const head = [0, 1].map(
      (part) => `${" ".repeat(12)}${columns.map((column) => short(column[part] ?? "")).join("")}`,
    );
    const rows = [...certainSchedulers, "-"].flatMap((scheduler) =>
      protocolNames.map((protocol) => {
        const figures = columns.map(([source, kind]) => {
          if (unserved.has(kind) !== (scheduler === "-")) return " ".repeat(width);
          return String(this.#cells.get(keyOf(source, kind, scheduler, protocol)) ?? "·").padStart(width);
        });
        return `${scheduler.padEnd(7)}${protocol.padEnd(5)}${figures.join("")}`.trimEnd();
      }),
    );
    return [...head, ...rows].join("\n");
  }
}
