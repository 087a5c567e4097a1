import type { Rule } from "../../rules/iptables/model.ts";
import type { Chain } from "../../rules/iptables/ruleset.ts";
import type { Address } from "../packet.ts";
import { hasPorts } from "../packet.ts";
import type { Skb } from "../skb.ts";
import { exactDestination, exactPort } from "./exact.ts";

/**
 * Which rules of a chain can match a packet at all, by its exact destination address, and its protocol and destination port.
 * Lists hold rule positions in ascending order; a rule stands in exactly one list.
 */
export interface ChainIndex {
  /** By `ruleKey` of what a rule asks for exactly. Two that share a key share a list: it then names too many, never too few. */
  readonly byKey: ReadonlyMap<number, readonly number[]>;
  /** Rules that must be looked at for every packet. */
  readonly others: readonly number[];
}

/** Stands for a destination or a port that a rule does not ask for. */
const ANY = 0;

const spread = (sum: number, word: number): number => Math.imul(sum ^ word, 0x9e3779b1);

/** A number for a destination and a protocol × 65536 + port, either of them perhaps `ANY`. One word is one look-up in one map. */
function ruleKey(destination: Address, port: number): number {
  const sum = Math.imul(port, 0x85ebca6b);
  if (typeof destination === "number") return spread(sum, destination);
  return spread(spread(spread(spread(sum, destination[0]), destination[1]), destination[2]), destination[3]);
}

/** Chains shorter than this are walked rule by rule. */
const WORTH_AN_INDEX = 12;

const indexes = new WeakMap<Chain, ChainIndex>();

/** The index of a chain, made when it is first asked for; `undefined` when the chain is too short to need one. */
export function chainIndex(chain: Chain): ChainIndex | undefined {
  if (chain.rules.length < WORTH_AN_INDEX) return undefined;
  let index = indexes.get(chain);
  if (index === undefined) {
    index = makeIndex(chain.rules);
    indexes.set(chain, index);
  }
  return index;
}

/** Can the index be used for this packet? Not where a port stands for a range, or belongs to a fragment. */
export function isIndexable(skb: Skb): boolean {
  return skb.sportChoice === undefined && skb.dportChoice === undefined && skb.fragmentOffset === 0;
}

function makeIndex(rules: readonly Rule[]): ChainIndex {
  const byKey = new Map<number, number[]>();
  const others: number[] = [];
  rules.forEach((rule, i) => {
    const destination = exactDestination(rule);
    const port = exactPort(rule);
    if (destination === undefined && port === undefined) {
      others.push(i);
      return;
    }
    const key = ruleKey(destination ?? ANY, port ?? ANY);
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [i]);
    else list.push(i);
  });
  return { byKey, others };
}

/** Up to four ascending lists that are read as one. */
export class Candidates {
  readonly #lists: (readonly number[])[] = [];
  readonly #at: number[] = [];

  constructor({ byKey, others }: ChainIndex, skb: Skb) {
    this.#add(others);
    this.#add(byKey.get(ruleKey(skb.dst, ANY)));
    if (!hasPorts(skb.protocol)) return;
    const port = skb.protocol * 65536 + skb.dport;
    this.#add(byKey.get(ruleKey(skb.dst, port)));
    this.#add(byKey.get(ruleKey(ANY, port)));
  }

  #add(list: readonly number[] | undefined): void {
    if (list === undefined || list.length === 0) return;
    this.#lists.push(list);
    this.#at.push(0);
  }

  /** The first position from `from` on at which a rule may match, or `end`. */
  next(from: number, end: number): number {
    let best = end;
    for (let i = 0; i < this.#lists.length; i++) {
      const list = this.#lists[i] as readonly number[];
      let at = this.#at[i] as number;
      while (at < list.length && (list[at] as number) < from) at++;
      this.#at[i] = at;
      const position = list[at];
      if (position !== undefined && position < best) best = position;
    }
    return best;
  }
}
