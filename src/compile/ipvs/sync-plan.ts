import type { IPFamily } from "../../net/family.ts";
import { parsePrefix, prefixContains } from "../../net/prefix.ts";
import type { IPVSCommand, RealServerName } from "../../rules/ipvs/command.ts";
import type { IPVSTable, RealServer, VirtualServer, VirtualServerKey } from "../../rules/ipvs/model.ts";
import { familyOfKey, formatEnd, formatKey, schedulerName } from "../../rules/ipvs/spelling.ts";

/** A real server that gets no new connections and is to go when its last one has ended (`listItem`). */
export interface GracefulItem {
  readonly key: VirtualServerKey;
  readonly real: RealServerName;
}

/** What one kube-proxy waits for, by `gracefulName` (`graceTerminateRSList`); it lives in its memory only. */
export type GracefulList = ReadonlyMap<string, GracefulItem>;

/** A kube-proxy that has just started. */
export const emptyGracefulList: GracefulList = new Map();

/** What one pass wants of the node's virtual servers. */
export interface WantedServers {
  /** The virtual servers of this family that are there are compared with them, and no others. */
  readonly family: IPFamily;
  readonly virtualServers: readonly VirtualServer[];
  /** Networks in which no virtual server is deleted as stale. */
  readonly excludeCIDRs: readonly string[];
  /** The first pass of a kube-proxy that resets weights then (1.26 and later). */
  readonly resetsWeights?: boolean;
}

/** Requests in their order, and the list afterwards. */
export interface SyncPlan {
  readonly commands: readonly IPVSCommand[];
  readonly graceful: GracefulList;
}

const endOf = ({ address, port }: RealServerName): string => formatEnd(address, port);

/** The name of an item on the list (`GetUniqueRSName`). */
export function gracefulName(key: VirtualServerKey, real: RealServerName): string {
  return `${formatKey(key)} ${endOf(real)}`;
}

/** Every attribute that kube-proxy compares (`VirtualServer.Equal`): scheduler, flags, timeout. */
function isAsWanted(present: VirtualServer, wanted: VirtualServer): boolean {
  return (
    schedulerName(present) === schedulerName(wanted) &&
    present.schedulerFlags.join() === wanted.schedulerFlags.join() &&
    present.persistence?.timeout === wanted.persistence?.timeout &&
    present.onePacket === wanted.onePacket
  );
}

const alone = ({ realServers: _, ...server }: VirtualServer) => server;

/** UDP and SCTP real servers go at once (`IsRsGracefulTerminationNeeded`); a key without protocol is none of kube-proxy's. */
const TCP = 6;
const isGraceful = (key: VirtualServerKey): boolean => key.kind === "address" && key.protocol === TCP;

const connectionsOf = ({ connections }: RealServer): number =>
  connections === undefined ? 0 : connections.active + connections.inactive;

/** `deleteRsFunc`: what becomes of a real server that is there and is to go. */
function mayGo(key: VirtualServerKey, real: RealServer): boolean {
  return !isGraceful(key) || connectionsOf(real) === 0;
}

/** A real server as kube-proxy sends it, of a weight: masquerading, without thresholds (`toIPVSDestination`). */
const sent = ({ address, port }: RealServerName, weight: number): RealServer => ({
  address,
  port,
  method: "masquerade",
  weight,
  upper: 0,
  lower: 0,
});

/** One pass while it is planned. */
interface Pass {
  readonly commands: IPVSCommand[];
  readonly graceful: Map<string, GracefulItem>;
}

/** `GracefulDeleteRS` */
function gracefulDelete({ commands, graceful }: Pass, key: VirtualServerKey, real: RealServer): void {
  if (mayGo(key, real)) {
    commands.push({ kind: "delete-server", key, real });
    return;
  }
  commands.push({ kind: "edit-server", key, real: sent(real, 0) });
  graceful.set(gracefulName(key, real), { key, real: { address: real.address, port: real.port } });
}

/** The endpoints of a virtual server (`syncEndpoint`): those that are wanted are made, the others go. */
function planRealServers(pass: Pass, wanted: VirtualServer, present: readonly RealServer[], resets: boolean): void {
  const { commands, graceful } = pass;
  const { key } = wanted;
  const current = new Set(present.map(endOf));
  const heavy = resets ? present.filter(({ weight }) => weight !== 1) : [];
  for (const real of wanted.realServers) {
    if (current.has(endOf(real))) {
      // once for each real server of another weight, whichever this one is
      for (const _ of heavy) commands.push({ kind: "edit-server", key, real: sent(real, 1) });
      if (!graceful.delete(gracefulName(key, real))) continue;
      commands.push({ kind: "delete-server", key, real });
    }
    commands.push({ kind: "add-server", key, real: sent(real, 1) });
  }
  const ends = new Set(wanted.realServers.map(endOf));
  for (const real of present) {
    if (ends.has(endOf(real)) || graceful.has(gracefulName(key, real))) continue;
    gracefulDelete(pass, key, real);
  }
}

/** `isIPInExcludeCIDRs` */
function isExcluded({ excludeCIDRs }: WantedServers, key: VirtualServerKey): boolean {
  if (key.kind !== "address") return true;
  return excludeCIDRs.some((text) => {
    const prefix = parsePrefix(text.trim());
    return prefix !== undefined && prefixContains(prefix, key.address);
  });
}

/**
 * What a pass of kube-proxy in ipvs mode asks of the kernel (`syncService`, `syncEndpoint` and `cleanLegacyService` of
 * pkg/proxy/ipvs/proxier.go, `GracefulDeleteRS` and `MoveRSOutofGracefulDeleteList` of graceful_termination.go; ipvs-mode §7.1, §7.2,
 * §7.4). `present` is the table with its counts of connections. Virtual servers are gone through in the wanted order and
 * their real servers in that of the lists, where upstream walks maps.
 */
export function planSync(present: IPVSTable, graceful: GracefulList, wanted: WantedServers): SyncPlan {
  const pass: Pass = { commands: [], graceful: new Map(graceful) };
  const { commands } = pass;
  const known = new Map(present.virtualServers.map((server) => [formatKey(server.key), server]));
  for (const server of wanted.virtualServers) {
    const found = known.get(formatKey(server.key));
    if (found === undefined) commands.push({ kind: "add-service", server: alone(server) });
    else if (!isAsWanted(found, server)) commands.push({ kind: "edit-service", server: alone(server) });
    planRealServers(pass, server, found?.realServers ?? [], wanted.resetsWeights === true);
  }
  const active = new Set(wanted.virtualServers.map(({ key }) => formatKey(key)));
  for (const { key } of present.virtualServers) {
    if (familyOfKey(key) !== wanted.family || active.has(formatKey(key)) || isExcluded(wanted, key)) continue;
    commands.push({ kind: "delete-service", key });
  }
  return { commands, graceful: pass.graceful };
}

/**
 * What kube-proxy does every minute with its list (`tryDeleteRs`, ipvs-mode §7.2): a real server without connections is deleted, one
 * that is there no more is forgotten, all others stay.
 */
export function planTick(present: IPVSTable, graceful: GracefulList): SyncPlan {
  const commands: IPVSCommand[] = [];
  const left = new Map(graceful);
  const known = new Map(present.virtualServers.map((server) => [formatKey(server.key), server.realServers]));
  for (const [name, { key, real }] of graceful) {
    const found = known.get(formatKey(key))?.find((each) => endOf(each) === endOf(real));
    if (found !== undefined && !mayGo(key, found)) continue;
    left.delete(name);
    if (found !== undefined) commands.push({ kind: "delete-server", key, real });
  }
  return { commands, graceful: left };
}
