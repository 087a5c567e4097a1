import { type Prefix, parsePrefix, prefixContains } from "../net/prefix.ts";
import { type Clause, clauses } from "./clauses.ts";
import type { OperatorFacts } from "./facts.ts";
import type { Frontend } from "./frontends.ts";
import type { PacketAtNode } from "./packet.ts";
import type { SourcePromise } from "./promise.ts";

/** What of the operator's choices decides about sources. */
export interface SourceFacts {
  readonly masqueradeAll: boolean;
  readonly knownPods: "all" | readonly Prefix[];
}

/** Reads the networks of Pods. */
export function sourceFacts({ masqueradeAll, knownPods }: OperatorFacts): SourceFacts {
  if (knownPods === "all") return { masqueradeAll, knownPods };
  return { masqueradeAll, knownPods: knownPods.flatMap((text) => parsePrefix(text.trim()) ?? []) };
}

/** What an endpoint sees, and the clause that says so. */
export interface SourceRuling {
  readonly source: SourcePromise;
  readonly clause?: Clause;
}

const free: SourceRuling = { source: "free" };

/** `KubeProxyConfiguration.detectLocalMode`: can a Pod's packet be told from one from outside? */
export function isKnownPod({ from, source }: PacketAtNode, { knownPods }: SourceFacts): boolean {
  if (from !== "pod" || knownPods === "all") return from === "pod";
  return source !== undefined && knownPods.some((network) => prefixContains(network, source));
}

/**
 * User documentation, Using Source IP: what a Pod sends to a cluster IP keeps its source, unless the operator says `masqueradeAll`.
 * `ServiceSpec.externalTrafficPolicy` Local keeps that of clients outside; Cluster may hide it. A process on a node
 * has no address of its own to keep.
 */
export function sourceRuling({ kind, port }: Frontend, packet: PacketAtNode, facts: SourceFacts): SourceRuling {
  if (kind === "ClusterIP") {
    if (packet.from !== "pod") return free;
    if (facts.masqueradeAll) return { source: "rewritten", clause: clauses.masqueradeAll };
    return isKnownPod(packet, facts) ? { source: "kept", clause: clauses.sourceKept } : free;
  }
  return packet.from === "outside" && port.externalLocal ? { source: "kept", clause: clauses.externalLocal } : free;
}
