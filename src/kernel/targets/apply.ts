import type { KnownTarget } from "../../rules/iptables/targets/registry.ts";
import type { Effect } from "../event.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import { applyCT, applyNotrack, isCTModelled } from "./ct.ts";
import { applyDSCP, applyHops, applyTCPMSS, applyTOS, isTooNarrow } from "./header.ts";
import { applyConnmark, applyMark } from "./mark.ts";
import { applySet } from "./set.ts";

/** Targets that decide about the packet or translate it: they belong to the walk and to NAT. */
type DecidingTarget =
  | "ACCEPT"
  | "DNAT"
  | "DROP"
  | "MASQUERADE"
  | "NETMAP"
  | "NFQUEUE"
  | "REDIRECT"
  | "REJECT"
  | "RETURN"
  | "SNAT"
  | "TPROXY";

/** Targets behind which the walk goes on with the next rule. */
export type ContinuingTarget = Exclude<KnownTarget, { readonly kind: DecidingTarget }>;

type Apply<T> = (walk: Walk, skb: Skb, target: T) => string | undefined;

type Registry = {
  readonly [K in ContinuingTarget["kind"]]: Apply<Extract<ContinuingTarget, { readonly kind: K }>>;
};

const nothing = (): undefined => undefined;

/** One function for each kind, which says in words what it changed: a kind without one does not compile. */
const appliers: Registry = {
  AUDIT: nothing,
  CHECKSUM: nothing,
  CLASSIFY: (_walk, _skb, { major, minor }) => `priority ${major.toString(16)}:${minor.toString(16)}`,
  CONNMARK: applyConnmark,
  CT: applyCT,
  DSCP: applyDSCP,
  HL: applyHops,
  LOG: nothing,
  MARK: applyMark,
  NFLOG: nothing,
  NOTRACK: applyNotrack,
  SET: applySet,
  TCPMSS: applyTCPMSS,
  // the copy goes its own way, which is not followed
  TEE: nothing,
  TOS: applyTOS,
  TRACE: nothing,
  TTL: applyHops,
};

/**
 * Does what a target does to a packet that goes on behind it (kernel-semantics §2.8), and says what that was. The effect is
 * `dropped` where the kernel gives a packet up that it cannot change as it should, and `not-modelled` where the target does
 * something to the packet's way that is not modelled: nothing is changed then.
 */
export function applyTarget(walk: Walk, skb: Skb, target: ContinuingTarget): Effect {
  const { kind } = target;
  if (kind === "CT" && !isCTModelled(target)) return { kind: "not-modelled", target: kind };
  if (kind === "TCPMSS" && isTooNarrow(walk, skb, target)) return { kind: "dropped" };
  const change = (appliers[kind] as Apply<ContinuingTarget>)(walk, skb, target);
  return change === undefined ? { kind: "applied", target: kind } : { kind: "applied", target: kind, change };
}
