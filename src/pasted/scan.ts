import { builtinChains } from "../rules/iptables/ruleset.ts";
import { kindAt } from "./line-kinds.ts";

/**
 * What a look at the beginnings of lines tells of a text: `whole` for tables as iptables-save prints them, each from its name
 * to COMMIT with all built-in chains; `lines` when there are only such lines, but not so; `other` for everything else.
 */
export type Look = "whole" | "lines" | "other";

const HASH = 0x23;
const STAR = 0x2a;
const DASH = 0x2d;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BLANK = 0x20;
const A = 0x41;
const C = 0x43;

const BUILTIN = new Set([...builtinChains.values()].flat());

/** Looks at each line of a text once. */
export function lookAt(text: string): Look {
  const scan = new Scan(text);
  return scan.look();
}

class Scan {
  readonly #text: string;
  #table: string | undefined;
  #builtins = 0;
  #isWhole = true;
  #tables = 0;

  constructor(text: string) {
    this.#text = text;
  }

  look(): Look {
    const text = this.#text;
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf("\n", start);
      const end = newline < 0 ? text.length : newline;
      if (end > start && !this.#line(start, end)) return "other";
      start = end + 1;
    }
    if (this.#table !== undefined) this.#isWhole = false;
    return this.#isWhole && this.#tables > 0 ? "whole" : "lines";
  }

  #line(start: number, end: number): boolean {
    const text = this.#text;
    switch (text.charCodeAt(start)) {
      case HASH:
        return true;
      case DASH:
        // -A CHAIN is what nearly all lines are
        if (text.charCodeAt(start + 1) !== A || text.charCodeAt(start + 2) !== BLANK) return this.#slow(start, end);
        if (this.#table === undefined) this.#isWhole = false;
        return true;
      case COLON:
        return this.#chain(start, end);
      case STAR:
      case BRACKET:
      case C:
        return this.#slow(start, end);
      default:
        return false;
    }
  }

  #chain(start: number, end: number): boolean {
    const text = this.#text;
    if (this.#table === undefined) this.#isWhole = false;
    const blank = text.indexOf(" ", start);
    if (blank < 0 || blank >= end) return false;
    if (blank - start < 13 && BUILTIN.has(text.slice(start + 1, blank))) this.#builtins++;
    // ` -`, ` ACCEPT`, ` DROP`: a piece of a rule that begins with a colon has another word there
    const next = text.charCodeAt(blank + 1);
    return (
      (next === DASH && (blank + 2 === end || text.charCodeAt(blank + 2) === BLANK)) || (next >= A && next <= 0x5a)
    );
  }

  #slow(start: number, end: number): boolean {
    const kind = kindAt(this.#text.slice(start, end), 0);
    switch (kind) {
      case "table":
        this.#begin(this.#text.slice(start + 1, end).trim());
        return true;
      case "commit":
        this.#end();
        return true;
      case "rule":
      case "policy":
      case "chain-command":
        if (this.#table === undefined) this.#isWhole = false;
        return true;
      default:
        return false;
    }
  }

  #begin(name: string): void {
    if (this.#table !== undefined) this.#isWhole = false;
    this.#table = name;
    this.#tables++;
    this.#builtins = 0;
  }

  #end(): void {
    if (this.#table === undefined) this.#isWhole = false;
    const wanted = builtinChains.get(this.#table ?? "")?.length ?? 0;
    // old kernels have no INPUT in nat
    if (this.#builtins < wanted - (this.#table === "nat" ? 1 : 0)) this.#isWhole = false;
    this.#table = undefined;
  }
}
