import type { Refusal } from "./draft.ts";
import { jumpsTo } from "./draft.ts";
import { tcpFlags } from "./matches/tcp.ts";
import type { Rule, Target } from "./model.ts";
import { type Backend, builtinChains, type Table } from "./ruleset.ts";
import { isEmptyMask } from "./values.ts";

const noOutInterface: readonly string[] = ["PREROUTING", "INPUT"];
const noInInterface: readonly string[] = ["OUTPUT", "POSTROUTING"];

/** Targets that only some tables take (kernel-semantics §2.1); the kernel refuses the others. */
const tablesOfTargets: ReadonlyMap<string, readonly string[]> = new Map([
  ["DNAT", ["nat"]],
  ["SNAT", ["nat"]],
  ["MASQUERADE", ["nat"]],
  ["REDIRECT", ["nat"]],
  ["NETMAP", ["nat"]],
  ["REJECT", ["filter"]],
  ["TPROXY", ["mangle"]],
  ["CT", ["raw"]],
  ["NOTRACK", ["raw"]],
  ["CHECKSUM", ["mangle"]],
  ["DSCP", ["mangle"]],
  ["HL", ["mangle"]],
  ["TOS", ["mangle"]],
  ["TTL", ["mangle"]],
]);

/** Matches that only some tables take. */
const tablesOfMatches: ReadonlyMap<string, readonly string[]> = new Map([["rpfilter", ["mangle", "raw"]]]);

/** The tables that a target can stand in; `undefined` for one that any table takes. */
export function tablesOfTarget(name: string): readonly string[] | undefined {
  return tablesOfTargets.get(name);
}

/** What a check must know of a table: its name and its chains. */
export interface KnownChains {
  readonly name: string;
  readonly has: (chain: string) => boolean;
  readonly isBuiltin: (chain: string) => boolean;
}

/** What the tools or the kernel refuse about a rule in its table, beyond its own options. */
export function checkRule(rule: Rule, draft: KnownChains, backend: Backend): Refusal | undefined {
  if (!draft.has(rule.chain)) return { code: "no-such-chain", message: `there is no chain ${rule.chain.slice(0, 60)}` };
  return (
    checkInterfaces(rule, draft) ??
    checkMatches(rule, draft) ??
    checkTarget(rule, draft, backend) ??
    (backend === "nft" ? checkNft(rule) : undefined)
  );
}

function checkInterfaces(rule: Rule, draft: KnownChains): Refusal | undefined {
  if (!draft.isBuiltin(rule.chain)) return undefined;
  if (rule.outInterface !== undefined && noOutInterface.includes(rule.chain)) {
    return { code: "interface-in-chain", message: `-o cannot be used in ${rule.chain}` };
  }
  if (rule.inInterface !== undefined && noInInterface.includes(rule.chain)) {
    return { code: "interface-in-chain", message: `-i cannot be used in ${rule.chain}` };
  }
  return undefined;
}

function checkMatches(rule: Rule, draft: KnownChains): Refusal | undefined {
  for (const { kind } of rule.matches) {
    const tables = tablesOfMatches.get(kind);
    if (tables === undefined || tables.includes(draft.name)) continue;
    return { code: "match-in-table", message: `-m ${kind} can be used in table ${tables.join(", ")} only` };
  }
  return undefined;
}

/** True for a rule that only packets with SYN reach (`find_syn_match` of xt_TCPMSS.c). */
function wantsSyn({ matches }: Rule): boolean {
  return matches.some(
    (match) =>
      match.kind === "tcp" && match.flags?.negated === false && (match.flags.value.compare & tcpFlags.SYN) !== 0,
  );
}

