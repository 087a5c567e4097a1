import { isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode } from "yaml";
import { answerAll, answerHere, type PathTree } from "./path.ts";
import { floatKey, plainScalar } from "./yaml-scalar.ts";

/** The spelling of a key as the value reader gives it, without its complaints. */
function keyName(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  const text = key.source ?? "";
  if ((key.type !== undefined && key.type !== "PLAIN") || key.tag !== undefined) return text;
  const scalar = plainScalar(text);
  if (scalar.kind === "float") return floatKey(scalar.value);
  return scalar.kind === "null" ? undefined : String(scalar.value);
}

function anchorsOf(root: ParsedNode): ReadonlyMap<string, Node> {
  const anchors: Map<string, Node> = new Map();
  const visit = (node: unknown): void => {
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return;
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isMap(node)) for (const pair of node.items) visit(pair.value);
    else if (isSeq(node)) for (const item of node.items) visit(item);
  };
  visit(root);
  return anchors;
}

/**
 * Answers the questions of a tree from a parsed document whose text begins at `base` of the source. A path that runs
 * through an alias points at the anchored value; members that came in by a merge point at the map they merged into.
 */
export function locateYaml(root: ParsedNode, base: number, tree: PathTree): void {
  let anchors: ReadonlyMap<string, Node> | undefined;
  const descend = (found: unknown, below: PathTree, fallback: number, key: number | undefined): void => {
    let node = found;
    for (let hops = 0; isAlias(node) && hops < 100; hops++) {
      anchors ??= anchorsOf(root);
      node = anchors.get(node.source);
    }
    const range = (node as Node | null | undefined)?.range;
    const here = range === undefined || range === null ? fallback : base + range[0];
    answerHere(below, here, key);
    if (below.children.size === 0) return;
    for (const child of below.children.values()) answerAll(child, here);
    if (isMap(node)) {
      for (const pair of node.items) {
        const name = keyName(pair.key);
        const child = name === undefined ? undefined : below.children.get(name);
        if (child === undefined) continue;
        const keyOffset = base + ((pair.key as Node).range?.[0] ?? 0);
        descend(pair.value, child, keyOffset, keyOffset);
      }
    } else if (isSeq(node)) {
      for (const [step, child] of below.children) {
        if (typeof step === "number" && step < node.items.length) descend(node.items[step], child, here, undefined);
      }
    }
  };
  descend(root, tree, base, undefined);
}
