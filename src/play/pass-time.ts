import { cleanConntrack } from "../assembly/clean-conntrack.ts";
import { type ChangedIPVS, hasTickWork, syncIPVS, tickIPVS } from "../assembly/ipvs-node.ts";
import { runIPVSTimers } from "../kernel/ipvs/timers.ts";
import type { HostState } from "../kernel/state.ts";
import { conntrackCleanup } from "../proxy/conntrack-cleanup.ts";
import { namesOn } from "./ipvs-names.ts";
import { type ProxyIPVS, proxyOn } from "./living-ipvs.ts";
import type { HappenedIPVS, NodeEntry } from "./sync.ts";
import type { World } from "./world.ts";

/** kube-proxy tries its list of terminating real servers so often (`rsCheckDeleteInterval`). */
const MINUTE = 60_000;

/** What nodes did of their own accord while time passed. */
export interface Passed {
  /** In the order of time. */
  readonly ipvs: readonly HappenedIPVS[];
  /** Entries that kube-proxy deleted in a pass without changes. */
  readonly deleted: readonly NodeEntry[];
}

/** The first moment behind `time` that lies whole periods behind `start`. */
const nextOf = (start: number, period: number, time: number): number =>
  start + (Math.floor((time - start) / period) + 1) * period;

/** When the list is tried next with an effect: at the next minute, or at the first one behind the end of a connection. */
function nextTick(host: HostState, { node, started }: ProxyIPVS): number {
  if (node.graceful.size === 0) return Number.POSITIVE_INFINITY;
  if (hasTickWork(host, node)) return nextOf(started, MINUTE, host.now);
  const { nextExpiry } = host.ipvs;
  return Number.isFinite(nextExpiry) ? nextOf(started, MINUTE, Math.max(host.now, nextExpiry)) : nextExpiry;
}

/** One node's way through time. */
class NodeTime {
  readonly #world: World;
  readonly #node: string;
  readonly #host: HostState;
  readonly ipvs: HappenedIPVS[] = [];
  readonly deleted: NodeEntry[] = [];

  constructor(world: World, node: string) {
    this.#world = world;
    this.#node = node;
    this.#host = world.state.of(node);
  }

  get #proxy(): ProxyIPVS {
    const { living, scene } = this.#world;
    return proxyOn(living, scene, this.#node);
  }

  #advance(time: number): void {
    if (time > this.#host.now) this.#host.advance(time - this.#host.now);
    runIPVSTimers(this.#host);
  }

  #note(cause: HappenedIPVS["cause"], { now, events, ended }: ChangedIPVS): boolean {
    const { living, scene } = this.#world;
    living.proxies.set(this.#node, { ...this.#proxy, node: now });
    if (events.length + ended.length === 0) return false;
    const names = namesOn(this.#node, scene);
    this.ipvs.push({ at: this.#host.now, node: this.#node, cause, names, events, ended });
    return true;
  }

  /** A pass without a change of objects; says whether it did something. */
  #sync(): boolean {
    const { scene, settings } = this.#world;
    const wanted = scene.ipvs(this.#node);
    let did = this.#note("period", syncIPVS(this.#host, this.#proxy.node, wanted));
    for (const { state } of wanted) {
      const same = { cluster: scene.cluster, state };
      const cleanup = conntrackCleanup(same, same, settings.mode);
      if (cleanup === undefined) continue;
      const gone = cleanConntrack(this.#host, state.family, cleanup);
      if (gone.length > 0) did = true;
      this.deleted.push(...gone.map((entry) => ({ node: this.#node, entry })));
    }
    return did;
  }

  /** Passes do the same again and again: those behind one that did nothing are left out until something else happens. */
  run(until: number): void {
    const period = Math.max(1, Math.round(this.#world.settings.config.syncPeriod / 1e6));
    let isIdle = false;
    let from = this.#host.now;
    this.#advance(from);
    for (;;) {
      const tick = nextTick(this.#host, this.#proxy);
      const pass = isIdle ? Number.POSITIVE_INFINITY : nextOf(this.#proxy.synced, period, from);
      const next = Math.min(tick, pass);
      if (next > until) break;
      this.#advance(next);
      from = next;
      if (
        tick === next &&
        this.#note("minute", tickIPVS(this.#host, this.#proxy.node, this.#world.scene.ipvs(this.#node)))
      )
        isIdle = false;
      const isDue = (next - this.#proxy.synced) % period === 0;
      if (isDue && !isIdle) isIdle = !this.#sync();
    }
    this.#advance(until);
  }
}

/**
 * Lets time pass on all nodes until this moment of the play. In ipvs mode each kube-proxy tries its list every minute from its start
 * (ipvs-mode §7.2), connections end in between, and it makes a pass after `syncPeriod` without one.
 */
export function passTime(world: World, until: number): Passed {
  const ipvs: HappenedIPVS[] = [];
  const deleted: NodeEntry[] = [];
  for (const node of world.scene.network.nodes) {
    const host = world.state.of(node);
    if (world.settings.mode !== "ipvs") {
      host.advance(until - host.now);
      continue;
    }
    const time = new NodeTime(world, node);
    time.run(until);
    ipvs.push(...time.ipvs);
    deleted.push(...time.deleted);
  }
  return { ipvs: ipvs.sort((a, b) => a.at - b.at), deleted };
}
