import { listTemplates } from "../kernel/ipvs/listing.ts";
import { recentTable } from "../kernel/matches/recent-table.ts";
import { addressText, endpointText } from "../kernel/packet-text.ts";
import { ipFamilies } from "../net/family.ts";
import { formatKey } from "../rules/ipvs/spelling.ts";
import { namesOn } from "./ipvs-names.ts";
import { serverText } from "./ipvs-story.ts";
import type { World } from "./world.ts";

/** A client that a node remembers the endpoint of. */
export interface AffinityEntry {
  readonly node: string;
  /** `NAMESPACE/NAME` and, for a named port, `:PORT` */
  readonly service: string;
  readonly client: string;
  readonly endpoint: string;
  /** The virtual server that it holds for, in ipvs mode: each has its own. */
  readonly virtualServer?: string;
  /** Milliseconds for which it still holds; the kernel keeps entries that are over until something reaps them. */
  readonly left: number;
}

/** The lists of a node's `recent` matches that still hold, as its rules name them. */
function listEntries(world: World, node: string): readonly AffinityEntry[] {
  const state = world.state.of(node);
  const found = new Map<string, AffinityEntry>();
  for (const family of ipFamilies)
    for (const table of world.scene.compiled(node, family).tables)
      table.rules.forEach((_, i) => {
        const origin = table.origin(i);
        const { decision, endpoint } = origin ?? {};
        const seconds = decision?.port.affinitySeconds;
        const list = origin?.kind === "affinity" ? nameOfList(table.rules[i]?.options ?? []) : undefined;
        if (list === undefined || decision === undefined || endpoint === undefined || seconds === undefined) return;
        for (const { family: of, address, stamps } of recentTable(state, list)) {
          const left = (stamps.at(-1) ?? 0) + seconds * 1000 - state.now;
          if (of !== family || left < 0) continue;
          const entry = {
            node,
            service: decision.port.nameString,
            client: addressText(address),
            endpoint: endpoint.text,
            left,
          };
          found.set(`${list} ${entry.client}`, entry);
        }
      });
  return [...found.values()];
}

function nameOfList(
  options: readonly { readonly flag: string; readonly args: readonly unknown[] }[],
): string | undefined {
  const name = options.find(({ flag }) => flag === "--name")?.args[0];
  return typeof name === "string" ? name : undefined;
}

/** The templates of a node's virtual servers that still hold (ipvs-mode §9.5). */
function templateEntries(world: World, node: string): readonly AffinityEntry[] {
  const { scene, state: states } = world;
  const host = scene.network.node(node)?.host;
  if (host === undefined) return [];
  const state = states.of(node);
  const names = namesOn(node, scene);
  return listTemplates(host, state).map(({ client, destination, expires, key }) => ({
    node,
    service: names.get(formatKey(key)) ?? "",
    client: addressText(client),
    endpoint: endpointText(destination.address, destination.port),
    virtualServer: serverText(key),
    left: Math.max(0, expires - state.now),
  }));
}

/** The clients whose endpoint a node remembers, in the way of its mode. */
export function affinityEntries(world: World, node: string): readonly AffinityEntry[] {
  return world.settings.mode === "ipvs" ? templateEntries(world, node) : listEntries(world, node);
}
