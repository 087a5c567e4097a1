import { defined, type RuleModule } from "../module.ts";
import { formatPorts, type PortFields, parsePorts } from "./ports.ts";

/** `-m sctp`, ports only: with `--chunk-types` the match stays unknown. */
export interface SCTPMatch extends PortFields {
  readonly kind: "sctp";
}

export const sctpModule: RuleModule<SCTPMatch> = {
  kind: "sctp",
  negatable: ["--sport", "--dport"],
  parse: (options) => {
    if (options.has("--chunk-types")) return options.unmodelled("--chunk-types is not modelled");
    return defined<SCTPMatch>({ kind: "sctp", ...parsePorts(options) });
  },
  format: formatPorts,
};
