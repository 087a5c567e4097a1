import type { Host } from "../../../src/kernel/host.ts";
import { makeHost, withRules as withHostRules, withVirtualServers } from "../../../src/kernel/make-host.ts";
import { makeSets } from "../../../src/kernel/sets.ts";
import type { IPFamily } from "../../../src/net/family.ts";
import type { IPSet } from "../../../src/rules/ipset/model.ts";
import type { Ruleset, Table } from "../../../src/rules/iptables/ruleset.ts";
import type { IPVSTable } from "../../../src/rules/ipvs/model.ts";

/** A node as operators see it: its host, and the sets as they were loaded. */
export interface Subject {
  readonly host: Host;
  readonly family: IPFamily;
  readonly sets: readonly IPSet[];
}

/** One fault at one place. */
export interface Fault {
  readonly operator: string;
  /** Where, and what it is there. */
  readonly place: string;
  /**
   * Chains (`nat KUBE-SERVICES`) of which a packet meets one before its way can differ; absent: any packet may meet the fault.
   */
  readonly chains?: ReadonlySet<string>;
  /** The node with the fault. */
  readonly host: () => Host;
}

/** All faults of one kind that a node can have. */
export interface Operator {
  readonly name: string;
  readonly faults: (subject: Subject) => Iterable<Fault>;
}

export const chainKey = (table: string, chain: string): string => `${table} ${chain}`;

/** The host with other rules of a family. */
export function withRules(host: Host, family: IPFamily, ruleset: Ruleset): Host {
  return withHostRules(host, { ...host.rules, [family]: ruleset });
}

/** The host with another table in place of the one of its name. */
export function withTable(host: Host, family: IPFamily, table: Table): Host {
  const ruleset = host.rules[family];
  return withRules(host, family, { ...ruleset, tables: new Map([...ruleset.tables, [table.name, table]]) });
}

/** The host with other sets. */
export const withSets = (host: Host, sets: readonly IPSet[]): Host => ({ ...host, sets: makeSets(sets) });

/** The host with other virtual servers. */
export const withServers = (host: Host, ipvs: IPVSTable): Host => withVirtualServers(host, ipvs);

/** The host, made again from a changed description: what changes is routed by. */
export const remade = (host: Host, change: Partial<Host>): Host => makeHost({ ...host, ...change }, host.sets);
