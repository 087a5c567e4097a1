import type { PathStep } from "./object.ts";

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;

/** A path as Kubernetes writes it: `spec.ports[1].port`; keys that are not names stand in brackets: `labels[a/b]`. */
export function fieldPath(path: readonly PathStep[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number" || !IDENTIFIER.test(step)) text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** Where in a member the caret goes: at its value, or at its key (an element of a list has none: its value). */
export type Anchor = "value" | "key";

/** A question for a position; `answer` is filled in by the reader of the format, as an offset in the source. */
export interface PathQuestion {
  readonly path: readonly PathStep[];
  readonly anchor: Anchor;
  answer: number;
}

/** Questions sorted into a tree, so that one pass over a document answers all of them. */
export interface PathTree {
  readonly here: PathQuestion[];
  readonly children: Map<PathStep, PathTree>;
}

/** Builds the tree of some questions; the first `skip` steps of each path are left out. */
export function pathTree(questions: Iterable<PathQuestion>, skip: number): PathTree {
  const root: PathTree = { here: [], children: new Map() };
  for (const question of questions) {
    let tree = root;
    for (let i = skip; i < question.path.length; i++) {
      const step = question.path[i] as PathStep;
      let child = tree.children.get(step);
      if (child === undefined) {
        child = { here: [], children: new Map() };
        tree.children.set(step, child);
      }
      tree = child;
    }
    tree.here.push(question);
  }
  return root;
}

/** Answers every question of a tree and below with one offset: the nearest ancestor that exists. */
export function answerAll(tree: PathTree, offset: number): void {
  for (const question of tree.here) question.answer = offset;
  for (const child of tree.children.values()) answerAll(child, offset);
}

/** Answers the questions that end here; `key` is where the member's key begins, if it has one. */
export function answerHere(tree: PathTree, value: number, key: number | undefined): void {
  for (const question of tree.here) question.answer = question.anchor === "key" ? (key ?? value) : value;
}
