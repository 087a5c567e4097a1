import { virtualServerText } from "../kernel/ipvs/service-name.ts";
import type { DropCause, Outcome, VirtualServerDrop } from "../kernel/outcome.ts";
import { addressText } from "../kernel/packet-text.ts";
import type { MartianReason, RefusedType } from "../kernel/routing/decision.ts";
import { ruleName } from "./rule-text.ts";

const MARTIANS: Readonly<Record<MartianReason, string>> = {
  "source-loopback": "its source is a loopback address, which does not come from outside",
  "destination-loopback": "its destination is a loopback address, and route_localnet is off",
  "source-is-own": "its source is an address of this host",
  "source-invalid": "its source is no address that a machine can have",
  "destination-invalid": "its destination is no address that a machine can have",
  "no-membership": "its destination is a multicast group that the interface has not joined",
  "source-not-own": "its source is no address of this host",
  "no-source": "this host has no address that fits as a source",
  "reverse-path": "the way back to its source leads out by another interface (rp_filter)",
};

const BY_VIRTUAL_SERVER: Readonly<Record<VirtualServerDrop, string>> = {
  "real-server-gone": "the real server of its connection is no longer there",
  reopened: "its connection was over, and conntrack has not forgotten it; the next try starts a new one",
  loopback: "it would cross between loopback addresses and others",
  "not-forwarded-here": "an ICMP error that is forwarded belongs to a real server on this host",
  malformed: "its header cannot be read or its checksum is wrong",
  "no-connection": "a real server speaks of a connection that nobody knows",
};

/** Why a packet was dropped, in words. */
export function causeText(cause: DropCause): string {
  switch (cause.kind) {
    case "rule":
      return `by ${ruleName(cause.rule)}`;
    case "policy":
      return `by the policy of ${cause.chain} (table ${cause.table})`;
    case "martian":
      return `at routing: ${MARTIANS[cause.reason]}`;
    case "forwarding-off":
      return "this host does not forward packets (ip_forward)";
    case "ttl":
      return "its TTL is used up";
    case "too-big":
      return `larger than the way's MTU of ${cause.mtu} and not to be cut`;
    case "clash":
      return "another connection has the same addresses and ports already";
    case "no-address":
      return `${ruleName(cause.rule)} finds no address to use`;
    case "interface-changed":
      return "its masqueraded connection leaves by another interface now; the entry is removed";
    case "malformed":
      return `by ${ruleName(cause.rule)}, which finds it malformed`;
    case "too-short":
      return "too short to be translated";
    case "error-not-translated":
      return "an ICMP error that NAT cannot translate (a redirect, a wrong checksum, a short quotation)";
    case "fragment-waits":
      return "a fragment that waits for the rest of its packet";
    case "not-forwardable":
      return "not an address that packets are forwarded for";
    case "virtual-server":
      return `by ip_vs: ${BY_VIRTUAL_SERVER[cause.why]}`;
  }
}

const REFUSED: Readonly<Record<RefusedType, string>> = {
  none: "there is no route",
  unreachable: "an unreachable route",
  prohibit: "a prohibit route",
  blackhole: "a blackhole route",
  "not-forwarding": "this host does not forward packets",
};

function refusalText(type: RefusedType | MartianReason): string {
  return type in REFUSED ? REFUSED[type as RefusedType] : MARTIANS[type as MartianReason];
}

const WHERE = {
  receive: "",
  send: ", so the send fails before any rule is asked",
  again: " to the translated address, so the send fails",
  "real-server": " to the real server",
} as const;

/** What nobody tells is a question of its own; what is not modelled is a statement. */
const QUESTION = /^(?:by which|how|what|whether|which|who)\b/;

/** A statement that is modelled, and would be known if somebody told it. */
const UNTOLD = /, which no dump tells$/;

/** What became of a packet, in one line. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "delivered":
      return `delivered to this host (by ${outcome.inInterface})`;
    case "transmitted":
      return `leaves by ${outcome.outInterface} to ${addressText(outcome.nextHop)}`;
    case "dropped":
      return `dropped ${causeText(outcome.cause)}`;
    case "rejected":
      return `rejected with ${outcome.with} by ${ruleName(outcome.rule)}${outcome.answered ? "" : "; no answer is sent"}`;
    case "no-route":
      return `no route: ${refusalText(outcome.type)}${WHERE[outcome.where]}`;
    case "stuck":
      return outcome.virtualServer === undefined
        ? `stuck: ${outcome.why}`
        : `stuck: ${outcome.why} (${virtualServerText(outcome.virtualServer)})`;
    case "unknown": {
      const { rule, what } = outcome.what;
      if (rule !== undefined) return `unknown: it is not modelled whether ${what}, in ${ruleName(rule)}`;
      if (QUESTION.test(what)) return `unknown: it is not known ${what}`;
      return `unknown: it is not ${UNTOLD.test(what) ? "known" : "modelled"} whether ${what}`;
    }
  }
}
