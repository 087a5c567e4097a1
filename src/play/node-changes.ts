import type { IPFamily } from "../net/family.ts";
import type { Scene } from "./scene.ts";

/** What kube-proxy writes beside virtual servers. */
export type Written = "rule" | "set entry" | "bound address";

/** How many rules of a Service came and went on some nodes; `kube-proxy` for what is no Service's. */
export interface NodeChange {
  readonly what: Written;
  readonly service: string;
  readonly family: IPFamily;
  readonly nodes: readonly string[];
  readonly added: number;
  readonly removed: number;
}

/** Things as a multiset: text → how often. */
type Multiset = Map<string, number>;

/** What a node has of one family, by what it is and the Service it is of. */
class Counted {
  readonly #found = new Map<string, { readonly what: Written; readonly service: string; readonly texts: Multiset }>();

  add(what: Written, port: { readonly namespace: string; readonly name: string } | undefined, text: string): void {
    const service = port === undefined ? "kube-proxy" : `${port.namespace}/${port.name}`;
    const key = `${what} ${service}`;
    const found = this.#found.get(key) ?? { what, service, texts: new Map() };
    this.#found.set(key, found);
    found.texts.set(text, (found.texts.get(text) ?? 0) + 1);
  }

  get(key: string): Multiset | undefined {
    return this.#found.get(key)?.texts;
  }

  entries(): Iterable<readonly [string, { readonly what: Written; readonly service: string }]> {
    return this.#found;
  }
}

function countedOn(scene: Scene, node: string, family: IPFamily): Counted {
  const counted = new Counted();
  for (const table of scene.compiled(node, family).tables)
    table.rules.forEach((rule, i) => {
      counted.add("rule", table.origin(i)?.decision?.port, `${table.name} ${JSON.stringify(rule)}`);
    });
  for (const { state, compiled } of scene.ipvs(node)) {
    if (state.family !== family) continue;
    for (const { name, entries } of compiled.sets)
      for (const { text, origin } of entries) counted.add("set entry", origin.decision?.port, `${name} ${text}`);
    for (const { text, origin } of compiled.addresses) counted.add("bound address", origin.decision?.port, text);
  }
  return counted;
}

/** How many elements of `a` are not in `b`. */
function surplus(a: Multiset | undefined, b: Multiset | undefined): number {
  let count = 0;
  for (const [text, times] of a ?? []) count += Math.max(0, times - (b?.get(text) ?? 0));
  return count;
}

/** What differs between two scenes on the nodes, by Service and family, nodes with the same numbers together. */
export function nodeChanges(before: Scene, after: Scene, families: readonly IPFamily[]): readonly NodeChange[] {
  const found = new Map<string, { -readonly [K in keyof NodeChange]: NodeChange[K] }>();
  const known = new Set(before.network.nodes);
  for (const family of families)
    for (const node of after.network.nodes.filter((name) => known.has(name))) {
      const [old, now] = [countedOn(before, node, family), countedOn(after, node, family)];
      for (const [of, { what, service }] of new Map([...old.entries(), ...now.entries()])) {
        const [was, is] = [old.get(of), now.get(of)];
        const [added, removed] = [surplus(is, was), surplus(was, is)];
        if (added === 0 && removed === 0) continue;
        const key = `${of} ${family} ${added} ${removed}`;
        const same = found.get(key);
        if (same === undefined) found.set(key, { what, service, family, nodes: [node], added, removed });
        else same.nodes = [...same.nodes, node];
      }
    }
  return [...found.values()];
}
