import type { Packet } from "../kernel/packet.ts";
import { type JourneyOptions, type Journeys, journeysOf, type Sender } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import { journeyFate } from "./journey-fate.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** All that can become of one packet, and of its reply, in a network. */
export interface JourneyTrace extends Journeys {
  readonly network: Network;
  readonly options: JourneyOptions;
  /** The fates with their chances; unknown only where an assumption makes a difference (decision 11 of the design). */
  readonly verdict: readonly Verdict[];
}

/** Follows a packet from its sender, and the reply back, on all their ways. The states are as before when it returns. */
export function traceJourneys(
  place: { readonly network: Network; readonly state: NetworkState },
  packet: Packet,
  sender: Sender | undefined,
  options: JourneyOptions = {},
): JourneyTrace {
  const journeys = journeysOf(place, packet, sender, options);
  const branches = journeys.branches.map(({ journey, probability, assumptions, script }) => ({
    value: journey,
    probability,
    assumptions,
    script,
  }));
  return { ...journeys, network: place.network, options, verdict: verdictOf(branches, journeyFate) };
}
