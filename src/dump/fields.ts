import type { AddressScope } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";
import { parseIPv4, parseIPv6 } from "../net/ip.ts";
import type { Report, Severity, Source } from "../text/diagnostic.ts";
import type { JSONValue } from "./json.ts";

/** An address with its family. */
export interface FamilyAddress {
  readonly family: IPFamily;
  readonly address: Address;
}

/** An address as the tools write one; IPv4-mapped ones stay IPv6, as in the kernel. */
export function parseAddress(text: string): FamilyAddress | undefined {
  const v4 = text.includes(":") ? undefined : parseIPv4(text);
  if (v4 !== undefined) return { family: "IPv4", address: v4 };
  const v6 = parseIPv6(text);
  return v6 === undefined ? undefined : { family: "IPv6", address: v6 };
}

const SCOPES: ReadonlyMap<string, AddressScope> = new Map([
  ["global", "global"],
  ["universe", "global"],
  ["0", "global"],
  ["site", "site"],
  ["200", "site"],
  ["link", "link"],
  ["253", "link"],
  ["host", "host"],
  ["254", "host"],
  ["nowhere", "nowhere"],
  ["255", "nowhere"],
]);

/** A scope by its name in iproute2, or by the number that ip -N prints. */
export function scopeNamed(text: string): AddressScope | undefined {
  return SCOPES.get(text);
}

const NAMES: Readonly<Record<JSONValue["kind"], string>> = {
  object: "an object",
  list: "a list",
  text: "a text",
  number: "a number",
  boolean: "true or false",
  null: "null",
};

/** An object of a dump, read field by field; what is wrong is reported with its place, and the field counts as absent. */
export class Fields {
  readonly #source: Source;
  readonly #report: Report;
  readonly #members: ReadonlyMap<string, JSONValue>;
  readonly #path: string;
  readonly at: number;
  /** A field that matters was wrong: the object cannot be used. */
  faulty = false;

  constructor(source: Source, report: Report, value: JSONValue & { readonly kind: "object" }, path: string) {
    this.#source = source;
    this.#report = report;
    this.#members = value.members;
    this.#path = path;
    this.at = value.at;
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  get empty(): boolean {
    return this.#members.size === 0;
  }

  say(severity: Severity, code: string, message: string, name?: string): void {
    const offset = (name === undefined ? undefined : this.#members.get(name)?.at) ?? this.at;
    const field = name === undefined ? this.#path : `${this.#path}.${name}`;
    this.#report({ severity, code, message, field, place: { source: this.#source, offset } });
  }

  /** The object is not usable: says why. */
  fail(name: string, message: string): undefined {
    this.faulty = true;
    this.say("error", "invalid-value", message, name);
    return undefined;
  }

  #get<K extends JSONValue["kind"]>(name: string, kind: K): (JSONValue & { readonly kind: K }) | undefined {
    const value = this.#members.get(name);
    if (value === undefined || value.kind === "null") return undefined;
    if (value.kind === kind) return value as JSONValue & { readonly kind: K };
    return this.fail(name, `Invalid value: expected ${NAMES[kind]}, found ${NAMES[value.kind]}`);
  }

  text(name: string): string | undefined {
    return this.#get(name, "text")?.text;
  }

  boolean(name: string): boolean {
    return this.#get(name, "boolean")?.boolean ?? false;
  }

  /** An integer from 0 to `max`; numbers in a text (`"0x10"`, `"100"`) are read, too. */
  integer(name: string, max: number): number | undefined {
    const value = this.#members.get(name);
    if (value === undefined || value.kind === "null") return undefined;
    const number =
      value.kind === "number"
        ? value.number
        : value.kind === "text" && /^(?:0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(value.text)
          ? Number(value.text)
          : Number.NaN;
    if (Number.isInteger(number) && number >= 0 && number <= max) return number;
    return this.fail(name, `Invalid value: expected an integer from 0 to ${max}`);
  }

  address(name: string): FamilyAddress | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return parseAddress(text) ?? this.fail(name, `Invalid value: ${quoted(text)} is not an IP address`);
  }

  texts(name: string): readonly string[] {
    return (this.#get(name, "list")?.items ?? []).flatMap((item) => {
      if (item.kind === "text") return [item.text];
      this.fail(name, `Invalid value: expected a list of texts, found ${NAMES[item.kind]} in it`);
      return [];
    });
  }

  object(name: string): Fields | undefined {
    const value = this.#get(name, "object");
    return value === undefined ? undefined : new Fields(this.#source, this.#report, value, `${this.#path}.${name}`);
  }

  objects(name: string): readonly Fields[] {
    const list = this.#get(name, "list");
    return list === undefined ? [] : objectsOf(this.#source, this.#report, list, `${this.#path}.${name}`);
  }
}

/** A text from a dump as a message shows it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** The objects of a list; `{}`, which some versions of ip print for what they left out, is passed over. */
export function objectsOf(source: Source, report: Report, list: JSONValue, path: string): readonly Fields[] {
  if (list.kind !== "list") {
    const message = `Invalid value: expected a list, found ${NAMES[list.kind]}`;
    report({ severity: "error", code: "invalid-value", message, place: { source, offset: list.at } });
    return [];
  }
  return list.items.flatMap((item, i) => {
    if (item.kind === "object")
      return item.members.size === 0 ? [] : [new Fields(source, report, item, `${path}[${i}]`)];
    const message = `Invalid value: expected an object, found ${NAMES[item.kind]}`;
    report({
      severity: "error",
      code: "invalid-value",
      message,
      field: `${path}[${i}]`,
      place: { source, offset: item.at },
    });
    return [];
  });
}
