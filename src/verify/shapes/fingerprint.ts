import { valuesOfKey } from "../../kernel/set-key.ts";
import { lowerBound } from "../../net/sorted.ts";
import type { Port, Value } from "../../rules/ipset/model.ts";
import type { Rule } from "../../rules/iptables/model.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";
import { isSpreading } from "../classes/ways.ts";
import { ipNumber, maskedNumbers, portNumbers } from "../numbers.ts";
import { type End, endOf, spreadKind } from "./ends.ts";
import { ruleWords, type Tokens } from "./rule-words.ts";
import type { ElementPlace, RulePlace, SideIndex } from "./side-index.ts";
import { type FingerprintContext, Symbols } from "./symbols.ts";
import { chainOf, protocolOf, type Reach, type Unit } from "./unit.ts";

/** An address of a unit, with the ports that it has to do with, in an order that units of one shape share. */
export interface Place {
  readonly address: bigint;
  readonly ports: readonly number[];
  /** The first place that is like this one in everything: the two may change places, and nothing else is another. */
  readonly like: number;
}

/** What a unit's rules, elements and virtual servers are like, whatever their numbers: units of equal words are of one shape. */
export interface Fingerprint {
  readonly words: string;
  /** Its own destination, where it has one, is the first. */
  readonly places: readonly Place[];
  /** Ports of its own, in order. */
  readonly ports: readonly number[];
}

/** No kernel takes chains that lead to themselves, nor such as are far from the first; texts may. */
const MOST_DEEP = 64;
const MOST_CHAINS = 100_000;

class Writer {
  readonly #context: FingerprintContext;
  readonly #unit: Unit;
  readonly #symbols: Symbols;
  readonly #lines: string[] = [];
  readonly #ends = new Map<bigint, string[]>();
  readonly #ports: readonly number[];
  #groups = 0;
  #chains = 0;
  #deep = 0;

  constructor(context: FingerprintContext, unit: Unit, ports: readonly number[]) {
    this.#context = context;
    this.#unit = unit;
    this.#ports = ports;
    this.#symbols = new Symbols(context, ports);
    if (unit.destination !== undefined) this.#symbols.address(unit.destination);
  }

