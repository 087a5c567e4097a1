import { readConstants } from "./constants.ts";
import { PacketSequence } from "./generator.ts";
import { type CounterMode, Oracle } from "./oracle.ts";
import type { Places } from "./places.ts";
import { logGroups, type RuleCase, ruleTexts } from "./rule-cases.ts";
import type { Batch, Step } from "./step.ts";
import type { Topology } from "./topology.ts";

/** Packets sent before the generator looks at what became of them. */
const BATCH = 32;

export interface ObserveOptions {
  readonly packets: number;
  readonly counters: CounterMode;
  readonly lockFile: string;
  readonly seed: string;
  /** Packets of which more are wanted. */
  readonly examples?: readonly Step[];
}

/** A part of a sequence with what the kernel did. */
export interface ObservedBatch extends Batch {
  readonly steps: readonly Step[];
  readonly places: Places;
}

/**
 * Sends a sequence of packets through a rule set in a namespace of its own and hands over batch after batch as the
 * kernel answers; what is asked of `oracle` in between (conntrack entries, a pause) is seen by the batches after. `each` tells
 * which packets it wants to see once more; they are sent before the next ones.
 */
export async function observe(
  one: RuleCase,
  topology: Topology,
  { packets, counters, lockFile, seed, examples = [] }: ObserveOptions,
  each: (batch: ObservedBatch, oracle: Oracle) => readonly Step[] | Promise<readonly Step[]>,
): Promise<void> {
  const constants = readConstants(one.rules, one.ipset, one.family);
  const sequence = new PacketSequence(topology, constants, one.family, `${seed}/${one.name}`, examples);
  const oracle = await Oracle.start(topology, lockFile, logGroups(one));
  try {
    await oracle.load(ruleTexts(one));
    let again: readonly Step[] = [];
    for (let sent = 0; sent < packets; ) {
      const fresh = sequence.next(Math.min(BATCH, packets - sent));
      const steps = [...again, ...fresh];
      const batch = await oracle.send(steps, counters);
      sequence.learn(steps, batch.observations);
      sent += fresh.length;
      again = await each({ ...batch, steps, places: sequence.places }, oracle);
    }
  } finally {
    await oracle.stop();
  }
}
