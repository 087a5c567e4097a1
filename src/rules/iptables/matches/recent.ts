import type { IPAddress } from "../../../net/ip.ts";
import { flagOption, type ModuleOptions, type RuleModule } from "../module.ts";
import { not, type Option, option } from "../syntax.ts";
import { formatAddress, fullMask, parseNumber } from "../values.ts";

export type RecentOperation = "set" | "rcheck" | "update" | "remove";

/** `-m recent` (kernel-semantics §2.4). */
export interface RecentMatch {
  readonly kind: "recent";
  readonly operation: RecentOperation;
  /** Inverts the result, not what is done to the list. */
  readonly negated: boolean;
  /** Only stamps of the last so many seconds count; 0: all. */
  readonly seconds: number;
  readonly reap: boolean;
  /** 0: any number of hits. */
  readonly hitCount: number;
  readonly ttl: boolean;
  readonly name: string;
  readonly mask: IPAddress;
  readonly side: "source" | "destination";
}

const operations: readonly RecentOperation[] = ["set", "rcheck", "update", "remove"];
const MAX_NAME = 199;

function parse(options: ModuleOptions): RecentMatch | undefined {
  const given = operations.filter((name) => options.has(`--${name}`));
  const operation = given[0];
  if (operation === undefined || given.length > 1)
    return options.fail("exactly one of --set, --rcheck, --update, --remove is required");
  const checks = operation === "rcheck" || operation === "update";
  const restricted = ["--seconds", "--hitcount", "--reap", "--rttl"].find((flag) => options.has(flag));
  if (!checks && restricted !== undefined && options.text(restricted) !== "0") {
    return options.fail(`${restricted} needs --rcheck or --update`);
  }
  if (options.has("--reap") && !options.has("--seconds")) return options.fail("--reap needs --seconds");
  if (!options.atMostOne("--rsource", "--rdest")) return undefined;
  const name = options.read(
    "--name",
    (text) => (text.length <= MAX_NAME ? text : undefined),
    "a name of at most 199 characters",
  );
  return {
    kind: "recent",
    operation,
    negated: options.negated(`--${operation}`),
    seconds:
      options.read("--seconds", (text) => parseNumber(text, 0xffffffff) || undefined, "a number of 1 or more") ?? 0,
    reap: options.has("--reap"),
    hitCount: options.number("--hitcount", 0xffffffff) ?? 0,
    ttl: options.has("--rttl"),
    name: name ?? "DEFAULT",
    mask: options.address("--mask") ?? fullMask(options.family),
    side: options.has("--rdest") ? "destination" : "source",
  };
}

function format(match: RecentMatch): readonly Option[] {
  const operation = option(`--${match.operation}`);
  return [
    match.negated ? not(operation) : operation,
    ...(match.seconds > 0 ? [option("--seconds", `${match.seconds}`)] : []),
    ...flagOption("--reap", match.reap),
    ...(match.hitCount > 0 ? [option("--hitcount", `${match.hitCount}`)] : []),
    ...flagOption("--rttl", match.ttl),
    option("--name", match.name),
    option("--mask", formatAddress(match.mask)),
    option(match.side === "source" ? "--rsource" : "--rdest"),
  ];
}

export const recentModule: RuleModule<RecentMatch> = {
  kind: "recent",
  negatable: operations.map((name) => `--${name}`),
  parse,
  format,
};
