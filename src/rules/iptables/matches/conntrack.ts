import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { parseProtocol } from "../protocols.ts";
import type { Option } from "../syntax.ts";
import {
  formatAddress,
  formatFlags,
  formatMaskedAddress,
  formatPortRange,
  type MaskedAddress,
  maskLength,
  type PortRange,
  parseFlags,
  parseNumber,
  parsePortRange,
  parseUnmasked,
} from "../values.ts";

/** Bits of `--ctstate` (XT_CONNTRACK_STATE_*), in the order that iptables-save prints them. */
export const conntrackStates = {
  INVALID: 1,
  NEW: 8,
  RELATED: 4,
  ESTABLISHED: 2,
  UNTRACKED: 256,
  SNAT: 64,
  DNAT: 128,
} as const;

/** Bits of `--ctstatus` (IPS_*); the empty set is `NONE`. */
export const conntrackStatuses = { EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8 } as const;

/** A closed range of numbers. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** `-m conntrack`; the addresses keep the bits outside their mask. */
export interface ConntrackMatch {
  readonly kind: "conntrack";
  /** Bits of `conntrackStates`. */
  readonly states?: Negatable<number>;
  readonly protocol?: Negatable<number>;
  readonly originalSource?: Negatable<MaskedAddress>;
  readonly originalDestination?: Negatable<MaskedAddress>;
  readonly replySource?: Negatable<MaskedAddress>;
  readonly replyDestination?: Negatable<MaskedAddress>;
  readonly originalSourcePort?: Negatable<PortRange>;
  readonly originalDestinationPort?: Negatable<PortRange>;
  readonly replySourcePort?: Negatable<PortRange>;
  readonly replyDestinationPort?: Negatable<PortRange>;
  /** Bits of `conntrackStatuses`. */
  readonly statuses?: Negatable<number>;
  /** Seconds until the entry expires. */
  readonly expires?: Negatable<NumberRange>;
  readonly direction?: "ORIGINAL" | "REPLY";
}

const statusNames: Readonly<Record<string, number>> = { ...conntrackStatuses, NONE: 0 };

function address(options: ModuleOptions, flag: string): Negatable<MaskedAddress> | undefined {
  const read = (text: string): MaskedAddress | undefined => {
    const parsed = parseUnmasked(text, options.family);
    // iptables-save prints scattered masks as none at all, so they cannot be written back
    return parsed === undefined || maskLength(parsed.mask) === undefined ? undefined : parsed;
  };
  return negatable(options, flag, options.read(flag, read, "an address or a network"));
}

function port(options: ModuleOptions, flag: string): Negatable<PortRange> | undefined {
  return negatable(
    options,
    flag,
    options.read(flag, (text) => parsePortRange(text), "a port or a range of ports"),
  );
}

function parseSeconds(text: string): NumberRange | undefined {
  const [first = "", second] = text.split(":", 2);
  const from = parseNumber(first, 0xffffffff);
  const to = second === undefined ? from : second === "" ? 0xffffffff : parseNumber(second, 0xffffffff);
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

function parseDirection(text: string): "ORIGINAL" | "REPLY" | undefined {
  const upper = text.toUpperCase();
  return upper === "ORIGINAL" || upper === "REPLY" ? upper : undefined;
}

function parse(options: ModuleOptions): ConntrackMatch | undefined {
  if (options.size === 0) return options.fail("at least one option is required");
  const states = options.read("--ctstate", (text) => parseFlags(text, conntrackStates), "a list of connection states");
  const protocol = options.read("--ctproto", parseProtocol, "a protocol");
  const statuses = options.read("--ctstatus", (text) => parseFlags(text, statusNames), "a list of connection statuses");
  return defined<ConntrackMatch>({
    kind: "conntrack",
    states: negatable(options, "--ctstate", states),
    protocol: negatable(options, "--ctproto", protocol),
    originalSource: address(options, "--ctorigsrc"),
    originalDestination: address(options, "--ctorigdst"),
    replySource: address(options, "--ctreplsrc"),
    replyDestination: address(options, "--ctrepldst"),
    originalSourcePort: port(options, "--ctorigsrcport"),
    originalDestinationPort: port(options, "--ctorigdstport"),
    replySourcePort: port(options, "--ctreplsrcport"),
    replyDestinationPort: port(options, "--ctrepldstport"),
    statuses: negatable(options, "--ctstatus", statuses),
    expires: negatable(options, "--ctexpire", options.read("--ctexpire", parseSeconds, "seconds or a range of them")),
    direction: options.read("--ctdir", parseDirection, "ORIGINAL or REPLY"),
  });
}

/** One address is printed without its prefix length, unlike in -s and -d. */
function formatConntrackAddress(given: MaskedAddress): string {
  const full = given.address.family === "IPv4" ? 32 : 128;
  return maskLength(given.mask) === full ? formatAddress(given.address) : formatMaskedAddress(given);
}

function format(match: ConntrackMatch): readonly Option[] {
  const ports = (range: PortRange): string => formatPortRange(range);
  const direction = match.direction === undefined ? undefined : { negated: false, value: match.direction };
  return [
    ...negatableOption("--ctstate", match.states, (set) => formatFlags(set, conntrackStates)),
    ...negatableOption("--ctproto", match.protocol, String),
    ...negatableOption("--ctorigsrc", match.originalSource, formatConntrackAddress),
    ...negatableOption("--ctorigdst", match.originalDestination, formatConntrackAddress),
    ...negatableOption("--ctreplsrc", match.replySource, formatConntrackAddress),
    ...negatableOption("--ctrepldst", match.replyDestination, formatConntrackAddress),
    ...negatableOption("--ctorigsrcport", match.originalSourcePort, ports),
    ...negatableOption("--ctorigdstport", match.originalDestinationPort, ports),
    ...negatableOption("--ctreplsrcport", match.replySourcePort, ports),
    ...negatableOption("--ctrepldstport", match.replyDestinationPort, ports),
    ...negatableOption("--ctstatus", match.statuses, (set) => formatFlags(set, conntrackStatuses) || "NONE"),
    ...negatableOption("--ctexpire", match.expires, ports),
    ...negatableOption("--ctdir", direction, (value) => value),
  ];
}

export const conntrackModule: RuleModule<ConntrackMatch> = {
  kind: "conntrack",
  negatable: [
    "--ctstate",
    "--ctproto",
    "--ctorigsrc",
    "--ctorigdst",
    "--ctreplsrc",
    "--ctrepldst",
    "--ctorigsrcport",
    "--ctorigdstport",
    "--ctreplsrcport",
    "--ctrepldstport",
    "--ctstatus",
    "--ctexpire",
  ],
  parse,
  format,
};
