import Benchmark from "benchmark";

/** One case's figures in milliseconds a run, from the harness's own samples. */
export interface Figures {
  readonly name: string;
  readonly median: number;
  readonly p99: number;
  readonly min: number;
  readonly runs: number;
}

/** Whatever a case computes is kept here, so that it cannot be left out. */
let sink: unknown;

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function figures(bench: Benchmark): Figures {
  const sorted = [...bench.stats.sample].sort((a, b) => a - b).map((seconds) => seconds * 1000);
  const median = quantile(sorted, 0.5);
  return { name: bench.name ?? "", median, p99: quantile(sorted, 0.99), min: sorted[0] ?? median, runs: sorted.length };
}

/** Runs cases one after the other in this process; a case must do at least 50 µs of work and give its result back. */
export function measure(cases: Readonly<Record<string, () => unknown>>): Figures[] {
  const suite = new Benchmark.Suite();
  for (const [name, run] of Object.entries(cases)) {
    const keep = (): void => {
      sink = run();
    };
    suite.add(name, keep, { minSamples: 7, maxTime: 3 });
  }
  const done: Figures[] = [];
  suite.on("cycle", (event: Benchmark.Event) => {
    const bench = event.target as unknown as Benchmark;
    if (bench.error) throw bench.error;
    done.push(figures(bench));
  });
  suite.run();
  if (sink === undefined) throw new Error("a case computed nothing");
  return done;
}

const fixed = (ms: number): string => ms.toFixed(ms < 10 ? 2 : 0).padStart(9);

/** A table of cases, each with its ratio to the first one. */
export function table(title: string, all: readonly Figures[]): string {
  const base = all[0]?.median ?? Number.NaN;
  const lines = all.map(({ name, median, p99, min, runs }) => {
    const ratio = (median / base).toFixed(2).padStart(8);
    return `  ${name.padEnd(40)}${fixed(median)}${fixed(p99)}${fixed(min)}${ratio}${String(runs).padStart(6)}`;
  });
  const head = `  ${"ms a run".padEnd(40)}   median      p99      min   ratio  runs`;
  return [title, head, ...lines, ""].join("\n");
}

/** Peak memory of this process so far, in megabytes. */
export function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
