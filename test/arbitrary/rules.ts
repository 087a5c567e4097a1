import type { IPFamily } from "../../src/net/family.ts";
import type { Random } from "../../src/net/random.ts";
import { builtinChains } from "../../src/rules/iptables/ruleset.ts";
import type { RuleText } from "./loose-ruleset.ts";
import { generalWords, matchWords, targetWord, transportWord, vocabularies } from "./rule-words.ts";

export interface RuleOptions {
  /** Chains may run in circles, and jumps may go to chains that are built in or not there. */
  readonly circles: boolean;
  /** How often what is not modelled comes; 1 is as often as each other match. */
  readonly uncertain: number;
}

/** User chains of each table; without circles a chain jumps to those behind it only. */
const OWN = ["U1", "U2", "U3", "U4"];

function targets(chain: string, { circles }: RuleOptions): readonly string[] {
  return circles ? [...OWN, chain, "INPUT", "ABSENT"] : OWN.slice(OWN.indexOf(chain) + 1);
}

function rule(random: Random, family: IPFamily, chains: readonly string[], { uncertain }: RuleOptions): string {
  const transport = transportWord(random, family);
  const draw = { random, words: vocabularies[family], transport };
  const protocol = transport === "" ? [] : [`-p ${transport}`];
  const words = [...generalWords(draw), ...protocol, ...matchWords(draw, uncertain)];
  return [...words, targetWord(draw, chains, uncertain / 4)].join(" ");
}

/** Rules of one family in any tables and chains; some chains are so long that an index is made of them. */
export function randomRules(random: Random, family: IPFamily, options: RuleOptions): RuleText[] {
  const rules: RuleText[] = [];
  for (const [table, builtin] of builtinChains) {
    if (random.chance(0.3)) continue;
    for (const chain of [...builtin, ...OWN]) {
      const length = random.chance(0.25) ? random.between(12, 30) : random.below(5);
      for (let i = 0; i < length; i++)
        rules.push({ table, chain, text: rule(random, family, targets(chain, options), options) });
    }
  }
  return rules;
}

/** The sets that the rules name. */
export const setsText: Readonly<Record<IPFamily, string>> = {
  IPv4: [
    "create pairs hash:ip,port family inet timeout 30",
    "add pairs 10.96.0.1,tcp:80 timeout 5",
    "add pairs 10.96.0.10,udp:53 timeout 0",
    "create nets hash:net family inet",
    "add nets 10.244.0.0/16",
    "add nets 10.244.1.5 nomatch",
    "",
  ].join("\n"),
  IPv6: [
    "create pairs hash:ip,port family inet6 timeout 30",
    "add pairs fd00:10:96::1,tcp:80 timeout 5",
    "create nets hash:net family inet6",
    "add nets fd00:10:244::/48",
    "add nets fd00:10:244:1::5 nomatch",
    "",
  ].join("\n"),
};
