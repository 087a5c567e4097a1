import { originField, originPath, type RuleKind, type RuleOrigin } from "../compile/iptables/provenance.ts";
import type { TableTree } from "../compile/iptables/table.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import { locate } from "../manifest/locate.ts";
import type { ObjectMeta } from "../manifest/meta.ts";
import type { Located } from "../manifest/object.ts";
import { placeColumn } from "../text/position.ts";

export type Owner = Located<{ readonly kind: string; readonly metadata?: ObjectMeta }>;

/** What is needed of where something comes from, in any mode. */
export type AnyOrigin = Omit<RuleOrigin<string>, "kind">;

/** The object behind a rule, a set's entry or a server; `undefined` when it is kube-proxy's own doing. */
export function ownerOf({ facts, decision, endpoint }: AnyOrigin, configuration: Owner | undefined): Owner | undefined {
  switch (facts.owner) {
    case "Service":
      return decision?.port.service;
    case "EndpointSlice":
      return endpoint?.slice;
    case "KubeProxyConfiguration":
      return configuration;
    case "kube-proxy":
      return undefined;
  }
}

function placeOf(owner: Owner, origin: AnyOrigin): string {
  const { source, offset } = locate(owner.origin, originPath(origin));
  const { line, column } = placeColumn(source, offset);
  return `${source.name}:${line}:${column}`;
}

/** Gives `FILE:LINE:COLUMN` of the field behind an origin. */
export type PlaceFinder = (owner: Owner, origin: AnyOrigin) => string;

/** Remembers places, because the rules of a Service point at few fields. */
export function placeFinder(): PlaceFinder {
  const known = new Map<Owner, Map<string, string>>();
  return (owner, origin) => {
    const field = originField(origin);
    let places = known.get(owner);
    if (places === undefined) {
      places = new Map();
      known.set(owner, places);
    }
    let place = places.get(field);
    if (place === undefined) {
      place = placeOf(owner, origin);
      places.set(field, place);
    }
    return place;
  };
}

export function objectName({ value: { kind, metadata } }: Owner): string {
  return metadata === undefined ? kind : `${kind} ${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

/** The configuration as the object of rules that a setting makes; `undefined` when it is kube-proxy's defaults. */
export function configurationOwner(written: Located<KubeProxyConfiguration> | undefined): Owner | undefined {
  return written === undefined ? undefined : { value: { kind: "KubeProxyConfiguration" }, origin: written.origin };
}

/** Why a rule is there: in words, with the object and the field behind it, and where that is written. */
export interface RuleReason<Kind extends string = RuleKind> {
  readonly reason: string;
  readonly kind: Kind;
  readonly origin: RuleOrigin<Kind>;
  readonly object?: string;
  readonly field?: string;
  /** `FILE:LINE:COLUMN` */
  readonly place?: string;
}

/** What `findReason` is asked about: `number` counts from 1 within its chain. */
export interface RulePlace {
  readonly table: string;
  readonly chain: string;
  readonly number: number;
}

/** Finds the reason of a compiled rule; `undefined` for rules that kube-proxy did not write. Places are found when they are asked for. */
export function reasonFinder<Kind extends string>(
  compiled: { readonly tables: readonly TableTree<Kind>[] },
  written: Located<KubeProxyConfiguration> | undefined,
): (place: RulePlace) => RuleReason<Kind> | undefined {
  const configuration = configurationOwner(written);
  /** The lines of each chain, in order. */
  const lines = new Map<string, number[]>();
  for (const table of compiled.tables)
    table.rules.forEach(({ chain }, i) => {
      const key = `${table.name} ${chain}`;
      const known = lines.get(key);
      if (known === undefined) lines.set(key, [i]);
      else known.push(i);
    });
  const originOf = ({ table: name, chain, number }: RulePlace): RuleOrigin<Kind> | undefined => {
    const line = lines.get(`${name} ${chain}`)?.[number - 1];
    return line === undefined ? undefined : compiled.tables.find((table) => table.name === name)?.origin(line);
  };
  const findPlace = placeFinder();
  return (rule) => {
    const origin = originOf(rule);
    if (origin === undefined) return undefined;
    const owner = ownerOf(origin, configuration);
    const field = originField(origin);
    return {
      reason: origin.facts.reason,
      kind: origin.kind,
      origin,
      ...(owner !== undefined && { object: objectName(owner), place: findPlace(owner, origin) }),
      ...(field !== "" && { field }),
    };
  };
}
