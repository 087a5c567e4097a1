import type { Assumption } from "../kernel/chooser/answer.ts";
import { type Branch, explore } from "../kernel/chooser/explore.ts";
import type { Event } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import type { Result } from "../kernel/outcome.ts";
import type { Packet } from "../kernel/packet.ts";
import { receive, type SendOptions, send } from "../kernel/run.ts";
import type { HostState } from "../kernel/state.ts";
import type { Dyadic } from "../net/dyadic.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** How the packet gets to the host: by an interface, or from a process of its own. */
export type Entrance =
  | { readonly kind: "received"; readonly inInterface: string }
  | { readonly kind: "sent"; readonly options: SendOptions };

/** One way that a packet can go. */
export interface TraceBranch {
  /** Exact chance of what the kernel leaves to chance on this way. */
  readonly probability: Dyadic;
  /** What was assumed about things that are not modelled. */
  readonly assumptions: readonly Assumption[];
  readonly result: Result;
  readonly events: readonly Event[];
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

/** Follows a packet on all its ways through one host. The state is as before when it returns. */
export function trace(host: Host, state: HostState, packet: Packet, entrance: Entrance): Trace {
  const found = explore(
    state,
    (chooser) => {
      const events: Event[] = [];
      const options = { host, state, chooser, record: (event: Event) => events.push(event) };
      const result =
        entrance.kind === "received"
          ? receive(options, packet, entrance.inInterface)
          : send(options, packet, entrance.options);
      return { result, events };
    },
    { branches: MAX_BRANCHES },
  );
  const branches = found.branches.map(({ value, probability, assumptions }) => ({
    ...value,
    probability,
    assumptions,
  }));
  const verdict = verdictOf(
    found.branches.map((branch): Branch<Result> => ({ ...branch, value: branch.value.result })),
  );
  return { host, packet, entrance, branches, complete: found.complete, verdict };
}
