import type { Rule } from "../rules/iptables/model.ts";
import type { Chain, Ruleset, Table } from "../rules/iptables/ruleset.ts";
import { leadsTo } from "./dump.ts";
import { commentOf } from "./explain-comments.ts";
import { chainOwner, commentOwner, setOwner } from "./explain-owners.ts";

/** A rule by its place; `number` counts from 1 within its chain. */
export interface RulePosition {
  readonly table: string;
  readonly chain: string;
  readonly number: number;
}

const NODE_LOCAL = "NodeLocal DNS";
/** 169.254.20.10, where NodeLocal DNS listens by default. */
const NODE_LOCAL_ADDRESS = 0xa9fe140a;
const DNS = 53;

/** What is asked of a table again and again; made once. */
interface TableFacts {
  /** Chain → the rules that lead to it, from other chains. */
  readonly callers: ReadonlyMap<string, readonly (readonly [Chain, Rule])[]>;
  readonly hasNodeLocal: boolean;
}

const factsOf = new WeakMap<Table, TableFacts>();

function facts(table: Table): TableFacts {
  const known = factsOf.get(table);
  if (known !== undefined) return known;
  const callers = new Map<string, (readonly [Chain, Rule])[]>();
  let hasNodeLocal = false;
  for (const chain of table.chains.values()) {
    for (const rule of chain.rules) {
      if (chain.policy !== undefined && isNodeLocal(rule)) hasNodeLocal = true;
      const to = leadsTo(rule);
      if (to === undefined || to === chain.name) continue;
      const list = callers.get(to);
      if (list === undefined) callers.set(to, [[chain, rule]]);
      else list.push([chain, rule]);
    }
  }
  const found = { callers, hasNodeLocal };
  factsOf.set(table, found);
  return found;
}

function isNodeLocal(rule: Rule): boolean {
  const comment = commentOf(rule);
  if (comment !== undefined && commentOwner(comment) === NODE_LOCAL) return true;
  return [rule.source, rule.destination].some(
    (given) =>
      given?.negated === false &&
      given.value.address.family === "IPv4" &&
      given.value.address.value === NODE_LOCAL_ADDRESS,
  );
}

/** NodeLocal DNS also takes the cluster's DNS address off conntrack, without a word that says so in old releases. */
function isUntrackedDNS({ matches, target, source, destination }: Rule): boolean {
  const untracks = target?.kind === "CT" ? target.notrack : target?.kind === "NOTRACK";
  if (!untracks || (source ?? destination) === undefined) return false;
  return matches.some(
    (match) =>
      (match.kind === "udp" || match.kind === "tcp") &&
      [match.source, match.destination].some((port) => port?.value.from === DNS && port.value.to === DNS),
  );
}

function ownerByComment(rule: Rule): string | undefined {
  const comment = commentOf(rule);
  return comment === undefined ? undefined : commentOwner(comment);
}

/** The owner of all rules that lead to a chain, if they have one and the same. */
function ownerOfCallers(table: Table, chain: string, seen: Set<string>): string | undefined {
  if (seen.has(chain)) return undefined;
  seen.add(chain);
  let owner: string | undefined;
  for (const [caller, rule] of facts(table).callers.get(chain) ?? []) {
    const found =
      ownerByComment(rule) ??
      (caller.policy === undefined ? (chainOwner(caller.name) ?? ownerOfCallers(table, caller.name, seen)) : undefined);
    if (found === undefined || (owner !== undefined && owner !== found)) return undefined;
    owner = found;
  }
  return owner;
}

/** Rules of built-in chains are everybody's: they are told by where they lead and what they ask for. */
function ownerInBuiltin(table: Table, rule: Rule): string | undefined {
  const target = leadsTo(rule);
  const led = target === undefined ? undefined : chainOwner(target);
  if (led !== undefined) return led;
  for (const match of rule.matches) {
    const owner = match.kind === "set" ? setOwner(match.set.value) : undefined;
    if (owner !== undefined) return owner;
  }
  if (isNodeLocal(rule)) return NODE_LOCAL;
  return table.name === "raw" && facts(table).hasNodeLocal && isUntrackedDNS(rule) ? NODE_LOCAL : undefined;
}

/**
 * The program that wrote a rule: by its comment, by the name of its chain, by who leads to the chain; in a built-in chain by the
 * chain that it leads to, the sets it asks and the addresses. `undefined` for what nobody is known to write, and for a rule
 * that is not there. Linear in the table at its first question.
 */
export function ruleOwner(
  { tables }: Ruleset,
  { table: name, chain: chainName, number }: RulePosition,
): string | undefined {
  const table = tables.get(name);
  const chain = table?.chains.get(chainName);
  const rule = chain?.rules[number - 1];
  if (table === undefined || chain === undefined || rule === undefined) return undefined;
  const said = ownerByComment(rule);
  if (said !== undefined) return said;
  if (chain.policy !== undefined) return ownerInBuiltin(table, rule);
  return chainOwner(chainName) ?? ownerOfCallers(table, chainName, new Set());
}
