import {
  certainSchedulers,
  type DestinationKind,
  destinationKinds,
  type ProtocolName,
  protocolNames,
  type SourceKind,
  sourceKinds,
} from "./fresh-node.ts";

/** Counts packets by who began their flow, with whom, which scheduler stands there, and the flow's protocol. */
export class CellTable {
  readonly #cells = new Map<string, number>();
  packets = 0;

  add(source: SourceKind, destination: DestinationKind, scheduler: string, protocol: ProtocolName): void {
    const key = `${source} ${destination} ${scheduler} ${protocol}`;
    this.#cells.set(key, (this.#cells.get(key) ?? 0) + 1);
    this.packets++;
  }

  /** Cells with a scheduler in which no packet was counted. */
  empty(schedulers: readonly string[] = certainSchedulers): readonly string[] {
    return sourceKinds.flatMap((source) =>
      destinationKinds.flatMap((destination) =>
        (destination === "other-port" ? ["-"] : schedulers).flatMap((scheduler) =>
          protocolNames
            .map((protocol) => `${source} ${destination} ${scheduler} ${protocol}`)
            .filter((key) => !this.#cells.has(key)),
        ),
      ),
    );
  }

  /** A line a scheduler and protocol, a column a source and destination. */
  toString(): string {
    const columns = sourceKinds.flatMap((source) =>
      destinationKinds.map((destination) => [source, destination] as const),
    );
    const width = 6;
    const short = (text: string): string => text.slice(0, width - 1).padStart(width);
    const head = [0, 1].map(
      (part) => `${" ".repeat(12)}${columns.map((column) => short(column[part] ?? "")).join("")}`,
    );
    const rows = [...certainSchedulers, "-"].flatMap((scheduler) =>
      protocolNames.flatMap((protocol) => {
        const counts = columns.map(([source, destination]) =>
          this.#cells.get(`${source} ${destination} ${scheduler} ${protocol}`),
        );
        if (counts.every((count) => count === undefined)) return [];
        const figures = counts.map((count) => String(count ?? "·").padStart(width)).join("");
        return [`${scheduler.padEnd(7)}${protocol.padEnd(5)}${figures}`];
      }),
    );
    return [...head, ...rows].join("\n");
  }
}
