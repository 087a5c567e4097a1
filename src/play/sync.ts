import { cleanConntrack } from "../assembly/clean-conntrack.ts";
import { type ChangedIPVS, syncIPVS } from "../assembly/ipvs-node.ts";
import { listEntries, removeEntry } from "../kernel/conntrack/table.ts";
import type { ConntrackEntry } from "../kernel/entry.ts";
import { forgetRecentLists } from "../kernel/matches/recent-table.ts";
import { endpointText } from "../kernel/packet-text.ts";
import type { HostState } from "../kernel/state.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import type { NetworkNode } from "../network/network.ts";
import { conntrackCleanup } from "../proxy/conntrack-cleanup.ts";
import type { ProxyState } from "../proxy/state.ts";
import { namesOn } from "./ipvs-names.ts";
import { proxyOn } from "./living-ipvs.ts";
import { type NodeChange, nodeChanges } from "./node-changes.ts";
import { leadsElsewhere } from "./node-state.ts";
import type { Scene } from "./scene.ts";
import type { World } from "./world.ts";

/** An entry of a node's connection table. */
export interface NodeEntry {
  readonly node: string;
  readonly entry: ConntrackEntry;
}

/** What a kube-proxy did to its node's ip_vs, and when: milliseconds of the play. */
export interface HappenedIPVS extends Pick<ChangedIPVS, "events" | "ended"> {
  readonly at: number;
  readonly node: string;
  /** A change of objects, the minute's try of the list, or `syncPeriod` without a pass. */
  readonly cause: "change" | "minute" | "period";
  /** The service ports of its virtual servers (`namesOn`). */
  readonly names: ReadonlyMap<string, string>;
}

/** What a change of objects did on the nodes. */
export interface Synced {
  readonly rules: readonly NodeChange[];
  /** What kube-proxies asked of ip_vs, in ipvs mode; nodes where nothing happened are left out. */
  readonly ipvs: readonly HappenedIPVS[];
  /** Entries that kube-proxy's clean-up deleted. */
  readonly deleted: readonly NodeEntry[];
  /** Entries that the kernel dropped because the interface whose address they are masqueraded by is gone. */
  readonly flushed: readonly NodeEntry[];
  /** Living entries that still lead to what was an endpoint before and is none now. */
  readonly left: readonly NodeEntry[];
}

/** Families that some Service of the two scenes has an address of. */
function familiesOf(...scenes: readonly Scene[]): readonly IPFamily[] {
  return ipFamilies.filter((family) =>
    scenes.some((scene) => scene.network.nodes.some((node) => scene.proxy(node, family).ports.length > 0)),
  );
}

/**
 * Interfaces get their numbers anew with each scene: entries keep theirs by name. Those of an interface that is gone are
 * dropped, as the kernel does when a device goes down (`masq_device_event`).
 */
function carryInterfaces(state: HostState, before: NetworkNode, after: NetworkNode): ConntrackEntry[] {
  const names = new Map(before.host.interfaces.map(({ index, name }) => [index, name]));
  const flushed: ConntrackEntry[] = [];
  for (const entry of listEntries(state)) {
    if (entry.masqueradeIndex === 0) continue;
    const index = after.host.byName.get(names.get(entry.masqueradeIndex) ?? "")?.index;
    if (index !== undefined) state.set(entry, "masqueradeIndex", index);
    else {
      removeEntry(state, entry);
      flushed.push(entry);
    }
  }
  return flushed;
}

function endpointTexts({ ports }: ProxyState): Set<string> {
  return new Set(ports.flatMap(({ port, known }) => known.map(({ text }) => `${port.protocol} ${text}`)));
}

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [6, "TCP"],
  [17, "UDP"],
  [132, "SCTP"],
]);

/** Entries that lead to an endpoint of before that is none now. */
function leadingNowhere(state: HostState, before: ProxyState, after: ProxyState): ConntrackEntry[] {
  const [was, is] = [endpointTexts(before), endpointTexts(after)];
  return listEntries(state).filter((entry) => {
    const { original, reply } = entry;
    const to = `${PROTOCOLS.get(original.protocol)} ${endpointText(reply.src, reply.sport)}`;
    return leadsElsewhere(entry) && original.family === after.family && was.has(to) && !is.has(to);
  });
}

/** Nodes whose kube-proxies make their passes, in ipvs mode: each from what it has made so far. */
function syncProxies(before: Scene, after: Scene, world: LivingWorld): HappenedIPVS[] {
  const { state, living, now } = world;
  const known = new Set(before.network.nodes);
  return after.network.nodes.flatMap((node) => {
    const host = state.of(node);
    if (!known.has(node) && !living.started.has(node)) living.started.set(node, now);
    const proxy = proxyOn(living, known.has(node) ? before : after, node);
    const changed = syncIPVS(host, proxy.node, after.ipvs(node));
    living.proxies.set(node, { ...proxy, node: changed.now, synced: now });
    const { events, ended } = changed;
    if (events.length + ended.length === 0) return [];
    return [{ at: now, node, cause: "change" as const, names: namesOn(node, before, after), events, ended }];
  });
}

/** What of a play a change of objects touches. */
export type LivingWorld = Pick<World, "settings" | "state" | "living" | "now">;

/**
 * Puts every node from one scene into the next: the new rules replace the old ones at once, connections and lists live on, virtual
 * servers are changed bit by bit, and kube-proxy cleans up behind. Nodes that are new begin with nothing at this time of
 * the play.
 */
export function sync(before: Scene, after: Scene, world: LivingWorld): Synced {
  const { state, now, settings } = world;
  const families = familiesOf(before, after);
  const found: Readonly<Record<"deleted" | "flushed" | "left", NodeEntry[]>> = { deleted: [], flushed: [], left: [] };
  const known = new Set(before.network.nodes);
  for (const node of after.network.nodes) {
    const host = state.of(node);
    if (host.now < now) host.advance(now - host.now);
  }
  const ipvs = settings.mode === "ipvs" ? syncProxies(before, after, world) : [];
  for (const node of after.network.nodes) {
    const host = state.of(node);
    if (!known.has(node) || (host.entries.size === 0 && host.ofName.size === 0)) continue;
    const [old, next] = [before.network.node(node), after.network.node(node)];
    if (old === undefined || next === undefined) continue;
    const of = (entry: ConntrackEntry): NodeEntry => ({ node, entry });
    found.flushed.push(...carryInterfaces(host, old, next).map(of));
    forgetRecentLists(host, next.host.rules);
    for (const family of families) {
      const [was, is] = [before.proxy(node, family), after.proxy(node, family)];
      const synced = [
        { cluster: before.cluster, state: was },
        { cluster: after.cluster, state: is },
      ] as const;
      const cleanup = conntrackCleanup(...synced, settings.mode);
      if (cleanup !== undefined) found.deleted.push(...cleanConntrack(host, family, cleanup).map(of));
      found.left.push(...leadingNowhere(host, was, is).map(of));
    }
  }
  return { rules: nodeChanges(before, after, families), ipvs, ...found };
}
