import type { ConntrackEntry } from "../kernel/entry.ts";
import { recentTable } from "../kernel/matches/recent-table.ts";
import { addressText, protocolText } from "../kernel/packet-text.ts";
import { ipFamilies } from "../net/family.ts";
import { sideText } from "./story.ts";
import type { World } from "./world.ts";

/** The protocol of an entry, as people write it. */
export const entryProtocol = ({ original }: ConntrackEntry): string => protocolText(original.protocol, original.family);

/** What an entry leads to: where its replies come from. */
export const leadsTo = ({ reply }: ConntrackEntry): string => sideText(reply, reply.src, reply.sport);

/** `udp 10.244.1.7:40000 -> 10.96.0.10:53 => 10.244.0.2:53`: the first packet, and where it was sent on to, if elsewhere. */
export function entryText(entry: ConntrackEntry): string {
  const { original, destinationChanged } = entry;
  const called = `${entryProtocol(entry)} ${sideText(original, original.src, original.sport)} -> ${sideText(original, original.dst, original.dport)}`;
  return destinationChanged ? `${called} => ${leadsTo(entry)}` : called;
}

/** A client that a node remembers the endpoint of. */
export interface AffinityEntry {
  readonly node: string;
  /** `NAMESPACE/NAME` and, for a named port, `:PORT` */
  readonly service: string;
  readonly client: string;
  readonly endpoint: string;
  /** Milliseconds for which it still holds; the kernel keeps entries that are over until something reaps them. */
  readonly left: number;
}

/** The affinity lists of a node that still hold, as its rules name them. */
export function affinityEntries(world: World, node: string): readonly AffinityEntry[] {
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
