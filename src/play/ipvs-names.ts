import { formatKey } from "../rules/ipvs/spelling.ts";
import type { Scene } from "./scene.ts";

/** The service ports of a node's virtual servers, by `formatKey`; where scenes differ the last one counts. */
export function namesOn(node: string, ...scenes: readonly Scene[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const scene of scenes) {
    if (!scene.network.nodes.includes(node)) continue;
    for (const { compiled } of scene.ipvs(node))
      for (const { server, origin } of compiled.servers) {
        const name = origin.decision?.port.nameString;
        if (name !== undefined) names.set(formatKey(server.key), name);
      }
  }
  return names;
}
