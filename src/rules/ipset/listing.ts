import type { Report, Source } from "../../text/diagnostic.ts";
import { SetCollector, splitWords } from "./collect.ts";
import { formatValues } from "./elements.ts";
import type { IPSet } from "./model.ts";
import { formatElementOptions, formatSetOptions } from "./options.ts";

/** A set as `ipset list` shows it, with what `ipset save` does not tell. */
export interface ListedSet {
  readonly set: IPSet;
  /** Of the set type in the kernel: which options it knows. */
  readonly revision: number;
  /** Bytes; the kernel's own count, which no text tells beforehand. */
  readonly memory?: number;
  /** How many rules and sets of sets name it. */
  readonly references: number;
  /** Older kernels do not tell it; elements that have timed out may still count. */
  readonly entries?: number;
}

/** The lines above a set's members. */
const FIELD = /^(Name|Type|Revision|Header|Size in memory|References|Number of entries|Members):(?: (.*))?$/;

type FieldName = "Type" | "Revision" | "Header" | "Size in memory" | "References" | "Number of entries";

interface Field {
  readonly text: string;
  readonly offset: number;
}

/** A set whose lines come in. */
interface OpenListing {
  readonly name: string;
  readonly offset: number;
  readonly fields: Map<FieldName, Field>;
  /** `listed`: its members follow; `useless`: they do, but are of no use. */
  members: "above" | "listed" | "useless";
  count: number;
}

/**
 * Reads what `ipset list` prints (ipvs-mode §11.6), of all sets or one: sets by name, in the order of the text. Lines that
 * cannot be read are reported with their places and left out, as `parseIPSets` does. A set without its members
 * (`ipset list -t`) is left out with a warning, because it would look empty; one that has fewer of them than it says, as a text
 * has that is cut, is kept with a warning.
 */
export function parseIPSetListing(source: Source, report: Report): ReadonlyMap<string, ListedSet> {
  const reader = new ListingReader(source, report);
  const { text } = source;
  for (let offset = 0; offset < text.length; ) {
    const newline = text.indexOf("\n", offset);
    const end = newline < 0 ? text.length : newline;
    reader.line(text.slice(offset, end).replace(/\r$/, ""), offset);
    offset = end + 1;
  }
  return reader.finish();
}

class ListingReader {
  readonly #collector: SetCollector;
  readonly #facts = new Map<string, Omit<ListedSet, "set">>();
  #open: OpenListing | undefined;

  constructor(source: Source, report: Report) {
    this.#collector = new SetCollector(source, report);
  }

  finish(): ReadonlyMap<string, ListedSet> {
    this.#close();
    const listed = new Map<string, ListedSet>();
    for (const [name, set] of this.#collector.sets()) {
      const facts = this.#facts.get(name);
      if (facts !== undefined) listed.set(name, { set, ...facts });
    }
    return listed;
  }

  line(line: string, offset: number): void {
    if (line === "") return;
    const [, name, rest = ""] = FIELD.exec(line) ?? [];
    if (name === "Name") {
      this.#close();
      this.#open = { name: rest, offset, fields: new Map(), members: "above", count: 0 };
      return;
    }
    const open = this.#open;
    if (open === undefined) {
      if (!line.startsWith("#"))
        this.#collector.say("error", "bad-set-line", "a set begins with `Name: SET`, as ipset list prints it", offset);
      return;
    }
    if (open.members !== "above") this.#member(open, line, offset);
    else if (name === "Members") this.#begin(open);
    else if (name === undefined)
      this.#collector.say("error", "bad-set-line", "not a line that ipset list prints above members", offset);
    else open.fields.set(name as FieldName, { text: rest, offset: offset + line.length - rest.length });
  }

  #member(open: OpenListing, line: string, offset: number): void {
    if (open.members === "useless") return;
    const words = splitWords(line);
    const [text, ...options] = words ?? [];
    open.count++;
    if (text === undefined) {
      this.#collector.say("error", "unterminated-quote", "a double quote is not closed in its line", offset);
      return;
    }
    this.#collector.add(open.name, text, options, offset);
  }

  #begin(open: OpenListing): void {
    const type = open.fields.get("Type");
    const header = open.fields.get("Header");
    open.members = "useless";
    if (open.name === "" || type === undefined) {
      this.#collector.say("error", "bad-set-line", "name or type of the set is missing", open.offset);
      return;
    }
    const words = splitWords(header?.text ?? "") ?? [];
    if (!this.#collector.create(open.name, type.text, words, (header ?? type).offset)) return;
    const references = this.#number(open, "References") ?? 0;
    const memory = this.#number(open, "Size in memory");
    const entries = this.#number(open, "Number of entries");
    this.#facts.set(open.name, {
      revision: this.#number(open, "Revision") ?? 0,
      ...(memory === undefined ? {} : { memory }),
      references,
      ...(entries === undefined ? {} : { entries }),
    });
    open.members = "listed";
  }

  #number(open: OpenListing, name: FieldName): number | undefined {
    const field = open.fields.get(name);
    if (field === undefined) return undefined;
    if (/^\d{1,15}$/.test(field.text)) return Number(field.text);
    this.#collector.say("error", "bad-set-line", `${name}: not a number`, field.offset);
    return undefined;
  }

  /** What can only be said when all lines of a set have come. */
  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    const name = open.name.slice(0, 60);
    if (open.members === "above") {
      const message = `${name}: its members are not shown and it is left out; ipset list without -t shows them`;
      this.#collector.say("warning", "members-not-shown", message, open.offset);
    }
    const said = this.#facts.get(open.name)?.entries ?? 0;
    if (open.members === "listed" && open.count < said) {
      const message = `${name} has ${said} entries, and ${open.count} are listed: the text may be cut`;
      this.#collector.say("warning", "members-missing", message, open.offset);
    }
    this.#open = undefined;
  }
}

function formatListed({ set, revision, memory, references, entries }: ListedSet): string {
  const head = [
    `Name: ${set.name}`,
    `Type: ${set.type}`,
    `Revision: ${revision}`,
    `Header:${formatSetOptions(set)}`,
    ...(memory === undefined ? [] : [`Size in memory: ${memory}`]),
    `References: ${references}`,
    ...(entries === undefined ? [] : [`Number of entries: ${entries}`]),
    "Members:",
  ];
  const members = set.elements.map((element) => `${formatValues(element.values)}${formatElementOptions(element)}`);
  return [...head, ...members].map((line) => `${line}\n`).join("");
}

/**
 * What `ipset list` prints of the sets, in their order, one empty line between two; `parseIPSetListing` reads the same from it.
 * Lines of which nothing is known are left out.
 */
export function formatIPSetListing(sets: Iterable<ListedSet>): string {
  return [...sets].map(formatListed).join("\n");
}
