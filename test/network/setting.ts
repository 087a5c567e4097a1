import type { Sender } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { type Place, type PlaceSettings, placeOf } from "./support.ts";

/** What a test says besides the packet. */
export interface Setting {
  readonly sender?: Sender;
  readonly asked?: readonly string[];
  readonly settings?: PlaceSettings;
}

export const shop = "examples/shop";
export const golden = (name: string): string => `golden/scenarios/${name}`;
/** The client's Pod, which no object names. */
export const client: Setting = { asked: ["10.244.1.7"] };

const places = new Map<string, Place>();

/** The place of a row, with states of its own. */
export function placeFor(folder: string, { asked = [], settings = {} }: Setting = {}): Place {
  const key = JSON.stringify([folder, asked, settings]);
  const known = settings.hostFile === undefined ? places.get(key) : undefined;
  const place = known ?? placeOf(folder, asked, settings);
  if (settings.hostFile === undefined) places.set(key, place);
  return { ...place, state: new NetworkState() };
}
