import type { Match, Rule, Target } from "../../rules/iptables/model.ts";
import type { Negatable } from "../../rules/iptables/module.ts";
import type { MaskedAddress, PortRange } from "../../rules/iptables/values.ts";
import { maskLength } from "../../rules/iptables/values.ts";
import { ipNumber } from "../numbers.ts";
import { isPlainIPVS, plainTargets, withoutNumbers } from "./constants.ts";

/** How the numbers and names of a rule are written into its words: numbers that may be others in another rule of the same shape. */
export interface Tokens {
  readonly address: (value: bigint) => string;
  /** A network of several addresses: as it is. */
  readonly network: (masked: MaskedAddress) => string;
  readonly port: (value: number) => string;
  readonly ports: (range: PortRange) => string;
  /** The name of a `recent` list. */
  readonly name: (name: string) => string;
  /** Something that words cannot be found for: the rule is like no other. */
  readonly opaque: (what: string) => string;
  /** Where a jump leads. */
  readonly chain: (target: Extract<Target, { readonly kind: "jump" | "goto" }>) => string;
}

const not = (negated: boolean): string => (negated ? "!" : "");

function maskedWords(name: string, masked: Negatable<MaskedAddress> | undefined, tokens: Tokens): string {
  if (masked === undefined) return "";
  const { address, mask } = masked.value;
  const full = address.family === "IPv4" ? 32 : 128;
  const word = maskLength(mask) === full ? tokens.address(ipNumber(address)) : tokens.network(masked.value);
  return ` ${name}${not(masked.negated)}${word}`;
}

function portWords(name: string, range: Negatable<PortRange> | undefined, tokens: Tokens): string {
  if (range === undefined) return "";
  const { from, to } = range.value;
  return ` ${name}${not(range.negated)}${from === to ? tokens.port(from) : tokens.ports(range.value)}`;
}

function matchWords(match: Match, tokens: Tokens): string {
  switch (match.kind) {
    case "comment":
      return "";
    case "tcp":
    case "udp":
    case "sctp": {
      const { source, destination, ...others } = match;
      return `${JSON.stringify(others)}${portWords("sport", source, tokens)}${portWords("dport", destination, tokens)}`;
    }
    case "recent": {
      const { name, ...others } = match;
      return `${JSON.stringify(others)} ${tokens.name(name)}`;
    }
    case "conntrack": {
      const { states, statuses, protocol, direction, expires, ...others } = match;
      if (Object.keys(others).some((key) => key !== "kind")) return tokens.opaque("conntrack");
      return JSON.stringify({ kind: "conntrack", states, statuses, protocol, direction, expires });
    }
    case "ipvs":
      return isPlainIPVS(match) ? JSON.stringify(match) : tokens.opaque("ipvs");
    // the elements that matter have words of their own
    case "set":
      return match.packets === undefined && match.bytes === undefined ? JSON.stringify(match) : tokens.opaque("set");
    default:
      return withoutNumbers.has(match.kind) ? JSON.stringify(match) : tokens.opaque(match.kind);
  }
}

function targetWords(target: Target | undefined, tokens: Tokens): string {
  if (target === undefined) return "counts";
  if (target.kind === "jump" || target.kind === "goto") return `${target.kind} ${tokens.chain(target)}`;
  if (target.kind === "DNAT") {
    const { range, ...others } = target;
    const { addresses, ports, basePort } = range;
    if (addresses === undefined || basePort !== undefined) return tokens.opaque("DNAT");
    const [from, to] = [ipNumber(addresses.from), ipNumber(addresses.to)];
    if (from !== to || (ports !== undefined && ports.from !== ports.to)) return tokens.opaque("DNAT");
    return `${JSON.stringify(others)} ${tokens.address(from)}${ports === undefined ? "" : `:${tokens.port(ports.from)}`}`;
  }
  return plainTargets.has(target.kind) ? JSON.stringify(target) : tokens.opaque(target.kind);
}

/** A rule in words: equal ones do the same to packets, but for the numbers that `tokens` gives other words to. */
export function ruleWords(rule: Rule, tokens: Tokens): string {
  const { source, destination, inInterface, outInterface, protocol, fragment, matches, target } = rule;
  const basics = JSON.stringify([inInterface, outInterface, protocol, fragment]);
  return [
    basics,
    maskedWords("s", source, tokens),
    maskedWords("d", destination, tokens),
    ...matches.map((match) => matchWords(match, tokens)),
    targetWords(target, tokens),
  ].join(" ");
}
