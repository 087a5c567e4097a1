import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { type MaskedValue, parseNumber } from "../values.ts";
import { formatOctet } from "./dscp.ts";

/** `-m tos`: true when (TOS octet & mask) = value. */
export interface TOSMatch {
  readonly kind: "tos";
  readonly tos: Negatable<MaskedValue>;
}

/** tos_values.c; the names stand for bits below the precedence and leave ECN out. */
const names: ReadonlyMap<string, number> = new Map([
  ["minimize-delay", 0x10],
  ["maximize-throughput", 0x08],
  ["maximize-reliability", 0x04],
  ["minimize-cost", 0x02],
  ["normal-service", 0],
]);
const NAME_MASK = 0x3f;

/** `VALUE`, `VALUE/MASK` (octets; the mask is all ones when it is not given) or one of five names in any case. */
export function parseTOS(text: string): MaskedValue | undefined {
  const named = names.get(text.toLowerCase());
  if (named !== undefined) return { value: named, mask: NAME_MASK };
  const slash = text.indexOf("/");
  const value = parseNumber(slash < 0 ? text : text.slice(0, slash), 255);
  const mask = slash < 0 ? 255 : parseNumber(text.slice(slash + 1), 255);
  return value === undefined || mask === undefined ? undefined : { value, mask };
}

/** `0xVV/0xMM` */
export function formatTOS({ value, mask }: MaskedValue): string {
  return `${formatOctet(value)}/${formatOctet(mask)}`;
}

export const tosModule: RuleModule<TOSMatch> = {
  kind: "tos",
  negatable: ["--tos"],
  parse: (options) => {
    const tos = negatable(options, "--tos", options.need("--tos", parseTOS, "VALUE, VALUE/MASK or a name"));
    return tos === undefined ? undefined : { kind: "tos", tos };
  },
  format: (match) => negatableOption("--tos", match.tos, formatTOS),
};
