import type { Rule } from "../rules/iptables/model.ts";
import type { Chooser } from "./chooser.ts";
import type { Hook, Recorder, RuleRef, SetAnswer, TableName } from "./event.ts";
import type { Host } from "./host.ts";
import type { Result } from "./outcome.ts";
import type { Skb } from "./skb.ts";
import type { HostState } from "./state.ts";

/**
 * Is told what the conditions of each rule come to, while the packet is there: `part` is -1 for those outside of matches, else the
 * index of a match. Conditions behind one that does not hold are not looked at.
 */
export type RuleObserver = (walk: Walk, skb: Skb, rule: Rule, part: number, holds: boolean) => void;

/** What a packet's way through one host needs: the host as it is, what changes, chance, who listens, and where the packet is. */
export interface Walk {
  readonly host: Host;
  readonly state: HostState;
  readonly chooser: Chooser;
  readonly record: Recorder | undefined;
  /** Skip rules that cannot match by the chains' indexes; the events are the same either way. */
  readonly indexed: boolean;
  /** Every rule is looked at one by one when there is one. */
  readonly observe?: RuleObserver | undefined;
  /** Packets that the host sent because of this one. */
  readonly answers: Result[];
  hook: Hook;
  /** The rule that is being looked at. */
  table: TableName;
  chain: string;
  /** From 1 within its chain; 0 outside of rules. */
  ruleNumber: number;
  /** A match found the packet malformed: it is dropped on the spot (`hotdrop`). */
  hotdrop: boolean;
  /** What was assumed about the order of tables that both back ends have, by name (`inOrder`). */
  legacyFirst?: Map<string, boolean>;
  /** Where somebody listens: what sets said to the rules that were looked at since the last event of a rule. */
  setAnswers?: RuleAnswers[] | undefined;
  /** How often the packet has gone round by lo. */
  depth: number;
}

/** The rule that is being looked at; `undefined` outside of rules. */
export function currentRule(walk: Walk, skb: Skb): RuleRef | undefined {
  return walk.ruleNumber === 0
    ? undefined
    : { family: skb.family, table: walk.table, chain: walk.chain, number: walk.ruleNumber };
}

/** What sets said to a rule, by its number. */
export interface RuleAnswers {
  readonly number: number;
  readonly sets: SetAnswer[];
}
