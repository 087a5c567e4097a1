import { formatRule } from "../rules/iptables/format.ts";
import { conntrackStates } from "../rules/iptables/matches/conntrack.ts";
import type { Match, Rule, Target } from "../rules/iptables/model.ts";
import type { Negatable } from "../rules/iptables/module.ts";
import { formatProtocol } from "../rules/iptables/protocols.ts";
import { formatNATRange } from "../rules/iptables/targets/nat.ts";
import { formatFlags, formatMasked, formatMaskedAddress, formatPortRange } from "../rules/iptables/values.ts";
import { writeRule } from "../rules/iptables/write-rule.ts";
import { hashedKind } from "./chain-names.ts";
import type { KubeNames } from "./explain-names.ts";

/** What rules are told with: the names behind chains, and the bits that Kubernetes marks packets with. */
export interface Vocabulary {
  readonly names: KubeNames;
  readonly masqueradeMark: number | undefined;
  readonly dropMark: number | undefined;
}

/** A rule as iptables-save prints it, without its chain and counters. */
export function saveText({ counters: _, ...rule }: Rule & { readonly offset?: number }): string {
  return formatRule({ ...writeRule(rule), command: "-A" }).replace(/^-A \S+ ?/, "");
}

const raw = (parts: { readonly matches?: readonly Match[]; readonly target?: Target }): string =>
  saveText({
    chain: "X",
    matches: parts.matches ?? [],
    ...(parts.target === undefined ? {} : { target: parts.target }),
  });

const not = ({ negated }: Negatable<unknown>): string => (negated ? "not " : "");
const addressText = (text: string): string => text.replace(/\/(?:32|128)$/, "");

/** A part of all, as people say it: `1 in 3` when it is that to six digits, else percent. `part` is 0 … 1. */
export function shareText(part: number): string {
  if (part >= 1) return "all";
  if (part <= 0) return "none";
  const whole = Math.round(1 / part);
  if (Math.abs(part * whole - 1) < 1e-5) return `1 in ${whole}`;
  const others = Math.round(1 / (1 - part));
  if (Math.abs((1 - part) * others - 1) < 1e-5) return `${others - 1} in ${others}`;
  return `${Number((part * 100).toPrecision(6))} %`;
}

function markWords(negated: boolean, value: number, mask: number, { masqueradeMark, dropMark }: Vocabulary): string {
  const set = mask !== 0 && value === mask;
  const meaning = mask === masqueradeMark ? "to be masqueraded" : mask === dropMark ? "to be dropped" : undefined;
  if (set && meaning !== undefined) return `${negated ? "not " : ""}marked ${meaning}`;
  return `${negated ? "without" : "with"} the mark ${formatMasked({ value, mask })}`;
}

function portWords(match: Extract<Match, { readonly kind: "tcp" | "udp" | "sctp" }>): string[] {
  const { source, destination, ...others } = match;
  const words: string[] = [];
  if (source !== undefined) words.push(`${not(source)}from port ${formatPortRange(source.value, "-")}`);
  if (destination !== undefined) words.push(`${not(destination)}to port ${formatPortRange(destination.value, "-")}`);
  if (Object.keys(others).length > 1) words.push(`with ${raw({ matches: [others as Match] })}`);
  return words;
}

const LOCAL = 4;

function addrtypeWords(match: Extract<Match, { readonly kind: "addrtype" }>): string | undefined {
  const { source, destination, limitInterface } = match;
  if (limitInterface !== undefined) return undefined;
  if (source !== undefined && destination === undefined && source.value === LOCAL)
    return `${not(source)}from an address of this node`;
  if (destination !== undefined && source === undefined && destination.value === LOCAL)
    return `${not(destination)}to an address of this node`;
  return undefined;
}

function matchWords(match: Match, vocabulary: Vocabulary): readonly string[] {
  switch (match.kind) {
    case "comment":
      return [];
    case "tcp":
    case "udp":
    case "sctp":
      return portWords(match);
    case "mark":
      return [markWords(match.mark.negated, match.mark.value.value, match.mark.value.mask, vocabulary)];
    case "conntrack": {
      const { states, kind: _, ...others } = match;
      if (states === undefined || Object.keys(others).length > 0) break;
      return [`${not(states)}of state ${formatFlags(states.value, conntrackStates).replaceAll(",", " or ")}`];
    }
    case "addrtype": {
      const words = addrtypeWords(match);
      if (words === undefined) break;
      return [words];
    }
    case "statistic": {
      if (match.mode === "nth")
        return [
          `${match.negated ? "but for" : "only"} one packet in every ${match.every} (the one numbered ${match.packet})`,
        ];
      const part = match.threshold / 0x80000000;
      return [`by chance ${shareText(match.negated ? 1 - part : part)}`];
    }
    case "recent": {
      if (match.operation === "set" && !match.negated)
        return [`(noting the ${match.side} address in the list ${match.name})`];
      if (match.operation !== "rcheck" || match.negated || match.hitCount > 0 || match.ttl || match.seconds === 0)
        break;
      return [`whose ${match.side} address was noted in the list ${match.name} in the last ${match.seconds} s`];
    }
    case "nfacct":
      return [
        `(counting it as ${raw({ matches: [match] })
          .split(" ")
          .at(-1)})`,
      ];
    default:
      break;
  }
  return [`with ${raw({ matches: [match] })}`];
}

