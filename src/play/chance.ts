import type { Answer, Script } from "../kernel/chooser/answer.ts";
import { scriptedChooser } from "../kernel/chooser/scripted.ts";
import type { AssumingChooser } from "../kernel/chooser/seeded.ts";
import { type Dyadic, dyadicToNumber, formatDyadic } from "../net/dyadic.ts";

/** A chooser that keeps what another one drew, so that its chance can be told. */
export interface RecordingChooser extends AssumingChooser {
  readonly answers: readonly Answer[];
}

/** Passes every question on and keeps the answers. */
export function recordingChooser(draws: AssumingChooser): RecordingChooser {
  const answers: Answer[] = [];
  return {
    answers,
    assumptions: draws.assumptions,
    ...(draws.knowsPorts === undefined ? {} : { knowsPorts: draws.knowsPorts }),
    below: (threshold) => {
      const yes = draws.below(threshold);
      answers.push({ kind: "below", threshold, yes });
      return yes;
    },
    share: (shares) => {
      const index = draws.share(shares);
      answers.push({ kind: "share", shares: [...shares], index });
      return index;
    },
    port: (range, isFree) => draws.port(range, isFree),
    unknown: (what) => draws.unknown(what),
  };
}

/** Follows a script where it answers, and draws ports as the other chooser does. */
export function scriptedDraws(script: Script, draws: AssumingChooser): AssumingChooser {
  const scripted = scriptedChooser(script);
  return {
    assumptions: scripted.assumptions,
    below: (threshold) => scripted.below(threshold),
    share: (shares) => scripted.share(shares),
    port: (range, isFree) => draws.port(range, isFree),
    unknown: (what) => scripted.unknown(what),
  };
}

const MOST = 1000;

/** A chance as people say it: `1/3`, near enough where the kernel's own fraction is not that, or a few digits. */
export function chanceText(chance: Dyadic): string {
  const value = dyadicToNumber(chance);
  const parts = Math.round(1 / value);
  if (parts > MOST || Math.abs(value * parts - 1) > 1e-6)
    return formatDyadic(chance).length < 12 ? formatDyadic(chance) : `≈${value.toPrecision(3)}`;
  const exact = chance.numerator * BigInt(parts) === 1n << BigInt(chance.exponent);
  return `${exact ? "" : "≈"}1/${parts}`;
}
