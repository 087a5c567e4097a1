import type { Report, Source } from "../../text/diagnostic.ts";
import { SetCollector, splitWords } from "./collect.ts";
import type { IPSet } from "./model.ts";

/**
 * Reads what `ipset save` prints: sets by name, in the order of the text, their elements in order too. A line that cannot
 * be read is reported with its place and left out, and so are the elements of a set whose type is not modelled (all of them
 * with one warning). Elements are those that the kernel lists: ranges and networks of addresses that `ipset add` would take
 * apart are refused.
 */
export function parseIPSets(source: Source, report: Report): ReadonlyMap<string, IPSet> {
  const { text } = source;
  const collector = new SetCollector(source, report);
  for (let offset = 0; offset < text.length; ) {
    const newline = text.indexOf("\n", offset);
    const end = newline < 0 ? text.length : newline;
    readLine(text.slice(offset, end), offset, collector);
    offset = end + 1;
  }
  return collector.sets();
}

function readLine(line: string, offset: number, collector: SetCollector): void {
  if (line === "" || line.startsWith("#") || line === "COMMIT") return;
  const words = splitWords(line);
  if (words === undefined) {
    collector.say(
      "error",
      "unterminated-quote",
      "a double quote is not closed in its line; ipset prints none that are",
      offset,
    );
    return;
  }
  const [command, name, third, ...options] = words;
  if (command === undefined) return;
  if ((command !== "create" && command !== "add") || name === undefined || third === undefined) {
    collector.say(
      "error",
      "bad-set-line",
      "a line is `create SET TYPE …` or `add SET ELEMENT …`, as ipset save prints them",
      offset,
    );
    return;
  }
  if (command === "create") collector.create(name, third, options, offset);
  else collector.add(name, third, options, offset);
}
