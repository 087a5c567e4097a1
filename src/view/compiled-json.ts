import { originField, originPath, type RuleOrigin, ruleKinds } from "../compile/iptables/provenance.ts";
import type { TableTree } from "../compile/iptables/table.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import { locate } from "../manifest/locate.ts";
import type { ObjectMeta } from "../manifest/meta.ts";
import type { Located } from "../manifest/object.ts";
import { formatRelease } from "../proxy/release.ts";
import { formatCommand, formatRule } from "../rules/iptables/format.ts";
import { placeColumn } from "../text/position.ts";
import type { FamilyResult } from "./family-result.ts";

type Owner = Located<{ readonly kind: string; readonly metadata?: ObjectMeta }>;

/** One rule of the JSON form. `rule` counts from 1 within its chain, as iptables numbers rules. */
interface RuleEntry {
  readonly chain: string;
  readonly rule: number;
  readonly text: string;
  readonly kind: string;
  readonly reason: string;
  readonly owner: string;
  readonly object?: string;
  readonly field?: string;
  readonly place?: string;
}

function ownerOf({ kind, decision, endpoint }: RuleOrigin, configuration: Owner | undefined): Owner | undefined {
  switch (ruleKinds[kind].owner) {
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

function placeOf(owner: Owner, origin: RuleOrigin): string {
  const { source, offset } = locate(owner.origin, originPath(origin));
  const { line, column } = placeColumn(source, offset);
  return `${source.name}:${line}:${column}`;
}

/** Remembers places, because the rules of a Service point at few fields. */
function placeFinder(): (owner: Owner, origin: RuleOrigin) => string {
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

function objectName({ value: { kind, metadata } }: Owner): string {
  return metadata === undefined ? kind : `${kind} ${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

function rulesOf(table: TableTree, configuration: Owner | undefined): RuleEntry[] {
  const numbers = new Map<string, number>();
  const findPlace = placeFinder();
  return table.rules.map((line, i) => {
    const number = (numbers.get(line.chain) ?? 0) + 1;
    numbers.set(line.chain, number);
    const origin = table.origin(i);
    if (origin === undefined) throw new Error(`rule ${i} of table ${table.name} has no origin`);
    const { owner, reason } = ruleKinds[origin.kind];
    const object = ownerOf(origin, configuration);
    const field = originField(origin);
    return {
      chain: line.chain,
      rule: number,
      text: formatRule(line),
      kind: origin.kind,
      reason,
      owner,
      ...(object !== undefined && { object: objectName(object) }),
      ...(field !== "" && { field }),
      ...(object !== undefined && { place: findPlace(object, origin) }),
    };
  });
}

/**
 * Every rule with the object and field behind it, as JSON of our own (`rulewalk/v1`). `written` stands in as the object
 * of rules that a setting makes. Chains and rules stand in the
 * order of the restore text. Ends with a line end.
 */
export function compiledJSON(results: readonly FamilyResult[], written?: Located<KubeProxyConfiguration>): string {
  const configuration: Owner | undefined =
    written === undefined ? undefined : { value: { kind: "KubeProxyConfiguration" }, origin: written.origin };
  const families = results.map(({ state, compiled }) => ({
    family: state.family,
    node: state.nodeName,
    mode: "iptables",
    release: formatRelease(state.release),
    commands: compiled.commands.map(formatCommand),
    tables: compiled.tables.map((table) => ({
      name: table.name,
      chains: table.chains.map((chain) => chain.name),
      rules: rulesOf(table, configuration),
    })),
    healthCheckNodePorts: Object.fromEntries(state.health),
  }));
  return `${JSON.stringify({ format: "rulewalk/v1", families }, undefined, 2)}\n`;
}
