import test from "ava";
import type { Script } from "../../src/kernel/chooser/answer.ts";
import { type Branch, type Exploration, explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Dyadic } from "../../src/net/dyadic.ts";
import { seededRandom } from "../../src/net/random.ts";
import { hostFate } from "../../src/trace/host-fate.ts";
import { type Verdict, verdictOf } from "../../src/trace/verdict.ts";
import { looseRuleset, type RuleText, restoreText } from "../arbitrary/loose-ruleset.ts";
import { undecidable, vocabularies } from "../arbitrary/rule-words.ts";
import { setsText } from "../arbitrary/rules.ts";
import { hostWith, type Move, type Scene } from "../arbitrary/scene.ts";
import { type Distribution, distributions, sumOf, textOf, totals } from "./branch-tree.ts";
import { counterexample } from "./holds.ts";
import { walkStep } from "./play.ts";
import { ruleSetScenes } from "./rule-set-scenes.ts";

const MAX_WAYS = 300;

type Visit = (found: Exploration<Result>) => string | undefined;

/** Explores each packet, hands what was found to `visit`, and goes on by one of the ways. */
function eachPacket(host: Host, moves: readonly Move[], visit: Visit): string | undefined {
  const state = new HostState();
  for (const [i, { wait, step }] of moves.entries()) {
    state.advance(wait);
    const found = explore(state, (chooser) => walkStep(host, state, chooser, step), { branches: MAX_WAYS });
    const broken = found.complete ? visit(found) : undefined;
    if (broken !== undefined) return `packet ${i + 1}, ${packetText(step.packet)}: ${broken}`;
    walkStep(host, state, scriptedChooser(found.branches[i % found.branches.length]?.script ?? []), step);
  }
  return undefined;
}

const chance = ({ numerator, exponent }: Dyadic): string => `${numerator}/2^${exponent}`;

/** The chances of all ways, and those of the fates, add up to 1. */
const sumsBroken: Visit = ({ branches }) => {
  const sums = [...totals(branches)].map(chance);
  if (sums.some((sum) => sum !== "1/2^0") || sums.length !== 1) return `the ways add up to ${sums.join(", ")}`;
  const sum = chance(sumOf(verdictOf(branches, hostFate).map(({ probability }) => probability)));
  return sum === "1/2^0" ? undefined : `the fates add up to ${sum}`;
};

/** The verdict as one fate distribution; `undefined` where it says that something is unknown. */
function knownVerdict(branches: readonly Branch<Result>[], verdict: readonly Verdict[]): Distribution | undefined {
  if (verdict.some(({ unknown }) => unknown !== undefined)) return undefined;
  return new Map(verdict.map(({ branch, probability }) => [fate(branches, branch), probability]));
}

const fate = (branches: readonly Branch<Result>[], index: number): string =>
  textOf((branches[index] as Branch<Result>).value);

/**
 * Unknown is said where, and only where, what is not modelled makes a difference: all that could be assumed about it, one
 * by one, gives the very chances that the verdict gives, or two different ones at least.
 */
const containmentBroken: Visit = ({ branches }) => {
  const possible = distributions(branches);
  if (possible === undefined) return undefined;
  const verdict = verdictOf(branches, hostFate);
  const known = knownVerdict(branches, verdict);
  const differ = possible.size > 1 || [...possible.keys()].some((text) => text.includes("unknown"));
  if (known === undefined) return differ ? undefined : "unknown, but all assumptions end alike";
  if (differ) return `known, but assumptions end in ${[...possible.keys()].join(" or ")}`;
  const [only] = possible.keys();
  const said = [...known].map(([text, share]) => `${text}: ${chance(share)}`).sort();
  return said.join("; ") === only ? undefined : `the verdict is ${said.join("; ")}, the ways give ${only}`;
};

const TERMINAL = /^-j (?:ACCEPT|DROP|RETURN)$/;

