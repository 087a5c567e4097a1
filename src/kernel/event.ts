import type { IPFamily } from "../net/family.ts";
import type { Dimension } from "../rules/ipset/model.ts";
import type { VirtualServerKey } from "../rules/ipvs/model.ts";
import type { ScheduleReason } from "./ipvs/schedulers/scheduler.ts";
import type { Address } from "./packet.ts";
import type { RouteDecision } from "./routing/decision.ts";
import type { SetKey } from "./set-key.ts";

export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";
export type Builtin = "raw" | "mangle" | "nat" | "filter" | "security";
/** With `legacy:` before it: the table of the legacy back end, on a host that has rules of both. */
export type TableName = Builtin | `legacy:${Builtin}`;

/** Names one rule: `number` counts from 1 within its chain. */
export interface RuleRef {
  readonly family: IPFamily;
  readonly table: TableName;
  readonly chain: string;
  readonly number: number;
}

/** What a set said of a packet, in the set's own keys: `setWords` tells them as `ipset save` does. */
export interface SetAnswer {
  /** Its name in the rule. */
  readonly set: string;
  /** Of a `list:set`: the member that has the packet. */
  readonly member: string | undefined;
  /** What the keys are made of: of the set, or of its member. */
  readonly dimensions: readonly Dimension[];
  /** What was looked for; `undefined`: the set can have no entry for such a packet. */
  readonly packet: SetKey | undefined;
  /** The entry that decides; `undefined`: none does. */
  readonly entry: SetKey | undefined;
  /** That entry says `nomatch`: what it covers is not in the set. */
  readonly nomatch: boolean;
  /** An entry for the packet whose counters are not as the rule asks; where none decides. */
  readonly refused: SetKey | undefined;
}

/** What is seen of a packet at some point of its way. */
export interface PacketView {
  readonly src: Address;
  readonly dst: Address;
  readonly sport: number;
  readonly dport: number;
  readonly mark: number;
}

/**
 * What happens on a packet's way, in order. Rules that were looked at and did not match are counts (`passed`) between the
 * rules that did.
 */
export type Event =
  | {
      readonly kind: "hook";
      readonly hook: Hook;
      readonly inInterface: string;
      readonly outInterface: string;
      readonly view: PacketView;
    }
  | { readonly kind: "table"; readonly table: TableName; readonly chain: string }
  /** `count` rules of a chain, from rule `from` on, did not match; `sets`: what sets said to those of them that asked. */
  | {
      readonly kind: "passed";
      readonly table: TableName;
      readonly chain: string;
      readonly from: number;
      readonly count: number;
      readonly sets?: readonly { readonly number: number; readonly sets: readonly SetAnswer[] }[];
    }
  /** `sets`: what the sets said that the rule asks, its matches' first and then its target's. */
  | {
      readonly kind: "matched";
      readonly rule: RuleRef;
      readonly effect: Effect;
      readonly sets?: readonly SetAnswer[];
    }
  /** The end of a user chain, or a RETURN: back to the chain that jumped (`to`), at its rule `number` + 1. */
  | { readonly kind: "returned"; readonly from: string; readonly to: string }
  | { readonly kind: "policy"; readonly table: TableName; readonly chain: string; readonly policy: string }
  | {
      readonly kind: "conntrack";
      readonly state: ConntrackState;
      readonly entry: number | undefined;
      readonly reason?: string;
    }
  | { readonly kind: "confirmed"; readonly entry: number }
  | {
      readonly kind: "translated";
      readonly part: "source" | "destination";
      readonly before: PacketView;
      readonly after: PacketView;
      readonly chosenFrom?: { readonly from: number; readonly to: number };
    }
  | { readonly kind: "routed"; readonly decision: RouteDecision; readonly again: boolean }
  | { readonly kind: "ttl"; readonly ttl: number }
  /**
   * A virtual server takes a packet that starts a connection; without `chosen` it has no real server to give, with `nobody` because
   * the packet is for another port than its own. `assumed`: what the choice rests on that no dump tells.
   */
  | {
      readonly kind: "virtual-server";
      readonly key: VirtualServerKey;
      readonly scheduler: string;
      readonly realServers: number;
      readonly chosen?: ChosenRealServer;
      readonly nobody?: "other-port";
      readonly assumed?: readonly AssumedChoice[];
    }
  /** A packet belongs to a connection of a virtual server: its first, a later request, a reply, or an error about one of them. */
  | {
      readonly kind: "ipvs-connection";
      readonly what: "new" | "request" | "reply" | "error";
      readonly id: number;
      readonly protocol: number;
      readonly client: Endpoint;
      readonly virtual: Endpoint;
      readonly real: Endpoint;
      /** Before a reply's own step, after a request's. */
      readonly state: string;
    }
  /** The host sends a packet because of this one; what follows is about that packet, up to `answered`. */
  | { readonly kind: "answer"; readonly what: string }
  | { readonly kind: "answered" };

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** The real server that a scheduler took, and why; with `template` it was the client's already. */
export interface ChosenRealServer extends Endpoint {
  readonly weight: number;
  readonly reason: ScheduleReason | { readonly kind: "template" };
  /** Of a choice by load: all that might have been taken, in the kernel's list. */
  readonly compared?: readonly ComparedRealServer[];
}

/** A real server that was compared: its counts, and the load that its scheduler makes of them. */
export interface ComparedRealServer extends Endpoint {
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
  readonly load: number;
}

/**
 * What a choice rests on that no dump tells: that real servers were added in the order of the text; that the scheduler stands at its
 * beginning and remembers no address; that the client has no template.
 */
export type AssumedChoice = "order" | "beginning" | "no-template";

export type ConntrackState = "INVALID" | "NEW" | "RELATED" | "ESTABLISHED" | "UNTRACKED";

/** What a rule that matched did. */
export type Effect =
  | { readonly kind: "counted" }
  | { readonly kind: "accepted" }
  | { readonly kind: "dropped" }
  | { readonly kind: "rejected"; readonly with: string }
  | { readonly kind: "returned" }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** A target that goes on, by name, with what it changed in words (`mark 0x0 -> 0x4000`), if anything. */
  | { readonly kind: "applied"; readonly target: string; readonly change?: string }
  | { readonly kind: "nat"; readonly target: string }
  | { readonly kind: "not-modelled"; readonly target: string };

/** Takes events as they happen. Without one nothing is recorded and nothing is paid. */
export type Recorder = (event: Event) => void;
