import type { IPAddress } from "../../net/ip.ts";
import type { NATRange } from "../../rules/iptables/targets/nat.ts";
import type { KnownTarget } from "../../rules/iptables/targets/registry.ts";
import type { ConntrackEntry } from "../entry.ts";
import type { RuleRef } from "../event.ts";
import type { Stop } from "../outcome.ts";
import { type Address, sameAddress } from "../packet.ts";
import { firstAddress, masqueradeAddress } from "../routing/masquerade.ts";
import type { Skb } from "../skb.ts";
import { currentRule, type Walk } from "../walk.ts";
import type { Range } from "./range.ts";
import { setupNAT } from "./setup.ts";

type NATTarget = Extract<KnownTarget, { kind: "DNAT" | "SNAT" | "MASQUERADE" | "REDIRECT" | "NETMAP" }>;

/** Carries out a NAT target on the packet's connection; a stop when the kernel finds no address. */
export function translate(walk: Walk, skb: Skb, target: NATTarget): Stop | undefined {
  const { entry } = skb;
  // nat chains are walked for tracked packets only
  if (entry === undefined) return undefined;
  switch (target.kind) {
    case "DNAT":
      setupNAT(walk, entry, rangeOf(target.range, target.random, target.persistent), "destination");
      return undefined;
    case "SNAT":
      setupNAT(walk, entry, rangeOf(target.range, target.random || target.randomFully, target.persistent), "source");
      return undefined;
    case "MASQUERADE":
      return masquerade(walk, skb, entry, target.ports, target.random || target.randomFully);
    case "REDIRECT":
      return redirect(walk, skb, entry, target.ports, target.random);
    case "NETMAP":
      netmap(walk, skb, entry, target.network.address, target.network.mask);
      return undefined;
  }
}

function raw(address: IPAddress): Address {
  return address.family === "IPv4" ? address.value : address.words;
}

function rangeOf(given: NATRange, random: boolean, persistent: boolean): Range {
  const { addresses, ports, basePort } = given;
  return {
    addresses: addresses === undefined ? undefined : { from: raw(addresses.from), to: raw(addresses.to) },
    ports,
    base: basePort,
    random,
    persistent,
  };
}

/** The range of one address. */
function rangeAt(address: Address, ports: Range["ports"], random: boolean): Range {
  return { addresses: { from: address, to: address }, ports, base: undefined, random, persistent: false };
}

function noAddress(walk: Walk, skb: Skb): Stop {
  return { kind: "dropped", cause: { kind: "no-address", rule: currentRule(walk, skb) as RuleRef } };
}

/** `nf_nat_masquerade_ipv4`, `_ipv6` (kernel-semantics §3.5) */
function masquerade(
  walk: Walk,
  skb: Skb,
  entry: ConntrackEntry,
  ports: Range["ports"],
  random: boolean,
): Stop | undefined {
  if (skb.family === "IPv4" && entry.original.src === 0) return undefined;
  const address = masqueradeAddress(walk, skb);
  if (address === undefined) return noAddress(walk, skb);
  if (!entry.confirmed) walk.state.set(entry, "masqueradeIndex", skb.outInterface?.index ?? 0);
  setupNAT(walk, entry, rangeAt(address, ports, random), "source");
  return undefined;
}

const LOOPBACK_V4 = 0x7f000001;
const LOOPBACK_V6: Address = [0, 0, 0, 1];

/** `nf_nat_redirect`: to this host, by the address of the interface that the packet came in by (kernel-semantics §3.4). */
function redirect(
  walk: Walk,
  skb: Skb,
  entry: ConntrackEntry,
  ports: Range["ports"],
  random: boolean,
): Stop | undefined {
  let address: Address | undefined;
  if (walk.hook === "OUTPUT") address = skb.family === "IPv4" ? LOOPBACK_V4 : LOOPBACK_V6;
  else if (skb.inInterface !== undefined) address = firstAddress(skb.inInterface, skb.family, skb.dst);
  if (address === undefined) return noAddress(walk, skb);
  setupNAT(walk, entry, rangeAt(address, ports, random), "destination");
  return undefined;
}

/** The bits of an address that a network's mask covers are replaced, the others stay. */
function mapped(address: Address, network: IPAddress, mask: IPAddress): Address {
  const word = (bits: number, net: number, m: number): number => ((bits & ~m) | (net & m)) >>> 0;
  if (typeof address === "number")
    return network.family === "IPv4" && mask.family === "IPv4" ? word(address, network.value, mask.value) : address;
  if (network.family !== "IPv6" || mask.family !== "IPv6") return address;
  const at = (i: 0 | 1 | 2 | 3): number => word(address[i], network.words[i], mask.words[i]);
  return [at(0), at(1), at(2), at(3)];
}

function netmap(walk: Walk, skb: Skb, entry: ConntrackEntry, network: IPAddress, mask: IPAddress): void {
  const destination = walk.hook === "PREROUTING" || walk.hook === "OUTPUT";
  const address = mapped(destination ? skb.dst : skb.src, network, mask);
  setupNAT(walk, entry, rangeAt(address, undefined, false), destination ? "destination" : "source");
}

/** Are two ends of a connection's tuples so that its own packets must be routed again (`nf_nat_ipv4_local_fn`)? */
export function destinationMoved(entry: ConntrackEntry, direction: number): boolean {
  return direction === 0
    ? !sameAddress(entry.original.dst, entry.reply.src)
    : !sameAddress(entry.reply.dst, entry.original.src);
}
