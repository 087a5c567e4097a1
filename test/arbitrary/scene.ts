import fc from "fast-check";
import type { Host } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { makeSets } from "../../src/kernel/sets.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { readConstants } from "../kernel/constants.ts";
import { PacketSequence } from "../kernel/generator.ts";
import type { Observation, Step } from "../kernel/step.ts";
import { node } from "../kernel/topology.ts";
import { topologyHost } from "../kernel/topology-host.ts";
import { play } from "../kernel-laws/play.ts";
import { damagedHost } from "./hosts.ts";
import { looseRuleset, type RuleText, restoreText } from "./loose-ruleset.ts";
import { oddStep } from "./packets.ts";
import { type RuleOptions, randomRules, setsText } from "./rules.ts";

/** A packet, and the time that passes before it, in milliseconds. */
export interface Move {
  readonly wait: number;
  readonly step: Step;
}

/** A host with rules, and packets that come one after the other. */
export interface Scene {
  readonly family: IPFamily;
  readonly rules: readonly RuleText[];
  readonly moves: readonly Move[];
  /** Of the host, where it is a damaged one. */
  readonly damage: string | undefined;
}

export interface SceneOptions extends RuleOptions {
  /** Packets of a scene. */
  readonly moves: number;
  /** Part of the packets that are such as no sender makes. */
  readonly odd: number;
  /** Part of the hosts that lack something. */
  readonly damaged: number;
}

const sysctls = { "net.ipv4.conf.all.route_localnet": 1 };

/** The host of the tests with any rules of one family. */
export function hostWith(family: IPFamily, rules: Ruleset, ipset: string, damage?: string): Host {
  const both = { IPv4: emptyRuleset, IPv6: emptyRuleset, [family]: rules };
  const whole = topologyHost(node, both, sysctls);
  const sets = makeSets(parseIPSets({ name: "sets", text: ipset }, () => {}).values());
  return makeHost(damage === undefined ? whole : damagedHost(seededRandom(damage), whole), sets);
}

export function sceneHost({ family, rules, damage }: Scene): Host {
  return hostWith(family, looseRuleset(restoreText(rules), family), setsText[family], damage);
}

const wait = (random: Random): number => (random.chance(0.9) ? 0 : random.pick([1, 900, 2500, 31_000, 130_000]));

/** Packets as senders make them, answers and errors about what the emulator let through included; odd ones between them. */
export function drawMoves(
  random: Random,
  host: Host,
  family: IPFamily,
  texts: { readonly rules: string; readonly ipset: string },
  { moves: count, odd }: Pick<SceneOptions, "moves" | "odd">,
): Move[] {
  const names = [...host.byName.keys()];
  const constants = readConstants(texts.rules, texts.ipset, family);
  const sequence = new PacketSequence(node, constants, family, `${random.below(2 ** 32)}`);
  const moves: Move[] = [];
  const player = play(host, "moves");
  while (moves.length < count) {
    const made = sequence.next(4).filter(({ from }) => from === undefined || names.includes(from));
    const seen: Observation[] = [];
    for (const step of made) {
      const move = { wait: wait(random), step };
      moves.push(move);
      seen.push(player(move));
    }
    sequence.learn(made, seen);
    if (made.length === 0 || random.chance(odd))
      moves.push({ wait: wait(random), step: oddStep(random, family, names) });
  }
  return moves;
}

export function drawScene(seed: string | number, options: SceneOptions): Scene {
  const random = seededRandom(seed);
  const family = random.pick(ipFamilies);
  const rules = randomRules(random, family, options);
  const damage = random.chance(options.damaged) ? `${seed}` : undefined;
  const empty: Scene = { family, rules, moves: [], damage };
  const texts = { rules: restoreText(rules), ipset: setsText[family] };
  return { ...empty, moves: drawMoves(random, sceneHost(empty), family, texts, options) };
}

/** A list without a half of it, a quarter and so on down to one element. */
function* shorter<T>(list: readonly T[]): IterableIterator<readonly T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
}

/** Draws by seed; shrinks by leaving out packets and rules. */
class SceneArbitrary extends fc.Arbitrary<Scene> {
  private readonly options: SceneOptions;

  constructor(options: SceneOptions) {
    super();
    this.options = options;
  }

  override generate(random: fc.Random): fc.Value<Scene> {
    return new fc.Value(drawScene(random.nextInt(), this.options), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is Scene {
    return false;
  }

  override shrink(value: Scene): fc.Stream<fc.Value<Scene>> {
    const smaller = function* (): IterableIterator<fc.Value<Scene>> {
      for (const moves of shorter(value.moves)) yield new fc.Value({ ...value, moves }, undefined);
      for (const rules of shorter(value.rules)) yield new fc.Value({ ...value, rules }, undefined);
    };
    return fc.stream(smaller());
  }
}

/** Scenes for laws. */
export function scenes(options: SceneOptions): fc.Arbitrary<Scene> {
  return new SceneArbitrary(options);
}
