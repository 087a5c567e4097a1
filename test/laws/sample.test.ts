import test from "ava";
import fc from "fast-check";
import { seededRandom } from "../../src/net/random.ts";
import { type SampleCluster, sampleCluster } from "../../src/sample/cluster.ts";
import { featureNames, featuresOf } from "../../src/sample/features.ts";
import { smallerSamples } from "../../src/sample/smaller.ts";
import { defaultWeights } from "../../src/sample/weights.ts";
import { clusters } from "../arbitrary/cluster.ts";
import { families } from "../upstream/compare.ts";
import { MINOR } from "../upstream/compare-sample.ts";
import { answerTo, refusals } from "../upstream/feed.ts";

const small = { weights: { "cluster.endpoints": { large: 0 } } } as const;
const seeds = fc.oneof(fc.integer(), fc.string());
const servicesOf = ({ objects }: SampleCluster): number => objects.filter(({ kind }) => kind === "Service").length;

/** Restore texts of both families; none where kube-proxy does not start. */
function restores(sample: SampleCluster): readonly string[] {
  const question = { ...sample, minor: MINOR };
  return refusals(question).length > 0 ? [] : families.map(([family]) => answerTo(question, family).restore);
}

test("a number and its text are one seed; the numbers below a limit come equally often", (t) => {
  const [a, b] = [seededRandom(7), seededRandom("7")];
  const draws = Array.from({ length: 60_000 }, () => a.below(6));
  t.deepEqual(
    draws.slice(0, 100),
    Array.from({ length: 100 }, () => b.below(6)),
  );
  const counts = [0, 1, 2, 3, 4, 5].map((n) => draws.filter((draw) => draw === n).length);
  // six standard deviations of a count of 10,000
  for (const count of counts) t.true(Math.abs(count - 10_000) < 550, counts.join(" "));
  t.notDeepEqual(
    seededRandom(7)
      .fork("x")
      .below(2 ** 32),
    seededRandom(7)
      .fork("y")
      .below(2 ** 32),
  );
});

test("a name comes as often as its weight says, and one without weight never", (t) => {
  const random = seededRandom("weights");
  const draws = Array.from({ length: 40_000 }, () => random.weighted({ never: 0, once: 1, thrice: 3 }));
  t.false(draws.includes("never"));
  t.true(Math.abs(draws.filter((name) => name === "once").length - 10_000) < 550);
});

test("one seed gives one cluster, and with more Services the same and more", (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const three = sampleCluster(seed, { ...small, services: 3, endpoints: 2 });
      t.deepEqual(three, sampleCluster(seed, { ...small, services: 3, endpoints: 2 }));
      t.is(servicesOf(three), 3);
    }),
    { numRuns: 50 },
  );
  const [three, five] = [3, 5].map((services) => sampleCluster(1, { ...small, services }));
  const named = (sample: SampleCluster | undefined): readonly string[] =>
    (sample?.objects ?? []).filter(({ kind }) => kind === "Service").map((object) => JSON.stringify(object));
  t.deepEqual(named(five).slice(0, 3), named(three));
});

test("every way that a choice can go is found again in the objects, and nothing else", (t) => {
  const found = new Set<string>();
  for (let i = 0; i < 400; i++) for (const name of featuresOf(sampleCluster(`features/${i}`))) found.add(name);
  t.deepEqual([...found].sort(), [...featureNames()].sort());
});

test("a weight of nothing keeps a way out, for each of many ways", (t) => {
  const choices = ["service.type", "service.affinity", "port.protocol", "config.masqueradeBit", "host.nfacct"] as const;
  for (const choice of choices) {
    for (const way of Object.keys(defaultWeights[choice])) {
      const weights = { ...small.weights, [choice]: { [way]: 0 } };
      for (let i = 0; i < 20; i++) t.false(featuresOf(sampleCluster(i, { weights })).has(`${choice}=${way}`));
    }
  }
});

test("what is made smaller is smaller, keeps the asked Node, and can be compiled or is refused", (t) => {
  fc.assert(
    fc.property(clusters({ ...small, services: { from: 1, to: 2 } }), fc.nat(), (sample, n) => {
      const all = [...smallerSamples(sample)];
      const smaller = all[n % all.length] ?? sample;
      t.true(JSON.stringify(smaller).length < JSON.stringify(sample).length);
      t.true(smaller.objects.some(({ kind, metadata }) => kind === "Node" && metadata.name === sample.nodeName));
      restores(smaller);
    }),
    { numRuns: 100 },
  );
});

test("a failing law is shown by the smallest cluster that fails", (t) => {
  const seen = (sample: SampleCluster): boolean => featuresOf(sample).has("service.affinity=own time");
  const result = fc.check(
    fc.property(clusters(small), (sample) => !seen(sample)),
    { seed: 5, numRuns: 50 },
  );
  const [smallest] = result.counterexample ?? [];
  if (smallest === undefined) return t.fail("nothing failed");
  t.is(servicesOf(smallest), 1);
  t.is(smallest.objects.length, 2);
  t.deepEqual(smallest.config, {});
});

test("the order of the objects never shows", (t) => {
  fc.assert(
    fc.property(clusters(small), (sample) => {
      t.deepEqual(restores({ ...sample, objects: [...sample.objects].reverse() }), restores(sample));
    }),
    { numRuns: 40 },
  );
});

test("every chain that a rule stands in or jumps to is declared", (t) => {
  const targets = new Set(["ACCEPT", "DROP", "REJECT", "RETURN", "MARK", "MASQUERADE", "DNAT"]);
  fc.assert(
    fc.property(clusters(small), (sample) => {
      for (const text of restores(sample)) {
        for (const table of text.split("COMMIT\n").filter((part) => part !== "")) {
          const declared = new Set([...table.matchAll(/^:(\S+)/gm)].map(([, chain]) => chain));
          const used = [...table.matchAll(/^-A (\S+)/gm), ...table.matchAll(/ -j (\S+)/g)].map(([, chain]) => chain);
          const lost = used.filter((chain) => !declared.has(chain) && !targets.has(chain ?? ""));
          t.deepEqual(lost, []);
        }
      }
    }),
    { numRuns: 60 },
  );
});
