import { type Prefix, parsePrefix, prefixContains } from "../net/prefix.ts";
import { type Clause, clauses } from "./clauses.ts";
import type { OperatorFacts } from "./facts.ts";
import type { Frontend } from "./frontends.ts";
import type { PacketAtNode } from "./packet.ts";
import type { SourcePromise } from "./promise.ts";

/** What of the operator's choices decides about sources. */
export interface SourceFacts {
  readonly masqueradeAll: boolean;
  readonly podNetworks: readonly Prefix[];
}

/** Reads the networks of Pods. */
export function sourceFacts({ masqueradeAll, podNetworks }: OperatorFacts): SourceFacts {
  return { masqueradeAll, podNetworks: podNetworks.flatMap((text) => parsePrefix(text) ?? []) };
}

/** What an endpoint sees, and the clause that says so. */
export interface SourceRuling {
  readonly source: SourcePromise;
  readonly clause?: Clause;
}

const free: SourceRuling = { source: "free" };

/** A Pod that kube-proxy can know as one: by its address where networks are given. */
function isKnownPod({ from, source }: PacketAtNode, { podNetworks }: SourceFacts): boolean {
  if (from !== "pod") return false;
  if (podNetworks.length === 0) return true;
  return source !== undefined && podNetworks.some((network) => prefixContains(network, source));
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
