import test from "ava";
import { logLogChart } from "../../bench/chart.ts";
import { compareResults } from "../../bench/comparison.ts";
import { reportFiles, textReport } from "../../bench/report.ts";
import { faultsOfResults, type Measurement, parseResults, type Results } from "../../bench/results.ts";
import { clusterOf, options } from "../../bench/subject.ts";
import { plainClusterJSON } from "../../src/cli/plain-cluster.ts";
import { runProgram } from "../../src/cli/program.ts";
import { stages, timeRuns } from "../../src/cli/stage-times.ts";
import { compileIptables } from "../../src/compile/iptables/compile.ts";
import { portableSHA256 } from "../../src/net/sha256.ts";
import { proxyState } from "../../src/proxy/state.ts";

/** The tags of a document in order; throws when they do not close in turn or an attribute stands twice. */
function tagsOf(svg: string): readonly string[] {
  const open: string[] = [];
  const seen: string[] = [];
  const rest = svg.replace(
    /<(\/?)([a-z]+)((?: [a-zA-Z0-9:-]+="[^"<>&]*")*)(\/?)>/g,
    (_, close, name, attributes, empty) => {
      const names = [...String(attributes).matchAll(/ ([a-zA-Z0-9:-]+)=/g)].map((match) => match[1]);
      if (new Set(names).size !== names.length) throw new Error(`an attribute of ${name} stands twice`);
      if (close === "/") {
        if (open.pop() !== name) throw new Error(`${name} closes what is not open`);
      } else {
        seen.push(name);
        if (empty !== "/") open.push(name);
      }
      return "";
    },
  );
  if (open.length > 0) throw new Error(`${open} not closed`);
  if (/[<>]|&(?!(?:amp|lt|gt);)/.test(rest)) throw new Error("a bare <, > or &");
  return seen;
}

const numbers = (svg: string, pattern: RegExp): number[] => [...svg.matchAll(pattern)].map((match) => Number(match[1]));

test("a chart is well-formed, names all its parts and stays in its frame", (t) => {
  const series = ["read", "a < b & c", "x"].map((name, i) => ({
    name,
    points: [100, 1000, 30_000].map((n) => [n, n * 10 ** (i - 4)] as const),
  }));
  const svg = logLogChart({ title: "T & t", xLabel: "Services", yLabel: "ms", series });
  const tags = tagsOf(svg);
  t.is(tags.filter((tag) => tag === "polyline").length, 3);
  t.is(tags.filter((tag) => tag === "circle").length, 3 * 3 + 3);
  for (const text of ["T &amp; t", ">Services<", ">ms<", "a &lt; b &amp; c", ">100,000<", ">0.01<"])
    t.true(svg.includes(text), text);
  const [xs, ys] = [numbers(svg, /\bc?x[12]?="([^"]*)"/g), numbers(svg, /\bc?y[12]?="([^"]*)"/g)];
  t.true(xs.every((x) => x >= 0 && x <= 760) && ys.every((y) => y >= 0 && y <= 460));
});

test("on logarithmic axes a linear cost is a straight line", (t) => {
  const points = [100, 300, 1000, 3000, 10_000].map((n) => [n, n / 50] as const);
  const svg = logLogChart({ title: "t", xLabel: "x", yLabel: "y", series: [{ name: "a", points }] });
  const places = (/points="([^"]*)"/.exec(svg)?.[1] ?? "").split(" ").map((pair) => pair.split(",").map(Number));
  const slopes = places.slice(1).map(([x = 0, y = 0], i) => (y - (places[i]?.[1] ?? 0)) / (x - (places[i]?.[0] ?? 0)));
  t.is(slopes.length, 4);
  t.true(
    slopes.every((slope) => slope < 0 && Math.abs(slope - (slopes[0] ?? 0)) < 0.01),
    String(slopes),
  );
});

const run = (samples: readonly number[], probe = 10): Measurement["runs"][number] => ({ probe, samples });
const growthOf = (services: number, ms: number): Measurement => ({
  id: `growth/read/${services}`,
  group: "growth",
  unit: "ms",
  work: { count: services, of: "Service" },
  runs: [run([ms, ms]), run([ms, ms])],
});
const diffOf = (stage: string, services: number, cost: string, value: number): Measurement => ({
  ...growthOf(services, value),
  id: `diff/${stage}/${services}/${cost}`,
  group: "diff",
  unit: cost === "memory" ? "MB" : "ms",
});
const microOf = (ms: number, probe = 10): Measurement => ({
  id: "micro/a/b | c",
  group: "micro",
  unit: "ms",
  work: { count: 10, of: "line" },
  runs: [run([ms, ms * 1.01], probe), run([ms * 1.001], probe)],
});
const memoryOf = (megabytes: number): Measurement => ({
  id: "pipeline/x/memory",
  group: "pipeline",
  unit: "MB",
  work: { count: 1, of: "Service" },
  runs: [run([megabytes]), run([megabytes])],
});
const resultsOf = (...measurements: readonly Measurement[]): Results => ({
  format: 1,
  quick: false,
  environment: {
    rulewalk: "1",
    node: "v20",
    platform: "x",
    processor: "p",
    cores: 2,
    memoryGB: 8,
    date: "2026-01-01 00:00",
  },
  probes: [10, 10],
  measurements,
});
const sample = resultsOf(growthOf(100, 1), growthOf(1000, 10), microOf(5), memoryOf(100));

