import type { CompiledIPVS } from "../compile/ipvs/compile.ts";
import {
  emptyGracefulList,
  type GracefulList,
  planSync,
  planTick,
  type SyncPlan,
  type WantedServers,
} from "../compile/ipvs/sync-plan.ts";
import { ipvsTraitsOf } from "../compile/ipvs/traits.ts";
import { runIPVSCommands } from "../kernel/ipvs/commands.ts";
import { countedTable } from "../kernel/ipvs/counted-table.ts";
import type { Connection } from "../kernel/ipvs/model.ts";
import { settleIPVS } from "../kernel/ipvs/services.ts";
import type { HostState } from "../kernel/state.ts";
import type { ProxyState } from "../proxy/state.ts";
import type { IPVSTable } from "../rules/ipvs/model.ts";
import { type IPVSEvent, ipvsEvents } from "./ipvs-events.ts";
import { ipvsSwitches } from "./node-rules.ts";

/** One family of a node in ipvs mode: what kube-proxy decides, and what it wants. */
export interface FamilyIPVS {
  readonly state: ProxyState;
  readonly compiled: CompiledIPVS;
}

/** The ip_vs of a node as it is configured, and the real servers that its kube-proxy waits for. */
export interface NodeIPVS {
  readonly table: IPVSTable;
  readonly graceful: GracefulList;
}

/** What kube-proxy did to a node's ip_vs. */
export interface ChangedIPVS {
  readonly now: NodeIPVS;
  readonly events: readonly IPVSEvent[];
  /** Connections that ended because their real server is there no more, the oldest first; no templates. */
  readonly ended: readonly Connection[];
}

/** The node after the first pass of a kube-proxy that found no virtual servers. */
export function firstIPVS(families: readonly FamilyIPVS[]): NodeIPVS {
  const timeouts = families.find(({ compiled }) => compiled.table.timeouts !== undefined)?.compiled.table.timeouts;
  return {
    table: {
      virtualServers: families.flatMap(({ compiled }) => compiled.table.virtualServers),
      ...(timeouts === undefined ? {} : { timeouts }),
    },
    graceful: emptyGracefulList,
  };
}

const plainConnections = ({ ipvs }: HostState): readonly Connection[] =>
  ipvs.connections
    .all()
    .filter(({ isTemplate }) => !isTemplate)
    .sort((a, b) => a.id - b.id);

function carryOut(
  host: HostState,
  families: readonly FamilyIPVS[],
  { table, graceful }: NodeIPVS,
  plan: (present: IPVSTable, list: GracefulList, family: FamilyIPVS) => SyncPlan,
): ChangedIPVS {
  let now: NodeIPVS = { table, graceful };
  const events: IPVSEvent[] = [];
  const before = plainConnections(host);
  for (const family of families) {
    const present = countedTable(now.table, host);
    const { commands, graceful: list } = plan(present, now.graceful, family);
    events.push(...ipvsEvents(commands, present));
    const changed = runIPVSCommands(host, now.table, ipvsSwitches(family.compiled), commands);
    now = { table: changed, graceful: list };
  }
  // writing the rules takes kube-proxy longer than the kernel needs to end what a deletion left behind
  settleIPVS(host);
  const left = new Set(plainConnections(host));
  return { now, events, ended: before.filter((connection) => !left.has(connection)) };
}

/** What a pass wants of a family; a first one resets weights in releases that do so. */
function wantedOf({ state, compiled }: FamilyIPVS, isFirst: boolean): WantedServers {
  return {
    family: state.family,
    virtualServers: compiled.table.virtualServers,
    excludeCIDRs: state.ipvs.excludeCIDRs,
    resetsWeights: isFirst && ipvsTraitsOf(state.release).resetsWeights,
  };
}

/** A pass of kube-proxy over both families (ipvs-mode §7.1, §7.4): the kernel's state lives on. */
export function syncIPVS(host: HostState, before: NodeIPVS, wanted: readonly FamilyIPVS[]): ChangedIPVS {
  return carryOut(host, wanted, before, (present, list, family) => planSync(present, list, wantedOf(family, false)));
}

/** The first pass of a kube-proxy that finds what one before it has made. */
export function restartIPVS(host: HostState, before: NodeIPVS, wanted: readonly FamilyIPVS[]): ChangedIPVS {
  return carryOut(host, wanted, { ...before, graceful: emptyGracefulList }, (present, list, family) =>
    planSync(present, list, wantedOf(family, true)),
  );
}

/** What kube-proxy tries every minute (ipvs-mode §7.2). */
export function tickIPVS(host: HostState, before: NodeIPVS, families: readonly FamilyIPVS[]): ChangedIPVS {
  // the lists of both families are one here, as their names differ
  return carryOut(host, families.slice(0, 1), before, planTick);
}

/** Would `tickIPVS` do something now? */
export function hasTickWork(host: HostState, { table, graceful }: NodeIPVS): boolean {
  return planTick(countedTable(table, host), graceful).graceful.size < graceful.size;
}
