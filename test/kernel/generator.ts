import { hasPorts, isICMPError, type Packet } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { isTranslated } from "./cells.ts";
import type { RuleConstants } from "./constants.ts";
import { answerTo, errorAbout } from "./follow.ts";
import { FreshPackets } from "./fresh.ts";
import { findPlaces, type Places } from "./places.ts";
import { makeStep, type Observation, type SeenPacket, type Step } from "./step.ts";
import type { Topology } from "./topology.ts";

/** How many packets that left are remembered: few, so that flows come to an end. */
const REMEMBERED = 300;

/** How often each kind of packet comes. */
const MIX = { any: 20, frontend: 33, answer: 35, again: 6, error: 6 } as const;
/** Errors quote flows that must be there first: more of both. */
const ERROR_MIX = { any: 4, frontend: 30, answer: 22, again: 4, error: 40 } as const;
/** With examples, how many packets are made after one of them. */
const LIKE_EXAMPLES = 0.6;
const LIKE_ERRORS = 0.1;

const PASSED_OVER = 0.6;

interface Remembered {
  readonly seen: SeenPacket;
  /** It reached the node itself: the answer is sent by the node. */
  readonly local: boolean;
}

/**
 * Draws the packets of a sequence, batch by batch: what is sent back depends on what the kernel did with the batches before.
 * The same seed and the same observations give the same packets.
 */
export class PacketSequence {
  readonly #random: Random;
  readonly #fresh: FreshPackets;
  readonly #places: Places;
  readonly #remembered: Remembered[] = [];
  readonly #sent: Step[] = [];
  readonly #examples: readonly Step[];
  /** The examples are errors about flows. */
  readonly #errors: boolean;

  /** `examples` are packets of which more are wanted: most of the others are then made after them. */
  constructor(
    topology: Topology,
    constants: RuleConstants,
    family: IPFamily,
    seed: string,
    examples: readonly Step[] = [],
  ) {
    this.#random = seededRandom(seed);
    this.#examples = examples;
    this.#errors = examples.length > 0 && isICMPError((examples[0] as Step).packet);
    this.#places = findPlaces(topology, constants, family);
    this.#fresh = new FreshPackets(this.#places, constants, this.#random.fork("fresh"));
  }

  get places(): Places {
    return this.#places;
  }

  /** At least `count` more packets: fragments of one are never parted. */
  next(count: number): Step[] {
    const steps: Step[] = [];
    while (steps.length < count) {
      const made = this.#some();
      steps.push(...made);
      for (const step of made) this.#keep(this.#sent, step);
    }
    return steps;
  }

  /** What became of the packets of `next`; of those that NAT left alone only some are remembered. */
  learn(steps: readonly Step[], observations: readonly Observation[]): void {
    for (const [i, step] of steps.entries()) {
      const observation = observations[i];
      if (observation === undefined) continue;
      if (!isTranslated(step, observation) && this.#random.chance(PASSED_OVER)) continue;
      const { out, local } = observation;
      for (const seen of out) this.#keep(this.#remembered, { seen, local: false });
      for (const seen of local) this.#keep(this.#remembered, { seen, local: true });
    }
  }

  #keep<T>(list: T[], value: T): void {
    if (list.length < REMEMBERED) list.push(value);
    else list[this.#random.below(REMEMBERED)] = value;
  }

  #some(): Step[] {
    if (this.#examples.length > 0 && this.#random.chance(this.#errors ? LIKE_ERRORS : LIKE_EXAMPLES))
      return this.#like(this.#random.pick(this.#examples));
    switch (this.#random.weighted(this.#errors ? ERROR_MIX : MIX)) {
      case "any":
        return this.#fresh.any();
      case "frontend":
        return this.#fresh.toFrontend();
      case "answer":
        return this.#reaction(({ packet }) => answerTo(packet, this.#random));
      case "again":
        return this.#sent.length > 0 ? this.#again(this.#random.pick(this.#sent)) : this.#fresh.any();
      case "error":
        return this.#reaction((seen, local) => errorAbout(seen, this.#router(seen.packet, local), this.#random));
    }
  }

  /** The same packet from another socket of the same sender. */
  #like(step: Step): Step[] {
    const { packet } = step;
    if (packet.moreFragments || packet.fragmentOffset > 0) return this.#fresh.any();
    const random = this.#random;
    const sport = hasPorts(packet.protocol) && random.chance(0.5) ? random.between(1024, 65535) : packet.sport;
    return [
      {
        ...step,
        packet: {
          ...packet,
          sport,
          icmpId: packet.icmpId === 0 || random.chance(0.5) ? packet.icmpId : random.below(0x10000),
        },
      },
    ];
  }

  /** A retransmission; fragments are not sent twice, since a second half would wait for its first. */
  #again(step: Step): Step[] {
    const { packet } = step;
    return packet.moreFragments || packet.fragmentOffset > 0 ? this.#fresh.toFrontend() : [step];
  }

  /** The receiver itself, or somebody between. */
  #router(packet: Packet, local: boolean): Packet["dst"] {
    const random = this.#random;
    if (local || random.chance(0.6)) return packet.dst;
    return random.pick(this.#places.destinations["remote pod"]);
  }

  #reaction(make: (seen: SeenPacket, local: boolean) => Packet | undefined): Step[] {
    if (this.#remembered.length === 0) return this.#fresh.toFrontend();
    const { seen, local } = this.#random.pick(this.#remembered);
    // nobody answers for all, and no answer could be sent from such an address
    if (this.#places.classOf(seen.packet.dst) === "multicast") return this.#fresh.any();
    const packet = make(seen, local);
    return packet === undefined ? this.#fresh.any() : [makeStep(packet, local ? undefined : seen.interface)];
  }
}