test("results that were kept are read back", (t) => t.deepEqual(parseResults(JSON.stringify(sample)), sample));

const faultRows: readonly (readonly [unknown, RegExp])[] = [
  [null, /not an object/],
  [{ ...sample, format: 2 }, /format 2/],
  [{ ...sample, quick: "no" }, /quick/],
  [{ ...sample, environment: undefined }, /environment/],
  [{ ...sample, probes: [] }, /probes/],
  [{ ...sample, probes: [null] }, /probes/],
  [{ ...sample, measurements: {} }, /measurements/],
  [{ ...sample, measurements: [microOf(1), microOf(2)] }, /measurements\[1\] has the id of another/],
  [{ ...sample, measurements: [{ ...microOf(1), id: "" }] }, /no id/],
  [{ ...sample, measurements: [{ ...microOf(1), group: "x" }] }, /group/],
  [{ ...sample, measurements: [{ ...microOf(1), unit: "s" }] }, /unit/],
  [{ ...sample, measurements: [{ ...microOf(1), work: 3 }] }, /\bwork\b/],
  [{ ...sample, measurements: [{ ...microOf(1), runs: [] }] }, /run without/],
  [{ ...sample, measurements: [{ ...microOf(1), runs: [run([1], 0)] }] }, /run without/],
  [{ ...sample, measurements: [{ ...microOf(1), runs: [run([Number.NaN])] }] }, /run without/],
];
for (const [i, [value, expected]] of faultRows.entries()) {
  test(`results with a fault, ${i}: ${expected.source}`, (t) => t.regex(faultsOfResults(value).join("\n"), expected));
}

test("times are compared as multiples of the probe, memory as it is", (t) => {
  const slowerMachine = compareResults(resultsOf(microOf(5)), resultsOf(microOf(10, 20)));
  t.like(slowerMachine.compared[0], { verdict: "same", counts: [3, 3] });
  t.like(compareResults(resultsOf(microOf(5)), resultsOf(microOf(10))).compared[0], { verdict: "worse" });
  t.like(compareResults(resultsOf(memoryOf(100)), resultsOf(memoryOf(150))).compared[0], {
    verdict: "worse",
    ratio: 1.5,
  });
  const moreWork = { ...microOf(10), work: { count: 20, of: "line" } };
  t.deepEqual(compareResults(resultsOf(microOf(5)), resultsOf(moreWork)).compared, []);
  const other = compareResults(resultsOf(microOf(5)), resultsOf(memoryOf(1)));
  t.deepEqual([other.onlyBefore, other.onlyNow], [["micro/a/b | c"], ["pipeline/x/memory"]]);
});

test("a report has tables, slopes and charts", (t) => {
  const comparison = compareResults(sample, sample);
  const files = new Map(reportFiles(sample, comparison));
  t.deepEqual([...files.keys()], ["report.md", "growth.svg", "per-service.svg"]);
  const markdown = files.get("report.md") ?? "";
  for (const part of ["growth.svg", "| read | 1.00 | 10.0 | 1.000 | 1.0000 |", "b \\| c", "## Against the baseline"])
    t.true(markdown.includes(part), part);
  for (const name of ["growth.svg", "per-service.svg"]) t.true(tagsOf(files.get(name) ?? "").length > 20);
  t.true(textReport(sample).includes("slope"));
});

test("the report of a diff has a line for each stage and cost, and a chart of the times", (t) => {
  const costs = [100, 1000, 10_000].flatMap((services) => [
    diffOf("compare", services, "wall", services),
    diffOf("compare", services, "cpu", services ** 2 / 100),
    diffOf("whole process", services, "memory", services <= 1000 ? 200 : 2000),
  ]);
  const files = new Map(reportFiles(resultsOf(...costs)));
  t.deepEqual([...files.keys()], ["report.md", "diff.svg"]);
  for (const row of [
    "| compare, ms | 100 | 1000 | 10000 | 1.000 | 1.000 |",
    "| compare, CPU ms | 100 | 10000 | 1000000 | 2.000 | 2.000 |",
    "| whole process, peak MB | 200 | 200 | 2000 | 0.500 | 1.000 |",
  ])
    t.true(files.get("report.md")?.includes(row), row);
  t.is(tagsOf(files.get("diff.svg") ?? "").filter((tag) => tag === "polyline").length, 1);
});

test("a stage is run as often as asked, then until enough time has gone by, never without end", (t) => {
  const runs = (ms: number, enoughMs: number, mostRuns: number): number => {
    let clock = 0;
    return timeRuns(
      () => (clock += ms),
      { runs: 3, enoughMs, mostRuns },
      () => clock,
    ).length;
  };
  t.deepEqual([runs(1, 0, 100), runs(10, 100, 100), runs(1, 1000, 50), runs(500, 100, 100)], [3, 10, 50, 3]);
});

