import type { Rule } from "../rules/iptables/model.ts";
import type { Ruleset } from "../rules/iptables/ruleset.ts";
import { hashedKind, isKube, isPolicyChain, normalChains } from "./chain-names.ts";
import { type Dump, type LintChain, type LintRule, leadsTo } from "./dump.ts";
import { commentOf, type KubeComment, type Role, readKubeComment } from "./explain-comments.ts";
import { KubeNames } from "./explain-names.ts";
import { type Origin, originOf } from "./explain-origin.ts";
import { chainOwner, commentOwner } from "./explain-owners.ts";
import { actionWords, conditionWords, saveText, shareText, type Vocabulary } from "./explain-words.ts";

/** One rule in words. */
export interface ExplainedRule {
  /** From 1 within its chain. */
  readonly number: number;
  /** As iptables-save prints it, without its chain. */
  readonly text: string;
  readonly role?: Role;
  readonly condition: string;
  readonly action: string;
  /** Part of all that come to this chain and are shared out, 0 … 1, for rules that balance. */
  readonly share?: number;
}

/** Rules of one chain that belong to one group, by their positions (from 0). */
export interface GroupChain {
  readonly table: string;
  readonly chain: LintChain;
  readonly positions: readonly number[];
}

/** What belongs together: a Service's rules, or those of one program. */
export interface ExplainGroup {
  readonly kind: "kubernetes" | "service" | "unknown-service" | "program" | "nobody";
  /** The Service port, the program, or the hash of a Service that nothing names. */
  readonly name: string;
  readonly chains: readonly GroupChain[];
}

/** A dump in words, as far as it is computed at once; rules are put into words when they are asked for. */
export interface Explanation {
  readonly dump: Dump;
  readonly origin: Origin;
  readonly vocabulary: Vocabulary;
  readonly groups: readonly ExplainGroup[];
}

type Key = `${ExplainGroup["kind"]} ${string}`;

/** The mark that one of the two marking chains sets. */
function markOf(dump: Pick<Dump | Ruleset, "tables">, chain: string): number | undefined {
  for (const { target } of dump.tables.get("nat")?.chains.get(chain)?.rules ?? [])
    if (target?.kind === "MARK" && target.set.value === target.set.mask) return target.set.value;
  return undefined;
}

/** The names behind the chains of a dump. */
export function vocabularyOf(dump: Pick<Dump | Ruleset, "tables">): Vocabulary {
  const names = new KubeNames();
  for (const table of dump.tables.values())
    for (const chain of table.chains.values()) if (isKube(chain.name)) names.learn(chain);
  return { names, masqueradeMark: markOf(dump, "KUBE-MARK-MASQ"), dropMark: markOf(dump, "KUBE-MARK-DROP") };
}

const said = (rule: Rule): KubeComment | undefined => {
  const comment = commentOf(rule);
  return comment === undefined ? undefined : readKubeComment(comment);
};

function serviceKey(chain: string, names: KubeNames): Key {
  const found = names.service(chain);
  if (found !== undefined) return `service ${found.service}`;
  return `unknown-service ${hashedKind(chain) === "SEP" ? chain : chain.slice(chain.lastIndexOf("-") + 1)}`;
}

/** Where a chain belongs as a whole; `undefined` for built-in ones, whose rules are of many. */
function keyOfChain({ name, builtin }: LintChain, names: KubeNames): Key | undefined {
  if (builtin) return undefined;
  if (hashedKind(name) !== undefined) return serviceKey(name, names);
  const owner = chainOwner(name);
  if (owner === undefined) return "nobody ";
  return isKube(name) ? `kubernetes ${owner}` : `program ${owner}`;
}

/** The address that NodeLocal DNS listens at by default. */
const isNodeLocal = (text: string): boolean => /(?:^| )169\.254\.20\.10\/32(?: |$)/.test(text);

