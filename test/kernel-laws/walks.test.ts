import { isDeepStrictEqual } from "node:util";
import test from "ava";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Host } from "../../src/kernel/host.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Move } from "../arbitrary/scene.ts";
import { counterexample } from "./holds.ts";
import { recordStep } from "./play.ts";
import { ruleSetScenes } from "./rule-set-scenes.ts";
import { snapshot } from "./snapshot.ts";

const MAX_WAYS = 12;

/** Both walkers over the same packets, all ways of each; what differs first, or `undefined`. */
function difference(host: Host, moves: readonly Move[]): string | undefined {
  const states = { linear: new HostState(), indexed: new HostState() };
  for (const [i, { wait, step }] of moves.entries()) {
    const walk = (kind: keyof typeof states) => {
      const state = states[kind];
      state.advance(wait);
      const indexed = kind === "indexed";
      const { branches } = explore(state, (chooser) => recordStep(host, state, chooser, step, { indexed }), {
        branches: MAX_WAYS,
      });
      const taken = branches[i % branches.length];
      recordStep(host, state, scriptedChooser(taken?.script ?? []), step, { indexed });
      return branches;
    };
    const [linear, indexed] = [walk("linear"), walk("indexed")];
    const where = `packet ${i + 1}, ${packetText(step.packet)}`;
    for (const [n, branch] of linear.entries()) {
      const other = indexed[n];
      if (!isDeepStrictEqual(branch.script, other?.script)) return `${where}: other questions`;
      if (!isDeepStrictEqual(branch.value.result, other?.value.result)) return `${where}: another result`;
      if (!isDeepStrictEqual(branch.value.events, other?.value.events)) return `${where}: other events`;
    }
    if (linear.length !== indexed.length) return `${where}: more ways`;
    if (!isDeepStrictEqual(snapshot(states.linear), snapshot(states.indexed))) return `${where}: another state`;
  }
  return undefined;
}

test("slow: the indexed walk has the linear one's events, results and state: any rules", (t) => {
  const options = { circles: false, uncertain: 1, moves: 25, odd: 0.3, damaged: 0.1 };
  t.is(counterexample(difference, options, 250), undefined);
});

test("slow: the indexed walk has the linear one's events, results and state: compiled and foreign rules", (t) => {
  for (const { name, host, moves } of ruleSetScenes("1", 120)) t.is(difference(host, moves), undefined, name);
});
