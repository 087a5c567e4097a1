import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import { LearnedParts, type ProtocolContext } from "./learned-parts.ts";
import { makeRule } from "./make-rule.ts";
import { type CommentMatch, cutComment } from "./matches/comment.ts";
import type { Jump, Match, Rule, Target } from "./model.ts";
import type { Negatable } from "./module.ts";
import { readCounters } from "./option-reader.ts";
import { bareWordEnd, indexOfCode, plainQuoteEnd, scanDecimal, scanIPv4, segmentEnd } from "./scan.ts";
import type { Counters } from "./syntax.ts";
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

const BANG = 0x21;
const QUOTE = 0x22;
const DASH = 0x2d;
const SLASH = 0x2f;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BLANK = 0x20;
/** The letters of -s, -d, -i, -o, -p, -m and -j. */
const S = 0x73;
const D = 0x64;
const I = 0x69;
const O = 0x6f;
const P = 0x70;
const M = 0x6d;
const J = 0x6a;

const MOST_INTERFACES = 10_000;
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
  readonly #learned: LearnedParts;

  // the parts of the line that is being read
  #at = 0;
  #source: Negatable<MaskedAddress> | undefined;
  #destination: Negatable<MaskedAddress> | undefined;
  #in: Negatable<string> | undefined;
  #out: Negatable<string> | undefined;
  #context: ProtocolContext;
  #target: Target | undefined;
  /** Bits of the flags -s, -d, -i, -o, -p, which a rule may have once. */
  #seen = 0;

  constructor(text: string, family: IPFamily, counters: boolean) {
    this.#text = text;
    this.#family = family;
    this.#counters = counters;
    this.#tabs = text.includes("\t");
    this.#learned = new LearnedParts(family);
    this.#context = this.#learned.anyProtocol;
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
    return makeRule({
      chain: chain.name,
      counters: this.#counters ? counters : undefined,
      source: this.#source,
      destination: this.#destination,
      inInterface: this.#in,
      outInterface: this.#out,
      protocol: this.#context.protocol,
      matches,
      target: this.#target,
    });
  }

  #clear(): void {
    this.#source = undefined;
    this.#destination = undefined;
    this.#in = undefined;
    this.#out = undefined;
    this.#context = this.#learned.anyProtocol;
    this.#target = undefined;
    this.#seen = 0;
  }

  /** `[packets:bytes] ` before a rule. */
  #lineCounters(end: number): Counters | undefined {
    const close = bareWordEnd(this.#text, this.#at, end);
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
    const nameEnd = bareWordEnd(this.#text, start, end);
    const last = this.#lastChain;
    const same = last !== undefined && last.name.length === nameEnd - start && text.startsWith(last.name, start);
    const chain = same ? last : this.#chains.get(text.slice(start, nameEnd));
    this.#lastChain = chain;
    return this.#next(nameEnd, end) ? chain : undefined;
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
    const wordEnd = bareWordEnd(this.#text, at + 3, end);
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
    const slash = this.#family === "IPv4" ? indexOfCode(this.#text, SLASH, start, end) : end;
    if (slash < end) {
      const value = scanIPv4(this.#text, start, slash);
      const length = scanDecimal(this.#text, slash + 1, end, 32);
      if (value >= 0 && length >= 0) {
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

  #interface(negated: boolean, name: string): Negatable<string> | undefined {
    const key = negated ? `! ${name}` : name;
    let found = this.#interfaces.get(key);
    if (found === undefined) {
      if (name.length > MAX_INTERFACE || name === "+") return undefined;
      found = { negated, value: name };
      if (this.#interfaces.size < MOST_INTERFACES) this.#interfaces.set(key, found);
    }
    return found;
  }

  #protocol(negated: boolean, name: string): boolean {
    const context = this.#learned.context(negated, name);
    if (context !== undefined) this.#context = context;
    return context !== undefined;
  }

  /** `-m NAME …`: comments by hand, other matches by what the same text meant before. */
  #match(matches: Match[], start: number, end: number): boolean {
    if (this.#text.startsWith(COMMENT, start + 3)) {
      const comment = this.#comment(start + 3 + COMMENT.length, end);
      if (comment !== undefined) matches.push(comment);
      return comment !== undefined;
    }
    const partEnd = segmentEnd(this.#text, start + 3, end);
    if (partEnd < 0) return false;
    const match = this.#learned.match(this.#context, this.#text.slice(start, partEnd));
    if (match !== null) matches.push(match);
    return match !== null && this.#next(partEnd, end);
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
      to = quoted ? plainQuoteEnd(this.#text, from, end) : bareWordEnd(this.#text, from, end);
    if (to < 0 || !this.#next(quoted ? to + 1 : to, end)) return undefined;
    if (last !== undefined && last.comment.length === to - from && text.startsWith(last.comment, from)) return last;
    const comment = cutComment(text.slice(from, to));
    if (!quoted && !PLAIN_COMMENT.test(comment)) return undefined;
    this.#lastComment = { kind: "comment", comment };
    return this.#lastComment;
  }

  /** `-j NAME …` up to the end of the line. */
  #jump(start: number, end: number): boolean {
    const text = this.#text;
    this.#at = end;
    if (text.startsWith(DNAT, start + 3)) {
      this.#target = this.#dnat(start + 3 + DNAT.length, end);
      if (this.#target !== undefined) return true;
    }
    const chain = this.#chains.get(text.slice(start + 3, end));
    if (chain !== undefined) {
      chain.jump ??= { kind: "jump", chain: chain.name };
      this.#target = chain.jump;
      return true;
    }
    const target = this.#learned.target(this.#context, text.slice(start, end));
    this.#target = target ?? undefined;
    return target !== null;
  }

  /** `A.B.C.D` or `A.B.C.D:PORT`, the port behind a protocol that has ports. */
  #dnat(start: number, end: number): DNATTarget | undefined {
    if (this.#family !== "IPv4") return undefined;
    const colon = indexOfCode(this.#text, COLON, start, end);
    const value = scanIPv4(this.#text, start, colon);
    if (value < 0) return undefined;
    const address: IPAddress = { family: "IPv4", value };
    const addresses = { from: address, to: address };
    if (colon === end) return { kind: "DNAT", range: { addresses }, random: false, persistent: false };
    const port = scanDecimal(this.#text, colon + 1, end, 65535);
    const { protocol } = this.#context;
    if (port < 0 || protocol === undefined || (protocol.value !== 6 && protocol.value !== 17)) return undefined;
    const range = { addresses, ports: { from: port, to: port } };
    return { kind: "DNAT", range, random: false, persistent: false };
  }
}
