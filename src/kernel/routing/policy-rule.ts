import type { IPFamily } from "../../net/family.ts";
import { mask32 } from "../../net/prefix.ts";
import type { Chooser } from "../chooser.ts";
import type { PolicyRule } from "../host.ts";
import type { Address } from "../packet.ts";
import type { Lookup } from "./lookup.ts";
import { TOS_MASK } from "./select-route.ts";

/** Does a prefix hold an address of its family? */
export function inPrefix(
  address: Address,
  prefix: { readonly address: Address; readonly prefixLength: number },
): boolean {
  const { address: network, prefixLength } = prefix;
  if (typeof address === "number" || typeof network === "number")
    return typeof address === "number" && typeof network === "number"
      ? ((address ^ network) & mask32(prefixLength)) === 0
      : false;
  for (let i = 0; i < 4 && prefixLength > 32 * i; i++) {
    if ((((address[i] as number) ^ (network[i] as number)) & mask32(prefixLength - 32 * i)) !== 0) return false;
  }
  return true;
}

const inRange = (port: number, range: { readonly from: number; readonly to: number } | undefined): boolean =>
  range === undefined || (port >= range.from && port <= range.to);

const UNSPECIFIED: Readonly<Record<IPFamily, Address>> = { IPv4: 0, IPv6: [0, 0, 0, 0] };

/** `fib4_rule_match`, `fib6_rule_match` and `fib_rule_match` without their negation. */
export function conditionsHold(rule: PolicyRule, flow: Lookup, chooser: Chooser): boolean {
  if (rule.inInterface !== undefined && rule.inInterface !== flow.inInterface) return false;
  if (rule.outInterface !== undefined && rule.outInterface !== flow.outInterface) return false;
  if (rule.mark !== undefined && ((rule.mark.value ^ flow.mark) & rule.mark.mask) !== 0) return false;
  if (rule.source !== undefined && rule.source.prefixLength > 0) {
    // an IPv6 flow without a source never matches; an IPv4 one has 0.0.0.0
    if (flow.src === undefined && flow.family === "IPv6") return false;
    if (!inPrefix(flow.src ?? UNSPECIFIED[flow.family], rule.source)) return false;
  }
  if (rule.destination !== undefined && !inPrefix(flow.dst, rule.destination)) return false;
  if (rule.tos !== undefined && rule.tos !== 0 && rule.tos !== (flow.tos & (flow.family === "IPv4" ? TOS_MASK : 0xfc)))
    return false;
  if (rule.protocol !== undefined && rule.protocol !== flow.protocol) return false;
  if (!inRange(flow.sport, rule.sourcePorts) || !inRange(flow.dport, rule.destinationPorts)) return false;
  if (rule.notModelled === undefined) return true;
  return chooser.unknown({ what: `ip rule ${rule.priority}: ${rule.notModelled}` });
}
