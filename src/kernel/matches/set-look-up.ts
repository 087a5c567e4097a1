import type { Dimension } from "../../rules/ipset/model.ts";
import type { SetDirection } from "../../rules/iptables/matches/set.ts";
import { prefixMask } from "../../rules/iptables/values.ts";
import type { Address } from "../packet.ts";
import type { StoredElement } from "../set-elements.ts";
import { type KeyPart, partKey, type SetKey } from "../set-key.ts";
import { elementOf, hasNetwork, type IPSet, lengthsOf, setPort } from "../sets.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { maskedBits } from "./address.ts";

/**
 * What a packet has for one dimension: the one part of a key under which an element may stand, or `several`, in the order in which
 * they are tried. `none`: nothing that the set could hold; `unknown`: something that is not known, in words.
 */
export type Part =
  | KeyPart
  | { readonly kind: "several"; readonly keys: readonly KeyPart[]; readonly length?: number }
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly what: string };

const none: Part = { kind: "none" };
const TCP = 6;
const UDP = 17;
/** TCP, UDP, SCTP, UDP-Lite, ICMP: what a later fragment of these has is not known to the kernel either. */
const NO_FRAGMENTS: readonly number[] = [6, 17, 132, 136, 1, 58];

/** The parts of a packet for all dimensions of a set; `undefined` when the packet cannot be in it. */
export function packetParts(
  walk: Walk,
  skb: Skb,
  set: IPSet,
  directions: readonly SetDirection[],
): readonly Part[] | undefined {
  if (directions.length < set.dimensions.length) return undefined;
  if (set.family !== undefined && set.family !== skb.family) return undefined;
  const { dimensions } = set;
  const parts = new Array<Part>(dimensions.length);
  for (let i = 0; i < parts.length; i++)
    parts[i] = partOf(walk, skb, set, dimensions[i] as Dimension, i, directions[i] === "src");
  return parts;
}

const isPlain = (part: Part): part is KeyPart => typeof part !== "object";

/** The key, where every dimension has one part. */
export function onlyKey(parts: readonly Part[]): SetKey | undefined {
  for (let i = 0; i < parts.length; i++) if (!isPlain(parts[i] as Part)) return undefined;
  return parts as SetKey;
}

/** The parts of a dimension that are tried; none where the set can hold nothing for it. */
export function partsTried(part: Part | undefined): readonly KeyPart[] {
  if (part === undefined) return [];
  if (isPlain(part)) return [part];
  return part.kind === "several" ? part.keys : [];
}

function partOf(walk: Walk, skb: Skb, set: IPSet, dimension: Dimension, index: number, source: boolean): Part {
  switch (dimension) {
    case "ip":
      return addressPart(skb, set, source ? skb.src : skb.dst);
    case "net":
      return networkPart(walk, skb, set, index, source ? skb.src : skb.dst);
    case "port":
      return portPart(skb, set, source);
    case "iface":
      return interfacePart(skb, set, source);
    case "mark":
      return (skb.mark & (set.options.markMask ?? 0xffffffff)) >>> 0;
    case "mac":
      return macPart(skb);
    case "set":
      return none;
  }
}

function addressPart(skb: Skb, { options }: IPSet, address: Address): Part {
  const { netmask, bitmask } = options;
  const mask = bitmask ?? (netmask === undefined ? undefined : prefixMask(skb.family, netmask));
  return partKey.address(mask === undefined ? address : maskedBits(address, mask));
}

/** Every prefix length in use, longest first (`mtype_test_cidrs`). */
function networkPart(walk: Walk, skb: Skb, set: IPSet, dimension: number, address: Address): Part {
  if (set.options.netmask !== undefined || set.options.bitmask !== undefined)
    return { kind: "unknown", what: "a set of networks with a mask of its own" };
  const lengths = lengthsOf(walk.state, set, dimension);
  const network = (length: number): KeyPart =>
    partKey.network(maskedBits(address, prefixMask(skb.family, length)), length);
  // what SET adds or removes has the longest length in use
  return { kind: "several", keys: lengths.map(network), length: lengths[0] ?? (skb.family === "IPv4" ? 32 : 128) };
}

/** `ip_set_get_ip_port`: a set of ports alone knows TCP and UDP only, and takes them for the same. */
function portPart(skb: Skb, set: IPSet, source: boolean): Part {
  const { protocol } = skb;
  if (skb.fragmentOffset !== 0 && NO_FRAGMENTS.includes(protocol)) return none;
  const bitmap = set.type === "bitmap:port";
  if (bitmap && protocol !== TCP && protocol !== UDP) return none;
  const choice = source ? skb.sportChoice : skb.dportChoice;
  if (choice !== undefined) {
    return { kind: "unknown", what: `a port that the kernel drew from ${choice.from}-${choice.to}` };
  }
  const port = setPort(protocol, source ? skb.sport : skb.dport, (skb.icmpType << 8) | skb.icmpCode);
  return partKey.port(bitmap ? undefined : protocol, port);
}

/** The name, then every beginning of it that an element may have as a wildcard. */
function interfacePart(skb: Skb, set: IPSet, source: boolean): Part {
  if (set.hasPhysdev) return { kind: "unknown", what: "a port of a bridge" };
  const name = (source ? skb.inInterface : skb.outInterface)?.name ?? "";
  if (name === "") return none;
  const keys = [partKey.interface(name, false)];
  for (let end = name.length; end > 0; end--) keys.push(partKey.interface(name.slice(0, end), true));
  return { kind: "several", keys };
}

/** Only what came in an Ethernet frame has hardware addresses, and a packet does not tell them. */
function macPart({ inInterface }: Skb): Part {
  return inInterface === undefined || inInterface.loopback
    ? none
    : { kind: "unknown", what: "the hardware address of the frame" };
}

/** Something the packet's parts do not tell. */
export function unknownPart(parts: readonly Part[]): string | undefined {
  for (const part of parts) if (!isPlain(part) && part.kind === "unknown") return part.what;
  return undefined;
}

/** Says something about an element that was found, or lets the search go on. */
type Accept<T> = (element: StoredElement) => T | undefined;

/**
 * The first element under the parts' keys, those of the first dimension in the outer loop, for which `accept` has an answer
 * that is not `undefined`. `before`: the parts of the dimensions before.
 */
export function firstElement<T>(
  walk: Walk,
  set: IPSet,
  parts: readonly Part[],
  accept: Accept<T>,
  before: SetKey = [],
): T | undefined {
  if (before.length === parts.length) {
    const element = elementOf(walk.state, set, before);
    return element === undefined ? undefined : accept(element);
  }
  for (const part of partsTried(parts[before.length])) {
    const found = firstElement(walk, set, parts, accept, [...before, part]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * As `firstElement` in a `hash:net,iface`: the longest prefix that has the network, with whatever interface, ends the search
 * (the kernel's `multi` in `mtype_test_cidrs`), unless `accept` refused an element there.
 */
export function firstOfInterface<T>(walk: Walk, set: IPSet, parts: readonly Part[], accept: Accept<T>): T | undefined {
  const [networks, interfaces] = parts;
  for (const network of partsTried(networks)) {
    let refused = false;
    for (const name of partsTried(interfaces)) {
      const element = elementOf(walk.state, set, [network, name]);
      const found = element === undefined ? undefined : accept(element);
      if (found !== undefined) return found;
      refused ||= element !== undefined;
    }
    if (!refused && hasNetwork(walk.state, set, network)) return undefined;
  }
  return undefined;
}
