import type { NotModelled } from "../kernel/chooser.ts";
import type { Outcome } from "../kernel/outcome.ts";
import type { Address } from "../kernel/packet.ts";

type OnHost<K extends Outcome["kind"]> = Extract<Outcome, { kind: K }> & { readonly node: string };

/** Where a packet's way through the network ends: a closed list (decision 10 of the design). */
export type End =
  /** In a Pod with a network of its own, which has the destination address. */
  | { readonly kind: "pod"; readonly node: string; readonly pod: string }
  /** At a socket of a node, of its own or of a Pod on its network; whether one is open there is not looked at. */
  | { readonly kind: "host"; readonly node: string }
  /** With somebody outside; `node` is the one that it left the network by, with the interface, absent when it never entered. */
  | { readonly kind: "outside"; readonly node?: string; readonly outInterface?: string }
  /** Sent on, and nobody has the address (`address`: of the next hop or the destination). */
  | { readonly kind: "nobody"; readonly node?: string; readonly address: Address; readonly why: string }
  | OnHost<"dropped">
  | OnHost<"rejected">
  | OnHost<"no-route">
  /** In a circle on one node, or from node to node. */
  | OnHost<"stuck">
  | { readonly kind: "unknown"; readonly node?: string; readonly what: NotModelled };

/** Has the packet come to somebody who can answer it? */
export function hasArrived(end: End): end is Extract<End, { kind: "pod" | "host" | "outside" }> {
  return end.kind === "pod" || end.kind === "host" || end.kind === "outside";
}
