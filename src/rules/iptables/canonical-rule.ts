import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import type { Diagnostic } from "../../text/diagnostic.ts";
import { type CommentMatch, cutComment } from "./matches/comment.ts";
import type { Jump, Match, Rule, Target } from "./model.ts";
import { defined, type Negatable } from "./module.ts";
import { OptionReader, readCounters } from "./option-reader.ts";
import { matchFlags, targetFlags } from "./options.ts";
import { formatProtocol, parseProtocol } from "./protocols.ts";
import { readRule } from "./read-rule.ts";
import { type Counters, wordText } from "./syntax.ts";
import type { DNATTarget } from "./targets/nat.ts";
import { isEmptyMask, type MaskedAddress, parseMaskedAddress, prefixMask } from "./values.ts";

/** A chain while a text is loaded. */
export interface LoadedChain {
  readonly name: string;
  policy: string | undefined;
  counters: Counters | undefined;
  readonly rules: Rule[];
  /** The jump to it that all rules share. */
  jump: Jump | undefined;
}

/** What a rule says of its protocol, and the matches and targets that were read behind it: equal texts mean the same. */
interface ProtocolContext {
  readonly protocol: Negatable<number> | undefined;
  readonly text: string;
  readonly matches: Map<string, Match | null>;
  readonly targets: Map<string, Target | null>;
}

