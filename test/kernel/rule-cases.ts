import type { IPFamily } from "../../src/net/family.ts";
import type { RuleTexts } from "./oracle.ts";
import type { Backend } from "./tools.ts";

/** A rule set to send packets through: one family, one back end. */
export interface RuleCase {
  /** Unique; it seeds the packets. */
  readonly name: string;
  /** What it is about, in a sentence. */
  readonly about: string;
  readonly family: IPFamily;
  readonly backend: Backend;
  /** Restore text without counters. */
  readonly rules: string;
  /** For `ipset restore`; empty when the rules name no sets. */
  readonly ipset: string;
  readonly nfacct: readonly string[];
  /** What differs from the topology's own, by name with dots. */
  readonly sysctls: Readonly<Record<string, number>>;
}

/** What the namespace is to load. */
export function ruleTexts({ family, backend, rules, ipset, nfacct, sysctls }: RuleCase): RuleTexts {
  const text = family === "IPv4" ? { v4: rules } : { v6: rules };
  return { backend, ...text, ipset, nfacct, sysctls };
}

/** The NFLOG groups that its rules log to. */
export function logGroups({ rules }: RuleCase): number[] {
  const groups = [...rules.matchAll(/-j NFLOG\b[^\n]*/g)].map(([target]) =>
    Number(/--nflog-group (\d+)/.exec(target)?.[1] ?? 0),
  );
  return [...new Set(groups)];
}

/** Names of the counter objects that rules need. */
export function counterNames(rules: string): string[] {
  return [...new Set([...rules.matchAll(/--nfacct-name +(\S+)/g)].map((match) => match[1] ?? ""))];
}

/**
 * The same rules with what the kernel draws at random taken out: `random` statistics become `nth` ones of about the same
 * share, and ports are chosen in order. Packet by packet the kernel's answer is then determined.
 */
export function pinned(one: RuleCase): RuleCase {
  const rules = one.rules
    .replace(/--mode random( !)? --probability ([\d.]+)/g, (_, not: string | undefined, probability: string) => {
      const every = Number(probability) > 0 ? Math.max(1, Math.round(1 / Number(probability))) : 1;
      return `--mode nth${not ?? ""} --every ${every} --packet 0`;
    })
    .replace(/ --random(?:-fully)?\b/g, "");
  return { ...one, name: `${one.name} (pinned)`, rules };
}
