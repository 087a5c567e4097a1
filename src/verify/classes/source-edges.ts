import { wayTo } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import type { IPFamily } from "../../net/family.ts";
import { likenessEdges } from "../edges.ts";
import { addressOfNumber } from "../field.ts";
import type { Side } from "./space.ts";

/**
 * `edges`, and where the source that a host chooses changes between them: in IPv6 by how much of the destination it is like
 * (RFC 6724, rule 8).
 */
export function sourceEdges(sides: readonly Side[], family: IPFamily, edges: readonly bigint[]): readonly bigint[] {
  if (family === "IPv4") return edges;
  const found = new Set(edges);
  for (const { host } of sides) {
    const state = new HostState();
    const all = [...new Set([...edges, ...likenessEdges(host)])].sort((a, b) => (a < b ? -1 : 1));
    let before = "";
    for (const edge of all) {
      const way = wayTo(host, state, family, addressOfNumber(edge, family));
      const chosen =
        way.kind === "unicast" || way.kind === "local" ? `${way.device.name} ${String(way.source)}` : way.kind;
      if (chosen !== before) found.add(edge);
      before = chosen;
    }
  }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}