const BANG = 0x21;
const QUOTE = 0x22;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BLANK = 0x20;
const [S, D, I, O, P, M, J, G] = [..."sdiopmjg"].map((letter) => letter.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** More distinct texts than this are not worth their memory. */
const MOST_KEPT = 50_000;
const COMMENT = "comment --comment ";
const DNAT = "DNAT --to-destination ";
const PLAIN_COMMENT = /^[A-Za-z0-9_-]+$/;
const MAX_INTERFACE = 15;
const NO_COUNTERS: Counters = { packets: "0", bytes: "0" };

/**
 * Reads `-A` lines in the form in which iptables-save prints them straight into rules. Whatever is not in that form,
 * not modelled or wrong is left to the general reader (`undefined`): the two must never differ in a rule.
 */
export class CanonicalRuleReader {
  /** The chain of the last rule that was read, `undefined` when it was not read. */
  chain: LoadedChain | undefined;
  readonly #text: string;
  readonly #family: IPFamily;
  readonly #counters: boolean;
  /** Tabs separate words, too: lines with one are left to the general reader. */
  readonly #tabs: boolean;
  #chains: ReadonlyMap<string, LoadedChain> = new Map();
  #lastChain: LoadedChain | undefined;
  #lastComment: CommentMatch | undefined;
  readonly #masks = new Map<number, IPAddress>();
  readonly #interfaces = new Map<string, Negatable<string>>();
  readonly #protocols = new Map<string, ProtocolContext>();
  readonly #anyProtocol: ProtocolContext = { protocol: undefined, text: "", matches: new Map(), targets: new Map() };

  // the parts of the line that is being read
  #at = 0;
  #source: Negatable<MaskedAddress> | undefined;
  #destination: Negatable<MaskedAddress> | undefined;
  #in: Negatable<string> | undefined;
  #out: Negatable<string> | undefined;
  #context: ProtocolContext = this.#anyProtocol;
  #target: Target | undefined;
  /** Bits of the flags -s, -d, -i, -o, -p, which a rule may have once. */
  #seen = 0;

  constructor(text: string, family: IPFamily, counters: boolean) {
    this.#text = text;
    this.#family = family;
    this.#counters = counters;
    this.#tabs = text.includes("\t");
  }

  /** A table begins, with the chains that rules may be in and jump to; more may be added to them. */
  begin(chains: ReadonlyMap<string, LoadedChain>): void {
    this.#chains = chains;
    this.#lastChain = undefined;
  }

  /** The rule of the line, or `undefined`. */
  read(start: number, end: number): Rule | undefined {
    this.chain = undefined;
    if (this.#tabs && this.#text.slice(start, end).includes("\t")) return undefined;
    this.#at = start;
    let counters: Counters | undefined;
    if (this.#text.charCodeAt(start) === BRACKET) {
      counters = this.#lineCounters(end);
      if (counters === undefined) return undefined;
    }
    const chain = this.#ruleChain(end);
    if (chain === undefined) return undefined;
    this.#clear();
    const matches: Match[] = [];
    while (this.#at < end) if (!this.#part(matches, end)) return undefined;
    this.chain = chain;
    return this.#rule(chain.name, this.#counters ? counters : undefined, matches);
  }

  #clear(): void {
    this.#source = undefined;
    this.#destination = undefined;
    this.#in = undefined;
    this.#out = undefined;
    this.#context = this.#anyProtocol;
    this.#target = undefined;
    this.#seen = 0;
  }

  /** `[packets:bytes] ` before a rule. */
  #lineCounters(end: number): Counters | undefined {
    const close = this.#wordEnd(this.#at, end);
    if (close < 0 || close - this.#at > 64) return undefined;
    const counters = this.#text.startsWith("[0:0]", this.#at)
      ? NO_COUNTERS
      : readCounters(this.#text.slice(this.#at, close));
    this.#at = close + 1;
    return counters;
  }

  /** The chain behind `-A `; rules of one chain mostly stand together. */
  #ruleChain(end: number): LoadedChain | undefined {
    const text = this.#text;
    if (!text.startsWith("-A ", this.#at)) return undefined;
    const start = this.#at + 3;
    const nameEnd = this.#wordEnd(start, end);
    const last = this.#lastChain;
    const same = last !== undefined && last.name.length === nameEnd - start && text.startsWith(last.name, start);
    const chain = same ? last : this.#chains.get(text.slice(start, nameEnd));
    this.#lastChain = chain;
    return this.#next(nameEnd, end) ? chain : undefined;
  }

  /** The end of the bare word that begins at `start`, -1 when there is none or a quote is in it. */
  #wordEnd(start: number, end: number): number {
    const text = this.#text;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code === BLANK) return i === start ? -1 : i;
      if (code === QUOTE) return -1;
    }
    return start < end ? end : -1;
  }

  /** Goes to the word behind the one blank at `wordEnd`, or to the end. */
  #next(wordEnd: number, end: number): boolean {
    this.#at = wordEnd === end ? end : wordEnd + 1;
    return wordEnd === end || (wordEnd > 0 && this.#at < end && this.#text.charCodeAt(wordEnd) === BLANK);
  }

  /** Reads one option of the rule, or one match or target with its options. */
  #part(matches: Match[], end: number): boolean {
    const text = this.#text;
    let at = this.#at;
    const negated = text.charCodeAt(at) === BANG;
    if (negated) {
      if (text.charCodeAt(at + 1) !== BLANK) return false;
      at += 2;
    }
    if (text.charCodeAt(at) !== DASH || text.charCodeAt(at + 2) !== BLANK || at + 3 >= end) return false;
    const letter = text.charCodeAt(at + 1);
    if (letter === M) return !negated && this.#match(matches, at, end);
    if (letter === J) return !negated && this.#jump(at, end);
    // options of the rule stand before its matches
    if (matches.length > 0) return false;
    const wordEnd = this.#wordEnd(at + 3, end);
    if (wordEnd < 0) return false;
    return this.#general(letter, negated, at + 3, wordEnd) && this.#next(wordEnd, end);
  }

  #general(letter: number, negated: boolean, start: number, end: number): boolean {
    const bit = 1 << (letter & 31);
    if ((this.#seen & bit) !== 0) return false;
    this.#seen |= bit;
    switch (letter) {
      case S: {
        const network = this.#network(start, end);
        if (network !== undefined && (negated || !isEmptyMask(network.mask)))
          this.#source = { negated, value: network };
        return network !== undefined;
      }
      case D: {
        const network = this.#network(start, end);
        if (network !== undefined && (negated || !isEmptyMask(network.mask)))
          this.#destination = { negated, value: network };
        return network !== undefined;
      }
      case I:
        this.#in = this.#interface(negated, this.#text.slice(start, end));
        return this.#in !== undefined;
      case O:
        this.#out = this.#interface(negated, this.#text.slice(start, end));
        return this.#out !== undefined;
      case P:
        return this.#protocol(negated, this.#text.slice(start, end));
      default:
        return false;
    }
  }

  /** `A.B.C.D/LENGTH` digit by digit; other forms as every reader does. */
  #network(start: number, end: number): MaskedAddress | undefined {
    const value = this.#family === "IPv4" ? this.#octets(start, end) : -1;
    if (value >= 0 && this.#text.charCodeAt(this.#at) === SLASH) {
      const length = this.#number(this.#at + 1, end, 32);
      if (length >= 0) {
        const mask = this.#mask(length);
        const bits = mask.family === "IPv4" ? mask.value : 0;
        return { address: { family: "IPv4", value: (value & bits) >>> 0 }, mask };
      }
    }
    return parseMaskedAddress(this.#text.slice(start, end), this.#family);
  }

  #mask(length: number): IPAddress {
    let mask = this.#masks.get(length);
    if (mask === undefined) {
      mask = prefixMask("IPv4", length);
      this.#masks.set(length, mask);
    }
    return mask;
  }

  /** Four octets without leading zeros; leaves the place behind them in `#at`. -1 for anything else. */
  #octets(start: number, end: number): number {
    const text = this.#text;
    let value = 0;
    let octet = -1;
    let dots = 0;
    let i = start;
    for (; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code === DOT && octet >= 0) {
        value = value * 256 + octet;
        octet = -1;
        dots++;
        continue;
      }
      const digit = code - ZERO;
      if (digit < 0 || digit > 9) break;
      if (octet === 0) return -1;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return -1;
    }
    this.#at = i;
    return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
  }

  /** A decimal number of 0 … `max` without leading zeros that ends at `end`; -1 for anything else. */
  #number(start: number, end: number, max: number): number {
    const text = this.#text;
    let value = 0;
    for (let i = start; i < end; i++) {
      const digit = text.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9 || (value === 0 && i > start)) return -1;
      value = value * 10 + digit;
      if (value > max) return -1;
    }
    return start < end ? value : -1;
  }

  #interface(negated: boolean, name: string): Negatable<string> | undefined {
    const key = negated ? `! ${name}` : name;
    let found = this.#interfaces.get(key);
    if (found === undefined) {
      if (name.length > MAX_INTERFACE || name === "+") return undefined;
      found = { negated, value: name };
      if (this.#interfaces.size < MOST_KEPT) this.#interfaces.set(key, found);
    }
    return found;
  }

  #protocol(negated: boolean, name: string): boolean {
    const key = negated ? `! ${name}` : name;
    let context = this.#protocols.get(key);
    if (context === undefined) {
      const value = parseProtocol(name);
      if (value === undefined || value === 0) return false;
      const text = `${negated ? "! " : ""}-p ${formatProtocol(value)} `;
      context = { protocol: { negated, value }, text, matches: new Map(), targets: new Map() };
      this.#protocols.set(key, context);
    }
    this.#context = context;
    return true;
  }

  /** `-m NAME …`: comments by hand, other matches by what the same text meant before. */
  #match(matches: Match[], start: number, end: number): boolean {
    if (this.#text.startsWith(COMMENT, start + 3)) {
      const comment = this.#comment(start + 3 + COMMENT.length, end);
      if (comment !== undefined) matches.push(comment);
      return comment !== undefined;
    }
    const segmentEnd = this.#segmentEnd(start + 3, end);
    if (segmentEnd < 0) return false;
    const segment = this.#text.slice(start, segmentEnd);
    const kept = this.#context.matches;
    let match = kept.get(segment);
    if (match === undefined) {
      match = this.#learn(segment)?.matches[0] ?? null;
      if (kept.size < MOST_KEPT) kept.set(segment, match);
    }
    if (match !== null) matches.push(match);
    return match !== null && this.#next(segmentEnd, end);
  }

  /** A comment in quotes without escapes, or a bare one. */
  #comment(start: number, end: number): CommentMatch | undefined {
    const text = this.#text;
    const quoted = text.charCodeAt(start) === QUOTE;
    const from = quoted ? start + 1 : start;
    const last = this.#lastComment;
    let to = from;
    if (quoted && last !== undefined && text.startsWith(last.comment, from)) to += last.comment.length;
    if (to === from || text.charCodeAt(to) !== QUOTE)
      to = quoted ? this.#closingQuote(from, end) : this.#wordEnd(from, end);
    if (to < 0 || !this.#next(quoted ? to + 1 : to, end)) return undefined;
    if (last !== undefined && last.comment.length === to - from && text.startsWith(last.comment, from)) return last;
    const comment = cutComment(text.slice(from, to));
    if (!quoted && !PLAIN_COMMENT.test(comment)) return undefined;
    this.#lastComment = { kind: "comment", comment };
    return this.#lastComment;
  }

  /** The next quote; -1 when there is none, or a backslash before it. */
  #closingQuote(start: number, end: number): number {
    const text = this.#text;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) return i;
      if (code === BACKSLASH) return -1;
    }
    return -1;
  }

  /** The blank before the next match or the target, or the end; -1 when a quote comes first. */
  #segmentEnd(start: number, end: number): number {
    const text = this.#text;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) return -1;
      if (code !== BLANK || text.charCodeAt(i + 1) !== DASH || text.charCodeAt(i + 3) !== BLANK) continue;
      const letter = text.charCodeAt(i + 2);
      if (letter === M || letter === J || letter === G) return i;
    }
    return end;
  }

  /** `-j NAME …` up to the end of the line. */
  #jump(start: number, end: number): boolean {
    const text = this.#text;
    this.#at = end;
    if (text.startsWith(DNAT, start + 3)) {
      this.#target = this.#dnat(start + 3 + DNAT.length, end);
      if (this.#target !== undefined) return true;
      this.#at = end;
    }
    const chain = this.#chains.get(text.slice(start + 3, end));
    if (chain !== undefined) {
      chain.jump ??= { kind: "jump", chain: chain.name };
      this.#target = chain.jump;
      return true;
    }
    const segment = text.slice(start, end);
    const kept = this.#context.targets;
    let target = kept.get(segment);
    if (target === undefined) {
      target = this.#learn(segment)?.target ?? null;
      // whether there is such a chain is not known here
      if (target?.kind === "jump" || target?.kind === "goto") return false;
      if (kept.size < MOST_KEPT) kept.set(segment, target);
    }
    this.#target = target ?? undefined;
    return target !== null;
  }

  /** `A.B.C.D` or `A.B.C.D:PORT`, the port behind a protocol that has ports. */
  #dnat(start: number, end: number): DNATTarget | undefined {
    if (this.#family !== "IPv4") return undefined;
    const value = this.#octets(start, end);
    if (value < 0) return undefined;
    const address: IPAddress = { family: "IPv4", value };
    const addresses = { from: address, to: address };
    if (this.#at === end) return { kind: "DNAT", range: { addresses }, random: false, persistent: false };
    const colon = this.#text.charCodeAt(this.#at) === COLON;
    const port = colon ? this.#number(this.#at + 1, end, 65535) : -1;
    const { protocol } = this.#context;
    this.#at = end;
    if (port < 0 || protocol === undefined || (protocol.value !== 6 && protocol.value !== 17)) return undefined;
    const range = { addresses, ports: { from: port, to: port } };
    return { kind: "DNAT", range, random: false, persistent: false };
  }

  /**
   * What the general reader makes of one match or target behind the rule's protocol: `undefined` unless it finds
   * nothing to say and each option is the module's own by its full name, so that no other module can change its meaning.
   */
  #learn(segment: string): Rule | undefined {
    const line = `-A K ${this.#context.text}${segment}`;
    const found: Diagnostic[] = [];
    const report = (each: Diagnostic): void => {
      found.push(each);
    };
    const read = new OptionReader({ name: "", text: line }, report, "script").readLine(0, line.length);
    if (read?.kind !== "rule") return undefined;
    const [load, ...own] = this.#context === this.#anyProtocol ? read.options : read.options.slice(1);
    const name = wordText(load?.args[0] ?? "");
    const flags = load?.flag === "-m" ? matchFlags.get(name) : targetFlags.get(name);
    if (!own.every(({ flag }) => flags?.has(flag) === true)) return undefined;
    const rule = readRule(read, this.#family, report);
    return found.length === 0 ? rule : undefined;
  }

  /** The rule of the parts; the most frequent forms as literals, which are smaller and made faster. */
  #rule(chain: string, counters: Counters | undefined, matches: Match[]): Rule {
    const source = this.#source;
    const destination = this.#destination;
    const { protocol } = this.#context;
    const target = this.#target;
    if (target !== undefined && counters === undefined && this.#in === undefined && this.#out === undefined) {
      if (source === undefined && protocol === undefined && destination === undefined)
        return { chain, matches, target };
      if (source !== undefined && protocol === undefined && destination === undefined)
        return { chain, source, matches, target };
      if (source === undefined && protocol !== undefined && destination === undefined)
        return { chain, protocol, matches, target };
      if (source === undefined && protocol !== undefined && destination !== undefined)
        return { chain, destination, protocol, matches, target };
      if (source !== undefined && protocol !== undefined && destination !== undefined)
        return { chain, source, destination, protocol, matches, target };
    }
    return defined<Rule>({
      chain,
      counters,
      source,
      destination,
      inInterface: this.#in,
      outInterface: this.#out,
      protocol,
      fragment: undefined,
      matches,
      target,
    });
  }
}