  #tokens(index: SideIndex, table: string, protocol: number | undefined): Tokens {
    const { family } = this.#context;
    return {
      address: (value) => this.#symbols.address(value),
      network: (masked) => {
        const numbers = maskedNumbers(masked, family);
        return numbers === undefined ? this.#symbols.makeOpaque("mask") : this.#symbols.network(numbers);
      },
      port: (value) => this.#symbols.port(value),
      ports: (range) => this.#symbols.range(portNumbers(range)),
      name: (name) => this.#symbols.name(name, ""),
      opaque: (what) => this.#symbols.makeOpaque(what),
      chain: ({ chain }) => this.#chain(index, table, chain, protocol),
    };
  }

  /** `protocol`: that of all packets that come here, where it is known. */
  #chain(index: SideIndex, table: string, name: string, protocol: number | undefined): string {
    if (index.base.get(table)?.has(name) === true) return name;
    const chain = chainOf(index, table, name);
    if (chain === undefined) return `no chain ${name}`;
    if (chain.unseen !== undefined || this.#deep >= MOST_DEEP || ++this.#chains > MOST_CHAINS)
      return this.#symbols.makeOpaque("an extract, or very many chains");
    this.#deep++;
    const words: string[] = [];
    const { rules } = chain;
    for (let i = 0; i < rules.length; ) {
      const end = protocol === undefined ? i : this.#spread(index, table, rules, i, protocol, words);
      if (end > i) {
        i = end;
        continue;
      }
      words.push(ruleWords(rules[i] as Rule, this.#tokens(index, table, protocol)));
      i++;
    }
    this.#deep--;
    return `{ ${words.join(" ; ")} }`;
  }

  /**
   * Rules from `first` on that lead each to an end of its own by chance, or by a list that nobody is on yet: in which order is all the
   * same to where packets may get. Returns where they end.
   */
  #spread(
    index: SideIndex,
    table: string,
    rules: readonly Rule[],
    first: number,
    protocol: number,
    words: string[],
  ): number {
    const kind = spreadKind(rules[first] as Rule);
    if (kind === undefined) return first;
    const found: { readonly end: End; readonly by: string }[] = [];
    let at = first;
    for (; at < rules.length; at++) {
      const rule = rules[at] as Rule;
      const own = spreadKind(rule);
      // the last of those by chance is taken whenever no other was
      if (own === undefined || (own.kind !== kind.kind && !(kind.kind === "chance" && own.kind === "always"))) break;
      const end = endOf(index, table, own.chain, protocol);
      if (end === undefined) break;
      found.push({ end, by: own.words });
      if (own.kind === "always") {
        at++;
        break;
      }
    }
    if (found.length === 0) return first;
    const group = this.#groups++;
    for (const { end } of found) this.#atEnd(end, `${group} ${kind.kind === "list" ? "list " : ""}${end.words}`);
    words.push(`ends ${group}: ${found.map(({ by }) => by).join()}`);
    return at;
  }

  #atEnd({ address, names }: Pick<End, "address" | "names">, words: string): void {
    for (const name of names) this.#symbols.name(name, `${address}`);
    const known = this.#ends.get(address);
    if (known === undefined) this.#ends.set(address, [words]);
    else known.push(words);
  }

  rule(side: number, index: SideIndex, { table, chain, position, rule }: RulePlace): void {
    // how many rules for all packets stand before it
    const before = lowerBound(index.base.get(table)?.get(chain)?.common ?? [], position);
    const words = ruleWords(rule, this.#tokens(index, table, protocolAsked(rule)));
    this.#lines.push(`${side} ${table} ${chain} ${before} ${words}`);
  }

  element(side: number, { set, element }: ElementPlace): void {
    const values = valuesOfKey(set.dimensions, element.key);
    const [first] = values;
    const address = first?.kind === "ip" ? ipNumber(first.address) : undefined;
    const facts = `${side} ${set.name} ${element.nomatch} ${element.expires}`;
    const isOf = (value: Value): boolean => value.kind === "ip" && ipNumber(value.address) === address;
    const isPort = (value: Value): boolean => value.kind === "port";
    if (address !== undefined && !this.#symbols.has(address) && values.every((each) => isPort(each) || isOf(each))) {
      const words = values.map((each) => (each.kind === "port" ? portWords(each, `<${each.port}>`) : "@"));
      this.#atEnd({ address, names: [] }, `${facts} ${words.join(" ")}`);
      return;
    }
    const words = values.map((each) => {
      if (each.kind === "port") return portWords(each, this.#symbols.port(each.port));
      if (each.kind === "ip") return this.#symbols.address(ipNumber(each.address));
      return each.kind === "net" ? this.#symbols.net(each) : this.#symbols.makeOpaque(set.name);
    });
    this.#lines.push(`${facts} ${words.join(" ")}`);
  }

  server(side: number, { key, realServers, ...facts }: VirtualServer): void {
    if (key.kind !== "address") {
      this.#symbols.makeOpaque("fwmark");
      return;
    }
    const group = this.#groups++;
    const usable = realServers.filter(({ weight }) => weight > 0).length;
    const spreads = usable < 2 || isSpreading(facts.scheduler);
    const words = realServers.map(({ address, port, connections: _, ...more }) => {
      const number = ipNumber(address);
      const about = JSON.stringify(more);
      if (spreads && !this.#symbols.has(number)) {
        this.#atEnd({ address: number, names: [] }, `${group} ${about} <${port}>`);
        return "end";
      }
      return `${about} ${this.#symbols.address(number)} ${this.#symbols.port(port)}`;
    });
    const own = `${key.protocol} ${this.#symbols.address(ipNumber(key.address))} ${this.#symbols.port(key.port)}`;
    this.#lines.push(`${side} server ${group} ${own} ${JSON.stringify(facts)} ${words.join(" ")}`);
  }

  /** Rules for other ports may be met, too: these are the same for all units, but tell ports apart. */
  allPorts(side: number): void {
    this.#lines.push(`${side} all ports`);
    this.#symbols.portsMatter = true;
  }

  /** The words at an address, its ports numbered in the order in which they come. */
  #endWords(lists: readonly string[]): { readonly words: string; readonly ports: readonly number[] } {
    const ports: number[] = [];
    const words = [...lists]
      .sort()
      .join(" & ")
      .replace(/<(\d+)>/g, (_, digits: string) => {
        const port = Number(digits);
        const own = this.#symbols.ownPort(port);
        if (own !== undefined) return own;
        if (this.#symbols.isLiteral(port)) this.#symbols.makeOpaque("a port that rules name elsewhere");
        const known = ports.indexOf(port);
        if (known >= 0) return `p${known}`;
        ports.push(port);
        return `p${ports.length - 1}:${this.#symbols.aboutPort(port)}`;
      });
    return { words, ports };
  }

  finish(): Fingerprint {
    const numbered = this.#symbols.addresses.map((address) => {
      const { words, ports } = this.#endWords(this.#ends.get(address) ?? []);
      return { address, ports, words: `${this.#symbols.about(address)} ${words}` };
    });
    const ends = [...this.#ends].flatMap(([address, lists]) => {
      if (this.#symbols.has(address)) return [];
      const { words, ports } = this.#endWords(lists);
      return [{ address, ports, words: `${this.#symbols.about(address)} ${words}` }];
    });
    ends.sort((a, b) => (a.words < b.words ? -1 : a.words > b.words ? 1 : 0));
    const all = [...numbered, ...ends];
    const { destination, port, split } = this.#unit;
    const kind = `${destination === undefined ? "any" : "one"} ${port === undefined ? "ports" : protocolOf(port)} ${split}`;
    const words = [
      kind,
      this.#ports.map((each) => this.#symbols.aboutPort(each)).join(),
      ...this.#lines,
      ...all.map((each) => each.words),
      ...(this.#symbols.opaque === undefined ? [] : [`like no other: ${this.#symbols.opaque} ${destination} ${port}`]),
    ].join("\n");
    const places = all.map(({ address, ports, words: own }, at) => {
      const first = at < numbered.length ? at : all.findIndex((each, i) => i >= numbered.length && each.words === own);
      return { address, ports, like: first };
    });
    return { words, places, ports: [...this.#ports] };
  }
}

/** The protocol of all packets that a rule can match, where it is one. */
function protocolAsked({ protocol }: Rule): number | undefined {
  return protocol === undefined || protocol.negated ? undefined : protocol.value;
}

/** `PROTOCOL:PORT` with another word for the port. */
const portWords = ({ protocol }: Port, word: string): string => `${protocol ?? ""}:${word}`;

/** The fingerprint of a unit over all sides. */
export function fingerprintOf(
  context: FingerprintContext,
  indexes: readonly SideIndex[],
  unit: Unit,
  ports: readonly number[],
  reaches: readonly Reach[],
): Fingerprint {
  const writer = new Writer(context, unit, ports);
  for (const [side, reach] of reaches.entries()) {
    const index = indexes[side] as SideIndex;
    const { rules, servers, elements } = reach.kept;
    if (reach.allPorts) writer.allPorts(side);
    for (const place of rules.slice(0, reach.ownRules)) writer.rule(side, index, place);
    for (const server of servers) writer.server(side, server);
    for (const place of elements) writer.element(side, place);
  }
  return writer.finish();
}
