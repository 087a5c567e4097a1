import { type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { parseNumber } from "../values.ts";

/** An ICMP type and, when `code` is there, that code only; `any` matches every ICMP packet. */
export type ICMPTest = { readonly type: number; readonly code?: number } | "any";

/** `-m icmp` */
export interface ICMPMatch {
  readonly kind: "icmp";
  readonly icmp: Negatable<ICMPTest>;
}

/** `-m icmp6` */
export interface ICMPv6Match {
  readonly kind: "icmp6";
  readonly icmp: Negatable<ICMPTest>;
}

const icmpNames: ReadonlyMap<string, ICMPTest> = new Map<string, ICMPTest>([
  ["any", "any"],
  ["echo-reply", { type: 0 }],
  ["pong", { type: 0 }],
  ["destination-unreachable", { type: 3 }],
  ["network-unreachable", { type: 3, code: 0 }],
  ["host-unreachable", { type: 3, code: 1 }],
  ["protocol-unreachable", { type: 3, code: 2 }],
  ["port-unreachable", { type: 3, code: 3 }],
  ["fragmentation-needed", { type: 3, code: 4 }],
  ["source-quench", { type: 4 }],
  ["redirect", { type: 5 }],
  ["echo-request", { type: 8 }],
  ["ping", { type: 8 }],
  ["router-advertisement", { type: 9 }],
  ["router-solicitation", { type: 10 }],
  ["time-exceeded", { type: 11 }],
  ["ttl-exceeded", { type: 11 }],
  ["parameter-problem", { type: 12 }],
  ["timestamp-request", { type: 13 }],
  ["timestamp-reply", { type: 14 }],
  ["address-mask-request", { type: 17 }],
  ["address-mask-reply", { type: 18 }],
]);

const icmpv6Names: ReadonlyMap<string, ICMPTest> = new Map<string, ICMPTest>([
  ["destination-unreachable", { type: 1 }],
  ["no-route", { type: 1, code: 0 }],
  ["communication-prohibited", { type: 1, code: 1 }],
  ["address-unreachable", { type: 1, code: 3 }],
  ["port-unreachable", { type: 1, code: 4 }],
  ["packet-too-big", { type: 2 }],
  ["time-exceeded", { type: 3 }],
  ["parameter-problem", { type: 4 }],
  ["echo-request", { type: 128 }],
  ["ping", { type: 128 }],
  ["echo-reply", { type: 129 }],
  ["pong", { type: 129 }],
  ["router-solicitation", { type: 133 }],
  ["router-advertisement", { type: 134 }],
  ["neighbour-solicitation", { type: 135 }],
  ["neighbor-solicitation", { type: 135 }],
  ["neighbour-advertisement", { type: 136 }],
  ["neighbor-advertisement", { type: 136 }],
  ["redirect", { type: 137 }],
]);

function parseType(text: string, names: ReadonlyMap<string, ICMPTest>): ICMPTest | undefined {
  const named = names.get(text.toLowerCase());
  if (named !== undefined) return named;
  const slash = text.indexOf("/");
  const type = parseNumber(slash < 0 ? text : text.slice(0, slash), 255);
  const code = slash < 0 ? undefined : parseNumber(text.slice(slash + 1), 255);
  if (type === undefined || (slash >= 0 && code === undefined)) return undefined;
  if (type === 255 && slash < 0 && names === icmpNames) return "any";
  return code === undefined ? { type } : { type, code };
}

function formatType(test: ICMPTest): string {
  if (test === "any") return "any";
  return test.code === undefined ? `${test.type}` : `${test.type}/${test.code}`;
}

function parseOption(
  options: ModuleOptions,
  flag: string,
  names: ReadonlyMap<string, ICMPTest>,
): Negatable<ICMPTest> | undefined {
  return negatable(
    options,
    flag,
    options.need(flag, (text) => parseType(text, names), "an ICMP type, TYPE/CODE, or a known name"),
  );
}

export const icmpModule: RuleModule<ICMPMatch> = {
  kind: "icmp",
  negatable: ["--icmp-type"],
  parse: (options) => {
    const icmp = parseOption(options, "--icmp-type", icmpNames);
    return icmp === undefined ? undefined : { kind: "icmp", icmp };
  },
  format: (match) => negatableOption("--icmp-type", match.icmp, formatType),
};

export const icmp6Module: RuleModule<ICMPv6Match> = {
  kind: "icmp6",
  negatable: ["--icmpv6-type"],
  parse: (options) => {
    const icmp = parseOption(options, "--icmpv6-type", icmpv6Names);
    return icmp === undefined ? undefined : { kind: "icmp6", icmp };
  },
  format: (match) => negatableOption("--icmpv6-type", match.icmp, formatType),
};
