import type { IPFamily } from "../net/family.ts";
import type { Severity, Source } from "../text/diagnostic.ts";
import { checkAffinity } from "./check-affinity.ts";
import { checkChains } from "./check-chains.ts";
import { checkConnections } from "./check-connections.ts";
import { checkDispatch } from "./check-dispatch.ts";
import { checkEndpoints } from "./check-endpoints.ts";
import { checkMarks } from "./check-marks.ts";
import { checkOrder } from "./check-order.ts";
import { checkOrigin } from "./check-origin.ts";
import { checkServers } from "./check-servers.ts";
import type { Dump, LintTable } from "./dump.ts";
import { type Fault, type Finding, faultReport, faultSeverities } from "./finding.ts";
import { readDump } from "./read-dump.ts";
import { type OtherDumps, readOtherDumps } from "./read-servers.ts";

/** `family` for texts that do not tell theirs; `severity` leaves out findings that are milder. */
export interface LintOptions {
  readonly family?: IPFamily;
  readonly severity?: Severity;
}

/** True for findings that are shown when milder ones than `limit` are hidden. */
export function isShown(severity: Severity, limit: Severity): boolean {
  return rank[severity] <= rank[limit];
}

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/**
 * The faults of iptables dumps that can be told without any Kubernetes object: texts of iptables-save, or inputs of
 * iptables-restore; texts of ipvsadm, with `ip -j addr` of the same node for what is bound, and with `-Lnc` for where connections go. Worst first, then in the order of the sources and of their lines. Time is linear in the text;
 * nothing is thrown whatever it holds.
 */
export function lint(sources: readonly Source[], options: LintOptions = {}): readonly Finding[] {
  const found: { readonly finding: Finding; readonly source: number }[] = [];
  const others: { readonly dumps: OtherDumps; readonly report: (finding: Finding) => void }[] = [];
  for (const [i, source] of sources.entries()) {
    const report = (finding: Finding): void => {
      found.push({ finding, source: i });
    };
    const dumps = readOtherDumps(source, report);
    others.push({ dumps, report });
    if (!dumps.isAll) for (const dump of readDump(source, options, report)) checkDump(dump, report);
  }
  // addresses may come behind the virtual servers that they are for
  const addresses = addressesOf(others.map(({ dumps }) => dumps));
  const all = others.map(({ dumps }) => dumps);
  for (const { dumps, report } of others) {
    for (const each of dumps.servers) checkServers(each, addresses, report);
    for (const each of dumps.connections) checkConnections(each, all, report);
  }
  const limit = options.severity ?? "note";
  return found
    .filter(({ finding }) => isShown(finding.severity, limit))
    .sort(
      (a, b) =>
        rank[a.finding.severity] - rank[b.finding.severity] ||
        a.source - b.source ||
        a.finding.place.offset - b.finding.place.offset,
    )
    .map(({ finding }) => finding);
}

function addressesOf(dumps: readonly OtherDumps[]): OtherDumps["addresses"] {
  const all = dumps.flatMap(({ addresses }) => (addresses === undefined ? [] : [...addresses]));
  return all.length === 0 ? undefined : new Map(all);
}

function checkDump(dump: Dump, report: (finding: Finding) => void): void {
  const reportOf = (table: LintTable): ((fault: Fault) => void) => faultReport(dump, table, report);
  for (const table of dump.tables.values()) {
    const to = reportOf(table);
    if (table.extract) {
      noteExtract(dump, table, report);
      checkOrder(table, to);
      continue;
    }
    if (table.partial) notePartial(dump, table, report);
    checkChains(table, to);
    checkOrder(table, to);
    checkEndpoints(table, to);
    checkAffinity(table, to);
  }
  if ([...dump.tables.values()].some(({ extract }) => extract)) return;
  checkMarks(dump, reportOf);
  checkDispatch(dump, reportOf);
  checkOrigin(dump, reportOf);
}

function noteExtract({ placeOf, family }: Dump, table: LintTable, report: (finding: Finding) => void): void {
  const code = "extract";
  const message = `table ${table.name} is not whole in this text: only rules that stand in each other's way are looked for`;
  report({ severity: faultSeverities[code], code, message, place: placeOf(table.offset), family, table: table.name });
}

function notePartial({ placeOf, family }: Dump, table: LintTable, report: (finding: Finding) => void): void {
  const code = "partial-text";
  const message = `table ${table.name} without its built-in chains: taken for an input of iptables-restore --noflush, so what leads to its chains is not checked`;
  const place = placeOf(table.offset);
  report({ severity: faultSeverities[code], code, message, place, family, table: table.name });
}
