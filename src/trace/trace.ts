import type { Assumption, Script } from "../kernel/chooser/answer.ts";
import { explore } from "../kernel/chooser/explore.ts";
import { scriptedChooser } from "../kernel/chooser/scripted.ts";
import type { Chooser } from "../kernel/chooser.ts";
import type { Event, Recorder } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import type { Result } from "../kernel/outcome.ts";
import type { Packet } from "../kernel/packet.ts";
import { receive, send } from "../kernel/run.ts";
import type { HostState } from "../kernel/state.ts";
import type { Dyadic } from "../net/dyadic.ts";
import type { Entrance } from "../network/wire.ts";
import { hostFate } from "./host-fate.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** One way that a packet can go. */
export interface TraceBranch {
  /** Exact chance of what the kernel leaves to chance on this way. */
  readonly probability: Dyadic;
  /** What was assumed about things that are not modelled. */
  readonly assumptions: readonly Assumption[];
  readonly result: Result;
  /** What happens on this way, in order: it is walked once more when this is asked for, since all ways' events would be too many to keep. */
  readonly events: () => readonly Event[];
}

/** All that can become of one packet on one host. */
export interface Trace {
  readonly host: Host;
  readonly packet: Packet;
  readonly entrance: Entrance;
  readonly branches: readonly TraceBranch[];
  /** False when there were more ways than were followed. */
  readonly complete: boolean;
  /** The fates with their chances; unknown only where an assumption makes a difference (decision 11 of the design). */
  readonly verdict: readonly Verdict[];
}

const MAX_BRANCHES = 4096;
/** Rules that are looked at on all ways together: more only where somebody means to keep us busy. */
const MAX_RULES = 10_000_000;

/** Follows a packet on all its ways through one host. The state is as before when it returns. */
export function trace(host: Host, state: HostState, packet: Packet, entrance: Entrance): Trace {
  const walk = (chooser: Chooser, record: Recorder): Result => {
    const options = { host, state, chooser, record };
    return entrance.kind === "received"
      ? receive(options, packet, entrance.inInterface)
      : send(options, packet, entrance.options);
  };
  let rules = 0;
  const count = (event: Event): void => {
    if (event.kind === "passed") rules += event.count;
    else if (event.kind === "matched") rules++;
  };
  const found = explore(state, (chooser) => walk(chooser, count), {
    branches: MAX_BRANCHES,
    enough: () => rules > MAX_RULES,
  });
  const eventsOf = (script: Script): readonly Event[] => {
    const events: Event[] = [];
    const mark = state.mark();
    walk(scriptedChooser(script), (event) => events.push(event));
    state.rollback(mark);
    return events;
  };
  const branches = found.branches.map(({ value, probability, assumptions, script }) => ({
    result: value,
    probability,
    assumptions,
    events: () => eventsOf(script),
  }));
  return { host, packet, entrance, branches, complete: found.complete, verdict: verdictOf(found.branches, hostFate) };
}