/** What a packet must be for a rule to match it; "any packet" when nothing is asked. */
export function conditionWords(rule: Rule, vocabulary: Vocabulary): string {
  const { protocol, source, destination, inInterface, outInterface, fragment, matches } = rule;
  const words: string[] = [];
  if (protocol !== undefined) words.push(`${not(protocol)}${formatProtocol(protocol.value).toUpperCase()}`);
  if (source !== undefined) words.push(`${not(source)}from ${addressText(formatMaskedAddress(source.value))}`);
  if (destination !== undefined)
    words.push(`${not(destination)}to ${addressText(formatMaskedAddress(destination.value))}`);
  if (inInterface !== undefined) words.push(`${not(inInterface)}in by ${inInterface.value}`);
  if (outInterface !== undefined) words.push(`${not(outInterface)}out by ${outInterface.value}`);
  if (fragment !== undefined) words.push(`${not(fragment)}a later fragment`);
  for (const match of matches) words.push(...matchWords(match, vocabulary));
  return words.length === 0 ? "any packet" : words.join(" ");
}

const chainWords: Readonly<Record<string, string>> = {
  SVC: "the endpoints",
  SVL: "the endpoints on this node",
  EXT: "the rules for traffic from outside",
  FW: "the source ranges",
  XLB: "the endpoints on this node",
};

function jumpWords(kind: "jump" | "goto", chain: string, { names }: Vocabulary): string {
  if (chain === "KUBE-MARK-MASQ") return "mark it to be masqueraded";
  if (chain === "KUBE-MARK-DROP") return "mark it to be dropped";
  const hashed = hashedKind(chain);
  const verb = kind === "jump" ? "go to" : "go (without return) to";
  if (hashed === "SEP")
    return `${verb} endpoint ${names.endpoint(chain) ?? "(unknown: its chain has no DNAT)"} (${chain})`;
  if (hashed === undefined) return `${verb} ${chain}`;
  const service = names.service(chain)?.service;
  return `${verb} ${chainWords[hashed]} of ${service ?? "an unknown Service"} (${chain})`;
}

function markTargetWords(
  value: number,
  mask: number,
  target: Target,
  { masqueradeMark, dropMark }: Vocabulary,
): string {
  const meaning = (bits: number): string | undefined =>
    bits === masqueradeMark ? "to be masqueraded" : bits === dropMark ? "to be dropped" : undefined;
  const named = meaning(value);
  if (named !== undefined && mask === value) return `mark it ${named} (${formatMasked({ value, mask: 0xffffffff })})`;
  if (named !== undefined && mask === 0) return `turn the mark "${named}" over, which takes it off`;
  return `set its mark: ${raw({ target })}`;
}

/** What a rule does with a packet that it matches. */
export function actionWords({ target }: Rule, vocabulary: Vocabulary): string {
  if (target === undefined) return "count it only";
  switch (target.kind) {
    case "ACCEPT":
      return "accept it";
    case "DROP":
      return "drop it";
    case "RETURN":
      return "leave this chain";
    case "REJECT":
      return `reject it with ${target.with}`;
    case "jump":
    case "goto":
      return jumpWords(target.kind, target.chain, vocabulary);
    case "MARK":
      return markTargetWords(target.set.value, target.set.mask, target, vocabulary);
    case "DNAT":
      return `change its destination to ${formatNATRange(target.range)}`;
    case "SNAT":
      return `change its source to ${formatNATRange(target.range)}`;
    case "MASQUERADE":
      return `masquerade it: its source becomes this node's address${target.randomFully ? ", with a random port" : ""}`;
    case "NOTRACK":
      return "keep it out of connection tracking";
    case "unknown":
      return `do ${raw({ target })} (not known here)`;
    default:
      return `do ${raw({ target })}`;
  }
}
