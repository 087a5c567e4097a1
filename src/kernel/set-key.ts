import type { IPFamily } from "../net/family.ts";
import type { IPAddress } from "../net/ip.ts";
import type { Dimension, Value } from "../rules/ipset/model.ts";
import { finish, mix } from "./hash.ts";
import type { Address } from "./packet.ts";

/**
 * One dimension of an element as a number or a text (`partKey`); of one dimension, equal ones are one and the same. What packets of
 * IPv4 ask is numbers, which cost nothing to make.
 */
export type KeyPart = number | string;

/** An element without its options, by dimension. */
export type SetKey = readonly KeyPart[];

const WORD = 2 ** 32;
const PORTS = 2 ** 16;
/** In place of a protocol number, where a set knows ports only. */
const NO_PROTOCOL = 256;

/** The parts of keys. */
export const partKey = {
  address: (address: Address): KeyPart => (typeof address === "number" ? address : address.join(".")),
  network: (address: Address, length: number): KeyPart =>
    typeof address === "number" ? length * WORD + address : `${address.join(".")}/${length}`,
  port: (protocol: number | undefined, port: number): KeyPart => (protocol ?? NO_PROTOCOL) * PORTS + port,
  interface: (name: string, wildcard: boolean): KeyPart => (wildcard ? `${name}+` : name),
} as const;

const addressOf = (ip: IPAddress): Address => (ip.family === "IPv4" ? ip.value : ip.words);

/** A value of an element as a part of its key. */
export function partOfValue(value: Value): KeyPart {
  switch (value.kind) {
    case "ip":
      return partKey.address(addressOf(value.address));
    case "net":
      return partKey.network(addressOf(value.address), value.length);
    case "port":
      return partKey.port(value.protocol, value.port);
    case "iface":
      return value.physdev ? `physdev ${value.name}` : partKey.interface(value.name, value.wildcard);
    case "mac":
      return value.mac;
    case "mark":
      return value.mark;
    case "set":
      return value.set;
  }
}

function addressOfPart(part: KeyPart): IPAddress {
  if (typeof part === "number") return { family: "IPv4", value: part };
  const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
  return { family: "IPv6", words: [a, b, c, d] };
}

function networkOfPart(part: KeyPart): Value {
  if (typeof part === "number")
    return { kind: "net", address: addressOfPart(part % WORD), length: Math.floor(part / WORD) };
  const [address = "", length] = part.split("/");
  return { kind: "net", address: addressOfPart(address), length: Number(length) };
}

/** A part of a key as the value it was made of. */
export function valueOfPart(dimension: Dimension, part: KeyPart): Value {
  switch (dimension) {
    case "ip":
      return { kind: "ip", address: addressOfPart(part) };
    case "net":
      return networkOfPart(part);
    case "port": {
      const [protocol, port] = [Math.floor(Number(part) / PORTS), Number(part) % PORTS];
      return protocol === NO_PROTOCOL ? { kind: "port", port } : { kind: "port", protocol, port };
    }
    case "iface": {
      const name = `${part}`;
      const wildcard = name.endsWith("+");
      return { kind: "iface", name: wildcard ? name.slice(0, -1) : name, physdev: false, wildcard };
    }
    case "mac":
      return { kind: "mac", mac: `${part}` };
    case "mark":
      return { kind: "mark", mark: Number(part) };
    case "set":
      return { kind: "set", set: `${part}` };
  }
}

/** A key as the values it was made of. */
export function valuesOfKey(dimensions: readonly Dimension[], key: SetKey): readonly Value[] {
  return key.map((part, i) => valueOfPart(dimensions[i] as Dimension, part));
}

/** The length of a prefix that holds one address. */
export const fullLength = (family: IPFamily): number => (family === "IPv4" ? 32 : 128);

/** Are two keys of one set the same? */
export function sameKey(a: SetKey, b: SetKey): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function mixPart(hash: number, part: KeyPart): number {
  if (typeof part === "number") return mix(mix(hash, part), part / WORD);
  let mixed = hash;
  for (let i = 0; i < part.length; i++) mixed = mix(mixed, part.charCodeAt(i));
  return mixed;
}

/** A 32-bit hash, signed, of a key. */
export function keyHash(key: SetKey): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = mixPart(hash, key[i] as KeyPart);
  return finish(hash);
}
