import type { ModuleOptions, RuleModule } from "../module.ts";
import { not, type Option, option } from "../syntax.ts";

/** A comparison of the header's hop count with a number of 0 … 255. */
export interface HopTest {
  readonly operator: "eq" | "ne" | "lt" | "gt";
  readonly value: number;
}

/** `-m ttl`, IPv4 only. */
export interface TTLMatch {
  readonly kind: "ttl";
  readonly ttl: HopTest;
}

/** `-m hl`, IPv6 only. */
export interface HLMatch {
  readonly kind: "hl";
  readonly hopLimit: HopTest;
}

function parseTest(options: ModuleOptions, prefix: "--ttl" | "--hl"): HopTest | undefined {
  const flags = [`${prefix}-eq`, `${prefix}-lt`, `${prefix}-gt`];
  if (!options.atMostOne(...flags)) return undefined;
  const flag = flags.find((each) => options.has(each));
  if (flag === undefined) return options.fail(`one of ${flags.join(", ")} is required`);
  const value = options.number(flag, 255);
  const operator = options.negated(flag) ? "ne" : (flag.slice(-2) as "eq" | "lt" | "gt");
  return value === undefined ? undefined : { operator, value };
}

function testOption(prefix: "--ttl" | "--hl", { operator, value }: HopTest): Option {
  const positive = option(`${prefix}-${operator === "ne" ? "eq" : operator}`, `${value}`);
  return operator === "ne" ? not(positive) : positive;
}

export const ttlModule: RuleModule<TTLMatch> = {
  kind: "ttl",
  negatable: ["--ttl-eq"],
  parse: (options) => {
    if (options.family !== "IPv4") return options.fail("IPv6 has no TTL; use -m hl");
    const ttl = parseTest(options, "--ttl");
    return ttl === undefined ? undefined : { kind: "ttl", ttl };
  },
  format: (match) => [testOption("--ttl", match.ttl)],
};

export const hlModule: RuleModule<HLMatch> = {
  kind: "hl",
  negatable: ["--hl-eq"],
  parse: (options) => {
    if (options.family !== "IPv6") return options.fail("IPv4 has no hop limit; use -m ttl");
    const hopLimit = parseTest(options, "--hl");
    return hopLimit === undefined ? undefined : { kind: "hl", hopLimit };
  },
  format: (match) => [testOption("--hl", match.hopLimit)],
};
