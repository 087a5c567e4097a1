import type { PathStep } from "./object.ts";

const LONE = /\p{Surrogate}/gu;

/** True when a JSON text may hold an escaped surrogate without its other half. */
export function mayHaveLoneSurrogates(text: string): boolean {
  return /\\u[dD][89a-fA-F]/.test(text);
}

/**
 * Replaces the lone surrogates in all texts and names of a value, in place, by U+FFFD, as Go's JSON reader does.
 * Returns the path of the first one, if any.
 */
export function replaceLoneSurrogates(root: unknown): readonly PathStep[] | undefined {
  let first: readonly PathStep[] | undefined;
  const open: [container: unknown, path: readonly PathStep[]][] = [[root, []]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [container, path] = next;
    if (typeof container !== "object" || container === null) continue;
    const members = container as Record<string, unknown>;
    for (const [name, value] of Object.entries(members)) {
      const step = Array.isArray(container) ? Number(name) : name;
      // a path below this depth is only good for its beginning
      const here = path.length < 64 ? [...path, step] : path;
      const fixedName = name.replace(LONE, "\ufffd");
      const fixed = typeof value === "string" ? value.replace(LONE, "\ufffd") : value;
      if (fixedName !== name || fixed !== value) first ??= here;
      if (fixedName !== name) delete members[name];
      if (fixedName !== name || fixed !== value) {
        Object.defineProperty(members, fixedName, {
          value: fixed,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
      open.push([value, here]);
    }
  }
  return first;
}