/** Rules that nobody can decide and that cannot matter, put among others. */
function withIdleRules(rules: readonly RuleText[], seed: number, nowhere: string): readonly RuleText[] {
  const random = seededRandom(seed);
  let all = rules;
  for (let number = 0; number < 4 && all.length > 0; number++) {
    const at = random.below(all.length);
    const { table, chain, text } = all[at] as RuleText;
    const unknown = undecidable(100 + number);
    const idle = [`-d ${nowhere} ${unknown} -j DROP`, `-d ${nowhere} -j IDLETIMER --timeout 5 --label x`];
    const alike = TERMINAL.test(text) ? [`${unknown} ${text}`] : [unknown, `${unknown} -j LOG`];
    const added: RuleText = { table, chain, text: random.pick([...idle, ...alike]) };
    all = all.toSpliced(at, 0, added);
  }
  return all;
}

function verdictText({ branches }: Exploration<Result>): string {
  const fates = verdictOf(branches, hostFate).map(({ branch, probability, unknown }) =>
    unknown === undefined ? `${fate(branches, branch)}: ${chance(probability)}` : `unknown: ${chance(probability)}`,
  );
  return fates.sort().join("; ");
}

/** The answers of a way to what is asked without the idle rules; rules have other numbers with them. */
function answersText(script: Script): string {
  const own = script.filter((answer) => answer.kind !== "unknown" || !/0x3C@10\d=1/.test(answer.what.what));
  return own.map((answer) => (answer.kind === "share" ? answer.index : `${answer.kind} ${answer.yes}`)).join();
}

/** Rules without consequence leave every verdict as it was. */
function idleRulesBroken(host: Host, { family, rules, moves, damage }: Scene): string | undefined {
  const more = withIdleRules(rules, moves.length + rules.length, vocabularies[family].nowhere);
  const other = hostWith(family, looseRuleset(restoreText(more), family), setsText[family], damage);
  const state = new HostState();
  const otherState = new HostState();
  for (const [i, { wait, step }] of moves.entries()) {
    state.advance(wait);
    otherState.advance(wait);
    const limits = { branches: MAX_WAYS };
    const before = explore(state, (chooser) => walkStep(host, state, chooser, step), limits);
    const after = explore(otherState, (chooser) => walkStep(other, otherState, chooser, step), limits);
    if (!before.complete || !after.complete) return undefined;
    const [a, b] = [verdictText(before), verdictText(after)];
    if (a !== b) return `packet ${i + 1}, ${packetText(step.packet)}: ${a}; with ${restoreText(more)}: ${b}`;
    // go on by a way that both have
    const way = before.branches[i % before.branches.length];
    const same = after.branches.find(({ script }) => answersText(script) === answersText(way?.script ?? []));
    if (way === undefined || same === undefined) return `packet ${i + 1}: a way is lost with ${restoreText(more)}`;
    walkStep(host, state, scriptedChooser(way.script), step);
    walkStep(other, otherState, scriptedChooser(same.script), step);
  }
  return undefined;
}

const options = { circles: false, uncertain: 2, moves: 25, odd: 0.2, damaged: 0.1 };

test("slow: the chances of all ways add up to 1, and so do those of the fates", (t) => {
  t.is(
    counterexample((host, moves) => eachPacket(host, moves, sumsBroken), options, 50),
    undefined,
  );
  for (const { name, host, moves } of ruleSetScenes("1", 40))
    t.is(eachPacket(host, moves, sumsBroken), undefined, name);
});

test("slow: a verdict is unknown where assumptions end differently, and only there", (t) => {
  t.is(
    counterexample((host, moves) => eachPacket(host, moves, containmentBroken), options, 60),
    undefined,
  );
});

test("slow: rules that nobody can decide and that cannot matter never change a verdict", (t) => {
  const law = (host: Host, _: readonly Move[], scene: Scene): string | undefined => idleRulesBroken(host, scene);
  t.is(counterexample(law, { ...options, uncertain: 0, damaged: 0, moves: 15 }, 40), undefined);
  t.is(counterexample(law, { ...options, moves: 15 }, 40), undefined);
});
