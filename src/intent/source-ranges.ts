import type { Service } from "../manifest/service.ts";
import type { IPAddress } from "../net/ip.ts";
import { type Prefix, parsePrefix, prefixContains } from "../net/prefix.ts";
import { isInternal, type PacketAtNode } from "./packet.ts";

/** `ServiceSpec.loadBalancerSourceRanges`, blanks around each trimmed as the API server does. */
export type SourceRanges =
  | { readonly kind: "everybody" }
  | { readonly kind: "only"; readonly ranges: readonly Prefix[] }
  /** An entry is no range, which the API server does not let in. */
  | { readonly kind: "unreadable" };

/** What a Service restricts its load balancer to. The old annotation says it to cloud providers only. */
export function sourceRangesOf({ spec }: Service): SourceRanges {
  const texts = spec?.loadBalancerSourceRanges ?? [];
  if (texts.length === 0) return { kind: "everybody" };
  const ranges = texts.flatMap((text) => parsePrefix(text.trim()) ?? []);
  return ranges.length < texts.length ? { kind: "unreadable" } : { kind: "only", ranges };
}

/** May a client come in? `undefined` where its address is not known, or the ranges cannot be read. */
export function isAdmitted(ranges: SourceRanges, client: IPAddress | undefined): boolean | undefined {
  if (ranges.kind === "everybody") return true;
  if (ranges.kind === "unreadable" || client === undefined) return undefined;
  return ranges.ranges.some((range) => prefixContains(range, client));
}

/**
 * What the ranges do to a packet. Those of clients inside the cluster never pass the load balancer: nothing is said of them when
 * they are outside of the ranges.
 */
export function restriction(ranges: SourceRanges, packet: PacketAtNode): "open" | "closed" | "unsaid" {
  const admitted = isAdmitted(ranges, packet.source);
  if (admitted === true) return "open";
  return admitted === false && !isInternal(packet) ? "closed" : "unsaid";
}
