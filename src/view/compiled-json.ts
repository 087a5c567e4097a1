import { originField } from "../compile/iptables/provenance.ts";
import type { TableTree } from "../compile/iptables/table.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import { formatRelease } from "../proxy/release.ts";
import { formatCommand, formatRule } from "../rules/iptables/format.ts";
import type { FamilyResult } from "./family-result.ts";
import {
  type AnyOrigin,
  configurationOwner,
  type Owner,
  objectName,
  ownerOf,
  type PlaceFinder,
  placeFinder,
} from "./rule-reasons.ts";

/** Why something is there, as JSON. */
export interface ReasonEntry {
  readonly reason: string;
  readonly owner: string;
  readonly object?: string;
  readonly field?: string;
  readonly place?: string;
}

/** One rule of the JSON form. `rule` counts from 1 within its chain, as iptables numbers rules. */
interface RuleEntry extends ReasonEntry {
  readonly chain: string;
  readonly rule: number;
  readonly text: string;
  readonly kind: string;
}

/** The reason, object, field and place behind an origin. */
export function reasonEntry(origin: AnyOrigin, configuration: Owner | undefined, findPlace: PlaceFinder): ReasonEntry {
  const { owner, reason } = origin.facts;
  const object = ownerOf(origin, configuration);
  const field = originField(origin);
  return {
    reason,
    owner,
    ...(object !== undefined && { object: objectName(object) }),
    ...(field !== "" && { field }),
    ...(object !== undefined && { place: findPlace(object, origin) }),
  };
}

/** The rules of a table in their order, each with its reason. */
export function ruleEntries<Kind extends string>(
  table: TableTree<Kind>,
  configuration: Owner | undefined,
): readonly RuleEntry[] {
  const numbers = new Map<string, number>();
  const findPlace = placeFinder();
  return table.rules.map((line, i) => {
    const number = (numbers.get(line.chain) ?? 0) + 1;
    numbers.set(line.chain, number);
    const origin = table.origin(i);
    if (origin === undefined) throw new Error(`rule ${i} of table ${table.name} has no origin`);
    return {
      chain: line.chain,
      rule: number,
      text: formatRule(line),
      kind: origin.kind,
      ...reasonEntry(origin, configuration, findPlace),
    };
  });
}

/**
 * Every rule with the object and field behind it, as JSON of our own (`rulewalk/v1`). `written` stands in as the object
 * of rules that a setting makes. Chains and rules stand in the
 * order of the restore text. Ends with a line end.
 */
export function compiledJSON(results: readonly FamilyResult[], written?: Located<KubeProxyConfiguration>): string {
  const configuration = configurationOwner(written);
  const families = results.map(({ state, compiled }) => ({
    family: state.family,
    node: state.nodeName,
    mode: "iptables",
    release: formatRelease(state.release),
    commands: compiled.commands.map(formatCommand),
    tables: compiled.tables.map((table) => ({
      name: table.name,
      chains: table.chains.map((chain) => chain.name),
      rules: ruleEntries(table, configuration),
    })),
    healthCheckNodePorts: Object.fromEntries(state.health),
  }));
  return `${JSON.stringify({ format: "rulewalk/v1", families }, undefined, 2)}\n`;
}
