import { parseIP } from "../../net/ip.ts";
import type { SCTPConnectionState, TCPConnectionState, Tuple } from "../entry.ts";
import { protocols } from "../packet.ts";
import { sctpStates } from "./sctp.ts";
import { tcpStates } from "./tcp-table.ts";
import { oppositeType, tracksPorts } from "./tuple.ts";

/** One line of a listing as it stands there. */
export interface ListedEntry {
  readonly original: Tuple;
  readonly reply: Tuple;
  /** Seconds left; absent for offloaded entries of /proc. */
  readonly timeout: number | undefined;
  readonly tcpState: TCPConnectionState | undefined;
  readonly sctpState: SCTPConnectionState | undefined;
  readonly unreplied: boolean;
  readonly assured: boolean;
  readonly mark: number;
  readonly zone: number;
  /** Age in seconds, with nf_conntrack_timestamp. */
  readonly age: number | undefined;
  /** Words that say something that is not modelled: `[OFFLOAD]`, `helper=ftp`. */
  readonly notModelled: readonly string[];
}

/** What is wrong with a line, and the 0-based column where. */
export interface LineError {
  readonly code: "conntrack-line" | "conntrack-field" | "conntrack-not-modelled";
  readonly message: string;
  readonly column: number;
}

interface Word {
  readonly text: string;
  readonly column: number;
}

/** Fields that stand behind the tuples and say nothing that is needed here. */
const INERT: ReadonlySet<string> = new Set([
  "packets",
  "bytes",
  "use",
  "id",
  "secctx",
  "labels",
  "timeout",
  "stream_timeout",
]);
const TUPLE_FIELDS: ReadonlySet<string> = new Set(["dst", "sport", "dport", "type", "code", "id", "srckey", "dstkey"]);

class Refused extends Error {
  readonly error: LineError;
  constructor(code: LineError["code"], message: string, word: Word) {
    super(message);
    this.error = { code, message, column: word.column };
  }
}

const refuse = (message: string, word: Word): never => {
  throw new Refused("conntrack-field", message, word);
};

function wholeNumber(text: string, most: number, word: Word): number {
  const value = /^(?:\d{1,10}|0x[0-9a-f]{1,8})$/.test(text) ? Number(text) : Number.NaN;
  return value <= most ? value : refuse(`${word.text}: a number from 0 to ${most} is expected here`, word);
}

/** The fields of one tuple, as words. */
type TupleWords = Map<string, Word>;

function field(words: TupleWords, name: string, most: number, first: Word): number {
  const word = words.get(name) ?? refuse(`${name}= is missing in the tuple that begins here`, first);
  return wholeNumber(word.text.slice(name.length + 1), most, word);
}

function readTuple(words: TupleWords, protocol: number): Tuple {
  const first = words.get("src") as Word;
  const second = words.get("dst") ?? refuse("dst= is missing in the tuple that begins here", first);
  const src = parseIP(first.text.slice(4)) ?? refuse(`${first.text}: not an address`, first);
  const dst = parseIP(second.text.slice(4)) ?? refuse(`${second.text}: not an address`, second);
  if (src.family !== dst.family) refuse("the two addresses of a tuple are of different families", second);
  const base = {
    family: src.family,
    src: src.family === "IPv4" ? src.value : src.words,
    dst: dst.family === "IPv4" ? dst.value : dst.words,
    protocol,
  };
  if (tracksPorts(protocol))
    return { ...base, sport: field(words, "sport", 65535, first), dport: field(words, "dport", 65535, first) };
  if (protocol === protocols.icmp || protocol === protocols.icmpv6) {
    const type = field(words, "type", 255, first);
    if (oppositeType(protocol, type) === undefined) refuse(`type=${type} is not tracked`, words.get("type") ?? first);
    const code = field(words, "code", 255, first);
    return { ...base, sport: field(words, "id", 65535, first), dport: type * 256 + code };
  }
  for (const name of ["srckey", "dstkey"]) {
    const key = words.get(name);
    if (key !== undefined && wholeNumber(key.text.slice(7), 65535, key) !== 0)
      throw new Refused("conntrack-not-modelled", `${key.text}: GRE with keys (PPTP) is not modelled`, key);
  }
  return { ...base, sport: 0, dport: 0 };
}

/** The words of a line with their columns. */
function split(line: string): Word[] {
  return [...line.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index }));
}

interface Head {
  readonly protocol: number;
  readonly timeout: number | undefined;
  readonly state: Word | undefined;
  readonly rest: readonly Word[];
}

