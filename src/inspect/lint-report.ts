import type { Severity, Source } from "../text/diagnostic.ts";
import { placeColumn, sourceLine } from "../text/position.ts";
import { type RenderOptions, renderDiagnostic } from "../text/render.ts";
import type { Finding } from "./finding.ts";

const headings: readonly (readonly [Severity, string])[] = [
  ["error", "Errors"],
  ["warning", "Warnings"],
  ["note", "Notes"],
];

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/**
 * Findings as people read them: by severity, worst first, each with its code, its line and a caret; the last line sums
 * up, also when there is none. Ends with a line break.
 */
export function lintText(sources: readonly Source[], findings: readonly Finding[], options: RenderOptions): string {
  const parts: string[] = [];
  for (const [severity, heading] of headings) {
    const group = findings.filter((finding) => finding.severity === severity);
    if (group.length === 0) continue;
    parts.push(`${heading}\n`);
    for (const finding of group) {
      const field = `[${finding.code}]`;
      parts.push(`${renderDiagnostic({ ...finding, field }, options)}\n`);
    }
    parts.push("\n");
  }
  const counts = headings.map(([severity]) =>
    plural(findings.filter((finding) => finding.severity === severity).length, severity),
  );
  parts.push(`${plural(sources.length, "dump")}: ${counts.join(", ")}\n`);
  return parts.join("");
}

/** Findings for programs: an array in the order of `findings`; line and column count from 1, `text` is the line. */
export function lintJSON(findings: readonly Finding[]): string {
  const entries = findings.map(({ code, severity, message, place, family, table, chain }) => {
    const { line, column } = placeColumn(place.source, place.offset);
    const { start, end } = sourceLine(place.source, place.offset);
    const text = place.source.text.slice(start, end);
    return { code, severity, file: place.source.name, line, column, family, table, chain, message, text };
  });
  return `${JSON.stringify(entries, null, 2)}\n`;
}
