import test from "ava";
import { compareModes } from "./modes-law.ts";

/** Seeds of clusters that showed something nobody had known: an empty node port elsewhere, a Local policy inside, ranges without endpoints. */
const counterexamples = [1, 3];
const fixed = [20, 21];

for (const seed of [...counterexamples, ...fixed]) {
  test(`slow: law: iptables and ipvs mode differ for known reasons only, seed ${seed}`, (t) => {
    const found = compareModes(seed);
    t.truthy(found);
    t.true((found?.differing ?? 0) > 0);
    t.deepEqual(found?.findings, []);
  });
}