/** The columns before the first tuple: `[ipv4 2] tcp 6 431999 ESTABLISHED`. */
function readHead(words: readonly Word[]): Head {
  const start = words[0]?.text === "ipv4" || words[0]?.text === "ipv6" ? 2 : 0;
  const [name, number, third, fourth] = words.slice(start);
  const startsTuple = (word: Word | undefined): boolean => word === undefined || word.text.includes("=");
  if (name === undefined || number === undefined || startsTuple(name) || startsTuple(number))
    throw new Refused(
      "conntrack-line",
      "not a line of `conntrack -L` or /proc/net/nf_conntrack: it begins with the protocol's name and number",
      words[0] ?? { text: "", column: 0 },
    );
  const protocol = wholeNumber(number.text, 255, number);
  if (third === undefined || startsTuple(third))
    return { protocol, timeout: undefined, state: undefined, rest: words.slice(start + 2) };
  const timeout = wholeNumber(third.text, 0x7fffffff, third);
  const state = fourth === undefined || startsTuple(fourth) ? undefined : fourth;
  return { protocol, timeout, state, rest: words.slice(start + (state === undefined ? 3 : 4)) };
}

interface Tail {
  unreplied: boolean;
  assured: boolean;
  mark: number;
  zone: number;
  age: number | undefined;
  readonly notModelled: string[];
}

function readWord(word: Word, tuples: TupleWords[], tail: Tail): void {
  const equals = word.text.indexOf("=");
  const name = equals < 0 ? word.text : word.text.slice(0, equals);
  const value = word.text.slice(equals + 1);
  const tuple = tuples.at(-1);
  if (name === "src") {
    if (tuples.length === 2) refuse("a third tuple", word);
    tuples.push(new Map([["src", word]]));
    return;
  }
  if (tuple !== undefined && TUPLE_FIELDS.has(name) && !tuple.has(name)) {
    tuple.set(name, word);
    return;
  }
  if (name === "[UNREPLIED]") tail.unreplied = true;
  else if (name === "[ASSURED]") tail.assured = true;
  else if (name === "mark") tail.mark = wholeNumber(value, 0xffffffff, word);
  else if (name === "zone") tail.zone = wholeNumber(value, 65535, word);
  else if (name === "delta-time") tail.age = wholeNumber(value, 0x7fffffff, word);
  else if (name === "zone-orig" || name === "zone-reply")
    throw new Refused("conntrack-not-modelled", `${word.text}: zones of one direction are not modelled`, word);
  else if (!INERT.has(name)) tail.notModelled.push(word.text);
}

function readStrictly(line: string): ListedEntry {
  const head = readHead(split(line.replace(/\[start=[^\]]*\]/, (text) => " ".repeat(text.length))));
  const tuples: TupleWords[] = [];
  const tail: Tail = { unreplied: false, assured: false, mark: 0, zone: 0, age: undefined, notModelled: [] };
  for (const word of head.rest) readWord(word, tuples, tail);
  const [first, second] = tuples;
  const place = head.rest[0] ?? { text: "", column: line.length };
  if (first === undefined || second === undefined)
    throw new Refused("conntrack-line", "a line of `conntrack -L` has two tuples, each beginning with src=", place);
  const original = readTuple(first, head.protocol);
  const reply = readTuple(second, head.protocol);
  if (original.family !== reply.family) refuse("the two tuples are of different families", second.get("src") ?? place);
  return { ...tail, original, reply, timeout: head.timeout, ...readState(head, place) };
}

function readState(head: Head, place: Word): Pick<ListedEntry, "tcpState" | "sctpState"> {
  const { state, protocol } = head;
  const none = { tcpState: undefined, sctpState: undefined };
  if (protocol !== protocols.tcp && protocol !== protocols.sctp) return none;
  if (state === undefined)
    return head.timeout === undefined ? none : refuse("the connection's state is missing", place);
  if (protocol === protocols.tcp) {
    const tcpState = tcpStates.find((known) => known === state.text);
    return { ...none, tcpState: tcpState ?? refuse(`${state.text}: not a state of a TCP connection`, state) };
  }
  const sctpState = sctpStates.find((known) => known === state.text);
  return { ...none, sctpState: sctpState ?? refuse(`${state.text}: not a state of an SCTP association`, state) };
}

/** Reads one line of `conntrack -L` (with or without `-o extended`) or /proc/net/nf_conntrack (dump-formats §4). */
export function readListingLine(line: string): ListedEntry | LineError {
  try {
    return readStrictly(line);
  } catch (error) {
    if (error instanceof Refused) return error.error;
    throw error;
  }
}
