import { formatValues } from "../rules/ipset/elements.ts";
import type { Dimension } from "../rules/ipset/model.ts";
import type { SetAnswer } from "./event.ts";
import { type SetKey, valuesOfKey } from "./set-key.ts";

/** What a set said, with entries as `ipset save` prints them behind `add NAME`. */
export interface SetWords {
  readonly set: string;
  readonly member?: string;
  readonly packet?: string;
  readonly entry?: string;
  readonly nomatch?: true;
  readonly refused?: string;
}

/** Tells the keys of an answer: nobody needs the texts of most answers, so they are not made before. */
export function setWords({ set, member, dimensions, packet, entry, nomatch, refused }: SetAnswer): SetWords {
  const text = (key: SetKey): string => entryText(dimensions, key);
  return {
    set,
    ...(member === undefined ? {} : { member }),
    ...(packet === undefined ? {} : { packet: text(packet) }),
    ...(entry === undefined ? {} : { entry: text(entry) }),
    ...(nomatch ? { nomatch } : {}),
    ...(refused === undefined ? {} : { refused: text(refused) }),
  };
}

/** An element by its key, as `ipset save` prints it behind `add NAME`; options but `wildcard` are not part of it. */
function entryText(dimensions: readonly Dimension[], key: SetKey): string {
  const values = valuesOfKey(dimensions, key);
  const wildcard = values.some((value) => value.kind === "iface" && value.wildcard);
  return `${formatValues(values)}${wildcard ? " wildcard" : ""}`;
}