function checkTarget(rule: Rule, draft: KnownChains, backend: Backend): Refusal | undefined {
  const chain = jumpsTo(rule);
  if (chain !== undefined) {
    if (!draft.has(chain))
      return {
        code: "no-such-chain",
        message: `${chain.slice(0, 60)} is neither a chain of table ${draft.name} nor a known target`,
      };
    if (draft.isBuiltin(chain))
      return { code: "jump-to-builtin-chain", message: `a rule cannot jump to the built-in chain ${chain}` };
    return undefined;
  }
  const { target } = rule;
  if (target === undefined) return undefined;
  const { kind } = target;
  if (target.kind === "unknown" && draft.has(target.module)) {
    return { code: "unknown-option", message: `a jump to chain ${target.module} takes no options` };
  }
  if (kind === "DROP" && draft.name === "nat") {
    return { code: "drop-in-nat", message: "the tool refuses DROP in table nat; drop in filter or raw" };
  }
  if (kind === "TCPMSS" && backend === "legacy" && !wantsSyn(rule)) {
    return { code: "syn-missing", message: "TCPMSS works on packets with SYN; add -m tcp --tcp-flags SYN,RST SYN" };
  }
  const tables = tablesOf(target, backend);
  if (tables === undefined || tables.includes(draft.name)) return undefined;
  return { code: "target-in-table", message: `${kind} can be used in table ${tables.join(", ")} only` };
}

function tablesOf(target: Target, backend: Backend): readonly string[] | undefined {
  // nft takes TRACE everywhere
  if (target.kind === "TRACE" && backend === "legacy") return ["raw"];
  if (target.kind === "SET" && target.map !== undefined) return ["mangle"];
  return tablesOfTargets.get(target.kind);
}

/** `! -s 0.0.0.0/0` matches nothing: legacy keeps such a rule, nft refuses it. */
function checkNft(rule: Rule): Refusal | undefined {
  for (const given of [rule.source, rule.destination]) {
    if (given?.negated === true && isEmptyMask(given.value.mask)) {
      return { code: "nothing-matches", message: "iptables-nft refuses an inverted network of all addresses" };
    }
  }
  return undefined;
}

/** A chain of jumps from a built-in chain that comes back to itself; the kernel refuses a table with one. */
export function findLoop(table: Table): Refusal | undefined {
  const done = new Set<string>();
  const open = new Set<string>();
  for (const start of builtinChains.get(table.name) ?? []) {
    const stack = [{ name: start, next: targetsOf(table, start) }];
    open.add(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const name = top.next.pop();
      if (name === undefined) {
        open.delete(top.name);
        done.add(top.name);
        stack.pop();
      } else if (open.has(name)) {
        return { code: "chain-loop", message: `chain ${name} jumps back to itself by way of ${top.name}` };
      } else if (!done.has(name)) {
        open.add(name);
        stack.push({ name, next: targetsOf(table, name) });
      }
    }
  }
  return undefined;
}

function targetsOf(table: Table, name: string): string[] {
  const names = new Set<string>();
  for (const rule of table.chains.get(name)?.rules ?? []) {
    const chain = jumpsTo(rule);
    if (chain !== undefined) names.add(chain);
  }
  return [...names];
}

/** Levels that the nf_tables back end walks down from a built-in chain at most (`NFT_JUMP_STACK_SIZE`). */
const NFT_LEVELS = 16;

/** A built-in chain with more chains below each other than nf_tables takes; legacy has no such limit. The table has no loop. */
export function findTooDeep(table: Table): Refusal | undefined {
  const depths = new Map<string, number>();
  /** Levels from a chain on, itself included; an explicit stack, as dumps may be deep. */
  const depthOf = (start: string): number => {
    const stack = [{ name: start, next: targetsOf(table, start), deepest: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const name = top.next.pop();
      if (name === undefined) {
        stack.pop();
        depths.set(top.name, top.deepest + 1);
        const parent = stack.at(-1);
        if (parent !== undefined) parent.deepest = Math.max(parent.deepest, top.deepest + 1);
        continue;
      }
      const known = depths.get(name);
      if (known === undefined) stack.push({ name, next: targetsOf(table, name), deepest: 0 });
      else top.deepest = Math.max(top.deepest, known);
    }
    return depths.get(start) ?? 0;
  };
  for (const start of builtinChains.get(table.name) ?? []) {
    if (table.chains.has(start) && depthOf(start) > NFT_LEVELS) {
      const message = `more than ${NFT_LEVELS - 1} chains below each other from ${start} on: nf_tables says "Too many links"`;
      return { code: "too-deep", message };
    }
  }
  return undefined;
}
