import Benchmark from "benchmark";

/** One case of a suite: at least 50 µs of work in each call, whose result is given back so that it cannot be left out. */
export interface Case {
  readonly name: string;
  /** Units of work in one call: how many, and what one of them is. */
  readonly work: { readonly count: number; readonly of: string };
  readonly run: () => unknown;
}

/** A suite of cases; `cases` prepares their input, so that only the suite that runs pays for it. */
export interface Suite {
  readonly title: string;
  readonly cases: () => readonly Case[];
}

export interface CaseSamples {
  readonly name: string;
  readonly work: Case["work"];
  /** Milliseconds a call, one entry for each of the harness's samples. */
  readonly samples: readonly number[];
}

let sink: unknown;

/** Runs the cases one after the other in this process. */
export function measure(cases: readonly Case[], maxSeconds: number): readonly CaseSamples[] {
  return cases.map(({ name, work, run }) => {
    const keep = (): void => {
      sink = run();
    };
    const bench = new Benchmark(name, keep, { minSamples: 7, maxTime: maxSeconds });
    bench.run();
    if (bench.error) throw bench.error;
    if (sink === undefined) throw new Error(`${name} computes nothing`);
    return { name, work, samples: bench.stats.sample.map((seconds) => seconds * 1000) };
  });
}
