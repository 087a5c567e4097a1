import type { Match, Rule } from "../../rules/iptables/model.ts";
import type { Chain } from "../../rules/iptables/ruleset.ts";
import type { Address } from "../packet.ts";
import { hasPorts } from "../packet.ts";
import type { Skb } from "../skb.ts";

/**
 * Which rules of a chain can match a packet at all, by its exact destination address, protocol and destination port.
 * Lists hold rule positions in ascending order; a rule stands in exactly one list.
 */
export interface ChainIndex {
  readonly byDestination: ReadonlyMap<Address | string, Bucket>;
  /** Rules without an exact destination: by protocol × 65536 + destination port. */
  readonly byPort: ReadonlyMap<number, readonly number[]>;
  /** Rules that must be looked at for every packet. */
  readonly others: readonly number[];
}

/** Rules for one destination address. */
interface Bucket {
  readonly byPort: ReadonlyMap<number, readonly number[]>;
  readonly others: readonly number[];
}

/** Chains shorter than this are walked rule by rule. */
const WORTH_AN_INDEX = 12;

const indexes = new WeakMap<Chain, ChainIndex>();

/** Matches that ask nothing, count nothing and change nothing: a rule may be skipped although they stand before the port. */
const PURE: ReadonlySet<Match["kind"]> = new Set<Match["kind"]>([
  "comment",
  "mark",
  "connmark",
  "conntrack",
  "state",
  "addrtype",
  "tcp",
  "udp",
  "sctp",
]);

/** `--ctexpire` and `--ctrepldstport` may ask what nobody knows; whoever skips them does not ask. */
function isPure(match: Match): boolean {
  if (match.kind === "conntrack") return match.expires === undefined && match.replyDestinationPort === undefined;
  return PURE.has(match.kind);
}

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

interface OpenBucket {
  byPort: Map<number, number[]>;
  others: number[];
}

function makeIndex(rules: readonly Rule[]): ChainIndex {
  const byDestination = new Map<Address | string, OpenBucket>();
  const rest: OpenBucket = { byPort: new Map(), others: [] };
  rules.forEach((rule, i) => {
    const destination = exactDestination(rule);
    let bucket = rest;
    if (destination !== undefined) {
      bucket = byDestination.get(destination) ?? { byPort: new Map(), others: [] };
      byDestination.set(destination, bucket);
    }
    const port = exactPort(rule);
    if (port === undefined) bucket.others.push(i);
    else {
      const list = bucket.byPort.get(port);
      if (list === undefined) bucket.byPort.set(port, [i]);
      else list.push(i);
    }
  });
  return { byDestination, byPort: rest.byPort, others: rest.others };
}

/** Key of the one address that a rule's destination allows. */
function exactDestination(rule: Rule): Address | string | undefined {
  const { destination } = rule;
  if (destination === undefined || destination.negated) return undefined;
  const { address, mask } = destination.value;
  if (address.family === "IPv4") return mask.family === "IPv4" && mask.value === 0xffffffff ? address.value : undefined;
  return mask.family === "IPv6" && mask.words.every((word) => word === 0xffffffff) ? address.words.join() : undefined;
}

/** Protocol × 65536 + the one destination port that a rule allows, when nothing before that condition has an effect. */
function exactPort(rule: Rule): number | undefined {
  const { protocol } = rule;
  if (protocol === undefined || protocol.negated) return undefined;
  for (const match of rule.matches) {
    if (match.kind === "tcp" || match.kind === "udp" || match.kind === "sctp") {
      const port = match.destination;
      if (port !== undefined && !port.negated && port.value.from === port.value.to)
        return protocol.value * 65536 + port.value.from;
    }
    if (!isPure(match)) return undefined;
  }
  return undefined;
}

const NONE: readonly number[] = [];

/** Up to four ascending lists that are read as one. */
export class Candidates {
  readonly #lists: (readonly number[])[] = [];
  readonly #at: number[] = [];

  constructor(index: ChainIndex, skb: Skb) {
    const port = hasPorts(skb.protocol) ? skb.protocol * 65536 + skb.dport : -1;
    const bucket = index.byDestination.get(typeof skb.dst === "number" ? skb.dst : skb.dst.join());
    this.#add(index.others);
    this.#add(index.byPort.get(port) ?? NONE);
    if (bucket !== undefined) {
      this.#add(bucket.others);
      this.#add(bucket.byPort.get(port) ?? NONE);
    }
  }

  #add(list: readonly number[]): void {
    if (list.length === 0) return;
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
