import { isDeepStrictEqual } from "node:util";
import test from "ava";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Host } from "../../src/kernel/host.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Move } from "../arbitrary/scene.ts";
import { counterexample } from "./holds.ts";
import { recordStep, walkStep } from "./play.ts";
import { ruleSetScenes } from "./rule-set-scenes.ts";
import { snapshot } from "./snapshot.ts";

const MAX_WAYS = 12;

/** Half of the packets stay, the others are tried and taken back, with marks within marks. */
function undoBroken(host: Host, moves: readonly Move[]): string | undefined {
  const state = new HostState();
  const chooser = seededChooser("undo");
  const half = Math.ceil(moves.length / 2);
  for (const { wait, step } of moves.slice(0, half)) {
    state.advance(wait);
    walkStep(host, state, chooser, step);
  }
  const marks: { readonly mark: number; readonly before: unknown }[] = [];
  for (const [i, { wait, step }] of moves.slice(half).entries()) {
    if (i % 3 === 0) marks.push({ before: snapshot(state), mark: state.mark() });
    state.advance(wait);
    walkStep(host, state, chooser, step);
    if (i % 7 === 6) {
      const taken = marks.pop();
      if (taken === undefined) continue;
      state.rollback(taken.mark);
      if (!isDeepStrictEqual(snapshot(state), taken.before)) return `packet ${half + i + 1}: an inner mark`;
    }
  }
  for (let taken = marks.pop(); taken !== undefined; taken = marks.pop()) {
    state.rollback(taken.mark);
    if (!isDeepStrictEqual(snapshot(state), taken.before)) return `mark ${marks.length + 1}`;
  }
  return undefined;
}

/** All ways of each packet leave the state as it was, and the script of each gives its events, result and state again. */
function replayBroken(host: Host, moves: readonly Move[]): string | undefined {
  const state = new HostState();
  for (const [i, { wait, step }] of moves.entries()) {
    const where = `packet ${i + 1}, ${packetText(step.packet)}`;
    state.advance(wait);
    const before = snapshot(state);
    const { branches } = explore(
      state,
      (chooser) => ({ recorded: recordStep(host, state, chooser, step), after: snapshot(state) }),
      { branches: MAX_WAYS },
    );
    if (!isDeepStrictEqual(snapshot(state), before)) return `${where}: exploring changed the state`;
    for (const { value, script } of branches) {
      const mark = state.mark();
      const chooser = scriptedChooser(script);
      const recorded = recordStep(host, state, chooser, step);
      const after = snapshot(state);
      state.rollback(mark);
      if (!isDeepStrictEqual(recorded, value.recorded)) return `${where}: the script gives another way`;
      if (!isDeepStrictEqual(after, value.after)) return `${where}: the script leaves another state`;
      if (!isDeepStrictEqual(chooser.answers, script)) return `${where}: the script is another one`;
    }
    const taken = branches[i % branches.length];
    recordStep(host, state, scriptedChooser(taken?.script ?? []), step);
  }
  return undefined;
}

const options = { circles: false, uncertain: 1, moves: 40, odd: 0.3, damaged: 0.1 };

test("slow: undo restores the state: any rules", (t) => {
  t.is(counterexample(undoBroken, options, 60), undefined);
});

test("slow: a way's script repeats it and exploring changes nothing: any rules", (t) => {
  t.is(counterexample(replayBroken, { ...options, moves: 20 }, 50), undefined);
});

test("slow: undo, exploring and replay: compiled and foreign rules", (t) => {
  for (const { name, host, moves } of ruleSetScenes("1", 100)) {
    t.is(undoBroken(host, moves), undefined, name);
    t.is(replayBroken(host, moves.slice(0, 20)), undefined, name);
  }
});
