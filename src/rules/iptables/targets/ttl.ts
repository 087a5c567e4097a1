import type { ModuleOptions, RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** What is done to the header's hop count; it stays within 0 … 255. */
interface HopChange {
  readonly operation: "set" | "dec" | "inc";
  /** 0 … 255 for `set`, else 1 … 255. */
  readonly value: number;
}

/** `-j TTL`, IPv4 only. */
export interface TTLTarget extends HopChange {
  readonly kind: "TTL";
}

/** `-j HL`, IPv6 only. */
export interface HLTarget extends HopChange {
  readonly kind: "HL";
}

const operations = ["set", "dec", "inc"] as const;

function parseChange(options: ModuleOptions, prefix: "--ttl" | "--hl"): HopChange | undefined {
  if (!options.atMostOne(...operations.map((each) => `${prefix}-${each}`))) return undefined;
  const operation = operations.find((each) => options.has(`${prefix}-${each}`));
  if (operation === undefined) return options.fail(`${prefix}-set, ${prefix}-dec or ${prefix}-inc is required`);
  const least = operation === "set" ? 0 : 1;
  const parse = (text: string): number | undefined => {
    const value = parseNumber(text, 255);
    return value !== undefined && value >= least ? value : undefined;
  };
  const value = options.read(`${prefix}-${operation}`, parse, `a number of ${least} to 255`);
  return value === undefined ? undefined : { operation, value };
}

export const ttlTargetModule: RuleModule<TTLTarget> = {
  kind: "TTL",
  negatable: [],
  parse: (options) => {
    if (options.family !== "IPv4") return options.fail("IPv6 has no TTL; use -j HL");
    const change = parseChange(options, "--ttl");
    return change === undefined ? undefined : { kind: "TTL", ...change };
  },
  format: ({ operation, value }) => [option(`--ttl-${operation}`, `${value}`)],
};

export const hlTargetModule: RuleModule<HLTarget> = {
  kind: "HL",
  negatable: [],
  parse: (options) => {
    if (options.family !== "IPv6") return options.fail("IPv4 has no hop limit; use -j TTL");
    const change = parseChange(options, "--hl");
    return change === undefined ? undefined : { kind: "HL", ...change };
  },
  format: ({ operation, value }) => [option(`--hl-${operation}`, `${value}`)],
};
