import { defined, flagOption, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** A conntrack zone, or the packet's mark taken as one. */
export type Zone = number | "mark";

/** `-j CT` with `--notrack` or zones; its other options are not modelled. */
export interface CTTarget {
  readonly kind: "CT";
  readonly notrack: boolean;
  readonly zone?: Zone;
  readonly zoneOriginal?: Zone;
  readonly zoneReply?: Zone;
}

function parseZone(text: string): Zone | undefined {
  return text === "mark" ? "mark" : parseNumber(text, 65535);
}

const other = ["--helper", "--timeout", "--ctevents", "--expevents"];

const zone = (flag: string, value: Zone | undefined) => (value === undefined ? [] : [option(flag, `${value}`)]);

export const ctModule: RuleModule<CTTarget> = {
  kind: "CT",
  negatable: [],
  parse: (options) => {
    const unread = other.find((flag) => options.has(flag));
    if (unread !== undefined) return options.unmodelled(`${unread} is not modelled`);
    if (!options.atMostOne("--zone", "--zone-orig") || !options.atMostOne("--zone", "--zone-reply")) return undefined;
    return defined<CTTarget>({
      kind: "CT",
      notrack: options.has("--notrack"),
      zone: options.read("--zone", parseZone, "a zone"),
      zoneOriginal: options.read("--zone-orig", parseZone, "a zone"),
      zoneReply: options.read("--zone-reply", parseZone, "a zone"),
    });
  },
  format: (target) => [
    ...flagOption("--notrack", target.notrack),
    ...zone("--zone", target.zone),
    ...zone("--zone-orig", target.zoneOriginal),
    ...zone("--zone-reply", target.zoneReply),
  ],
};
