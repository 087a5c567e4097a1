import type { Dimension } from "../../rules/ipset/model.ts";
import type { SetDirection } from "../../rules/iptables/matches/set.ts";
import { prefixMask } from "../../rules/iptables/values.ts";
import type { Address } from "../packet.ts";
import { elementOf, hasNetwork, type IPSet, lengthsOf, partKey, type StoredElement, setPort } from "../sets.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { maskedBits } from "./address.ts";

/**
 * What a packet has for one dimension: the keys under which an element may stand, in the order in which they are tried.
 * `none`: nothing that the set could hold; `unknown`: something that is not known, in words.
 */
export type Part =
  | { readonly kind: "keys"; readonly keys: readonly string[]; readonly length?: number }
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly what: string };

const none: Part = { kind: "none" };
const one = (key: string): Part => ({ kind: "keys", keys: [key] });
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
  return set.dimensions.map((dimension, i) => partOf(walk, skb, set, dimension, i, directions[i] === "src"));
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
      return one(`${(skb.mark & (set.options.markMask ?? 0xffffffff)) >>> 0}`);
    case "mac":
      return macPart(skb);
    case "set":
      return none;
  }
}

function addressPart(skb: Skb, { options }: IPSet, address: Address): Part {
  const { netmask, bitmask } = options;
  const mask = bitmask ?? (netmask === undefined ? undefined : prefixMask(skb.family, netmask));
  return one(partKey.address(mask === undefined ? address : maskedBits(address, mask)));
}

/** Every prefix length in use, longest first (`mtype_test_cidrs`). */
function networkPart(walk: Walk, skb: Skb, set: IPSet, dimension: number, address: Address): Part {
  if (set.options.netmask !== undefined || set.options.bitmask !== undefined)
    return { kind: "unknown", what: "a set of networks with a mask of its own" };
  const lengths = lengthsOf(walk.state, set, dimension);
  const network = (length: number): string =>
    partKey.network(maskedBits(address, prefixMask(skb.family, length)), length);
  // what SET adds or removes has the longest length in use
  return { kind: "keys", keys: lengths.map(network), length: lengths[0] ?? (skb.family === "IPv4" ? 32 : 128) };
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
  return one(partKey.port(bitmap ? undefined : protocol, port));
}

/** The name, then every beginning of it that an element may have as a wildcard. */
function interfacePart(skb: Skb, set: IPSet, source: boolean): Part {
  if (set.hasPhysdev) return { kind: "unknown", what: "a port of a bridge" };
  const name = (source ? skb.inInterface : skb.outInterface)?.name ?? "";
  if (name === "") return none;
  const keys = [partKey.interface(name, false)];
  for (let end = name.length; end > 0; end--) keys.push(partKey.interface(name.slice(0, end), true));
  return { kind: "keys", keys };
}

/** Only what came in an Ethernet frame has hardware addresses, and a packet does not tell them. */
function macPart({ inInterface }: Skb): Part {
  return inInterface === undefined || inInterface.loopback
    ? none
    : { kind: "unknown", what: "the hardware address of the frame" };
}

/** Something the packet's parts do not tell. */
export function unknownPart(parts: readonly Part[]): string | undefined {
  for (const part of parts) if (part.kind === "unknown") return part.what;
  return undefined;
}

/**
 * The first element under the parts' keys, those of the first dimension in the outer loop, for which `accept` has an answer
 * that is not `undefined`.
 */
export function firstElement<T>(
  walk: Walk,
  set: IPSet,
  parts: readonly Part[],
  accept: (key: string, element: StoredElement) => T | undefined,
  dimension = 0,
  before = "",
): T | undefined {
  const part = parts[dimension];
  if (part === undefined) {
    const element = elementOf(walk.state, set, before);
    return element === undefined ? undefined : accept(before, element);
  }
  if (part.kind !== "keys") return undefined;
  for (const key of part.keys) {
    const found = firstElement(walk, set, parts, accept, dimension + 1, dimension === 0 ? key : `${before} ${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * As `firstElement` in a `hash:net,iface`: the longest prefix that has the network, with whatever interface, ends the search
 * (the kernel's `multi` in `mtype_test_cidrs`), unless `accept` refused an element there.
 */
export function firstOfInterface<T>(
  walk: Walk,
  set: IPSet,
  parts: readonly Part[],
  accept: (key: string, element: StoredElement) => T | undefined,
): T | undefined {
  const [networks, interfaces] = parts;
  if (networks?.kind !== "keys" || interfaces?.kind !== "keys") return undefined;
  for (const network of networks.keys) {
    let refused = false;
    for (const name of interfaces.keys) {
      const key = `${network} ${name}`;
      const element = elementOf(walk.state, set, key);
      const found = element === undefined ? undefined : accept(key, element);
      if (found !== undefined) return found;
      refused ||= element !== undefined;
    }
    if (!refused && hasNetwork(walk.state, set, network)) return undefined;
  }
  return undefined;
}
