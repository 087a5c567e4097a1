import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import { formatAddress, parseAddress, parseMaskedAddress, parseNumber } from "../iptables/values.ts";
import { familyOf } from "./elements.ts";
import type { IPSet, SetElement, SetOptions, SetType, SkbInfo } from "./model.ts";

/** Words of an option list: the option and its argument, if it takes one; `undefined` where an argument is missing. */
export type Words = readonly string[];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const UINT32 = 0xffffffff;
/** Seconds whose jiffies fit a timer (`IPSET_MAX_TIMEOUT`). */
const MAX_TIMEOUT = 2147483;
const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;

const numeric: Readonly<Record<string, readonly [field: keyof SetOptions, max: number]>> = {
  hashsize: ["hashSize", UINT32],
  maxelem: ["maxElements", UINT32],
  netmask: ["netmask", 128],
  markmask: ["markMask", UINT32],
  size: ["size", UINT32],
  timeout: ["timeout", MAX_TIMEOUT],
  bucketsize: ["bucketSize", 255],
  initval: ["initialValue", UINT32],
};
const flags: readonly string[] = ["counters", "comment", "skbinfo", "forceadd"];
/** Of the command, not of the set. */
const commandFlags: readonly string[] = ["-exist", "-!"];

function parseRange(text: string, type: SetType): SetOptions["range"] | undefined {
  const dash = text.indexOf("-");
  const [first, last] = dash < 0 ? [text, text] : [text.slice(0, dash), text.slice(dash + 1)];
  if (type === "bitmap:port") {
    const [from, to] = [parseNumber(first, 65535), parseNumber(last, 65535)];
    return from === undefined || to === undefined || from > to ? undefined : { from, to };
  }
  const from = parseMaskedAddress(first, "IPv4");
  const to = dash < 0 ? from : parseMaskedAddress(last, "IPv4");
  if (from?.address.family !== "IPv4" || to?.address.family !== "IPv4" || from.mask.family !== "IPv4") return undefined;
  const end = dash < 0 ? (from.address.value | ~from.mask.value) >>> 0 : to.address.value;
  return from.address.value > end ? undefined : { from: from.address, to: { family: "IPv4", value: end } };
}

/** Reads the options of a `create` line; a text says what is wrong. */
export function parseSetOptions(words: Words, type: SetType): SetOptions | string {
  const options: Mutable<SetOptions> = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (commandFlags.includes(word)) continue;
    if (flags.includes(word)) {
      options[word as "counters"] = true;
      continue;
    }
    const value = words[++i];
    if (value === undefined) return `option ${word.slice(0, 40)} is not known or lacks its argument`;
    const problem = setOption(options, word, value, type);
    if (problem !== undefined) return problem;
  }
  return options;
}

function setOption(options: Mutable<SetOptions>, word: string, value: string, type: SetType): string | undefined {
  const wrong = `${word.slice(0, 40)} ${value.slice(0, 60)}`;
  const number = Object.hasOwn(numeric, word) ? numeric[word] : undefined;
  if (number !== undefined) {
    const read = parseNumber(value, number[1]);
    if (read === undefined) return `${wrong} is not a number of 0 to ${number[1]}`;
    options[number[0] as "size"] = read;
    return undefined;
  }
  switch (word) {
    case "family": {
      const family = families.get(value);
      if (family === undefined) return `${wrong} is neither inet nor inet6`;
      options.family = family;
      return undefined;
    }
    case "bitmask": {
      const mask = parseAddress(value, options.family ?? "IPv4");
      if (mask === undefined) return `${wrong} is not an address of the set's family`;
      options.bitmask = mask;
      return undefined;
    }
    case "range": {
      const range = parseRange(value, type);
      if (range === undefined) return `${wrong} is not a range`;
      options.range = range;
      return undefined;
    }
    default:
      return `there is no option ${word.slice(0, 40)}`;
  }
}

const families: ReadonlyMap<string, IPFamily> = new Map([
  ["inet", "IPv4"],
  ["inet6", "IPv6"],
]);

/** What stands behind the parts of an element; `wildcard` belongs to its interface. */
export type ElementOptions = Omit<SetElement, "values"> & { readonly wildcard?: true };

/** Reads the options of an `add` line; a text says what is wrong. */
export function parseElementOptions(words: Words): ElementOptions | string {
  const options: Mutable<ElementOptions> = {};
  const skb: Mutable<SkbInfo> = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (commandFlags.includes(word)) continue;
    if (word === "nomatch" || word === "wildcard") {
      options[word] = true;
      continue;
    }
    const value = words[++i];
    if (value === undefined) return `option ${word.slice(0, 40)} is not known or lacks its argument`;
    if (!setElementOption(options, skb, word, value))
      return `option ${word.slice(0, 40)} ${value.slice(0, 60)} makes no sense`;
  }
  return Object.keys(skb).length === 0 ? options : { ...options, skb };
}

