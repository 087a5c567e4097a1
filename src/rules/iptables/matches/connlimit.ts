import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber, parseUint32 } from "../values.ts";

/** `-m connlimit`: connections that share the first `prefixLength` bits of an address, this one included. */
export interface ConnlimitMatch {
  readonly kind: "connlimit";
  /** `upto`: at most so many; `above`: more. */
  readonly operator: "upto" | "above";
  readonly limit: number;
  readonly prefixLength: number;
  readonly side: "source" | "destination";
}

export const connlimitModule: RuleModule<ConnlimitMatch> = {
  kind: "connlimit",
  negatable: ["--connlimit-upto", "--connlimit-above"],
  parse: (options) => {
    if (!options.atMostOne("--connlimit-upto", "--connlimit-above")) return undefined;
    if (!options.atMostOne("--connlimit-saddr", "--connlimit-daddr")) return undefined;
    const flag = options.has("--connlimit-upto") ? "--connlimit-upto" : "--connlimit-above";
    const limit = options.need(flag, parseUint32, "a 32-bit number");
    const full = options.family === "IPv4" ? 32 : 128;
    // libxt_connlimit takes lengths of IPv6 for IPv4 too, and then as many bits as there are
    const beyond = (parseNumber(options.text("--connlimit-mask") ?? "", 128) ?? 0) > full;
    const prefixLength = beyond ? full : (options.maskLength("--connlimit-mask") ?? full);
    const upto = (flag === "--connlimit-upto") !== options.negated(flag);
    if (limit === undefined) return undefined;
    return {
      kind: "connlimit",
      operator: upto ? "upto" : "above",
      limit,
      prefixLength,
      side: options.has("--connlimit-daddr") ? "destination" : "source",
    };
  },
  format: (match) => [
    option(`--connlimit-${match.operator}`, `${match.limit}`),
    option("--connlimit-mask", `${match.prefixLength}`),
    option(match.side === "source" ? "--connlimit-saddr" : "--connlimit-daddr"),
  ],
};
