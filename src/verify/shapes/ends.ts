import type { Match, Rule } from "../../rules/iptables/model.ts";
import { ruleWords, type Tokens } from "./rule-words.ts";
import type { SideIndex } from "./side-index.ts";
import { chainOf } from "./unit.ts";

const ONE = 0x80000000;
const MOST_CHAINS = 64;

/** One of several ends that packets get to by chance: told by its one address. */
export interface End {
  readonly address: bigint;
  readonly words: string;
  readonly names: readonly string[];
}

/** Thrown where an end has more than one address, or something that words cannot be found for. */
class NoEnd extends Error {}

/** How a rule leads to another chain. */
type Spread = { readonly kind: "chance" | "list" | "always"; readonly chain: string; readonly words: string };

const asksMore = ({ source, destination, inInterface, outInterface, protocol, fragment }: Rule): boolean =>
  [source, destination, inInterface, outInterface, protocol, fragment].some((each) => each !== undefined);

/** A rule that leads to another chain by chance, by a list of clients, or always. */
export function spreadKind(rule: Rule): Spread | undefined {
  const { target, matches } = rule;
  if (target?.kind !== "jump" || asksMore(rule)) return undefined;
  const [match, another] = matches.filter(({ kind }) => kind !== "comment");
  const { chain } = target;
  if (match === undefined) return { kind: "always", chain, words: "" };
  if (another !== undefined) return undefined;
  if (match.kind === "statistic" && match.mode === "random" && !match.negated)
    return match.threshold > 0 && match.threshold < ONE
      ? { kind: "chance", chain, words: `${match.threshold}` }
      : undefined;
  if (match.kind !== "recent" || match.operation !== "rcheck" || match.negated) return undefined;
  const { name: _, ...others } = match;
  return { kind: "list", chain, words: JSON.stringify(others) };
}

/** Does a rule translate all packets of a protocol? */
function endsWith(rule: Rule, protocol: number): boolean {
  const { protocol: own, source, destination, inInterface, outInterface, fragment, matches, target } = rule;
  if (
    target?.kind !== "DNAT" ||
    [source, destination, inInterface, outInterface, fragment].some((each) => each !== undefined)
  )
    return false;
  if (own !== undefined && (own.negated || own.value !== protocol)) return false;
  return matches.every(asksNothing);
}

function asksNothing(match: Match): boolean {
  if (match.kind === "comment") return true;
  if (match.kind === "recent") return match.operation === "set" && !match.negated;
  if (match.kind !== "tcp" && match.kind !== "udp" && match.kind !== "sctp") return false;
  return Object.keys(match).length === 1;
}

/** A chain that every packet of a protocol leaves translated to one address; `undefined` where it is no such thing. */
export function endOf(index: SideIndex, table: string, name: string, protocol: number): End | undefined {
  const chain = chainOf(index, table, name);
  const last = chain?.rules.at(-1);
  if (chain === undefined || last === undefined || !endsWith(last, protocol)) return undefined;
  let address: bigint | undefined;
  const names: string[] = [];
  let chains = 0;
  const fail = (): never => {
    throw new NoEnd();
  };
  const tokens: Tokens = {
    address: (value) => {
      if (address !== undefined && address !== value) return fail();
      address = value;
      return "@";
    },
    network: fail,
    port: (value) => `<${value}>`,
    ports: fail,
    name: (own) => {
      names.push(own);
      return "list";
    },
    opaque: fail,
    chain: ({ chain: next }) => {
      if (index.base.get(table)?.has(next) === true) return next;
      const there = chainOf(index, table, next);
      if (there === undefined || there.unseen !== undefined || ++chains > MOST_CHAINS) return fail();
      return `{ ${there.rules.map((each) => ruleWords(each, tokens)).join(" ; ")} }`;
    },
  };
  try {
    const words = chain.rules.map((rule) => ruleWords(rule, tokens)).join(" ; ");
    return address === undefined ? undefined : { address, words, names };
  } catch (error) {
    if (error instanceof NoEnd) return undefined;
    throw error;
  }
}
