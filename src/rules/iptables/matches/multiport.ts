import type { ModuleOptions, RuleModule } from "../module.ts";
import { not, option } from "../syntax.ts";
import { formatPortRange, type PortRange, parsePort, parsePortRange } from "../values.ts";

/** `-m multiport`: the source port, the destination port or one of both is in the list. */
export interface MultiportMatch {
  readonly kind: "multiport";
  readonly side: "source" | "destination" | "either";
  readonly negated: boolean;
  readonly ports: readonly PortRange[];
}

const flags = { source: "--sports", destination: "--dports", either: "--ports" } as const;
/** tcp, udp, dccp, sctp, udplite */
const protocols: readonly number[] = [6, 17, 33, 132, 136];
const MAX_SLOTS = 15;

/** Both ends must be there, and the second must be larger. */
function parseRange(text: string): PortRange | undefined {
  const range = parsePortRange(text);
  return range === undefined || range.from === range.to || text.startsWith(":") || text.endsWith(":")
    ? undefined
    : range;
}

/** A range takes two of the fifteen slots. */
function parsePorts(text: string): readonly PortRange[] | undefined {
  const ports: PortRange[] = [];
  let slots = 0;
  for (const part of text.split(",", MAX_SLOTS + 1)) {
    const port = part.includes(":") ? parseRange(part) : parsePort(part);
    if (port === undefined) return undefined;
    slots += typeof port === "number" ? 1 : 2;
    ports.push(typeof port === "number" ? { from: port, to: port } : port);
  }
  return slots <= MAX_SLOTS ? ports : undefined;
}

function parse(options: ModuleOptions): MultiportMatch | undefined {
  if (options.size !== 1) return options.fail("exactly one of --sports, --dports, --ports is required");
  const { protocol } = options.rule;
  if (protocol === undefined || protocol.negated || !protocols.includes(protocol.value)) {
    return options.fail("-p tcp, udp, udplite, sctp or dccp is required in the same rule");
  }
  const side = options.has("--sports") ? "source" : options.has("--dports") ? "destination" : "either";
  const ports = options.need(flags[side], parsePorts, "a list of at most 15 ports, a range counting as two");
  return ports === undefined ? undefined : { kind: "multiport", side, negated: options.negated(flags[side]), ports };
}

export const multiportModule: RuleModule<MultiportMatch> = {
  kind: "multiport",
  negatable: ["--sports", "--dports", "--ports"],
  parse,
  format: (match) => {
    const positive = option(flags[match.side], match.ports.map((range) => formatPortRange(range)).join(","));
    return [match.negated ? not(positive) : positive];
  },
};
