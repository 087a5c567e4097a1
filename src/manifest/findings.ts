import type { Report, Severity } from "../text/diagnostic.ts";
import { locateAll } from "./locate.ts";
import type { Origin, PathStep } from "./object.ts";
import { type Anchor, fieldPath, type PathQuestion } from "./path.ts";

/** A finding about a document before its place is known. */
export interface Finding {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  /** The whole path in the document; the first `skip` steps lead to the object and are not shown. */
  readonly path: readonly PathStep[];
  readonly skip: number;
  readonly anchor: Anchor;
  /** The place, when it is known already. */
  readonly offset?: number;
}

/** Reports all findings of one document in the order of the text; their places are looked up in one pass. */
export function reportFindings(origin: Origin, findings: readonly Finding[], report: Report): void {
  if (findings.length === 0) return;
  const placed: { readonly finding: Finding; readonly question: PathQuestion }[] = findings.map((finding) => ({
    finding,
    question: { path: finding.path, anchor: finding.anchor, answer: finding.offset ?? origin.offset },
  }));
  locateAll(
    origin,
    placed.filter(({ finding }) => finding.offset === undefined).map(({ question }) => question),
  );
  placed.sort((a, b) => a.question.answer - b.question.answer);
  for (const { finding, question } of placed) {
    const { severity, code, message, path, skip } = finding;
    const field = fieldPath(path.slice(skip));
    const place = { source: origin.source, offset: question.answer };
    report(field === "" ? { severity, code, message, place } : { severity, code, message, field, place });
  }
}
