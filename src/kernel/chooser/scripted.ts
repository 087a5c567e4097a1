import type { NotModelled } from "../chooser.ts";
import { type Answer, type Assumption, certainBelow, certainShare, nextShare, type Script } from "./answer.ts";
import { firstFreePort } from "./port.ts";
import type { AssumingChooser } from "./seeded.ts";

export interface ScriptedChooser extends AssumingChooser {
  /** Everything that was answered, from the script and behind its end. */
  readonly answers: Script;
  /** Where a question was not the one that the script answers: index into the script, and what was asked. */
  readonly mismatch: { readonly index: number; readonly asked: string } | undefined;
}

/**
 * Follows a script. Behind its end, and from the first question on that it does not answer, every question gets the first
 * possible answer: below, the first share, holds. `ports` are handed out in order as long as each lies in the range and is
 * free; otherwise the first free one is taken.
 */
export function scriptedChooser(script: Script, ports: readonly number[] = []): ScriptedChooser {
  return new Scripted(script, ports);
}

class Scripted implements ScriptedChooser {
  readonly answers: Answer[] = [];
  readonly assumptions: Assumption[] = [];
  mismatch: ScriptedChooser["mismatch"];
  readonly #script: Script;
  readonly #ports: readonly number[];
  #nextPort = 0;

  constructor(script: Script, ports: readonly number[]) {
    this.#script = script;
    this.#ports = ports;
  }

  below(threshold: number): boolean {
    const certain = certainBelow(threshold);
    if (certain !== undefined) return certain;
    const answer = this.#scripted("below", (given) => given.threshold === threshold, `below ${threshold}`);
    const yes = answer?.yes ?? true;
    this.answers.push({ kind: "below", threshold, yes });
    return yes;
  }

  share(shares: readonly number[]): number {
    const certain = certainShare(shares);
    if (certain !== undefined) return certain;
    const answer = this.#scripted(
      "share",
      (given) => given.shares.join() === shares.join() && (shares[given.index] ?? 0) > 0,
      `one of ${shares.length} shares`,
    );
    const index = answer?.index ?? nextShare(shares, 0) ?? 0;
    this.answers.push({ kind: "share", shares: [...shares], index });
    return index;
  }

  port(range: { readonly from: number; readonly to: number }, isFree: (port: number) => boolean): number | undefined {
    const port = this.#ports[this.#nextPort];
    if (port !== undefined && port >= range.from && port <= range.to && isFree(port)) {
      this.#nextPort++;
      return port;
    }
    return firstFreePort(range, isFree);
  }

  unknown(what: NotModelled): boolean {
    const answer = this.#scripted("unknown", (given) => sameQuestion(given.what, what), what.what);
    const holds = answer?.yes ?? true;
    this.answers.push({ kind: "unknown", what, yes: holds });
    this.assumptions.push({ what, holds });
    return holds;
  }

  /** The script's answer when it is one to this question. */
  #scripted<K extends Answer["kind"]>(
    kind: K,
    fits: (given: Extract<Answer, { readonly kind: K }>) => boolean,
    asked: string,
  ): Extract<Answer, { readonly kind: K }> | undefined {
    const index = this.answers.length;
    const given = this.#script[index];
    if (given === undefined || this.mismatch !== undefined) return undefined;
    if (given.kind === kind && fits(given as Extract<Answer, { readonly kind: K }>)) {
      return given as Extract<Answer, { readonly kind: K }>;
    }
    this.mismatch = { index, asked };
    return undefined;
  }
}

function sameQuestion(a: NotModelled, b: NotModelled): boolean {
  return (
    a.what === b.what &&
    a.rule?.family === b.rule?.family &&
    a.rule?.table === b.rule?.table &&
    a.rule?.chain === b.rule?.chain &&
    a.rule?.number === b.rule?.number
  );
}
