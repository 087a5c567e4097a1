import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import type { Option } from "../syntax.ts";
import { formatFlags, parseFlags, parseNumber } from "../values.ts";
import { formatPorts, type PortFields, parsePorts } from "./ports.ts";

/** TCP header flags in the order that iptables-save prints them. */
export const tcpFlags = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;

/** `--tcp-flags MASK COMPARE` as bits of `tcpFlags`. */
export interface TCPFlagsTest {
  readonly mask: number;
  readonly compare: number;
}

/** `-m tcp` */
export interface TCPMatch extends PortFields {
  readonly kind: "tcp";
  /** Kind of a TCP option that must be there. */
  readonly option?: Negatable<number>;
  readonly flags?: Negatable<TCPFlagsTest>;
}

const flagNames: Readonly<Record<string, number>> = { ...tcpFlags, ALL: 63, NONE: 0 };

function parseTCPFlags(options: ModuleOptions): Negatable<TCPFlagsTest> | undefined {
  if (!options.atMostOne("--syn", "--tcp-flags")) return undefined;
  if (options.has("--syn")) {
    const { FIN, SYN, RST, ACK } = tcpFlags;
    return negatable(options, "--syn", { mask: FIN | SYN | RST | ACK, compare: SYN });
  }
  if (!options.has("--tcp-flags")) return undefined;
  const mask = parseFlags(options.text("--tcp-flags") ?? "", flagNames);
  const compare = parseFlags(options.text("--tcp-flags", 1) ?? "", flagNames);
  if (mask === undefined || compare === undefined) return options.fail("--tcp-flags needs two lists of TCP flags");
  return negatable(options, "--tcp-flags", { mask, compare });
}

function parse(options: ModuleOptions): TCPMatch {
  const flags = parseTCPFlags(options);
  const number = options.read("--tcp-option", (text) => parseNumber(text, 255) || undefined, "a number of 1 to 255");
  return defined<TCPMatch>({
    kind: "tcp",
    ...parsePorts(options),
    option: negatable(options, "--tcp-option", number),
    flags,
  });
}

function format(match: TCPMatch): readonly Option[] {
  const names = (set: number): string => (set === 0 ? "NONE" : formatFlags(set, tcpFlags));
  return [
    ...formatPorts(match),
    ...negatableOption("--tcp-option", match.option, String),
    ...negatableOption("--tcp-flags", match.flags, ({ mask, compare }) => `${names(mask)} ${names(compare)}`),
  ];
}

export const tcpModule: RuleModule<TCPMatch> = {
  kind: "tcp",
  negatable: ["--sport", "--dport", "--tcp-option", "--tcp-flags", "--syn"],
  parse,
  format,
};
