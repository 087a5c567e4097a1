import { parseIP } from "../../net/ip.ts";
import { goQuote, goTrimSpace } from "../validation/go-text.ts";
import type { KubeProxyFlagType } from "./flags.ts";
import { parseDuration } from "./go-duration.ts";
import { splitHostPort } from "./host-port.ts";

/** A flag's value as it stands in a configuration file (`undefined`: as if the flag were absent), or what is wrong. */
export type ParsedFlag =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string };

const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];
// strconv.ParseInt with base 0
const INTEGER = /^[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO]?(_?[0-7])+|0|[1-9](_?[0-9])*)$/;

function right(value: unknown): ParsedFlag {
  return { ok: true, value };
}

function wrong(error: string): ParsedFlag {
  return { ok: false, error };
}

function parseBool(text: string): ParsedFlag {
  if (TRUE.includes(text)) return right(true);
  if (FALSE.includes(text)) return right(false);
  return wrong(`strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`);
}

/** A 32-bit integer in any of Go's notations (`12`, `0x0c`, `0b1100`, `014`). */
function parseInteger(text: string): ParsedFlag {
  const failed = `strconv.ParseInt: parsing ${goQuote(text)}`;
  if (!INTEGER.test(text)) return wrong(`${failed}: invalid syntax`);
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits) * (text.startsWith("-") ? -1 : 1);
  if (value < -(2 ** 31) || value >= 2 ** 31) return wrong(`${failed}: value out of range`);
  return right(value === 0 ? 0 : value);
}

function parseAddress(text: string): ParsedFlag {
  if (text === "") return right(undefined);
  return parseIP(text) === undefined ? wrong(`${goQuote(text)} is not a valid IP address`) : right(text);
}

function parseAddressPort(text: string): ParsedFlag {
  if (text === "" || parseIP(text) !== undefined) return right(text === "" ? undefined : text);
  const split = splitHostPort(text);
  if (split === undefined) return wrong(`${goQuote(text)} is not in a valid format (ip or ip:port)`);
  if (parseIP(split.host) === undefined) return wrong(`${goQuote(split.host)} is not a valid IP address`);
  const port = /^[0-9]+$/.test(split.port) ? Number(split.port) : -1;
  return port >= 0 && port <= 65535 ? right(text) : wrong(`${goQuote(split.port)} is not a valid number`);
}

function parseMap(text: string): ParsedFlag {
  const map: Record<string, boolean> = {};
  for (const pair of text.split(",")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    if (equals < 0) return wrong("malformed pair, expect string=bool");
    const name = goTrimSpace(pair.slice(0, equals));
    const value = goTrimSpace(pair.slice(equals + 1));
    const parsed = parseBool(value);
    if (!parsed.ok) return wrong(`invalid value of ${name}: ${value}, err: ${parsed.error}`);
    map[name] = parsed.value === true;
  }
  return right(map);
}

// quotation marks have a meaning in pflag's lists (CSV) that nothing here needs
function parseList(text: string): ParsedFlag {
  if (text.includes('"')) return wrong(`${goQuote(text)} must be a comma-separated list without quotation marks`);
  return right(text === "" ? [] : text.split(","));
}

function parseDurationFlag(text: string): ParsedFlag {
  const parsed = parseDuration(text);
  return parsed.ok ? right(text) : wrong(parsed.error);
}

const PARSERS: Readonly<Record<KubeProxyFlagType, (text: string) => ParsedFlag>> = {
  bool: parseBool,
  int: parseInteger,
  string: right,
  ip: parseAddress,
  "ip:port": parseAddressPort,
  list: parseList,
  duration: parseDurationFlag,
  map: parseMap,
};

/** Reads the text of a flag as kube-proxy's flag library does. */
export function parseFlag(type: KubeProxyFlagType, text: string): ParsedFlag {
  return PARSERS[type](text);
}
