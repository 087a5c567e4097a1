import { cleanConntrack } from "../assembly/clean-conntrack.ts";
import { restartIPVS } from "../assembly/ipvs-node.ts";
import { ipFamilies } from "../net/family.ts";
import { conntrackCleanup } from "../proxy/conntrack-cleanup.ts";
import { namesOn } from "./ipvs-names.ts";
import { proxyOn } from "./living-ipvs.ts";
import type { HappenedIPVS, NodeEntry, Synced } from "./sync.ts";
import type { World } from "./world.ts";

function restarted(world: World, node: string): readonly HappenedIPVS[] {
  const { living, scene, state, now } = world;
  const { node: before } = proxyOn(living, scene, node);
  const { now: after, events, ended } = restartIPVS(state.of(node), before, scene.ipvs(node));
  living.started.set(node, now);
  living.proxies.set(node, { node: after, started: now, synced: now });
  if (events.length + ended.length === 0) return [];
  return [{ at: now, node, cause: "change", names: namesOn(node, scene), events, ended }];
}

/**
 * Starts a node's kube-proxy anew: its rules are there already; in ipvs mode its list of terminating real servers is forgotten and its
 * minutes begin (ipvs-mode §7.2); all Services and endpoints are new to its clean-up of connections.
 */
export function restartProxy(world: World, node: string): Synced {
  const { scene, settings, state } = world;
  const ipvs = settings.mode === "ipvs" ? restarted(world, node) : [];
  const { cluster } = scene;
  const deleted: NodeEntry[] = [];
  for (const family of ipFamilies) {
    const is = scene.proxy(node, family);
    const nothing = { cluster: { ...cluster, services: [], endpointSlices: [] }, state: { ...is, ports: [] } };
    const cleanup = conntrackCleanup(nothing, { cluster, state: is }, settings.mode);
    if (cleanup === undefined) continue;
    deleted.push(...cleanConntrack(state.of(node), family, cleanup).map((entry) => ({ node, entry })));
  }
  return { rules: [], ipvs, deleted, flushed: [], left: [] };
}
