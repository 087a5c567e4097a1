import { defined, flagOption, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber } from "../values.ts";
import { savedString } from "../words.ts";

/** `-j LOG` */
export interface LogTarget {
  readonly kind: "LOG";
  readonly prefix: string;
  /** A syslog level, 0 (emerg) … 7 (debug). */
  readonly level: number;
  readonly tcpSequence: boolean;
  readonly tcpOptions: boolean;
  readonly ipOptions: boolean;
  readonly uid: boolean;
  readonly macDecode: boolean;
}

/** `-j NFLOG` */
export interface NFLogTarget {
  readonly kind: "NFLOG";
  readonly prefix: string;
  readonly group: number;
  /** Has no effect; nft forgets it. */
  readonly range?: number;
  readonly size?: number;
  readonly threshold: number;
}

const levels: ReadonlyMap<string, number> = new Map([
  ["emerg", 0],
  ["panic", 0],
  ["alert", 1],
  ["crit", 2],
  ["err", 3],
  ["error", 3],
  ["warn", 4],
  ["warning", 4],
  ["notice", 5],
  ["info", 6],
  ["debug", 7],
]);

const DEFAULT_LEVEL = 4;
const MAX_LOG_PREFIX = 29;
const MAX_NFLOG_PREFIX = 63;

/** ASCII texts are cut; for others it is not known where a cut through a character ends. */
function prefix(text: string, max: number): string | undefined {
  if (text.length * 3 <= max) return text;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return undefined;
  return text.slice(0, max);
}

export const logModule: RuleModule<LogTarget> = {
  kind: "LOG",
  negatable: [],
  parse: (options) => ({
    kind: "LOG",
    prefix: options.read("--log-prefix", (text) => prefix(text, MAX_LOG_PREFIX), "a text of at most 29 bytes") ?? "",
    level:
      options.read("--log-level", (text) => levels.get(text) ?? parseNumber(text, 7), "a level of 0 to 7") ??
      DEFAULT_LEVEL,
    tcpSequence: options.has("--log-tcp-sequence"),
    tcpOptions: options.has("--log-tcp-options"),
    ipOptions: options.has("--log-ip-options"),
    uid: options.has("--log-uid"),
    macDecode: options.has("--log-macdecode"),
  }),
  format: (target) => [
    ...(target.prefix === "" ? [] : [option("--log-prefix", savedString(target.prefix))]),
    ...(target.level === DEFAULT_LEVEL ? [] : [option("--log-level", `${target.level}`)]),
    ...flagOption("--log-tcp-sequence", target.tcpSequence),
    ...flagOption("--log-tcp-options", target.tcpOptions),
    ...flagOption("--log-ip-options", target.ipOptions),
    ...flagOption("--log-uid", target.uid),
    ...flagOption("--log-macdecode", target.macDecode),
  ],
};

const number = (flag: string, value: number | undefined) => (value === undefined ? [] : [option(flag, `${value}`)]);

export const nflogModule: RuleModule<NFLogTarget> = {
  kind: "NFLOG",
  negatable: [],
  parse: (options) => {
    if (!options.atMostOne("--nflog-range", "--nflog-size")) return undefined;
    return defined<NFLogTarget>({
      kind: "NFLOG",
      prefix:
        options.read("--nflog-prefix", (text) => prefix(text, MAX_NFLOG_PREFIX), "a text of at most 63 bytes") ?? "",
      group: options.number("--nflog-group", 65535) ?? 0,
      range: options.number("--nflog-range", 0xffffffff) || undefined,
      size: options.number("--nflog-size", 0xffffffff),
      threshold: options.number("--nflog-threshold", 65535) ?? 0,
    });
  },
  format: (target) => [
    ...(target.prefix === "" ? [] : [option("--nflog-prefix", savedString(target.prefix))]),
    ...number("--nflog-group", target.group || undefined),
    ...number("--nflog-range", target.range),
    ...number("--nflog-size", target.size),
    ...number("--nflog-threshold", target.threshold || undefined),
  ],
};
