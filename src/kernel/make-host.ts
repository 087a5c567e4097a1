import type { Host, HostDescription, Interface } from "./host.ts";
import { makeFib } from "./routing/fib.ts";
import type { IPSet } from "./sets.ts";

const noSets: ReadonlyMap<string, IPSet> = new Map();

/**
 * A host ready to walk packets through: the description with its look-up structures. Of interfaces with one name the
 * first counts; without policy rules of a family those that every namespace begins with are there.
 */
export function makeHost(description: HostDescription, sets: ReadonlyMap<string, IPSet> = noSets): Host {
  const byName: Map<string, Interface> = new Map();
  for (const device of description.interfaces) if (!byName.has(device.name)) byName.set(device.name, device);
  return { ...description, byName, fib: makeFib(description, byName), sets };
}
