import type { ParsedNode } from "yaml";
import type { Place, Source } from "../text/diagnostic.ts";
import { itemOffsets, locateJson } from "./json-locate.ts";
import type { Origin, PathStep } from "./object.ts";
import { answerAll, type PathQuestion, type PathTree, pathTree } from "./path.ts";
import { parseYaml } from "./yaml-document.ts";
import { locateYaml } from "./yaml-locate.ts";

/** The list elements of a JSON document, kept because a List is asked about many times. */
const items: WeakMap<Source, Map<number, readonly number[]>> = new WeakMap();

/** The last parsed YAML document of a source; its tree is large, so memory may be taken back at any time. */
const trees: WeakMap<Source, { readonly offset: number; readonly contents: WeakRef<ParsedNode> }> = new WeakMap();

function itemsOf(origin: Origin): readonly number[] {
  const { source, offset, end } = origin;
  let documents = items.get(source);
  if (documents === undefined) {
    documents = new Map();
    items.set(source, documents);
  }
  let offsets = documents.get(offset);
  if (offsets === undefined) {
    offsets = itemOffsets(source.text, offset, end);
    documents.set(offset, offsets);
  }
  return offsets;
}

function treeOf(origin: Origin): ParsedNode | undefined {
  const { source, offset, end } = origin;
  const kept = trees.get(source);
  const contents = kept?.offset === offset ? kept.contents.deref() : undefined;
  if (contents !== undefined) return contents;
  const document = parseYaml(source.text.slice(offset, end));
  if ("fault" in document || document.contents === null) return undefined;
  trees.set(source, { offset, contents: new WeakRef(document.contents) });
  return document.contents;
}

/** Answers questions about one document in one pass; paths begin at the document. */
export function locateAll(origin: Origin, questions: readonly PathQuestion[]): void {
  const { source, offset, end, format } = origin;
  for (const question of questions) question.answer = offset;
  if (questions.length === 0) return;
  if (format === "json") {
    locateJson(source.text, offset, end, pathTree(questions, 0));
    return;
  }
  const tree: PathTree = pathTree(questions, 0);
  const contents = treeOf(origin);
  if (contents === undefined) answerAll(tree, offset);
  else locateYaml(contents, offset, tree);
}

/**
 * The place of the value at a path of an object (its origin's own path is added in front), or of its nearest ancestor
 * that exists. Many calls for the members of one List cost little each.
 */
export function locate(origin: Origin, path: readonly PathStep[]): Place {
  const { source, offset, end, format } = origin;
  const question: PathQuestion = { path: [...origin.path, ...path], anchor: "value", answer: offset };
  const [first, index] = question.path;
  const item = format === "json" && first === "items" && typeof index === "number" ? itemsOf(origin)[index] : undefined;
  if (item === undefined) locateAll(origin, [question]);
  else locateJson(source.text, item, end, pathTree([question], 2));
  return { source, offset: question.answer };
}
