import { explore } from "../../src/kernel/chooser/explore.ts";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Host } from "../../src/kernel/host.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import type { Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { hostFate } from "../../src/trace/host-fate.ts";
import { verdictOf } from "../../src/trace/verdict.ts";
import { damagedText } from "../arbitrary/damaged-text.ts";
import { looseRuleset, restoreText } from "../arbitrary/loose-ruleset.ts";
import { randomRules, setsText } from "../arbitrary/rules.ts";
import { drawMoves, hostWith, type Move } from "../arbitrary/scene.ts";
import type { RuleCase } from "../kernel/rule-cases.ts";
import { recordStep, walkStep } from "./play.ts";

/** What a fuzzing run came to. */
export interface FuzzResult {
  readonly runs: number;
  readonly hosts: number;
  /** Ends of packets by kind. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** One text for each failure. */
  readonly failures: readonly string[];
  /** Milliseconds that the slowest packet took. */
  readonly slowest: number;
  readonly slowestOf: string;
}

/** Packets that a host of the run gets. */
const MOVES = 100;
/** A packet that takes longer than this does not end in any sense that helps. */
const MAX_MILLISECONDS = 20_000;
const MAX_WAYS = 8;

interface Subject {
  readonly host: Host;
  readonly text: string;
  readonly moves: readonly Move[];
}

/** A rule set that programs wrote, or any rules; as it is or damaged; read as a restore, or every rule that can be read. */
function drawSubject(seed: string, cases: readonly RuleCase[]): Subject {
  const random = seededRandom(seed);
  const family = random.pick(["IPv4", "IPv6"] as const);
  const options = { circles: random.chance(0.3), uncertain: random.pick([0, 1, 12]) };
  const given = random.chance(0.5) ? random.pick(cases.filter((one) => one.family === family)) : undefined;
  const whole = given?.rules ?? restoreText(randomRules(random, family, options));
  const text = random.chance(0.4) ? damagedText(random, whole) : whole;
  const loose = given === undefined || random.chance(0.5);
  const ipset = random.chance(0.1) ? "" : (given?.ipset ?? setsText[family]);
  const rules = rulesOf(text, family, loose, random);
  const host = hostWith(family, rules, ipset, random.chance(0.4) ? seed : undefined);
  return { host, text, moves: drawMoves(random, host, family, { rules: text, ipset }, { moves: MOVES, odd: 0.9 }) };
}

function rulesOf(text: string, family: "IPv4" | "IPv6", loose: boolean, random: Random): Ruleset {
  if (loose) return looseRuleset(text, family);
  return loadRuleset({ name: "dump", text }, family, () => {}, { backend: random.pick(["nft", "legacy"]) });
}

/** Walks one packet in a way that the run number chooses: recorded, indexed or not, or all its ways. */
function walkOne(host: Host, state: HostState, { step }: Move, chooser: ReturnType<typeof seededChooser>, run: number) {
  if (run % 8 === 0) {
    const { branches } = explore(state, (each) => walkStep(host, state, each, step), { branches: MAX_WAYS });
    verdictOf(branches, hostFate);
  }
  const indexed = run % 3 !== 0;
  return run % 2 === 0
    ? walkStep(host, state, chooser, step, { indexed })
    : recordStep(host, state, chooser, step, { indexed }).result;
}

/**
 * Sends so many packets through so many hosts as that takes, from a seed; hosts are numbered from `first` on. Stops at nothing
 * but its end.
 */
export function fuzz(runs: number, seed: string, cases: readonly RuleCase[], first = 0): FuzzResult {
  const outcomes = new Map<string, number>();
  const failures: string[] = [];
  let [hosts, done, slowest, slowestOf] = [0, 0, 0, ""];
  while (done < runs) {
    const name = `${seed}/${first + hosts++}`;
    let place = "while the packets were drawn";
    try {
      const { host, moves } = drawSubject(name, cases);
      const state = new HostState();
      const chooser = seededChooser(name);
      for (const move of moves) {
        place = packetText(move.step.packet);
        const begin = performance.now();
        state.advance(move.wait);
        const { outcome } = walkOne(host, state, move, chooser, done++);
        const took = performance.now() - begin;
        outcomes.set(outcome.kind, (outcomes.get(outcome.kind) ?? 0) + 1);
        if (took > slowest) [slowest, slowestOf] = [took, `${name} ${place}`];
        if (took > MAX_MILLISECONDS) failures.push(`${name}: ${place}: took ${Math.round(took)} ms`);
      }
    } catch (error) {
      done++;
      failures.push(`${name}: ${place}: ${(error as Error).stack ?? error}`);
    }
  }
  return { runs: done, hosts, outcomes, failures, slowest, slowestOf };
}
