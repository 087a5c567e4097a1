import type { ConnbytesMatch } from "../../rules/iptables/matches/connbytes.ts";
import type { CPUMatch } from "../../rules/iptables/matches/cpu.ts";
import type { DevgroupMatch } from "../../rules/iptables/matches/devgroup.ts";
import type { MacMatch } from "../../rules/iptables/matches/mac.ts";
import type { RealmMatch } from "../../rules/iptables/matches/realm.ts";
import type { SocketMatch } from "../../rules/iptables/matches/socket.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { askUnknown } from "./not-modelled.ts";

/** `connbytes_mt`: false without an entry; what a connection has carried is not kept. */
export function connbytesMatches(walk: Walk, skb: Skb, _match: ConnbytesMatch): boolean {
  return skb.entry !== undefined && askUnknown(walk, skb, "-m connbytes holds for what the connection has carried");
}

/** `cpu_mt`: any processor may have the packet. */
export function cpuMatches(walk: Walk, skb: Skb, { cpu }: CPUMatch): boolean {
  return askUnknown(walk, skb, `processor ${cpu.value} works on the packet`) !== cpu.negated;
}

/** `devgroup_mt`: a host does not tell the groups of its interfaces. */
export function devgroupMatches(walk: Walk, skb: Skb, _match: DevgroupMatch): boolean {
  return askUnknown(walk, skb, "-m devgroup holds for the groups of the interfaces");
}

/** `mac_mt`: false, inverted or not, where there is no Ethernet header; a packet does not tell the one it came with. */
export function macMatches(walk: Walk, skb: Skb, { source }: MacMatch): boolean {
  if (skb.inInterface === undefined || skb.inInterface.loopback) return false;
  return askUnknown(walk, skb, `-m mac holds for a frame, the test being ${source.negated ? "! " : ""}${source.value}`);
}

/** `realm_mt`: a host does not tell the realms of its routes. */
export function realmMatches(walk: Walk, skb: Skb, { realm }: RealmMatch): boolean {
  return askUnknown(walk, skb, `the realm of the route is ${realm.value.value}`) !== realm.negated;
}

/** `socket_mt`: the sockets of a host are not known. */
export function socketMatches(walk: Walk, skb: Skb, _match: SocketMatch): boolean {
  return askUnknown(walk, skb, "-m socket finds a socket of this host");
}
