import { exactPort } from "../../kernel/iptables/exact.ts";
import { valuesOfKey } from "../../kernel/set-key.ts";
import type { IPFamily } from "../../net/family.ts";
import { containsValue, type IntervalSet, interval } from "../../net/intervals.ts";
import type { Network, Port, Value } from "../../rules/ipset/model.ts";
import type { Match, Rule } from "../../rules/iptables/model.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";
import { isSpreading } from "../classes/ways.ts";
import { ipNumber, maskedNumbers, portNumbers } from "../numbers.ts";
import type { CommonConstants } from "./constants.ts";
import { ruleWords, type Tokens } from "./rule-words.ts";
import type { ElementPlace, RulePlace, SideIndex } from "./side-index.ts";
import type { SiteOf } from "./sites.ts";
import { chainOf, portOf, protocolOf, type Reach, type Unit } from "./unit.ts";

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

/** What fingerprints are made with. */
export interface FingerprintContext {
  readonly family: IPFamily;
  readonly siteOf: SiteOf;
  readonly constants: CommonConstants;
  /** More words about an address of a unit: what the objects say of it. */
  readonly remark: (address: bigint) => string;
}

const FTP_PORTS: ReadonlySet<number> = new Set([20, 21]);
const ONE = 0x80000000;
/** No kernel takes chains that lead to themselves, nor such as are far from the first; texts may. */
const MOST_DEEP = 64;
const MOST_CHAINS = 100_000;

/** One of several ends that packets get to by chance: told by its one address. */
interface End {
  readonly address: bigint;
  readonly words: string;
  readonly names: readonly string[];
}

/** Thrown where an end has more than one address, or something that words cannot be found for. */
class NoEnd extends Error {}

class Writer {
  readonly #context: FingerprintContext;
  readonly #unit: Unit;
  readonly #lines: string[] = [];
  readonly #numbers = new Map<bigint, number>();
  readonly #ends = new Map<bigint, string[]>();
  readonly #ports: number[] = [];
  readonly #literalPorts = new Set<number>();
  readonly #networks = new Map<string, IntervalSet>();
  readonly #ranges = new Map<string, IntervalSet>();
  readonly #names = new Map<string, string>();
  #groups = 0;
  #chains = 0;
  #deep = 0;
  #portsMatter = false;
  /** Why no other unit can have this one's words. */
  #opaque: string | undefined;

  constructor(context: FingerprintContext, unit: Unit, ports: readonly number[]) {
    this.#context = context;
    this.#unit = unit;
    this.#ports.push(...ports);
    this.#opaque = context.constants.opaque;
    if (unit.destination !== undefined) this.#address(unit.destination);
  }

