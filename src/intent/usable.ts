import { type EndpointSet, endpointSet, type ListedEndpoint } from "./endpoint-set.ts";

/** The endpoints that traffic may come to. */
export interface Usable {
  readonly set: EndpointSet;
  /** False where it is not certain that there is one at all. */
  readonly certain: boolean;
  /** `ready`: ready ones; `terminating`: there are none, and those that terminate and serve stand in. */
  readonly by: "ready" | "terminating";
  /** Some of them are only there by one of several readings of the objects. */
  readonly doubtful: boolean;
}

/**
 * `EndpointConditions.ready`, and KEP-1669: ready endpoints get the traffic; where there are none, those that terminate and still
 * serve, in releases that promise so. What is not certain may be among them or not.
 */
export function usableOf(listed: readonly ListedEndpoint[], terminatingFallback: boolean): Usable {
  const certain = listed.filter((each) => each.certain);
  const doubtful = listed.filter((each) => !each.certain);
  const ready = certain.filter((each) => each.ready);
  const leaving = terminatingFallback ? certain.filter((each) => each.serving && each.terminating) : [];
  const chosen = ready.length > 0 ? ready : leaving;
  return {
    set: endpointSet([...chosen, ...doubtful]),
    certain: chosen.length > 0,
    by: ready.length > 0 || leaving.length === 0 ? "ready" : "terminating",
    doubtful: doubtful.length > 0,
  };
}

/** `Endpoint.nodeName`: the endpoints on a node. */
export function onNode(listed: readonly ListedEndpoint[], node: string): readonly ListedEndpoint[] {
  return listed.filter((each) => each.node === node);
}
