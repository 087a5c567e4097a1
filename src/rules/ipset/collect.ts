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

/** The words of a line; text in double quotes is one word without them. `undefined` when a quote is not closed. */
export function splitWords(line: string): string[] | undefined {
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

/** Collects the sets of a text, and says at which place of it something is wrong. */
export class SetCollector {
  readonly #source: Source;
  readonly #report: Report;
  readonly #sets = new Map<string, OpenSet>();
  /** Sets that were begun: when one is of no use, its elements need no further words. */
  readonly #named = new Set<string>();

  constructor(source: Source, report: Report) {
    this.#source = source;
    this.#report = report;
  }

  /** The sets by name, in the order in which they were created. */
  sets(): ReadonlyMap<string, IPSet> {
    const sets = new Map<string, IPSet>();
    for (const [key, { name, type, options, elements }] of this.#sets) sets.set(key, { name, type, options, elements });
    return sets;
  }

  say(severity: "error" | "warning", code: string, message: string, offset: number): void {
    this.#report({ severity, code, message, place: { source: this.#source, offset } });
  }

  /** Begins a set; `words` are its options as `ipset save` prints them. False when it is of no use. */
  create(name: string, type: string, words: readonly string[], offset: number): boolean {
    if (this.#sets.has(name)) {
      this.say("error", "set-exists", `set ${name} exists already`, offset);
      return false;
    }
    this.#named.add(name);
    if (name.length > MAX_NAME) {
      this.say(
        "error",
        "set-name-too-long",
        `set name ${name.slice(0, 60)} is longer than ${MAX_NAME} characters`,
        offset,
      );
      return false;
    }
    if (!Object.hasOwn(setTypes, type)) {
      this.say(
        "warning",
        "unmodelled-set-type",
        `sets of type ${type.slice(0, 60)} are not modelled; ${name} is left out`,
        offset,
      );
      return false;
    }
    const options = parseSetOptions(words, type as SetType);
    if (typeof options === "string") {
      this.say("error", "bad-set-option", `set ${name}: ${options}`, offset);
      return false;
    }
    this.#sets.set(name, { name, type: type as SetType, options, elements: [], keys: new Set() });
    return true;
  }

  /** Adds an element; `words` are its options. */
  add(name: string, text: string, words: readonly string[], offset: number): void {
    const set = this.#sets.get(name);
    if (set === undefined) {
      if (!this.#named.has(name))
        this.say(
          "error",
          "no-such-set",
          `there is no set ${name.slice(0, 60)}; its create line must come first`,
          offset,
        );
      return;
    }
    const values = parseValues(text, set.type, familyOf(set));
    const options = parseElementOptions(words);
    if (values === undefined || typeof options === "string") {
      const why = typeof options === "string" ? options : `not one of ${set.type} as the kernel lists it`;
      this.say("error", "bad-element", `element ${text.slice(0, 80)} of ${name}: ${why}`, offset);
      return;
    }
    const key = elementKey(values);
    if (set.keys.has(key)) {
      this.say("error", "element-exists", `element ${text.slice(0, 80)} is in ${name} already`, offset);
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
