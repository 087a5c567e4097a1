import { formatRelease } from "../proxy/release.ts";
import { renderDiagnostic } from "../text/render.ts";
import type { Played } from "./play.ts";

/** Counts up when a field changes its meaning or goes. */
const VERSION = 1;

/** A play as one JSON document. */
export function playJSON({ script, settings, steps, failures, fault }: Played): string {
  const { release, config, backend, seed } = settings;
  const document = {
    version: VERSION,
    script,
    kubeVersion: formatRelease(release),
    mode: config.mode,
    backend,
    seed,
    steps: steps.map(({ number, kind, line, at, title, data, failures: failed }) => ({
      number,
      step: kind,
      line,
      milliseconds: at,
      title,
      ...data,
      failures: failed,
    })),
    failures,
    ...(fault === undefined ? {} : { fault: renderDiagnostic(fault, { color: false }) }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
