import type { Diagnostic, Report } from "../text/diagnostic.ts";
import { renderDiagnostic } from "../text/render.ts";
import type { Paint } from "../view/summary.ts";
import { plain } from "../view/summary.ts";

/** Usage or input errors: nothing was computed. */
export const EXIT_USAGE = 2;

/** A comparison was made, and found something. */
const EXIT_FINDINGS = 1;

/** A fault of the command line or of the input as a whole, told in one line and without a stack. */
export class UsageError extends Error {}

interface Stream {
  readonly isTTY?: boolean;
}

/** Colours for a terminal only, and never when NO_COLOR is set (https://no-color.org). */
export function wantsColor(stream: Stream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR;
}

/** Bold and faint on a terminal that takes colours. */
export function paintFor(stream: Stream): Paint {
  if (!wantsColor(stream)) return plain;
  return { strong: (text) => `\u001b[1m${text}\u001b[0m`, faint: (text) => `\u001b[2m${text}\u001b[0m` };
}

/** The findings of a run: collected, then printed together; errors decide the exit code. */
export interface Findings {
  readonly report: Report;
  readonly hasErrors: () => boolean;
  readonly print: () => void;
}

/** Collects findings and prints them to stderr. */
export function findings(): Findings {
  const collected: Diagnostic[] = [];
  return {
    report: (diagnostic) => {
      collected.push(diagnostic);
    },
    hasErrors: () => collected.some(({ severity }) => severity === "error"),
    print: () => {
      const color = wantsColor(process.stderr);
      for (const diagnostic of collected.splice(0)) {
        process.stderr.write(`${renderDiagnostic(diagnostic, { color })}\n`);
      }
    },
  };
}

/** What a comparison prints, and whether that is what its user looks for. */
export interface Outcome {
  readonly text: Iterable<string>;
  readonly hasFindings: boolean;
  /** A line for stderr, behind the text. */
  readonly afterword?: string;
}

/** A comparison; `undefined` after errors, which are reported. `hasErrors`: some were reported already. */
export type Run = (report: Report, hasErrors: () => boolean) => Outcome | undefined;

/** Runs a comparison and prints what is to be said about its input, then its text; the exit code. `verbose`: notes, too. */
export function runReported(run: Run, verbose: boolean): number {
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || verbose) found.report(diagnostic);
  };
  try {
    const outcome = run(report, found.hasErrors);
    if (outcome === undefined) return EXIT_USAGE;
    found.print();
    for (const piece of outcome.text) process.stdout.write(piece);
    if (outcome.afterword !== undefined) process.stderr.write(`rulewalk: ${outcome.afterword}\n`);
    return outcome.hasFindings ? EXIT_FINDINGS : 0;
  } finally {
    found.print();
  }
}
