import { formatRelease } from "../proxy/release.ts";
import { visible } from "../text/visible.ts";
import { timeText } from "./clock.ts";
import type { Played, PlayedStep } from "./play.ts";

const TIME = 10;
const INDENT = " ".repeat(TIME + 2);

/** How words are set off on a terminal. */
export interface PlayPaint {
  readonly strong: (text: string) => string;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

function* stepText(step: PlayedStep, script: string, { strong }: PlayPaint): Generator<string> {
  const { at, kind, title, lines, failures, line } = step;
  yield `${timeText(at).padStart(TIME)}  ${strong(kind)} ${visible(title)}\n`;
  for (const text of lines) yield `${INDENT}${visible(text)}\n`;
  for (const text of failures) yield `${INDENT}${strong("FAILED")}     ${visible(text)} (${visible(script)}:${line})\n`;
}

/** A play as people read it: the time, what was done, and what came of it. */
export function* playText(played: Played, paint: PlayPaint): Generator<string> {
  const { settings, nodes, services, script, steps, failures, fault } = played;
  const { config, release, backend, seed } = settings;
  const cluster = `${plural(nodes, "node")}, ${plural(services, "Service")}`;
  yield `${visible(script)}: ${cluster}; kube-proxy ${formatRelease(release)}, ${config.mode} (${backend}); seed ${seed}; every change reaches all nodes at once\n\n`;
  for (const step of steps) yield* stepText(step, script, paint);
  const end = fault === undefined ? "" : `, then one that cannot be done`;
  const met = failures === 0 ? "all as expected" : `${plural(failures, "expectation")} failed`;
  yield `\n${plural(steps.length, "step")}${end}: ${met}\n`;
}
