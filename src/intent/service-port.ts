import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import type { Service } from "../manifest/service.ts";
import type { IPFamily } from "../net/family.ts";
import { affinityOf } from "./affinity.ts";
import { type EndpointSet, type ListedEndpoint, listedEndpoints } from "./endpoint-set.ts";
import { preferredOf, type Whereabouts } from "./preference.ts";
import type { Affinity } from "./promise.ts";
import { isPromisedBy } from "./releases.ts";
import { type SourceRanges, sourceRangesOf } from "./source-ranges.ts";
import { onNode, type Usable, usableOf } from "./usable.ts";

/** One port of a Service in one family: what its promises are about. */
export interface ServicePort {
  readonly service: Located<Service>;
  /** Index in `spec.ports`. */
  readonly index: number;
  readonly family: IPFamily;
  readonly protocol: string;
  readonly affinity: Affinity;
  /** `ServiceSpec.externalTrafficPolicy` is Local. */
  readonly externalLocal: boolean;
  /** `ServiceSpec.internalTrafficPolicy` is Local. */
  readonly internalLocal: boolean;
  readonly ranges: SourceRanges;
  /** What slices say; read when it is first asked for. */
  readonly listed: () => readonly ListedEndpoint[];
  /** The endpoints of the whole cluster. */
  readonly anywhere: () => Usable;
  /** Those on one node. */
  readonly on: (node: string) => Usable;
  readonly preferred: (where: Whereabouts) => EndpointSet | undefined;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function byName<T>(make: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined || known.has(name)) return found as T;
    const made = make(name);
    known.set(name, made);
    return made;
  };
}

/** The port at `index` of a Service, with the slices that name the Service. */
export function servicePort(
  service: Located<Service>,
  index: number,
  family: IPFamily,
  slices: readonly EndpointSlice[],
  release: { readonly minor: number },
): ServicePort {
  const spec = service.value.spec ?? {};
  const port = spec.ports?.[index] ?? {};
  const protocol = port.protocol ?? "TCP";
  const fallback = isPromisedBy(release, "terminatingFallback");
  const publishNotReady = spec.publishNotReadyAddresses === true;
  const listed = once(() => listedEndpoints(slices, { family, name: port.name ?? "", protocol, publishNotReady }));
  const preferences = new Map<string, EndpointSet | undefined>();
  return {
    service,
    index,
    family,
    protocol,
    affinity: affinityOf(spec),
    externalLocal: spec.externalTrafficPolicy === "Local",
    internalLocal: spec.internalTrafficPolicy === "Local" && isPromisedBy(release, "internalTrafficPolicy"),
    ranges: sourceRangesOf(service.value),
    listed,
    anywhere: once(() => usableOf(listed(), fallback)),
    on: byName((node) => usableOf(onNode(listed(), node), fallback)),
    preferred: (where) => {
      if (!preferences.has(where.node)) preferences.set(where.node, preferredOf(listed(), where, release));
      return preferences.get(where.node);
    },
  };
}