  #address(value: bigint): string {
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, number);
    return `#${number}`;
  }

  /** A port that is the unit's own may be another one in another unit; so may those of ends. */
  #ownPort(value: number): string | undefined {
    const at = this.#ports.indexOf(value);
    return at < 0 ? undefined : `P${at}`;
  }

  #port(value: number): string {
    const own = this.#ownPort(value);
    if (own === undefined) this.#literalPorts.add(value);
    return own ?? `${value}`;
  }

  #network(set: IntervalSet): string {
    const text = set.map(({ from, to }) => `${from}-${to}`).join();
    this.#networks.set(text, set);
    return text;
  }

  #range(set: IntervalSet): string {
    const text = set.map(({ from, to }) => `${from}-${to}`).join();
    this.#ranges.set(text, set);
    return text;
  }

  #tokens(index: SideIndex, table: string, protocol: number | undefined): Tokens {
    const { family } = this.#context;
    return {
      address: (value) => this.#address(value),
      network: (masked) => {
        const numbers = maskedNumbers(masked, family);
        return numbers === undefined ? this.#isOpaque("mask") : this.#network(numbers);
      },
      port: (value) => this.#port(value),
      ports: (range) => this.#range(portNumbers(range)),
      name: (name) => this.#name(name, ""),
      opaque: (what) => this.#isOpaque(what),
      chain: ({ chain }) => this.#chain(index, table, chain, protocol),
    };
  }

  /** Lists of one name are one list, whoever names it. */
  #name(name: string, of: string): string {
    if (this.#context.constants.names.has(name)) return `list ${name}`;
    const before = this.#names.get(name);
    if (before !== undefined && before !== of) this.#isOpaque("recent");
    this.#names.set(name, of);
    return of === "" ? `list ${[...this.#names.keys()].indexOf(name)}` : "list";
  }

  #isOpaque(what: string): string {
    this.#opaque ??= what;
    return what;
  }

  /** `protocol`: that of all packets that come here, where it is known. */
  #chain(index: SideIndex, table: string, name: string, protocol: number | undefined): string {
    if (index.base.get(table)?.has(name) === true) return name;
    const chain = chainOf(index, table, name);
    if (chain === undefined) return `no chain ${name}`;
    if (chain.unseen !== undefined || this.#deep >= MOST_DEEP || ++this.#chains > MOST_CHAINS)
      return this.#isOpaque("an extract, or very many chains");
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
      const end = this.#endOf(index, table, own.chain, protocol);
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
    for (const name of names) this.#name(name, `${address}`);
    const known = this.#ends.get(address);
    if (known === undefined) this.#ends.set(address, [words]);
    else known.push(words);
  }

  /** A chain that every packet of a protocol leaves translated to one address; `undefined` where it is no such thing. */
  #endOf(index: SideIndex, table: string, name: string, protocol: number): End | undefined {
    const chain = chainOf(index, table, name);
    const last = chain?.rules.at(-1);
    if (chain === undefined || last === undefined || !endsWith(last, protocol)) return undefined;
    let address: bigint | undefined;
    const names: string[] = [];
    let chains = 0;
    const fail = (): never => {
      throw new NoEnd();
    };
    const tokens: Tokens = {
      address: (value) => {
        if (address !== undefined && address !== value) return fail();
        address = value;
        return "@";
      },
      network: fail,
      port: (value) => `<${value}>`,
      ports: fail,
      name: (own) => {
        names.push(own);
        return "list";
      },
      opaque: fail,
      chain: ({ chain: next }) => {
        if (index.base.get(table)?.has(next) === true) return next;
        const there = chainOf(index, table, next);
        if (there === undefined || there.unseen !== undefined || ++chains > MOST_DEEP) return fail();
        return `{ ${there.rules.map((each) => ruleWords(each, tokens)).join(" ; ")} }`;
      },
    };
    try {
      const words = chain.rules.map((rule) => ruleWords(rule, tokens)).join(" ; ");
      return address === undefined ? undefined : { address, words, names };
    } catch (error) {
      if (error instanceof NoEnd) return undefined;
      throw error;
    }
  }

  rule(side: number, index: SideIndex, { table, chain, position, rule }: RulePlace): void {
    const before = commonBefore(index, table, chain, position);
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
    if (address !== undefined && !this.#numbers.has(address) && values.every((each) => isPort(each) || isOf(each))) {
      const words = values.map((each) => (each.kind === "port" ? portWords(each, `<${each.port}>`) : "@"));
      this.#atEnd({ address, names: [] }, `${facts} ${words.join(" ")}`);
      return;
    }
    const words = values.map((each) => {
      if (each.kind === "port") return portWords(each, this.#port(each.port));
      if (each.kind === "ip") return this.#address(ipNumber(each.address));
      return each.kind === "net" ? this.#net(each) : this.#isOpaque(set.name);
    });
    this.#lines.push(`${facts} ${words.join(" ")}`);
  }

  #net({ address, length }: Network): string {
    const bits = this.#context.family === "IPv4" ? 32 : 128;
    const first = ipNumber(address);
    if (length === bits) return this.#address(first);
    const size = 1n << BigInt(bits - length);
    return this.#network(interval(first, first + size - 1n));
  }

  server(side: number, { key, realServers, ...facts }: VirtualServer): void {
    if (key.kind !== "address") {
      this.#isOpaque("fwmark");
      return;
    }
    const group = this.#groups++;
    const usable = realServers.filter(({ weight }) => weight > 0).length;
    const spreads = usable < 2 || isSpreading(facts.scheduler);
    const words = realServers.map(({ address, port, connections: _, ...more }) => {
      const number = ipNumber(address);
      const about = JSON.stringify(more);
      if (spreads && !this.#numbers.has(number)) {
        this.#atEnd({ address: number, names: [] }, `${group} ${about} <${port}>`);
        return "end";
      }
      return `${about} ${this.#address(number)} ${this.#port(port)}`;
    });
    const own = `${key.protocol} ${this.#address(ipNumber(key.address))} ${this.#port(key.port)}`;
    this.#lines.push(`${side} server ${group} ${own} ${JSON.stringify(facts)} ${words.join(" ")}`);
  }

  /** Rules for other ports may be met, too: these are the same for all units, but tell ports apart. */
  allPorts(side: number): void {
    this.#lines.push(`${side} all ports`);
    this.#portsMatter = true;
  }

  /** What is said of an address wherever it stands. */
  #about(address: bigint): string {
    const { siteOf, remark } = this.#context;
    const within = [...this.#networks.values()].map((set) => (containsValue(set, address) ? "1" : "0")).join("");
    return `${siteOf(address)} ${within} ${remark(address)}`;
  }

  /** What is said of a port that may be another one elsewhere. */
  #aboutPort(port: number): string {
    if (this.#portsMatter || FTP_PORTS.has(port)) return `${port}`;
    const value = BigInt(port);
    const holds = (set: IntervalSet): string => (containsValue(set, value) ? "1" : "0");
    return [...this.#context.constants.ports, ...this.#ranges.values()].map(holds).join("");
  }

  /** The words at an address, its ports numbered in the order in which they come. */
  #endWords(lists: readonly string[]): { readonly words: string; readonly ports: readonly number[] } {
    const ports: number[] = [];
    const words = [...lists]
      .sort()
      .join(" & ")
      .replace(/<(\d+)>/g, (_, digits: string) => {
        const port = Number(digits);
        const own = this.#ownPort(port);
        if (own !== undefined) return own;
        if (this.#literalPorts.has(port)) this.#isOpaque("a port that rules name elsewhere");
        const known = ports.indexOf(port);
        if (known >= 0) return `p${known}`;
        ports.push(port);
        return `p${ports.length - 1}:${this.#aboutPort(port)}`;
      });
    return { words, ports };
  }

  finish(): Fingerprint {
    const numbered = [...this.#numbers.keys()].map((address) => {
      const { words, ports } = this.#endWords(this.#ends.get(address) ?? []);
      return { address, ports, words: `${this.#about(address)} ${words}` };
    });
    const ends = [...this.#ends].flatMap(([address, lists]) => {
      if (this.#numbers.has(address)) return [];
      const { words, ports } = this.#endWords(lists);
      return [{ address, ports, words: `${this.#about(address)} ${words}` }];
    });
    ends.sort((a, b) => (a.words < b.words ? -1 : a.words > b.words ? 1 : 0));
    const all = [...numbered, ...ends];
    const { destination, port, split } = this.#unit;
    const kind = `${destination === undefined ? "any" : "one"} ${port === undefined ? "ports" : protocolOf(port)} ${split}`;
    const words = [
      kind,
      this.#ports.map((each) => this.#aboutPort(each)).join(),
      ...this.#lines,
      ...all.map((each) => each.words),
      ...(this.#opaque === undefined ? [] : [`like no other: ${this.#opaque} ${destination} ${port}`]),
    ].join("\n");
    const places = all.map(({ address, ports, words: own }, at) => {
      const first = at < numbered.length ? at : all.findIndex((each, i) => i >= numbered.length && each.words === own);
      return { address, ports, like: first };
    });
    return { words, places, ports: [...this.#ports] };
  }
}

type Spread = { readonly kind: "chance" | "list" | "always"; readonly chain: string; readonly words: string };

const asksMore = ({ source, destination, inInterface, outInterface, protocol, fragment }: Rule): boolean =>
  [source, destination, inInterface, outInterface, protocol, fragment].some((each) => each !== undefined);

/** A rule that leads to another chain by chance, by a list of clients, or always. */
function spreadKind(rule: Rule): Spread | undefined {
  const { target, matches } = rule;
  if (target?.kind !== "jump" || asksMore(rule)) return undefined;
  const [match, another] = matches.filter(({ kind }) => kind !== "comment");
  const { chain } = target;
  if (match === undefined) return { kind: "always", chain, words: "" };
  if (another !== undefined) return undefined;
  if (match.kind === "statistic" && match.mode === "random" && !match.negated)
    return match.threshold > 0 && match.threshold < ONE
      ? { kind: "chance", chain, words: `${match.threshold}` }
      : undefined;
  if (match.kind !== "recent" || match.operation !== "rcheck" || match.negated) return undefined;
  const { name: _, ...others } = match;
  return { kind: "list", chain, words: JSON.stringify(others) };
}

/** Does a rule translate all packets of a protocol? */
function endsWith(rule: Rule, protocol: number): boolean {
  const { protocol: own, source, destination, inInterface, outInterface, fragment, matches, target } = rule;
  if (
    target?.kind !== "DNAT" ||
    [source, destination, inInterface, outInterface, fragment].some((each) => each !== undefined)
  )
    return false;
  if (own !== undefined && (own.negated || own.value !== protocol)) return false;
  return matches.every(asksNothing);
}

function asksNothing(match: Match): boolean {
  if (match.kind === "comment") return true;
  if (match.kind === "recent") return match.operation === "set" && !match.negated;
  if (match.kind !== "tcp" && match.kind !== "udp" && match.kind !== "sctp") return false;
  return Object.keys(match).length === 1;
}

function protocolAsked({ protocol }: Rule): number | undefined {
  return protocol === undefined || protocol.negated ? undefined : protocol.value;
}

/** How many rules for all packets stand before a position of a chain. */
function commonBefore({ base }: SideIndex, table: string, chain: string, position: number): number {
  const common = base.get(table)?.get(chain)?.common ?? [];
  let [low, high] = [0, common.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((common[middle] as number) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `PROTOCOL:PORT` with another word for the port. */
const portWords = ({ protocol }: Port, word: string): string => `${protocol ?? ""}:${word}`;

/** The ports that a unit's rules, elements and virtual servers ask for at its own destination. */
export function ownPorts(indexes: readonly SideIndex[], unit: Unit): readonly number[] {
  if (unit.port !== undefined) return [portOf(unit.port)];
  if (unit.destination === undefined || unit.split) return [];
  return [...new Set(portsAt(indexes, unit.destination).map(portOf))];
}

/** Ports with protocols that are asked for at an address. */
export function portsAt(indexes: readonly SideIndex[], destination: bigint): readonly number[] {
  const found = new Set<number>();
  for (const { rulesByDestination, serversByDestination, elementsByDestination } of indexes) {
    for (const { rule } of rulesByDestination.get(destination) ?? []) {
      const port = exactPort(rule);
      if (port !== undefined) found.add(port);
    }
    for (const { key } of serversByDestination.get(destination) ?? [])
      if (key.kind === "address") found.add(key.protocol * 65536 + key.port);
    for (const { set, element } of elementsByDestination.get(destination) ?? [])
      for (const value of valuesOfKey(set.dimensions, element.key))
        if (value.kind === "port") found.add((value.protocol ?? 0) * 65536 + value.port);
  }
  return [...found];
}

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
