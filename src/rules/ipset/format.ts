import { formatValues } from "./elements.ts";
import type { IPSet } from "./model.ts";
import { formatElementOptions, formatSetOptions } from "./options.ts";

/** The text that `ipset save` prints for the sets, in their order; `parseIPSets` reads the same sets from it. */
export function formatIPSets(sets: ReadonlyMap<string, IPSet>): string {
  const lines: string[] = [];
  for (const set of sets.values()) {
    lines.push(`create ${set.name} ${set.type}${formatSetOptions(set)}\n`);
    for (const element of set.elements)
      lines.push(`add ${set.name} ${formatValues(element.values)}${formatElementOptions(element)}\n`);
  }
  return lines.join("");
}
