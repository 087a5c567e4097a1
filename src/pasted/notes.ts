import type { Place, Report, Source } from "../text/diagnostic.ts";
import type { RulesExtract } from "./extract.ts";
import type { FragmentLine } from "./fragments.ts";
import { tablesIn } from "./tables-of.ts";

const few = (names: Iterable<string>): string => {
  const all = [...names];
  return all.length <= 6 ? all.join(", ") : `${all.slice(0, 5).join(", ")} and ${all.length - 5} more`;
};

/** Says what a text of rules does not show, and what becomes of packets that depend on it. */
export function reportExtract(extract: RulesExtract, shown: readonly string[], place: Place, report: Report): void {
  const { tables, mayHaveMore } = extract;
  const parts = [...tables].flatMap(([table, { chains }]) =>
    chains.size === 0 ? [] : [`${few(chains.keys())} of table ${table}`],
  );
  const others = tablesIn(-1).filter((table) => !shown.includes(table));
  if (mayHaveMore && others.length > 0) parts.push(`tables ${few(others)}`);
  if (parts.length > 0) {
    const message = `these rules are not whole: what may be missing is in ${parts.join("; ")}. Where that decides, the answer is unknown; iptables-save without a filter shows everything`;
    report({ severity: "warning", code: "extract", message, place });
  }
  const policies = [...tables].flatMap(([table, each]) =>
    each.policies.size === 0 ? [] : [`${few(each.policies)} of table ${table}`],
  );
  if (policies.length === 0) return;
  const message = `no policy is shown for ${policies.join("; ")}: ACCEPT is assumed, and the answer is unknown where DROP makes a difference`;
  report({ severity: "note", code: "policy-assumed", message, place });
}

/** Says which table lines without `*table` were put into. */
export function reportTold(tables: readonly string[], place: Place, report: Report): void {
  if (tables.length === 0) return;
  const message = `no line such as *filter names the table of these rules: ${few(tables)} by what their chains and targets are`;
  report({ severity: "note", code: "table-told", message, place });
}

/** Says that a listing shows no other table. */
export function reportListing(tables: readonly string[], place: Place, report: Report): void {
  const message = `only table ${few(tables)} is listed: all others are taken for empty, and nothing shows where a listing ends (iptables-save shows both)`;
  report({ severity: "note", code: "tables-assumed", message, place });
}

/** Says which lines have no table, and in which they can be. */
export function reportPassedOver(lines: readonly FragmentLine[], source: Source, report: Report): void {
  const chains = new Set(lines.map(({ chain }) => chain));
  const message = `nothing tells the table of ${lines.length === 1 ? "this line" : `these ${lines.length} lines`} of ${few(chains)}: left out; a line such as *filter before them says it`;
  report({
    severity: "warning",
    code: "table-unknown",
    message,
    place: { source, offset: lines[0]?.line.runs[0]?.at ?? 0 },
  });
}
