import type { Packet } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import type { RuleConstants } from "./constants.ts";
import { answerTo, errorAbout } from "./follow.ts";
import { FreshPackets } from "./fresh.ts";
import { findPlaces, type Places } from "./places.ts";
import { makeStep, type Observation, type SeenPacket, type Step } from "./step.ts";
import type { Topology } from "./topology.ts";

/** How many packets that left are remembered: few, so that flows come to an end. */
const REMEMBERED = 300;

/** How often each kind of packet comes. */
const MIX = { any: 30, frontend: 24, answer: 34, again: 6, error: 6 } as const;

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

  constructor(topology: Topology, constants: RuleConstants, family: IPFamily, seed: string) {
    this.#random = seededRandom(seed);
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

  /** What became of the packets of `next`. */
  learn(observations: readonly Observation[]): void {
    for (const { out, local } of observations) {
      for (const seen of out) this.#keep(this.#remembered, { seen, local: false });
      for (const seen of local) this.#keep(this.#remembered, { seen, local: true });
    }
  }

  #keep<T>(list: T[], value: T): void {
    if (list.length < REMEMBERED) list.push(value);
    else list[this.#random.below(REMEMBERED)] = value;
  }

  #some(): Step[] {
    switch (this.#random.weighted(MIX)) {
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
