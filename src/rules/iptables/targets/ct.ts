import { defined, flagOption, type ModuleOptions, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** A conntrack zone, or the packet's mark taken as one. */
export type Zone = number | "mark";

/**
 * `-j CT`. At most one of the three zones is there: for both directions, or only for one of them. Zone 0 is none.
 * Events are kept as the list that iptables-save prints.
 */
export interface CTTarget {
  readonly kind: "CT";
  readonly notrack: boolean;
  readonly helper?: string;
  readonly timeout?: string;
  readonly ctEvents?: readonly string[];
  readonly expectEvents?: readonly string[];
  readonly zone?: Zone;
  readonly zoneOriginal?: Zone;
  readonly zoneReply?: Zone;
}

/** IPCT_* by bit number, as libxt_CT.c knows them. */
const ctEvents: readonly string[] = [
  "new",
  "related",
  "destroy",
  "reply",
  "assured",
  "protoinfo",
  "helper",
  "mark",
  "natseqinfo",
  "secmark",
];
const expectEvents: readonly string[] = ["new"];
const MAX_HELPER = 15;
const MAX_TIMEOUT = 31;

/** The names of a list, in the order of `known`. */
function parseEvents(text: string, known: readonly string[]): readonly string[] | undefined {
  const words = text.split(",");
  return words.every((word) => known.includes(word)) ? known.filter((name) => words.includes(name)) : undefined;
}

function parseZone(text: string): Zone | undefined {
  return text === "mark" ? "mark" : parseNumber(text, 65535);
}

/** Only the direction of --zone-orig or --zone-reply counts; both stand for both; the number that is given last wins. */
function parseZones(options: ModuleOptions): Pick<CTTarget, "zone" | "zoneOriginal" | "zoneReply"> {
  const given = ["--zone", "--zone-orig", "--zone-reply"]
    .filter((flag) => options.has(flag))
    .sort((a, b) => options.position(a) - options.position(b));
  const zones = given.map((flag) => options.read(flag, parseZone, "a zone"));
  const zone = zones.includes("mark") ? "mark" : zones.at(-1);
  if (zone === undefined || zone === 0) return {};
  const original = given.includes("--zone-orig");
  if (original === given.includes("--zone-reply")) return { zone };
  return original ? { zoneOriginal: zone } : { zoneReply: zone };
}

function name(options: ModuleOptions, flag: string, max: number): string | undefined {
  const value = options.read(
    flag,
    (text) => (text.length <= max && !/\s/.test(text) ? text : undefined),
    `a name of at most ${max} characters without blanks`,
  );
  if (value === undefined || value === "") return undefined;
  const { protocol } = options.rule;
  return protocol === undefined || protocol.negated ? options.fail(`${flag} needs -p`) : value;
}

const zone = (flag: string, value: Zone | undefined) => (value === undefined ? [] : [option(flag, `${value}`)]);
const text = (flag: string, value: string | undefined) => (value === undefined ? [] : [option(flag, value)]);

export const ctModule: RuleModule<CTTarget> = {
  kind: "CT",
  negatable: [],
  parse: (options) =>
    defined<CTTarget>({
      kind: "CT",
      notrack: options.has("--notrack"),
      helper: name(options, "--helper", MAX_HELPER),
      timeout: name(options, "--timeout", MAX_TIMEOUT),
      ctEvents: options.read("--ctevents", (given) => parseEvents(given, ctEvents), "a list of events"),
      expectEvents: options.read("--expevents", (given) => parseEvents(given, expectEvents), "a list of events"),
      zone: undefined,
      zoneOriginal: undefined,
      zoneReply: undefined,
      ...parseZones(options),
    }),
  format: (target) => [
    ...flagOption("--notrack", target.notrack),
    ...text("--helper", target.helper),
    ...text("--timeout", target.timeout),
    ...text("--ctevents", target.ctEvents?.join(",")),
    ...text("--expevents", target.expectEvents?.join(",")),
    ...zone("--zone", target.zone),
    ...zone("--zone-orig", target.zoneOriginal),
    ...zone("--zone-reply", target.zoneReply),
  ],
};
