import { type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { parseNumber } from "../values.ts";

/** `-m dscp`: the upper six bits of the TOS octet or traffic class. */
export interface DSCPMatch {
  readonly kind: "dscp";
  /** 0 … 63 */
  readonly dscp: Negatable<number>;
}

/** The classes of dscp_helper.c: CS0 … CS7, AF11 … AF43, EF, BE. */
function classValue(text: string): number | undefined {
  const name = text.toUpperCase();
  if (name === "EF") return 0x2e;
  if (name === "BE") return 0;
  if (/^CS[0-7]$/.test(name)) return Number(name[2]) << 3;
  return /^AF[1-4][1-3]$/.test(name) ? (Number(name[2]) << 3) | (Number(name[3]) << 1) : undefined;
}

/** Reads a code point that is given by `number`, as a number, or by `name`, as a class; `undefined` with a problem. */
export function parseDSCP(options: ModuleOptions, number: string, name: string): number | undefined {
  if (!options.atMostOne(number, name)) return undefined;
  return options.has(name)
    ? options.read(name, classValue, "a class such as AF11, CS1, EF")
    : options.need(number, (text) => parseNumber(text, 63), "a number of 0 to 63");
}

/** `0x` and two digits. */
export function formatOctet(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

export const dscpModule: RuleModule<DSCPMatch> = {
  kind: "dscp",
  negatable: ["--dscp", "--dscp-class"],
  parse: (options) => {
    const value = parseDSCP(options, "--dscp", "--dscp-class");
    const dscp = negatable(options, options.has("--dscp") ? "--dscp" : "--dscp-class", value);
    return dscp === undefined ? undefined : { kind: "dscp", dscp };
  },
  format: (match) => negatableOption("--dscp", match.dscp, formatOctet),
};
