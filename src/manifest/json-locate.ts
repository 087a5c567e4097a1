import { isContainer, jsonChildren, valueEnd } from "./json-scan.ts";
import { answerAll, answerHere, type PathTree } from "./path.ts";

/** Answers the questions of a tree in one pass over the valid JSON value that begins at `offset`. */
export function locateJson(text: string, offset: number, end: number, tree: PathTree, key?: number): void {
  answerHere(tree, offset, key);
  if (tree.children.size === 0) return;
  for (const child of tree.children.values()) answerAll(child, offset);
  if (!isContainer(text, offset)) return;
  let open = tree.children.size;
  const seen: Set<string | number> = new Set();
  jsonChildren(text, offset, (step, keyOffset, value) => {
    const child = tree.children.get(step);
    if (child !== undefined) {
      locateJson(text, value, end, child, keyOffset);
      // the last of several equal keys wins, so an object is read to its end; a list need not be
      if (typeof step === "number" && !seen.has(step)) open--;
      seen.add(step);
      if (open === 0) return -1;
    }
    return valueEnd(text, value, end);
  });
}

/** Where the elements of the list `items` of a document begin: the index that makes many look-ups in a List cheap. */
export function itemOffsets(text: string, offset: number, end: number): readonly number[] {
  const offsets: number[] = [];
  if (!isContainer(text, offset)) return offsets;
  jsonChildren(text, offset, (step, _key, value) => {
    if (step !== "items" || text[value] !== "[") return valueEnd(text, value, end);
    offsets.length = 0;
    return jsonChildren(text, value, (_index, _none, item) => {
      offsets.push(item);
      return valueEnd(text, item, end);
    });
  });
  return offsets;
}
