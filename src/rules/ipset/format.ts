import { TextWriter } from "../../text/textwriter.ts";
import { formatValues } from "./elements.ts";
import type { IPSet } from "./model.ts";
import { formatElementOptions, formatSetOptions } from "./options.ts";

/** The text that `ipset save` prints for the sets, in their order; `parseIPSets` reads the same sets from it. */
export function formatIPSets(sets: ReadonlyMap<string, IPSet>): string {
  const out = new TextWriter();
  for (const set of sets.values()) {
    out.text(`create ${set.name} ${set.type}${formatSetOptions(set)}\n`);
    for (const element of set.elements)
      out.text(`add ${set.name} ${formatValues(element.values)}${formatElementOptions(element)}\n`);
  }
  return out.toString();
}
