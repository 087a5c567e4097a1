import { fileURLToPath } from "node:url";
import test from "ava";
import type { SampleCluster } from "../../src/sample/cluster.ts";
import { families } from "./compare.ts";
import { type Answer, compareSample } from "./compare-sample.ts";
import { faults, faultyAnswer } from "./faults.ts";
import { answerTo, questionOf } from "./feed.ts";
import type { OracleAnswer } from "./oracle.ts";
import { acceptedAnswers, readRecords } from "./records.ts";
import { shrink } from "./shrink.ts";

const file = fileURLToPath(new URL("../../../test/upstream/records/v1.37-iptables-sample.ndjson.gz", import.meta.url));
const records = readRecords(file).map((record) => {
  const accepted = families.map(([, key]) => [key, acceptedAnswers(record, key)] as const);
  const runs = accepted[0]?.[1].map((_, i) => Object.fromEntries(accepted.map(([key, list]) => [key, list[i] ?? {}])));
  return { sample: questionOf(record) as SampleCluster, answer: { runs } as OracleAnswer };
});

/** Our own right answer in place of kube-proxy's, which only the recorded clusters have. */
function rightAnswer(sample: SampleCluster): OracleAnswer {
  const run = families.map(([family, key]) => {
    const { restore, commands, healthCheck } = answerTo({ ...sample, minor: 37 }, family);
    return [key, { restore, commands, healthCheck }] as const;
  });
  return { runs: [Object.fromEntries(run)] as NonNullable<OracleAnswer["runs"]> };
}

/** Where the objects are such that the right compiler fails, nothing is seen. */
function differs(sample: SampleCluster, answer: Answer): boolean {
  try {
    return compareSample(sample, rightAnswer(sample), answer).differences.length > 0;
  } catch {
    return false;
  }
}

const size = ({ objects }: SampleCluster): number => objects.filter(({ kind }) => kind === "Service").length;

test("the right compiler gives the recorded answers", (t) => {
  for (const { sample, answer } of records) t.deepEqual(compareSample(sample, answer).differences, []);
  t.is(records.length, 60);
});

for (const fault of faults) {
  test(`slow: noticed, and shown by at most two Services: ${fault.name}`, async (t) => {
    const { answer, remove } = await faultyAnswer(fault);
    t.teardown(remove);
    const noticed = records.filter(
      (record) => compareSample(record.sample, record.answer, answer).differences.length > 0,
    );
    const [first] = noticed.sort((a, b) => a.sample.objects.length - b.sample.objects.length);
    if (first === undefined) return t.fail("kube-proxy's recorded answers do not tell it from the right compiler");
    const smallest = await shrink(first.sample, (sample) => differs(sample, answer));
    t.true(differs(smallest, answer));
    t.true(size(smallest) <= 2, JSON.stringify(smallest.objects));
  });
}
