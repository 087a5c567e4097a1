import type { CompiledIptables } from "../compile/iptables/compile.ts";
import type { IPFamily } from "../net/family.ts";
import type { Scene } from "./scene.ts";

/** How many rules of a Service came and went on some nodes; `kube-proxy` for rules that are no Service's. */
export interface RuleChange {
  readonly service: string;
  readonly family: IPFamily;
  readonly nodes: readonly string[];
  readonly added: number;
  readonly removed: number;
}

/** Rules of each Service as a multiset: text → how often. */
type Multiset = Map<string, number>;

function rulesByService({ tables }: CompiledIptables): ReadonlyMap<string, Multiset> {
  const found = new Map<string, Multiset>();
  for (const table of tables)
    table.rules.forEach((rule, i) => {
      const port = table.origin(i)?.decision?.port;
      const service = port === undefined ? "kube-proxy" : `${port.namespace}/${port.name}`;
      const rules = found.get(service) ?? new Map<string, number>();
      found.set(service, rules);
      const text = `${table.name} ${JSON.stringify(rule)}`;
      rules.set(text, (rules.get(text) ?? 0) + 1);
    });
  return found;
}

/** How many elements of `a` are not in `b`. */
function surplus(a: Multiset | undefined, b: Multiset | undefined): number {
  let count = 0;
  for (const [text, times] of a ?? []) count += Math.max(0, times - (b?.get(text) ?? 0));
  return count;
}

/** The rules that differ between two scenes, by Service and family, nodes with the same numbers together. */
export function ruleChanges(before: Scene, after: Scene, families: readonly IPFamily[]): readonly RuleChange[] {
  const found = new Map<string, { -readonly [K in keyof RuleChange]: RuleChange[K] }>();
  const known = new Set(before.network.nodes);
  for (const family of families)
    for (const node of after.network.nodes.filter((name) => known.has(name))) {
      const [old, now] = [before, after].map((scene) => rulesByService(scene.compiled(node, family)));
      for (const service of new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])) {
        const [was, is] = [old?.get(service), now?.get(service)];
        const [added, removed] = [surplus(is, was), surplus(was, is)];
        if (added === 0 && removed === 0) continue;
        const key = `${service} ${family} ${added} ${removed}`;
        const same = found.get(key);
        if (same === undefined) found.set(key, { service, family, nodes: [node], added, removed });
        else same.nodes = [...same.nodes, node];
      }
    }
  return [...found.values()];
}
