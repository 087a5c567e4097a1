import type { Report, Source } from "../../text/diagnostic.ts";
import { familyOf, parseValues } from "./elements.ts";
import { elementKey } from "./lookup.ts";
import { type IPSet, type SetElement, type SetType, setTypes, type Value } from "./model.ts";
import { parseElementOptions, parseSetOptions } from "./options.ts";

const MAX_NAME = 31;

/** A set while its elements come in. */
interface OpenSet extends IPSet {
  readonly elements: SetElement[];
  readonly keys: Set<string>;
}

/**
 * Reads what `ipset save` prints: sets by name, in the order of the text, their elements in order too. A line that cannot
 * be read is reported with its place and left out, and so are the elements of a set whose type is not modelled (all of them
 * with one warning). Elements are those that the kernel lists: ranges and networks of addresses that `ipset add` would take
 * apart are refused.
 */
export function parseIPSets(source: Source, report: Report): ReadonlyMap<string, IPSet> {
  const reader = new SetReader(source, report);
  return reader.read();
}

/** The words of a line; text in double quotes is one word without them. `undefined` when a quote is not closed. */
function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  for (let i = 0; i < line.length; ) {
    const code = line.charCodeAt(i);
    if (code === 0x20 || code === 0x09) {
      i++;
      continue;
    }
    const quoted = code === 0x22;
    const end = quoted ? line.indexOf('"', i + 1) : wordEnd(line, i);
    if (end < 0) return undefined;
    words.push(line.slice(quoted ? i + 1 : i, end));
    i = quoted ? end + 1 : end;
  }
  return words;
}

function wordEnd(line: string, start: number): number {
  let i = start;
  while (i < line.length && line.charCodeAt(i) !== 0x20 && line.charCodeAt(i) !== 0x09) i++;
  return i;
}

class SetReader {
  readonly #source: Source;
  readonly #report: Report;
  readonly #sets = new Map<string, OpenSet>();
  /** Sets that have a create line: when it is of no use, their elements need no further words. */
  readonly #named = new Set<string>();
  #offset = 0;

  constructor(source: Source, report: Report) {
    this.#source = source;
    this.#report = report;
  }

  read(): ReadonlyMap<string, IPSet> {
    const { text } = this.#source;
    while (this.#offset < text.length) {
      const newline = text.indexOf("\n", this.#offset);
      const end = newline < 0 ? text.length : newline;
      this.#line(text.slice(this.#offset, end));
      this.#offset = end + 1;
    }
    const sets = new Map<string, IPSet>();
    for (const [key, { name, type, options, elements }] of this.#sets) sets.set(key, { name, type, options, elements });
    return sets;
  }

  #say(severity: "error" | "warning", code: string, message: string): void {
    this.#report({ severity, code, message, place: { source: this.#source, offset: this.#offset } });
  }

  #line(line: string): void {
    if (line === "" || line.startsWith("#") || line === "COMMIT") return;
    const words = splitWords(line);
    if (words === undefined) {
      this.#say("error", "unterminated-quote", "a double quote is not closed in its line; ipset prints none that are");
      return;
    }
    const [command, name, third, ...options] = words;
    if (command === undefined) return;
    if ((command !== "create" && command !== "add") || name === undefined || third === undefined) {
      this.#say(
        "error",
        "bad-set-line",
        "a line is `create SET TYPE …` or `add SET ELEMENT …`, as ipset save prints them",
      );
      return;
    }
    if (command === "create") this.#create(name, third, options);
    else this.#add(name, third, options);
  }

  #create(name: string, type: string, words: readonly string[]): void {
    if (this.#sets.has(name)) {
      this.#say("error", "set-exists", `set ${name} exists already`);
      return;
    }
    this.#named.add(name);
    if (name.length > MAX_NAME) {
      this.#say("error", "set-name-too-long", `set name ${name.slice(0, 60)} is longer than ${MAX_NAME} characters`);
      return;
    }
    if (!Object.hasOwn(setTypes, type)) {
      this.#say(
        "warning",
        "unmodelled-set-type",
        `sets of type ${type.slice(0, 60)} are not modelled; ${name} is left out`,
      );
      return;
    }
    const options = parseSetOptions(words, type as SetType);
    if (typeof options === "string") {
      this.#say("error", "bad-set-option", `set ${name}: ${options}`);
      return;
    }
    this.#sets.set(name, { name, type: type as SetType, options, elements: [], keys: new Set() });
  }

  #add(name: string, text: string, words: readonly string[]): void {
    const set = this.#sets.get(name);
    if (set === undefined) {
      if (!this.#named.has(name))
        this.#say("error", "no-such-set", `there is no set ${name.slice(0, 60)}; its create line must come first`);
      return;
    }
    const values = parseValues(text, set.type, familyOf(set));
    const options = parseElementOptions(words);
    if (values === undefined || typeof options === "string") {
      const why = typeof options === "string" ? options : `not one of ${set.type} as the kernel lists it`;
      this.#say("error", "bad-element", `element ${text.slice(0, 80)} of ${name}: ${why}`);
      return;
    }
    const key = elementKey(values);
    if (set.keys.has(key)) {
      this.#say("error", "element-exists", `element ${text.slice(0, 80)} is in ${name} already`);
      return;
    }
    set.keys.add(key);
    const { wildcard, ...rest } = options;
    set.elements.push({ values: wildcard === true ? values.map(asWildcard) : values, ...rest });
  }
}

function asWildcard(value: Value): Value {
  return value.kind === "iface" ? { ...value, wildcard: true } : value;
}
