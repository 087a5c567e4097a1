import type { IPFamily } from "../../net/family.ts";
import { formatAddress, maskLength, parseAddress, parseMaskedAddress, parseNumber } from "../iptables/values.ts";
import { type Dimension, type IPSet, type Network, type SetType, setTypes, type Value } from "./model.ts";
import { formatPort, parsePort } from "./ports.ts";

const MAC = /^[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){5}$/;
const MAX_INTERFACE = 15;
const MAX_SET_NAME = 31;
const PHYSDEV = "physdev:";

function parseMac(text: string): Value | undefined {
  if (!MAC.test(text)) return undefined;
  const octets = text.split(":").map((octet) => octet.padStart(2, "0").toUpperCase());
  return { kind: "mac", mac: octets.join(":") };
}

function parseNetwork(text: string, family: IPFamily): Network | undefined {
  const network = parseMaskedAddress(text, family);
  const length = network === undefined ? undefined : maskLength(network.mask);
  return network === undefined || length === undefined ? undefined : { kind: "net", address: network.address, length };
}

function parseInterface(text: string): Value | undefined {
  const physdev = text.startsWith(PHYSDEV);
  const name = physdev ? text.slice(PHYSDEV.length) : text;
  return name === "" || name.length > MAX_INTERFACE ? undefined : { kind: "iface", name, physdev, wildcard: false };
}

function parseValue(text: string, dimension: Dimension, type: SetType, family: IPFamily): Value | undefined {
  switch (dimension) {
    case "ip": {
      const address = parseAddress(text, family);
      return address === undefined ? undefined : { kind: "ip", address };
    }
    case "net":
      return parseNetwork(text, family);
    case "port": {
      if (type !== "bitmap:port") return parsePort(text, family);
      const port = parseNumber(text, 65535);
      return port === undefined ? undefined : { kind: "port", port };
    }
    case "iface":
      return parseInterface(text);
    case "mac":
      return parseMac(text);
    case "mark": {
      const mark = parseNumber(text, 0xffffffff);
      return mark === undefined ? undefined : { kind: "mark", mark };
    }
    case "set":
      return text.length <= MAX_SET_NAME ? { kind: "set", set: text } : undefined;
  }
}

/** The parts of an element; `undefined` when one is missing, too many or cannot be read. */
export function parseValues(text: string, type: SetType, family: IPFamily): readonly Value[] | undefined {
  const dimensions: readonly Dimension[] = setTypes[type];
  const words = type === "list:set" ? [text] : text.split(",", dimensions.length + 1);
  // the hardware address of a bitmap:ip,mac may still be to learn
  const least = type === "bitmap:ip,mac" ? 1 : dimensions.length;
  if (words.length < least || words.length > dimensions.length) return undefined;
  const values: Value[] = [];
  for (const [i, word] of words.entries()) {
    const value = parseValue(word, dimensions[i] as Dimension, type, family);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function formatValue(value: Value): string {
  switch (value.kind) {
    case "ip":
      return formatAddress(value.address);
    case "net": {
      const full = value.address.family === "IPv4" ? 32 : 128;
      return value.length === full ? formatAddress(value.address) : `${formatAddress(value.address)}/${value.length}`;
    }
    case "port":
      return formatPort(value);
    case "iface":
      return value.physdev ? `${PHYSDEV}${value.name}` : value.name;
    case "mac":
      return value.mac;
    case "mark":
      return `0x${value.mark.toString(16).padStart(8, "0")}`;
    case "set":
      return value.set;
  }
}

/** The parts as `ipset save` prints them. */
export function formatValues(values: readonly Value[]): string {
  return values.map(formatValue).join(",");
}

/** The family of a set's addresses. */
export function familyOf({ options }: Pick<IPSet, "options">): IPFamily {
  return options.family ?? "IPv4";
}
