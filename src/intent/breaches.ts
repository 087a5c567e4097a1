import type { IPAddress } from "../net/ip.ts";
import { endpointKey } from "./endpoint-set.ts";
import type { Failure, KubernetesPromise, Outcome } from "./promise.ts";

/** What somebody saw become of a packet. */
export type Seen =
  /** It came to a socket or a Pod with this address and port. `source` is what is seen there, `itself`: the client is there. */
  | {
      readonly kind: "arrived";
      readonly ip: IPAddress;
      readonly port: number;
      readonly source: "kept" | "rewritten";
      readonly itself: boolean;
      /** Does its answer come back, from the address that was called? Absent where that is not known. */
      readonly answered?: boolean;
    }
  /** It came to the node's own socket, with the destination that it was sent to. */
  | { readonly kind: "node"; readonly node: string }
  /** It went on, to nobody known, with the destination that it was sent to. */
  | { readonly kind: "passed" }
  | { readonly kind: Failure };

/** A way in which something seen is not what was promised. */
export type Breach =
  /** A Service had to do with what is none of its business. */
  | "interfered"
  /** It came to somebody who is none of the allowed endpoints. */
  | "wrong endpoint"
  /** It came to somebody, and had to come to nobody. */
  | "let in"
  /** It came to nobody, and had to come to an endpoint. */
  | "not served"
  /** It was dropped and had to be refused. */
  | "dropped"
  /** It was refused and had to be dropped. */
  | "refused"
  /** It came to an endpoint whose answer does not come back. */
  | "no answer"
  | "source rewritten"
  | "source kept"
  /** The health check server was not reached. */
  | "no health check";

function failed(how: Failure, allowed: readonly Failure[]): readonly Breach[] {
  return allowed.includes(how) ? [] : [how];
}

function sourceBreach(seen: Seen & { kind: "arrived" }, { source }: KubernetesPromise): readonly Breach[] {
  if (seen.itself || source === "free" || source === seen.source) return [];
  return [seen.source === "kept" ? "source kept" : "source rewritten"];
}

/** To the client, a connection whose answers do not come back is as one that is dropped. */
function answerBreach({ answered }: Seen & { kind: "arrived" }, otherwise: readonly Failure[]): readonly Breach[] {
  return answered === false && !otherwise.includes("dropped") ? ["no answer"] : [];
}

function endpointBreach(
  seen: Seen,
  promise: KubernetesPromise,
  { allowed, otherwise }: Outcome & { kind: "endpoints" },
): readonly Breach[] {
  switch (seen.kind) {
    case "arrived":
      if (!allowed.keys.has(endpointKey(seen.ip, seen.port))) return ["wrong endpoint"];
      return [...sourceBreach(seen, promise), ...answerBreach(seen, otherwise)];
    case "refused":
    case "dropped":
      return otherwise.includes(seen.kind) ? [] : ["not served"];
    default:
      return ["not served"];
  }
}

/**
 * In what a thing seen is not what was promised; empty where it is. `likeNoService`: the packet went exactly as it would if there
 * were no Services, which is all that `none` asks for.
 */
export function breachesOf(promise: KubernetesPromise, seen: Seen, likeNoService: boolean): readonly Breach[] {
  const { outcome, at } = promise;
  switch (outcome.kind) {
    case "none":
      return likeNoService ? [] : ["interfered"];
    case "unpromised":
      return [];
    case "endpoints":
      return endpointBreach(seen, promise, outcome);
    case "nobody":
      return seen.kind === "refused" || seen.kind === "dropped" ? failed(seen.kind, outcome.how) : ["let in"];
    case "health-check":
      return seen.kind === "node" && seen.node === at ? [] : ["no health check"];
  }
}
