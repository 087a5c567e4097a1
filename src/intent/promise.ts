import type { Located } from "../manifest/object.ts";
import type { Service } from "../manifest/service.ts";
import type { Clause } from "./clauses.ts";
import type { EndpointSet } from "./endpoint-set.ts";

/** How a packet may fail to reach anybody. */
export type Failure =
  /** Somebody tells the sender: a reset, or ICMP's port unreachable. */
  | "refused"
  /** Nobody answers. */
  | "dropped";

/** What Kubernetes says becomes of a connection's first packet: a closed list. */
export type Outcome =
  /** Not a Service's business: it goes as it would go if there were no Services. */
  | { readonly kind: "none"; readonly why: string }
  /**
   * It comes to one of these endpoints and to nobody else; or it fails in one of the ways of `otherwise`, where the
   * documentation leaves that open. `preferred` is a part of them that the documentation asks implementations to
   * prefer and does not hold them to; absent where it names none.
   */
  | {
      readonly kind: "endpoints";
      readonly allowed: EndpointSet;
      readonly preferred?: EndpointSet;
      readonly otherwise: readonly Failure[];
    }
  /** It reaches nobody, and fails in one of these ways. */
  | { readonly kind: "nobody"; readonly how: readonly Failure[] }
  /** It comes to the node's own health check server, which answers so; `status` is absent where objects contradict each other. */
  | { readonly kind: "health-check"; readonly status?: 200 | 503 }
  /** The documentation does not say. */
  | { readonly kind: "unpromised"; readonly why: string };

/**
 * What an endpoint sees as the sender. `kept`: the client's own address; `rewritten`: another one; `free`: either. An endpoint
 * that calls itself through a Service is exempt: it could not tell its own answer from a request.
 */
export type SourcePromise = "kept" | "rewritten" | "free";

/** `ClientIP`: connections of one client address come to the same endpoint while no more than `seconds` pass between them. */
export type Affinity = { readonly kind: "None" } | { readonly kind: "ClientIP"; readonly seconds: number };

/** What Kubernetes promises about a packet. */
export interface KubernetesPromise {
  readonly outcome: Outcome;
  readonly source: SourcePromise;
  readonly affinity: Affinity;
  /** The node whose endpoints are local: the one that has the packet's destination, else the one that it comes to. */
  readonly at: string;
  /** The Service, and the index of its port in `spec.ports`; absent where no Service or several have to do with the packet. */
  readonly service?: Located<Service>;
  readonly port?: number;
  /** The sentences of the documentation that are at stake, the one that decides last. */
  readonly clauses: readonly Clause[];
}