/** How much work a compilation is, counted: nothing here depends on a clock. */
function countsOf(services: number): { readonly hashes: number; readonly rules: number; readonly chains: number } {
  let hashes = 0;
  const sha256 = (text: string): string => {
    hashes++;
    return portableSHA256(text);
  };
  const { tables } = compileIptables(proxyState(clusterOf(services, 10), options), { sha256 });
  const count = (of: (table: (typeof tables)[number]) => readonly unknown[]): number =>
    tables.reduce((sum, table) => sum + of(table).length, 0);
  return { hashes, rules: count(({ rules }) => rules), chains: count(({ chains }) => chains) };
}

test("hashes, rules and chains grow by the same number for each Service", (t) => {
  const [none, one, some, many] = [0, 1, 150, 450].map(countsOf);
  if (none === undefined || one === undefined || some === undefined || many === undefined) return t.fail();
  for (const key of ["hashes", "rules", "chains"] as const) {
    const each = one[key] - none[key];
    t.deepEqual([some[key], many[key]], [none[key] + 150 * each, none[key] + 450 * each], key);
  }
  // a chain for each endpoint and one for the Service are named; a Service has a masquerade rule and one to jump there,
  // an endpoint one to be chosen, one against hairpins and its DNAT
  t.deepEqual([none.hashes, one.rules - none.rules, one.chains - none.chains], [0, 2 + 10 * 3, 11]);
});

/** Runs a command line and gives what it wrote to stdout. */
async function outputOf(...args: readonly string[]): Promise<readonly [code: number, text: string]> {
  const { stdout, stderr } = process;
  const [write, writeError] = [stdout.write, stderr.write];
  let text = "";
  stdout.write = (chunk: string | Uint8Array): boolean => {
    text += chunk;
    return true;
  };
  stderr.write = () => true;
  try {
    return [await runProgram(args), text];
  } finally {
    stdout.write = write;
    stderr.write = writeError;
  }
}

test.serial("rulewalk bench measures a generated cluster; its JSON has every stage", async (t) => {
  const [code, text] = await outputOf("bench", "--services", "30", "--endpoints", "4", "--runs", "1", "-o", "json");
  t.is(code, 0);
  const found = JSON.parse(text) as {
    readonly [key: string]: unknown;
    readonly stages: readonly Record<string, unknown>[];
  };
  t.deepEqual(
    found.stages.map(({ stage }) => stage),
    Object.keys(stages),
  );
  for (const { medianMs, perServiceUs, firstMs, samplesMs } of found.stages) {
    t.true([medianMs, perServiceUs, firstMs].every((each) => typeof each === "number" && each > 0));
    t.true(Array.isArray(samplesMs) && samplesMs.length >= 2);
  }
  // a Service and its four endpoints have a chain each; fixed ones are ten, but for IPv6 there is no KUBE-FIREWALL
  const chains = 30 * 5 + 10 + 9;
  const sizes = {
    services: 30,
    servicePorts: 30,
    endpoints: 120,
    chains,
    inputBytes: plainClusterJSON(30, 4).length,
  };
  t.like(found, { node: "node-1", families: ["IPv4", "IPv6"], sizes });
});

test.serial("rulewalk bench measures a mixed cluster, the same for the same seed", async (t) => {
  const sizesOf = async (seed: string): Promise<unknown> => {
    const [code, text] = await outputOf("bench", "--services", "20", "--mix", seed, "--runs", "1", "-o", "json");
    t.is(code, 0);
    return (JSON.parse(text) as { readonly sizes: unknown }).sizes;
  };
  const sizes = await sizesOf("7");
  t.deepEqual(await sizesOf("7"), sizes);
  t.notDeepEqual(await sizesOf("8"), sizes);
});

test.serial("rulewalk bench measures given objects", async (t) => {
  const [code, text] = await outputOf("bench", "-f", "examples/shop", "--node", "worker-1", "--runs", "1");
  t.is(code, 0);
  for (const stage of Object.keys(stages))
    t.regex(text, new RegExp(`^  ${stage} +[\\d.]+ +[\\d.]+ +[\\d.]+ +\\d+ `, "m"));
});

const usageRows: readonly (readonly string[])[] = [
  [],
  ["--services", "x"],
  ["--services", "-1"],
  ["--mix", "7"],
  ["--services", "3", "--mix", "7", "-f", "examples/shop"],
  ["--services", "9000000", "--mix", "7"],
  ["--services", "3", "-f", "examples/shop"],
  ["--services", "9000000"],
  ["--services", "1000", "--endpoints", "100000"],
  ["--services", "3", "--runs", "0"],
  ["-f", "no/such/file", "--node", "a"],
];
for (const args of usageRows) {
  test.serial(`rulewalk bench ${args.join(" ")}: exit code 2`, async (t) =>
    t.deepEqual(await outputOf("bench", ...args), [2, ""]),
  );
}
