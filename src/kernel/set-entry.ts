import type { IPFamily } from "../net/family.ts";
import type { IPAddress } from "../net/ip.ts";
import { formatValues } from "../rules/ipset/elements.ts";
import type { Dimension, Value } from "../rules/ipset/model.ts";
import type { SetAnswer } from "./event.ts";
import type { Address } from "./packet.ts";
import type { IPSet } from "./sets.ts";

/** The address of a key (`partKey.address`). */
function addressOf(text: string): Address {
  const words = text.split(".");
  if (words.length === 1) return Number(text);
  const [a = 0, b = 0, c = 0, d = 0] = words.map(Number);
  return [a, b, c, d];
}

const ipOf = (address: Address): IPAddress =>
  typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };

const fullLength = (family: IPFamily): number => (family === "IPv4" ? 32 : 128);

/** One dimension of a key as a value; a network without its length, as packets have them, is a host. */
function valueOfKey(dimension: Dimension, text: string): Value {
  switch (dimension) {
    case "ip":
      return { kind: "ip", address: ipOf(addressOf(text)) };
    case "net": {
      const [address = "", length] = text.split("/");
      const ip = ipOf(addressOf(address));
      return { kind: "net", address: ip, length: length === undefined ? fullLength(ip.family) : Number(length) };
    }
    case "port": {
      const [protocol = "", port] = text.split(":");
      const number = Number(port);
      return protocol === ""
        ? { kind: "port", port: number }
        : { kind: "port", protocol: Number(protocol), port: number };
    }
    case "iface": {
      const wildcard = text.endsWith("+");
      return { kind: "iface", name: wildcard ? text.slice(0, -1) : text, physdev: false, wildcard };
    }
    case "mac":
      return { kind: "mac", mac: text };
    case "mark":
      return { kind: "mark", mark: Number(text) };
    case "set":
      return { kind: "set", set: text };
  }
}

/** What a set said, with entries as `ipset save` prints them behind `add NAME`. */
export interface SetWords {
  readonly set: string;
  readonly member?: string;
  readonly packet?: string;
  readonly entry?: string;
  readonly nomatch?: true;
  readonly refused?: string;
}

/** Tells the keys of an answer: nobody needs the texts of most answers, so they are not made before. */
export function setWords({ dimensions, packet, entry, refused, ...rest }: SetAnswer): SetWords {
  const text = (key: string): string => entryText({ dimensions }, key);
  return {
    ...rest,
    ...(packet === undefined ? {} : { packet: text(packet.join(" ")) }),
    ...(entry === undefined ? {} : { entry: text(entry) }),
    ...(refused === undefined ? {} : { refused: text(refused) }),
  };
}

/** An element by its key, as `ipset save` prints it behind `add NAME`; options but `wildcard` are not part of it. */
function entryText({ dimensions }: Pick<IPSet, "dimensions">, key: string): string {
  const parts = key.split(" ");
  const values = parts.map((part, i) => valueOfKey(dimensions[i] as Dimension, part));
  const wildcard = values.some((value) => value.kind === "iface" && value.wildcard);
  return `${formatValues(values)}${wildcard ? " wildcard" : ""}`;
}
