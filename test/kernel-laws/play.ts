import { type AssumingChooser, seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import type { Event, Recorder } from "../../src/kernel/event.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import { receive, send } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { RuleObserver } from "../../src/kernel/walk.ts";
import type { Observation, SeenPacket, Step } from "../kernel/step.ts";

export interface WalkOptions {
  readonly indexed?: boolean;
  readonly record?: Recorder;
  readonly observe?: RuleObserver;
}

/** One packet through a host. */
export function walkStep(
  host: Host,
  state: HostState,
  chooser: Chooser,
  { packet, from, mark, uid, gid }: Step,
  options: WalkOptions = {},
): Result {
  const run = { host, state, chooser, ...options };
  return from === undefined ? send(run, packet, { mark, owner: { uid, gid } }) : receive(run, packet, from);
}

/** A walk and what was recorded of it. */
export interface Recorded {
  readonly result: Result;
  readonly events: readonly Event[];
}

export function recordStep(
  host: Host,
  state: HostState,
  chooser: Chooser,
  step: Step,
  options: Omit<WalkOptions, "record"> = {},
): Recorded {
  const events: Event[] = [];
  const record = (event: Event): void => {
    events.push(event);
  };
  return { result: walkStep(host, state, chooser, step, { ...options, record }), events };
}

const NO_BYTES = new Uint8Array();

function seenOf(result: Result, out: SeenPacket[], local: SeenPacket[]): void {
  const { outcome, packet, mark, answers } = result;
  if (outcome.kind === "transmitted") out.push({ interface: outcome.outInterface, mark, bytes: NO_BYTES, packet });
  if (outcome.kind === "delivered") local.push({ interface: outcome.inInterface, mark, bytes: NO_BYTES, packet });
  for (const answer of answers) seenOf(answer, out, local);
}

/** What a tap would have seen. */
function observationOf(result: Result): Observation {
  const out: SeenPacket[] = [];
  const local: SeenPacket[] = [];
  seenOf(result, out, local);
  return { at: 0, until: 0, errno: undefined, out, local, logged: [], rules: [] };
}

/** A host of its own state that takes packets one after the other, chance going by the seed. */
export function play(host: Host, seed: string): (move: { readonly wait: number; readonly step: Step }) => Observation {
  const state = new HostState();
  const chooser: AssumingChooser = seededChooser(seed);
  return ({ wait, step }) => {
    state.advance(wait);
    return observationOf(walkStep(host, state, chooser, step));
  };
}
