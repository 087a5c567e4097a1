import { type EndpointSet, endpointSet, type ListedEndpoint } from "./endpoint-set.ts";
import { isPromisedBy } from "./releases.ts";

/** Where traffic is: the node, and the zone that its label `topology.kubernetes.io/zone` names. */
export interface Whereabouts {
  readonly node: string;
  readonly zone: string | undefined;
}

/** Those meant for a name, if every one says whom it is for: user documentation, Topology Aware Routing, safeguards. */
function meantFor(
  ready: readonly ListedEndpoint[],
  hintsOf: (endpoint: ListedEndpoint) => readonly string[],
  name: string | undefined,
): readonly ListedEndpoint[] {
  if (name === undefined || ready.some((each) => hintsOf(each).length === 0)) return [];
  return ready.filter((each) => hintsOf(each).includes(name));
}

/**
 * `EndpointHints`, `ServiceSpec.trafficDistribution`: of the ready endpoints, those meant for this node, else those meant for this
 * zone. The field is a hint, and no implementation has to keep to it. `undefined` where there is nothing to prefer.
 */
export function preferredOf(
  listed: readonly ListedEndpoint[],
  { node, zone }: Whereabouts,
  release: { readonly minor: number },
): EndpointSet | undefined {
  const ready = listed.filter((each) => each.certain && each.ready);
  if (ready.every((each) => each.zoneHints.length === 0 && each.nodeHints.length === 0)) return undefined;
  const nodes = isPromisedBy(release, "nodeHints") ? meantFor(ready, (each) => each.nodeHints, node) : [];
  const zones = isPromisedBy(release, "zoneHints") ? meantFor(ready, (each) => each.zoneHints, zone) : [];
  const chosen = nodes.length > 0 ? nodes : zones;
  return chosen.length === 0 ? undefined : endpointSet(chosen);
}
