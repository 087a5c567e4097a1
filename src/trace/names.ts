import type { RuleRef } from "../kernel/event.ts";
import type { Address, Packet } from "../kernel/packet.ts";
import type { End } from "../network/end.ts";
import type { Way } from "../network/way.ts";

/** Why a rule is there. */
export interface RuleWhy {
  /** In words. */
  readonly reason: string;
  /** The object that decides it, the field, and where that is written (`FILE:LINE:COLUMN`). */
  readonly object?: string;
  readonly field?: string;
  readonly place?: string;
  /** What the rule is for, as a word for programs. */
  readonly kind?: string;
  /** What else is known of the object: an endpoint's conditions. */
  readonly note?: string;
  /** Who wrote it, where that is not kube-proxy. */
  readonly owner?: string;
}

/** What a trace is told with: the names behind addresses and rules. Each answer is `undefined` where nobody knows. */
export interface Names {
  /** Who has an address, which a port may tell where nothing else does: `Pod shop/web-1`, `node worker-1`. */
  readonly holder: (address: Address, port?: number) => string | undefined;
  /** What packets with this destination are for: `Service shop/api port http (ClusterIP)`. */
  readonly frontend: (packet: Pick<Packet, "dst" | "dport" | "protocol">) => string | undefined;
  /** Why a rule is on a node. */
  readonly why: (node: string, rule: RuleRef) => RuleWhy | undefined;
  /** Why a way ends as it does, whether that is meant, and what would change it; one line each. */
  readonly endWhy: (way: Pick<Way, "end" | "packet" | "legs">, sent: Packet) => readonly string[];
}

/** `Service shop/api, spec.clusterIPs, shop.yaml:14:3`, as far as it is known. */
export function whereText({ object, field, note, place, owner }: RuleWhy): string {
  return [owner === undefined ? undefined : `by ${owner}`, object, field, note, place]
    .filter((text) => text !== undefined)
    .join(", ");
}

/** Is this the end of a way that somebody's rule decided? Then that rule. */
export function decidingRule(end: End): RuleRef | undefined {
  if (end.kind === "rejected") return end.rule;
  return end.kind === "dropped" && end.cause.kind === "rule" ? end.cause.rule : undefined;
}
