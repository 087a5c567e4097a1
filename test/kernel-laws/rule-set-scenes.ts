import type { Host } from "../../src/kernel/host.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { seededRandom } from "../../src/net/random.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { drawMoves, hostWith, type Move } from "../arbitrary/scene.ts";
import { clusterCases } from "../kernel/cluster-cases.ts";
import { foreignCases } from "../kernel/foreign.ts";
import type { RuleCase } from "../kernel/rule-cases.ts";
import { node } from "../kernel/topology.ts";

/** A rule set that programs write, and packets for it. */
export interface RuleSetScene {
  readonly name: string;
  readonly family: IPFamily;
  readonly text: string;
  readonly host: Host;
  readonly moves: readonly Move[];
}

const CLUSTERS = 3;

function sceneOf(one: RuleCase, moves: number): RuleSetScene {
  const { name, family, backend, rules: text, ipset } = one;
  const rules = loadRuleset({ name, text }, family, () => {}, { backend });
  const host = hostWith(family, rules, ipset);
  const drawn = drawMoves(seededRandom(name), host, family, { rules: text, ipset }, { moves, odd: 0.1 });
  return { name, family, text, host, moves: drawn };
}

/** Without the back end: both load the same rules. */
const stem = (name: string): string => name.slice(0, name.lastIndexOf("/"));

/** All foreign rule sets and some compiled ones, each with packets that its rules speak of. */
export function ruleSetScenes(seed: string, moves: number): RuleSetScene[] {
  const cases = [...foreignCases(), ...clusterCases(seed, CLUSTERS, node)];
  const byStem = new Map(cases.map((one) => [stem(one.name), one]));
  return [...byStem.values()].map((one) => sceneOf(one, moves));
}