function setElementOption(
  options: Mutable<ElementOptions>,
  skb: Mutable<SkbInfo>,
  word: string,
  value: string,
): boolean {
  switch (word) {
    case "timeout": {
      const timeout = parseNumber(value, MAX_TIMEOUT);
      if (timeout !== undefined) options.timeout = timeout;
      return timeout !== undefined;
    }
    case "packets":
    case "bytes":
      if (DECIMAL.test(value)) options[word] = value;
      return DECIMAL.test(value);
    case "comment":
      // an empty comment is none
      if (value !== "") options.comment = value;
      return true;
    case "skbmark":
      return setSkbMark(skb, value);
    case "skbprio":
      return setSkbPriority(skb, value);
    case "skbqueue": {
      const queue = parseNumber(value, 65535);
      if (queue !== undefined) skb.queue = queue;
      return queue !== undefined;
    }
    default:
      return false;
  }
}

const SKB_MARK = /^0x([0-9a-fA-F]{1,8})(?:\/0x([0-9a-fA-F]{1,8}))?$/;
const SKB_PRIORITY = /^([0-9a-fA-F]{1,4}):([0-9a-fA-F]{1,4})$/;

function setSkbMark(skb: Mutable<SkbInfo>, text: string): boolean {
  const found = SKB_MARK.exec(text);
  if (found === null) return false;
  skb.mark = { value: Number.parseInt(found[1] as string, 16), mask: Number.parseInt(found[2] ?? "ffffffff", 16) };
  return true;
}

function setSkbPriority(skb: Mutable<SkbInfo>, text: string): boolean {
  const found = SKB_PRIORITY.exec(text);
  if (found === null) return false;
  skb.priority = { major: Number.parseInt(found[1] as string, 16), minor: Number.parseInt(found[2] as string, 16) };
  return true;
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`;

function numberWord(flag: string, value: number | undefined): string {
  return value === undefined ? "" : ` ${flag} ${value}`;
}

function formatRange(range: SetOptions["range"]): string {
  if (range === undefined) return "";
  const text = (end: number | IPAddress): string => (typeof end === "number" ? `${end}` : formatAddress(end));
  return ` range ${text(range.from)}-${text(range.to)}`;
}

/** The options as `ipset save` prints them, each after a blank. */
export function formatSetOptions(set: IPSet): string {
  const { type, options } = set;
  const masks = `${numberWord("netmask", options.netmask)}${options.bitmask === undefined ? "" : ` bitmask ${formatAddress(options.bitmask)}`}`;
  // hash:ip and bitmap:ip had the mask from the start, others got it later
  const early = type === "hash:ip" || type === "bitmap:ip";
  return [
    options.family === undefined ? "" : ` family ${familyOf(set) === "IPv4" ? "inet" : "inet6"}`,
    options.markMask === undefined ? "" : ` markmask ${hex(options.markMask, 8)}`,
    formatRange(options.range),
    numberWord("hashsize", options.hashSize),
    numberWord("maxelem", options.maxElements),
    numberWord("size", options.size),
    early ? masks : "",
    numberWord("timeout", options.timeout),
    ...flags.map((flag) => (options[flag as "counters"] === true ? ` ${flag}` : "")),
    numberWord("bucketsize", options.bucketSize),
    options.initialValue === undefined ? "" : ` initval ${hex(options.initialValue, 8)}`,
    early ? "" : masks,
  ].join("");
}

/** The options of an element as `ipset save` prints them, each after a blank. */
export function formatElementOptions(element: SetElement): string {
  const { skb } = element;
  const wildcard = element.values.some((value) => value.kind === "iface" && value.wildcard);
  const mark = skb?.mark;
  const mask = mark === undefined || mark.mask === UINT32 ? "" : `/0x${mark.mask.toString(16)}`;
  const priority = skb?.priority;
  return [
    numberWord("timeout", element.timeout),
    element.nomatch === true ? " nomatch" : "",
    wildcard ? " wildcard" : "",
    element.packets === undefined ? "" : ` packets ${element.packets}`,
    element.bytes === undefined ? "" : ` bytes ${element.bytes}`,
    element.comment === undefined ? "" : ` comment "${element.comment}"`,
    mark === undefined ? "" : ` skbmark 0x${mark.value.toString(16)}${mask}`,
    priority === undefined ? "" : ` skbprio ${priority.major.toString(16)}:${priority.minor.toString(16)}`,
    numberWord("skbqueue", skb?.queue),
  ].join("");
}
