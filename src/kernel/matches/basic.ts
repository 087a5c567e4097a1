import type { Rule } from "../../rules/iptables/model.ts";
import type { Negatable } from "../../rules/iptables/module.ts";
import type { Interface } from "../host.ts";
import type { Skb } from "../skb.ts";
import { addressMatches } from "./address.ts";

const PLUS = 0x2b;

/**
 * Does an interface have the name, or begin as it when it ends in `+`? A packet without an interface there has the empty
 * name, which only `+` fits (`ifname_compare_aligned` with `nulldevname`).
 */
export function interfaceMatches(device: Interface | undefined, pattern: string): boolean {
  const name = device === undefined ? "" : device.name;
  if (pattern.charCodeAt(pattern.length - 1) !== PLUS) return name === pattern;
  return name.startsWith(pattern.slice(0, -1));
}

function interfaceFails(device: Interface | undefined, wanted: Negatable<string> | undefined): boolean {
  return wanted !== undefined && interfaceMatches(device, wanted.value) === wanted.negated;
}

/**
 * The conditions of a rule outside its matches: -s -d -i -o -p -f, each with its `!` (`ip_packet_match`,
 * kernel-semantics §2.2). `! -i +` never holds, as on the nf_tables back end; the legacy tool leaves it out of the rule when
 * it loads it, and so must whoever reads rules for that back end.
 */
export function basicMatch(skb: Skb, rule: Rule): boolean {
  const { destination, source, protocol } = rule;
  if (protocol !== undefined && (skb.protocol === protocol.value) === protocol.negated) return false;
  if (destination !== undefined && addressMatches(skb.dst, destination.value) === destination.negated) return false;
  if (source !== undefined && addressMatches(skb.src, source.value) === source.negated) return false;
  if (interfaceFails(skb.inInterface, rule.inInterface)) return false;
  if (interfaceFails(skb.outInterface, rule.outInterface)) return false;
  return rule.fragment === undefined || (skb.fragmentOffset !== 0) !== rule.fragment.negated;
}
