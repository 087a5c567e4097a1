import type { Affinity } from "../../src/intent/promise.ts";
import { promiseOf } from "../../src/intent/promise-of.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { seededRandom } from "../../src/net/random.ts";
import { type JourneyBranch, journeysOf, travelOnce } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { type Call, drawCall, seenOf, sourcesOf, targetsOf } from "./journey-law.ts";
import { type Mode, type Place, placeOf, settingOf, weightsFor } from "./place.ts";

/** Where a way arrived, as a text; `undefined` where it did not. */
function arrival(call: Call, branch: JourneyBranch): string | undefined {
  const { packet } = branch.journey.there;
  return seenOf(call, branch)?.kind === "arrived" ? endpointText(packet.dst, packet.dport) : undefined;
}

/** Two connections of one client, one after the other: with ClientIP the second comes to where the first came. */
function moved(place: Place, call: Call, pick: <T>(list: readonly T[]) => T): string | undefined {
  const state = new NetworkState();
  const here = { network: place.network, state };
  const first = pick(journeysOf(here, call.packet, call.sender, call.options).branches);
  const where = arrival(call, first);
  if (where === undefined) return undefined;
  travelOnce(here, scriptedChooser(first.script), call.packet, call.sender, call.options);
  const packet = { ...call.packet, sport: call.packet.sport + 1 };
  const again = journeysOf(here, packet, call.sender, call.options).branches.map((branch) =>
    arrival({ ...call, packet }, branch),
  );
  const others = again.filter((text) => text !== undefined && text !== where);
  return others.length === 0 ? undefined : `${where}, then ${others.join(" ")}`;
}

/** How many pairs of connections were made to Services with an affinity (`wanted`), and which of them parted. */
export function affinityLaw(
  mode: Mode,
  from: number,
  to: number,
  calls: number,
  wanted: Affinity["kind"] = "ClientIP",
): { readonly pairs: number; readonly parted: readonly string[] } {
  let pairs = 0;
  const parted: string[] = [];
  for (let seed = from; seed < to; seed++) {
    const place = placeOf(settingOf(sampleCluster(seed, { weights: weightsFor(37) })), mode);
    if (place === undefined) continue;
    const [targets, sources] = [targetsOf(place), sourcesOf(place)];
    const random = seededRandom(`affinity ${seed}`);
    for (let i = 0; i < calls && targets.length > 0; i++) {
      const call = drawCall(random, place, targets, sources);
      if (call === undefined) continue;
      const { outcome, affinity } = promiseOf(place.intent, call.asked);
      if (outcome.kind !== "endpoints" || affinity.kind !== wanted) continue;
      pairs++;
      const text = moved(place, call, random.pick);
      if (text !== undefined)
        parted.push(
          `seed ${seed}: ${call.asked.from}@${call.asked.node} ${endpointText(call.packet.src, 0)} > ${endpointText(call.packet.dst, call.packet.dport)}: ${text}`,
        );
    }
  }
  return { pairs, parted };
}
