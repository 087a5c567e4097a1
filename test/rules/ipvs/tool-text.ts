import { readFileSync } from "node:fs";
import type { Report } from "../../../src/text/diagnostic.ts";

const sections: ReadonlyMap<string, string> = new Map(
  readFileSync("test/rules/ipvs/tool.txt", "utf8")
    .split(/^== /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end + 1)] as const;
    }),
);

/** What the real tool printed for a command, or, of `ipvsadm -R`, what it was given. */
export function toolText(name: string): string {
  const text = sections.get(name);
  if (text === undefined) throw new Error(`tool.txt has no section ${name}`);
  return text;
}

/** A text as a source, and what reading it finds as `code@offset`. */
export function reading(text: string): {
  readonly source: { name: string; text: string };
  found: string[];
  report: Report;
} {
  const found: string[] = [];
  return { source: { name: "-", text }, found, report: ({ code, place }) => found.push(`${code}@${place?.offset}`) };
}
