import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatPorts, type PortFields, parsePorts } from "./ports.ts";

/** Chunk types by the names that iptables knows. */
const chunkNames: ReadonlyMap<string, number> = new Map([
  ["DATA", 0],
  ["INIT", 1],
  ["INIT_ACK", 2],
  ["SACK", 3],
  ["HEARTBEAT", 4],
  ["HEARTBEAT_ACK", 5],
  ["ABORT", 6],
  ["SHUTDOWN", 7],
  ["SHUTDOWN_ACK", 8],
  ["ERROR", 9],
  ["COOKIE_ECHO", 10],
  ["COOKIE_ACK", 11],
  ["ECN_ECNE", 12],
  ["ECN_CWR", 13],
  ["SHUTDOWN_COMPLETE", 14],
  ["I_DATA", 64],
  ["ASCONF_ACK", 128],
  ["RE_CONFIG", 130],
  ["PAD", 132],
  ["FORWARD_TSN", 192],
  ["ASCONF", 193],
  ["I_FORWARD_TSN", 194],
]);
const numbers: ReadonlyMap<number, string> = new Map([...chunkNames].map(([name, number]) => [number, name]));

/** `--chunk-types all|any|only LIST`: each of the list is in the packet, one of it is, nothing else is. */
export interface ChunkTest {
  readonly mode: "all" | "any" | "only";
  /** Ascending; `all` stands for every type there is. */
  readonly types: readonly number[] | "all";
}

/** `-m sctp`; with flags behind a chunk type (`DATA:BE`) the match stays unknown. */
export interface SCTPMatch extends PortFields {
  readonly kind: "sctp";
  readonly chunks?: Negatable<ChunkTest>;
}

function parseTypes(text: string): ChunkTest["types"] | undefined {
  const upper = text.toUpperCase();
  if (upper === "ALL") return "all";
  if (upper === "NONE") return [];
  const types = new Set<number>();
  for (const name of upper.split(",")) {
    const type = chunkNames.get(name);
    if (type === undefined) return undefined;
    types.add(type);
  }
  return [...types].sort((a, b) => a - b);
}

function chunkTest(options: ModuleOptions): Negatable<ChunkTest> | undefined {
  if (!options.has("--chunk-types")) return undefined;
  const mode = options.text("--chunk-types")?.toLowerCase();
  const list = options.text("--chunk-types", 1) ?? "";
  if (mode !== "all" && mode !== "any" && mode !== "only") return options.fail("--chunk-types needs all, any or only");
  if (list.includes(":")) return options.unmodelled("flags of chunk types are not modelled");
  const types = parseTypes(list);
  if (types === undefined) return options.fail("--chunk-types needs a list of chunk types");
  return negatable(options, "--chunk-types", { mode, types });
}

function formatChunks({ mode, types }: ChunkTest): string {
  const list = types === "all" ? "ALL" : types.map((type) => numbers.get(type) ?? `${type}`).join(",") || "NONE";
  return `${mode} ${list}`;
}

export const sctpModule: RuleModule<SCTPMatch> = {
  kind: "sctp",
  negatable: ["--sport", "--dport", "--chunk-types"],
  parse: (options) => {
    const chunks = chunkTest(options);
    if (options.has("--chunk-types") && chunks === undefined) return undefined;
    return defined<SCTPMatch>({ kind: "sctp", ...parsePorts(options), chunks });
  },
  format: (match) => [...formatPorts(match), ...negatableOption("--chunk-types", match.chunks, formatChunks)],
};
