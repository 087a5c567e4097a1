import type { IPFamily } from "../net/family.ts";
import type { Diagnostic, Place, Severity } from "../text/diagnostic.ts";
import { isForeign } from "./chain-names.ts";
import type { Dump, LintRule, LintTable } from "./dump.ts";

/** A fault of a dump: where it stands, in which table and chain, what is wrong and what to do. */
export interface Finding extends Diagnostic {
  readonly place: Place;
  readonly family?: IPFamily;
  readonly table?: string;
  readonly chain?: string;
}

/**
 * The faults that are looked for, and how bad each is where kube-proxy's own chains have it. An error loses, misleads or
 * passes packets that should not; a warning is a rule without effect or with a doubtful one; a note is a state that is
 * normal. Faults of the text itself have the codes of `rules/iptables`.
 */
const severities = {
  "missing-chain": "error",
  "chain-loop": "error",
  "empty-chain": "warning",
  "unused-chain": "warning",
  "unreachable-rule": "warning",
  "shadowed-rule": "warning",
  "duplicate-rule": "warning",
  "base-jump-missing": "error",
  "no-endpoints": "error",
  "wrong-probability": "error",
  "balance-incomplete": "error",
  "endpoint-without-dnat": "error",
  "hairpin-missing": "error",
  "hairpin-address": "error",
  "mark-missing": "error",
  "mark-mismatch": "error",
  "masquerade-missing": "error",
  "drop-missing": "error",
  "drop-without-mark": "warning",
  "dispatch-twice": "warning",
  "dispatched-and-rejected": "warning",
  "node-ports-not-last": "warning",
  "affinity-never-set": "warning",
  "affinity-never-checked": "warning",
  "two-modes": "warning",
  "two-releases": "warning",
  "two-backends": "warning",
  "table-not-shown": "warning",
  "invalid-drop-missing": "note",
  "family-assumed": "note",
  "partial-text": "note",
  extract: "note",
  "no-table": "error",
} as const;

export type FaultCode = keyof typeof severities;

export const faultSeverities: Readonly<Record<FaultCode, Severity>> = severities;

/** What a check hands in: `severity` where it is milder than usual, `word` where in its line the caret stands. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
  readonly severity?: Severity;
  readonly chain: string;
  readonly at: number | LintRule;
  readonly word?: string;
}

/** Where checks of one table hand their faults to. */
export type FaultReport = (fault: Fault) => void;

/** Where a word stands in the line at `offset`; the beginning of the line when it is not there. */
function wordOffset(text: string, offset: number, word: string): number {
  const newline = text.indexOf("\n", offset);
  const found = text.slice(offset, newline < 0 ? text.length : newline).indexOf(word);
  return found < 0 ? offset : offset + found;
}

/** Turns faults of a table into findings. Chains that are not kube-proxy's or the kubelet's get a warning at most. */
export function faultReport(dump: Dump, table: LintTable, report: (finding: Finding) => void): FaultReport {
  const { source, family, placeOf } = dump;
  return ({ code, message, severity = faultSeverities[code], chain, at, word }) => {
    const line = typeof at === "number" ? at : at.offset;
    const offset = word === undefined ? line : wordOffset(source.text, line, word);
    const clamped = severity === "error" && isForeign(chain) ? "warning" : severity;
    const place = placeOf(offset);
    report({ severity: clamped, code, message, place, family, table: table.name, chain });
  };
}