function keyOfBuiltinRule(rule: LintRule): Key {
  const target = leadsTo(rule);
  const comment = commentOf(rule);
  const owner =
    (target === undefined ? undefined : chainOwner(target)) ??
    (comment === undefined ? undefined : commentOwner(comment));
  if (owner !== undefined) return /^kube-proxy$|^the kubelet$/.test(owner) ? `kubernetes ${owner}` : `program ${owner}`;
  if ((rule.source !== undefined || rule.destination !== undefined) && isNodeLocal(saveText(rule)))
    return "program NodeLocal DNS";
  return "nobody ";
}

function keyOfRule(chain: LintChain, rule: LintRule, ofChain: Key | undefined, names: KubeNames): Key {
  if (ofChain === undefined) return keyOfBuiltinRule(rule);
  if (!ofChain.startsWith("kubernetes ")) return ofChain;
  const service = said(rule)?.service;
  if (service !== undefined) return `service ${service}`;
  const target = leadsTo(rule);
  return target !== undefined && hashedKind(target) !== undefined && chain.name !== target
    ? serviceKey(target, names)
    : ofChain;
}

const ORDER: readonly ExplainGroup["kind"][] = ["kubernetes", "service", "unknown-service", "program", "nobody"];

interface OpenGroup extends ExplainGroup {
  readonly chains: (GroupChain & { readonly positions: number[] })[];
}

