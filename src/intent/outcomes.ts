import { type Clause, clauses } from "./clauses.ts";
import { type EndpointSet, endpointSet } from "./endpoint-set.ts";
import type { Whereabouts } from "./preference.ts";
import type { Failure, Outcome } from "./promise.ts";
import type { ServicePort } from "./service-port.ts";
import type { Usable } from "./usable.ts";

/** An outcome, and what says so. */
export interface Ruling {
  readonly outcome: Outcome;
  readonly clauses: readonly Clause[];
}

const EITHER: readonly Failure[] = ["dropped", "refused"];

function readiness({ by, doubtful }: Usable): readonly Clause[] {
  const chosen = by === "ready" ? clauses.ready : clauses.terminating;
  return doubtful ? [chosen, clauses.contradiction] : [chosen];
}

/** Every endpoint of the cluster may get the traffic; without any, connections are refused. */
export function anyEndpoint(port: ServicePort, where: Whereabouts, by: Clause): Ruling {
  const usable = port.anywhere();
  if (usable.set.endpoints.length === 0)
    return { outcome: { kind: "nobody", how: ["refused"] }, clauses: [by, clauses.noEndpoints] };
  const preferred = usable.by === "ready" ? port.preferred(where) : undefined;
  return {
    outcome: {
      kind: "endpoints",
      allowed: usable.set,
      ...(preferred === undefined ? {} : { preferred }),
      otherwise: usable.certain ? [] : EITHER,
    },
    clauses: [by, ...readiness(usable), ...(preferred === undefined ? [] : [clauses.hints])],
  };
}

/**
 * The node's own endpoints get the traffic. `without`: what becomes of it where the node has none and others have; where nobody
 * has any, the Service is one without endpoints as well, whose connections are refused.
 */
export function localEndpoint(port: ServicePort, node: string, without: readonly Failure[], by: Clause): Ruling {
  const usable = port.on(node);
  if (usable.set.endpoints.length === 0) {
    const elsewhere = port.anywhere().certain;
    return {
      outcome: { kind: "nobody", how: elsewhere ? without : EITHER },
      clauses: elsewhere ? [by] : [by, clauses.noEndpoints],
    };
  }
  return {
    outcome: { kind: "endpoints", allowed: usable.set, otherwise: usable.certain ? [] : EITHER },
    clauses: [by, ...readiness(usable)],
  };
}

const setOf = (outcome: Outcome): EndpointSet | undefined =>
  outcome.kind === "endpoints" ? outcome.allowed : undefined;

const failuresOf = (outcome: Outcome): readonly Failure[] =>
  outcome.kind === "endpoints" ? outcome.otherwise : outcome.kind === "nobody" ? outcome.how : [];

/** Either of two rulings about endpoints may be followed. */
export function eitherOf(one: Ruling, other: Ruling, by: Clause): Ruling {
  const sets = [one, other].map(({ outcome }) => setOf(outcome)?.endpoints ?? []);
  const allowed = endpointSet(sets.flat());
  const failures = [...new Set([...failuresOf(one.outcome), ...failuresOf(other.outcome)])];
  const both = [...new Set([...one.clauses, ...other.clauses])].filter((clause) => clause !== by);
  return {
    outcome:
      allowed.endpoints.length === 0
        ? { kind: "nobody", how: failures }
        : { kind: "endpoints", allowed, otherwise: failures },
    clauses: [...both, by],
  };
}

/** A ruling, or the packet is dropped. */
export function orDropped(ruling: Ruling, by: Clause): Ruling {
  return eitherOf(ruling, { outcome: { kind: "nobody", how: ["dropped"] }, clauses: [] }, by);
}

export const unsaid = (clause: Clause): Ruling => ({
  outcome: { kind: "unpromised", why: clause.says },
  clauses: [clause],
});

export const nobodysBusiness = (clause: Clause): Ruling => ({
  outcome: { kind: "none", why: clause.says },
  clauses: [clause],
});
