import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import type { Option } from "./syntax.ts";
import { not, option } from "./syntax.ts";
import { type MaskedAddress, maskLength, parseAddress, parseMask, parseMaskedAddress, parseNumber } from "./values.ts";

/** An option that a module was given: its own name, its arguments without quotes. */
export interface GivenOption {
  readonly name: string;
  readonly negated: boolean;
  readonly args: readonly string[];
}

/**
 * The options one module was given, and the first thing that is wrong with them. A module reads what it knows; whatever
 * it finds wrong ends in `problem`, and the whole module then stays as it was written.
 */
export class ModuleOptions {
  readonly family: IPFamily;
  /** What the rule says beyond its modules: some options need `-p`. */
  readonly rule: { readonly protocol?: Negatable<number> | undefined };
  problem: string | undefined;
  /** True when the problem is ours: iptables may well know what the options mean. */
  isUnmodelled = false;
  readonly #given: readonly GivenOption[];

  constructor(family: IPFamily, given: readonly GivenOption[], rule: ModuleOptions["rule"] = {}) {
    this.family = family;
    this.rule = rule;
    this.#given = given;
  }

  has(flag: string): boolean {
    return this.#find(flag) !== undefined;
  }

  negated(flag: string): boolean {
    return this.#find(flag)?.negated === true;
  }

  /** Where a flag stands among the options of the module, -1 when it is missing: some options overrule earlier ones. */
  position(flag: string): number {
    return this.#given.findIndex((given) => given.name === flag);
  }

  get size(): number {
    return this.#given.length;
  }

  /** A module has few options: looking through them is faster than a map, of which every match of every rule would need one. */
  #find(flag: string): GivenOption | undefined {
    for (const given of this.#given) if (given.name === flag) return given;
    return undefined;
  }

  /** Notes that iptables refuses the options. */
  fail(problem: string): undefined {
    this.problem ??= problem;
    return undefined;
  }

  /** Notes that iptables takes the options, but what they mean is not modelled. */
  unmodelled(problem: string): undefined {
    if (this.problem === undefined) this.isUnmodelled = true;
    return this.fail(problem);
  }

  /** The first argument of a flag; a missing flag is no problem. */
  text(flag: string, index = 0): string | undefined {
    return this.#find(flag)?.args[index];
  }

  /** Reads the argument of a flag; `undefined` when the flag is missing or, with a problem, when it cannot be read. */
  read<T>(flag: string, parse: (text: string) => T | undefined, expected: string): T | undefined {
    const text = this.text(flag);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value !== undefined) return value;
    if (flag.includes("port") && SERVICE.test(text))
      return this.unmodelled(`${flag} ${shorten(text)}: service names are not resolved`);
    return this.fail(`${flag} ${shorten(text)} is not ${expected}`);
  }

  /** As `read`, and a missing flag is a problem. */
  need<T>(flag: string, parse: (text: string) => T | undefined, expected: string): T | undefined {
    return this.has(flag) ? this.read(flag, parse, expected) : this.fail(`${flag} is missing`);
  }

  number(flag: string, max: number): number | undefined {
    return this.read(flag, (text) => parseNumber(text, max), `a number of 0 to ${max}`);
  }

  address(flag: string): IPAddress | undefined {
    return this.read(flag, (text) => parseAddress(text, this.family), `an ${this.family} address`);
  }

  /** The length of a mask that is written as a length or as an address; `undefined` when the flag is missing. */
  maskLength(flag: string): number | undefined {
    const max = this.family === "IPv4" ? 32 : 128;
    const mask = this.read(flag, (text) => parseMask(text, this.family), `a mask or a length of 0 to ${max}`);
    return mask === undefined ? undefined : (maskLength(mask) ?? max);
  }

  network(flag: string): MaskedAddress | undefined {
    return this.read(flag, (text) => parseMaskedAddress(text, this.family), `an ${this.family} network`);
  }

  /** True when at most one of the flags is there. */
  atMostOne(...flags: readonly string[]): boolean {
    if (flags.filter((flag) => this.has(flag)).length <= 1) return true;
    this.fail(`only one of ${flags.join(", ")} can be given`);
    return false;
  }
}

const SERVICE = /^[A-Za-z][A-Za-z0-9-]{0,40}$/;

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** How a match or a target is read and written. `negatable` lists the options that may stand behind `!`. */
export interface RuleModule<M extends { readonly kind: string }> {
  readonly kind: M["kind"];
  readonly negatable: readonly string[];
  /** `undefined` with `options.problem` set when the options make no sense. */
  readonly parse: (options: ModuleOptions) => M | undefined;
  /** Its options as iptables-save prints them, without `-m` or `-j`. */
  readonly format: (module: M) => readonly Option[];
}

/** A value that may stand behind `!`. */
export interface Negatable<T> {
  readonly negated: boolean;
  readonly value: T;
}

/** A value together with the `!` of its flag. */
export function negatable<T>(options: ModuleOptions, flag: string, value: T | undefined): Negatable<T> | undefined {
  return value === undefined ? undefined : { negated: options.negated(flag), value };
}

/** The option of a value that may be negated, or none. */
export function negatableOption<T>(
  flag: string,
  given: Negatable<T> | undefined,
  format: (value: T) => string,
): readonly Option[] {
  if (given === undefined) return [];
  const text = format(given.value);
  const positive = text.includes(" ") ? option(flag, ...text.split(" ")) : option(flag, text);
  return [given.negated ? not(positive) : positive];
}

/** A flag without arguments when `given`. */
export function flagOption(flag: string, given: boolean | undefined): readonly Option[] {
  return given === true ? [option(flag)] : [];
}

/** Leaves out the fields that are `undefined`. */
export function defined<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  const result: Partial<T> = {};
  for (const key in fields) {
    if (fields[key] !== undefined) result[key] = fields[key];
  }
  return result as T;
}
