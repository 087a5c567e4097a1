import {
  defined,
  flagOption,
  type ModuleOptions,
  type Negatable,
  negatable,
  negatableOption,
  type RuleModule,
} from "../module.ts";
import { not, type Option, option } from "../syntax.ts";

export type SetDirection = "src" | "dst";

/** A counter of a set element compared with a number, kept as decimal text because it may exceed 2^53. */
export interface CounterTest {
  readonly operator: "eq" | "ne" | "lt" | "gt";
  readonly value: string;
}

/** `-m set --match-set NAME DIRECTIONS` */
export interface SetMatch {
  readonly kind: "set";
  readonly set: Negatable<string>;
  /** One for each dimension of the set, at most six. */
  readonly directions: readonly SetDirection[];
  readonly returnNomatch?: true;
  readonly updateCounters?: false;
  readonly updateSubcounters?: false;
  readonly packets?: CounterTest;
  readonly bytes?: CounterTest;
}

const MAX_NAME = 31;
const MAX_DIMENSIONS = 6;
const NUMBER = /^(?:0|[1-9][0-9]{0,19})$/;

/** A list of one to six `src` and `dst`. */
export function parseDirections(text: string): readonly SetDirection[] | undefined {
  const words = text.split(",");
  if (words.length > MAX_DIMENSIONS) return undefined;
  const directions: SetDirection[] = [];
  for (const word of words) {
    if (word !== "src" && word !== "dst") return undefined;
    directions.push(word);
  }
  return directions;
}

function counter(options: ModuleOptions, unit: "packets" | "bytes"): CounterTest | undefined {
  const flags = [`--${unit}-eq`, `--${unit}-lt`, `--${unit}-gt`];
  if (!options.atMostOne(...flags)) return undefined;
  const flag = flags.find((name) => options.has(name));
  if (flag === undefined) return undefined;
  const value = options.read(flag, (text) => (NUMBER.test(text) ? text : undefined), "a number");
  const operator = options.negated(flag) ? "ne" : (flag.slice(-2) as "eq" | "lt" | "gt");
  return value === undefined ? undefined : { operator, value };
}

function parse(options: ModuleOptions): SetMatch | undefined {
  const name = options.need(
    "--match-set",
    (text) => (text.length <= MAX_NAME ? text : undefined),
    "a set name of at most 31 characters",
  );
  const directions = parseDirections(options.text("--match-set", 1) ?? "");
  const set = negatable(options, "--match-set", name);
  if (set === undefined) return undefined;
  if (directions === undefined) return options.fail("--match-set needs a name and a list of src and dst");
  for (const flag of ["--update-counters", "--update-subcounters"]) {
    if (options.has(flag) && !options.negated(flag)) return options.fail(`${flag} can only stand behind !`);
  }
  return defined<SetMatch>({
    kind: "set",
    set,
    directions,
    returnNomatch: options.has("--return-nomatch") ? true : undefined,
    updateCounters: options.has("--update-counters") ? false : undefined,
    updateSubcounters: options.has("--update-subcounters") ? false : undefined,
    packets: counter(options, "packets"),
    bytes: counter(options, "bytes"),
  });
}

function counterOption(unit: "packets" | "bytes", test: CounterTest | undefined): readonly Option[] {
  if (test === undefined) return [];
  const positive = option(`--${unit}-${test.operator === "ne" ? "eq" : test.operator}`, test.value);
  return [test.operator === "ne" ? not(positive) : positive];
}

export const setModule: RuleModule<SetMatch> = {
  kind: "set",
  negatable: ["--match-set", "--update-counters", "--update-subcounters", "--packets-eq", "--bytes-eq"],
  parse,
  format: (match) => [
    ...negatableOption("--match-set", match.set, (name) => `${name} ${match.directions.join(",")}`),
    ...flagOption("--return-nomatch", match.returnNomatch),
    ...(match.updateCounters === false ? [not(option("--update-counters"))] : []),
    ...(match.updateSubcounters === false ? [not(option("--update-subcounters"))] : []),
    ...counterOption("packets", match.packets),
    ...counterOption("bytes", match.bytes),
  ],
};
