import type { Chooser } from "../../chooser.ts";
import type { Service } from "../service.ts";
import { type Choice, isUsable } from "./scheduler.ts";

const WHOLE = 2 ** 31;

/** Any usable real server, each with the same share (to the nearest 2^31st): what a round gives in the long run, wherever it stands. */
export function anyTurnOf({ destinations }: Service, chooser: Chooser): Choice | undefined {
  const usable = destinations.filter(isUsable);
  const edge = (i: number): number => Math.round((i * WHOLE) / usable.length);
  const position = usable.length === 0 ? 0 : chooser.share(usable.map((_, i) => edge(i + 1) - edge(i)));
  const destination = usable[position];
  if (destination === undefined) return undefined;
  return { destination, reason: { kind: "position", position: position + 1, of: usable.length } };
}
