import type { IPFamily } from "../net/family.ts";

/** Keeps what `make` gives for a node and family. */
export function remembered<T>(make: (node: string, family: IPFamily) => T): (node: string, family: IPFamily) => T {
  const known = new Map<string, T>();
  return (node, family) => {
    const key = `${family} ${node}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(node, family);
    known.set(key, made);
    return made;
  };
}
