import { type Dyadic, dyadic, multiplyDyadic, oneDyadic } from "../../net/dyadic.ts";
import type { Chooser } from "../chooser.ts";
import type { StateMark } from "../state.ts";
import { type Answer, type Assumption, nextShare, type Script, WHOLE } from "./answer.ts";
import { scriptedChooser } from "./scripted.ts";

/** One way in which a run can go. */
export interface Branch<T> {
  readonly value: T;
  /**
   * The chance of the random answers. Branches with the same assumptions add up to 1 where these are asked for in all of
   * them: an assumption has no chance of its own.
   */
  readonly probability: Dyadic;
  readonly assumptions: readonly Assumption[];
  /** `scriptedChooser` repeats the branch with it. */
  readonly script: Script;
}

/** What can be taken back: a host's state, or those of several hosts as one. */
export interface Undoable {
  mark(): StateMark;
  rollback(mark: StateMark): void;
}

export interface ExploreLimits {
  /** At most so many branches are run; 1 or more. */
  readonly branches: number;
  /** Asked after each branch: is it enough, whatever is left open? */
  readonly enough?: () => boolean;
}

export interface Exploration<T> {
  readonly branches: readonly Branch<T>[];
  /** False when the limit came first: `open` answers were then seen that no branch follows, each leading to one branch or more. */
  readonly complete: boolean;
  readonly open: number;
}

const DEFAULT_LIMITS: ExploreLimits = { branches: 4096 };

/**
 * Runs `run` once for every combination of answers that it can be given, depth first: of what is left to chance, and of what
 * is not modelled. Each run begins with the state as it is, and the state is taken back after it; `value` must therefore not
 * refer to parts of the state. `run` must ask the same questions when it is given the same answers.
 */
export function explore<T>(
  state: Undoable,
  run: (chooser: Chooser) => T,
  limits: ExploreLimits = DEFAULT_LIMITS,
): Exploration<T> {
  const branches: Branch<T>[] = [];
  let script: Script | undefined = [];
  while (script !== undefined && branches.length < Math.max(1, limits.branches)) {
    const branch: Branch<T> = runBranch(state, run, script);
    branches.push(branch);
    script = nextScript(branch.script);
    if (limits.enough?.() === true) break;
  }
  if (script === undefined) return { branches, complete: true, open: 0 };
  const last = branches.at(-1) as Branch<T>;
  return { branches, complete: false, open: last.script.reduce((sum, answer) => sum + alternatives(answer), 0) };
}

function runBranch<T>(state: Undoable, run: (chooser: Chooser) => T, script: Script): Branch<T> {
  const chooser = scriptedChooser(script);
  const mark = state.mark();
  try {
    const value = run(chooser);
    if (chooser.mismatch !== undefined || chooser.answers.length < script.length) {
      throw new Error(`a run asked other questions than before: ${chooser.mismatch?.asked ?? "it ended early"}`);
    }
    const { answers, assumptions } = chooser;
    return { value, probability: probabilityOf(answers), assumptions, script: answers };
  } finally {
    state.rollback(mark);
  }
}

/** The chance of a script's random answers. */
export function probabilityOf(script: Script): Dyadic {
  return script.reduce((product, answer) => {
    const share = shareOf(answer);
    return share === WHOLE ? product : multiplyDyadic(product, dyadic(BigInt(share), 31));
  }, oneDyadic);
}

/** Of 2^31; the whole for an assumption. */
function shareOf(answer: Answer): number {
  switch (answer.kind) {
    case "below":
      return answer.yes ? answer.threshold : WHOLE - answer.threshold;
    case "share":
      return answer.shares[answer.index] as number;
    case "unknown":
      return WHOLE;
  }
}

/** The same beginning with the last answer that has another one after it replaced by that. */
function nextScript(script: Script): Script | undefined {
  for (let i = script.length - 1; i >= 0; i--) {
    const other = nextAnswer(script[i] as Answer);
    if (other !== undefined) return [...script.slice(0, i), other];
  }
  return undefined;
}

function nextAnswer(answer: Answer): Answer | undefined {
  if (answer.kind !== "share") return answer.yes ? { ...answer, yes: false } : undefined;
  const index = nextShare(answer.shares, answer.index + 1);
  return index === undefined ? undefined : { ...answer, index };
}

/** How many answers come after this one. */
function alternatives(answer: Answer): number {
  const next = nextAnswer(answer);
  return next === undefined ? 0 : 1 + alternatives(next);
}
