import { skipBlank, stringEnd, stringValue } from "./json-scan.ts";
import type { PathStep } from "./object.ts";

/** A member whose name stood in the same object before; `offset` is where the later key begins. */
export interface DuplicateKey {
  readonly path: readonly PathStep[];
  readonly offset: number;
}

interface Frame {
  /** The names seen so far in an object; `undefined` for a list. */
  readonly names: Set<string> | undefined;
  step: PathStep;
}

/** Deepest path that is spelled out; keys further down are still found, with the path cut there. */
const SPELLED = 64;

/** All repeated member names of a valid JSON value, in the order of the text, without recursion. */
export function jsonDuplicates(text: string, offset: number, end: number): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  const stack: Frame[] = [];
  for (let at = offset; at < end; at++) {
    const top = stack.at(-1);
    switch (text[at]) {
      case "{":
        stack.push({ names: new Set(), step: "" });
        break;
      case "[":
        stack.push({ names: undefined, step: 0 });
        break;
      case "}":
      case "]":
        stack.pop();
        break;
      case ",":
        if (top !== undefined && typeof top.step === "number") top.step++;
        break;
      case '"': {
        const behind = stringEnd(text, at);
        if (behind < 0) return found;
        if (top?.names !== undefined && text[skipBlank(text, behind)] === ":") {
          const name = stringValue(text, at, behind);
          top.step = name;
          if (top.names.has(name)) found.push({ path: stack.slice(0, SPELLED).map((frame) => frame.step), offset: at });
          top.names.add(name);
        }
        at = behind - 1;
        break;
      }
    }
  }
  return found;
}
