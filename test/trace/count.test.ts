import test from "ava";
import { dyadicToNumber } from "../../src/net/dyadic.ts";
import { countConnections } from "../../src/trace/count.ts";
import { establish, laterPacket } from "../../src/trace/established.ts";
import { traceJourneys } from "../../src/trace/journey-trace.ts";
import { tracePlace } from "./support.ts";

const TOTAL = 3000;

for (const [folder, from, to] of [
  ["examples/shop", "10.244.1.10", "10.96.20.2:80"],
  ["golden/scenarios/several-slices", "10.244.2.9", "10.96.0.10:80"],
] as const)
  test(`repeated connections fall as chance says: ${folder}`, (t) => {
    const { place, packet, sender } = tracePlace(folder);
    const asked = packet(from, to);
    const first = traceJourneys(place, asked, sender(asked));
    const { fates } = countConnections(place, () => ({ packet: asked, options: {} }), sender(asked), {
      total: TOTAL,
      seed: 7,
      first,
    });
    t.true(fates.length > 1);
    t.is(
      fates.reduce((sum, { count }) => sum + count, 0),
      TOTAL,
    );
    for (const { count, expected } of fates) {
      const chance = expected === undefined ? 0 : dyadicToNumber(expected);
      // five standard deviations of a binomial distribution
      t.true(
        Math.abs(count - TOTAL * chance) < 5 * Math.sqrt(TOTAL * chance * (1 - chance)),
        `${count} of ${TOTAL * chance}`,
      );
    }
    // the states are as before, and the same seed draws the same
    const again = countConnections(place, () => ({ packet: asked, options: {} }), sender(asked), {
      total: TOTAL,
      seed: 7,
      first,
    });
    t.deepEqual(again, { total: TOTAL, seed: 7, fates, assumed: 0 });
    const [worker] = place.network.nodes;
    t.is(place.state.of(worker ?? "").entries.size, 0);
  });

test("with affinity, a client stays where its first connection went", (t) => {
  const { place, packet, sender } = tracePlace("golden/scenarios/session-affinity");
  const asked = packet("10.244.1.10", "10.96.0.10:80");
  const first = traceJourneys(place, asked, sender(asked));
  t.true(first.branches.length > 1);
  const { fates } = countConnections(place, () => ({ packet: asked, options: {} }), sender(asked), {
    total: 50,
    seed: 3,
    first,
  });
  t.deepEqual(
    fates.map(({ count }) => count),
    [50],
  );
});

test("a connection that was made is known, and a packet outside its window is not", (t) => {
  const { place, packet, sender } = tracePlace("examples/shop");
  const asked = packet("10.244.1.10", "10.96.20.2:80");
  const [branch] = traceJourneys(place, asked, sender(asked)).branches;
  if (branch === undefined) return t.fail();
  const made = establish(place, asked, sender(asked), {}, branch);
  if (made === undefined) return t.fail();
  const state = (valid: boolean): string | undefined => {
    const later = laterPacket(asked, made, { valid, payload: 1 });
    const [way] = traceJourneys(place, later, sender(asked), { oneWay: true }).branches;
    const leg = way?.journey.there.legs[0];
    const found = leg === undefined ? undefined : way?.events(leg).find((event) => event.kind === "conntrack");
    return found?.kind === "conntrack" ? found.state : undefined;
  };
  t.is(state(true), "ESTABLISHED");
  t.is(state(false), "INVALID");
});