/** Every rule in exactly one group, and every chain without rules in one. */
function groupsOf(dump: Dump, names: KubeNames): readonly ExplainGroup[] {
  const groups = new Map<Key, OpenGroup>();
  const chainsOf = (key: Key): OpenGroup["chains"] => {
    let group = groups.get(key);
    if (group === undefined) {
      const space = key.indexOf(" ");
      group = { kind: key.slice(0, space) as ExplainGroup["kind"], name: key.slice(space + 1), chains: [] };
      groups.set(key, group);
    }
    return group.chains;
  };
  for (const [table, { chains }] of dump.tables) {
    for (const chain of chains.values()) {
      const ofChain = keyOfChain(chain, names);
      if (chain.rules.length === 0 && ofChain !== undefined) chainsOf(ofChain).push({ table, chain, positions: [] });
      for (const [position, rule] of chain.rules.entries()) {
        const list = chainsOf(keyOfRule(chain, rule, ofChain, names));
        const last = list.at(-1);
        if (last?.chain === chain) last.positions.push(position);
        else list.push({ table, chain, positions: [position] });
      }
    }
  }
  return [...groups.values()].sort(
    (a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** Puts a dump in order: who wrote it, and which rules belong together. Linear in its rules but for sorting the names. */
export function explain(dump: Dump): Explanation {
  const vocabulary = vocabularyOf(dump);
  return { dump, origin: originOf(dump), vocabulary, groups: groupsOf(dump, vocabulary.names) };
}

function roleOf(chain: LintChain, rule: Rule): Role | undefined {
  const comment = said(rule);
  const target = leadsTo(rule);
  const kind = hashedKind(chain.name);
  if (kind === "SEP") return rule.target?.kind === "DNAT" ? "endpoint" : target === undefined ? undefined : "hairpin";
  if (target === "KUBE-MARK-MASQ" && isKube(chain.name)) return "masquerade";
  if (target !== undefined && hashedKind(target) === "SEP")
    return rule.matches.some((match) => match.kind === "recent") ? "affinity" : "balancing";
  if (kind === "FW" && rule.source !== undefined) return "source range";
  if (chain.name === "KUBE-NODEPORTS" && comment !== undefined) return comment.role ?? "node port";
  return isKube(chain.name) ? comment?.role : undefined;
}

/** What comes to a balancing rule beyond chance: a condition of its own, as affinity has one. */
function isConditional({ matches, ...rule }: Rule): boolean {
  const { source, destination, inInterface, outInterface, protocol } = rule;
  if ([source, destination, inInterface, outInterface, protocol].some((each) => each !== undefined)) return true;
  return matches.some(({ kind }) => kind !== "comment" && kind !== "statistic");
}

/** Chance of a balancing rule, 0 … 1; `undefined` when it goes by turns. */
function chanceOf({ matches }: Rule): number | undefined {
  let chance = 1;
  for (const match of matches) {
    if (match.kind !== "statistic") continue;
    if (match.mode !== "random") return undefined;
    const part = match.threshold / 0x80000000;
    chance *= match.negated ? 1 - part : part;
  }
  return chance;
}

const sharesOfChain = new WeakMap<LintChain, ReadonlyMap<number, number>>();

/** The part of each balancing rule in what the chain shares out: what the rules before it leave, times its own chance. */
function sharesOf(chain: LintChain): ReadonlyMap<number, number> {
  let shares = sharesOfChain.get(chain) as Map<number, number> | undefined;
  if (shares !== undefined) return shares;
  shares = new Map();
  sharesOfChain.set(chain, shares);
  if (!isPolicyChain(chain.name) && hashedKind(chain.name) !== "XLB") return shares;
  let left = 1;
  for (const [position, rule] of chain.rules.entries()) {
    const target = leadsTo(rule);
    if (target === undefined || hashedKind(target) !== "SEP" || isConditional(rule)) continue;
    const part = chanceOf(rule);
    if (part === undefined) {
      // not shared out by chance alone: nothing can be said of the whole
      shares.clear();
      return shares;
    }
    shares.set(position, left * part);
    left *= 1 - part;
  }
  return shares;
}

/** One rule in words. */
export function explainRule(chain: LintChain, position: number, vocabulary: Vocabulary): ExplainedRule | undefined {
  const rule = chain.rules[position];
  if (rule === undefined) return undefined;
  const role = roleOf(chain, rule);
  const share = sharesOf(chain).get(position);
  return {
    number: position + 1,
    text: saveText(rule),
    ...(role === undefined ? {} : { role }),
    condition: conditionWords(rule, vocabulary),
    action: actionWords(rule, vocabulary),
    ...(share === undefined ? {} : { share }),
  };
}

const purposes: Readonly<Record<string, string>> = {
  "nat KUBE-SERVICES": "sends packets to Services on to the chains of each",
  "filter KUBE-SERVICES": "turns away packets to Services without endpoints",
  "filter KUBE-EXTERNAL-SERVICES": "turns away packets from outside to Services without endpoints",
  "nat KUBE-NODEPORTS": "sends packets to node ports on to the Services",
  "filter KUBE-NODEPORTS": "lets load balancers ask for a Service's health",
  "nat KUBE-POSTROUTING": "masquerades what is marked for it",
  "nat KUBE-MARK-MASQ": "marks a packet to be masqueraded",
  "nat KUBE-MARK-DROP": "marks a packet to be dropped",
  "filter KUBE-FORWARD": "lets forwarded packets of Services through",
  "filter KUBE-PROXY-FIREWALL": "drops what a load balancer's source ranges do not allow",
  "filter KUBE-FIREWALL": "drops packets from outside to loopback addresses, and what is marked to be dropped",
};

/** What a chain is for; `undefined` when its name does not say it. */
export function chainPurpose(table: string, { name, rules }: LintChain, { names }: Vocabulary): string | undefined {
  const known = purposes[`${table} ${name}`] ?? normalChains.get(name);
  if (known !== undefined) return known;
  const kind = hashedKind(name);
  if (kind === undefined) return undefined;
  const endpoints = rules.filter((rule) => hashedKind(leadsTo(rule) ?? "") === "SEP");
  const count = new Set(endpoints.map(leadsTo)).size;
  const among = count === 1 ? "its one endpoint" : `${count} endpoints`;
  switch (kind) {
    case "SVC":
      return `shares connections out among ${among}`;
    case "SVL":
      return `shares connections out among ${among} on this node`;
    case "XLB":
      return `takes traffic from outside to ${among} on this node`;
    case "EXT":
      return "takes traffic from outside: node ports, external and load balancer IPs";
    case "FW":
      return "lets only a load balancer's source ranges through";
    case "SEP":
      return `endpoint ${names.endpoint(name) ?? "unknown"}`;
    default:
      return undefined;
  }
}

/** A share as people say it, for a rule that has one. */
export function shareWords({ share }: ExplainedRule): string {
  return share === undefined ? "" : share === 1 ? "all connections" : `${shareText(share)} connections`;
}
