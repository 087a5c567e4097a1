import type { SampleCluster } from "../../src/sample/cluster.ts";
import { smallerSamples } from "../../src/sample/smaller.ts";

/** Tells whether what was seen in a sample is seen in another one, too. */
export type StillSeen = (sample: SampleCluster) => boolean | Promise<boolean>;

/** Cuts a sample down while it is still seen; what is left cannot lose any single thing. */
export async function shrink(sample: SampleCluster, seen: StillSeen): Promise<SampleCluster> {
  for (const smaller of smallerSamples(sample)) {
    if (await seen(smaller)) return shrink(smaller, seen);
  }
  return sample;
}
