import type { Environment } from "./environment.ts";

/** What one process measured. */
export interface ProcessRun {
  /** Milliseconds of the probe around it: the machine's speed at that time. */
  readonly probe: number;
  readonly samples: readonly number[];
}

export const allGroups = ["micro", "growth", "diff", "dataplane", "pipeline"] as const;
export type Group = (typeof allGroups)[number];

/** What one stage of `diff.js` took: objects read, both hosts made, all packets compared, text printed. */
export interface DiffTimes {
  readonly stage: "read" | "hosts" | "compare" | "print";
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What `dataplane.js` and `kernel.js` found about one stage. */
export interface DataplaneTimes {
  readonly stage: string;
  readonly work: Measurement["work"];
  /** Milliseconds. */
  readonly samples: readonly number[];
}

/** What `kernel.js` found, and what it could not measure. */
export interface KernelRun {
  readonly times: readonly DataplaneTimes[];
  readonly leftOut: readonly string[];
}

/** One thing measured, by one process or by several. */
export interface Measurement {
  /** Unique, and the same in every run: what `--compare` finds its counterpart by. */
  readonly id: string;
  readonly group: Group;
  readonly unit: "ms" | "MB";
  /** Units of work in one sample: how many, and what one of them is. */
  readonly work: { readonly count: number; readonly of: string };
  readonly runs: readonly ProcessRun[];
}

/** Everything that one `npm run bench` found, as it is kept in JSON. */
export interface Results {
  readonly format: 1;
  readonly quick: boolean;
  readonly environment: Environment;
  /** Every run of the probe in order, in milliseconds. */
  readonly probes: readonly number[];
  readonly measurements: readonly Measurement[];
  /** What could not be measured here, and why. */
  readonly leftOut?: readonly string[];
}

/** The samples of a measurement, times as multiples of the probe: figures that another machine would also show. */
export function relativeRuns({ unit, runs }: Measurement): readonly (readonly number[])[] {
  return runs.map(({ probe, samples }) => (unit === "ms" ? samples.map((ms) => ms / probe) : samples));
}

/** All samples of a measurement in its own unit. */
export function allSamples({ runs }: Measurement): readonly number[] {
  return runs.flatMap(({ samples }) => samples);
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCost = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isListOf = (value: unknown, check: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(check);

function faultOfMeasurement(value: unknown): string | undefined {
  if (!isObject(value)) return "is no object";
  const { id, group, unit, work, runs } = value;
  if (!isText(id)) return "has no id";
  if (!allGroups.some((known) => known === group)) return "has no known group";
  if (unit !== "ms" && unit !== "MB") return "has no known unit";
  if (!isObject(work) || !isCost(work.count) || !isText(work.of)) return "does not say its work";
  const isRun = (run: unknown): boolean =>
    isObject(run) && isCost(run.probe) && run.probe !== 0 && isListOf(run.samples, isCost);
  return isListOf(runs, isRun) ? undefined : "has a run without a probe or samples";
}

/** Everything that keeps a parsed JSON value from being results, in words; empty when it is. */
export function faultsOfResults(value: unknown): readonly string[] {
  if (!isObject(value)) return ["not an object"];
  if (value.format !== 1) return [`format ${JSON.stringify(value.format)}: only 1 is known`];
  const faults: string[] = [];
  if (typeof value.quick !== "boolean") faults.push("quick: not true or false");
  if (!isObject(value.environment)) faults.push("environment: missing");
  if (!isListOf(value.probes, isCost)) faults.push("probes: not a list of times");
  if (!Array.isArray(value.measurements)) return [...faults, "measurements: not a list"];
  const ids = new Set<unknown>();
  value.measurements.forEach((each: unknown, i) => {
    const fault = faultOfMeasurement(each);
    if (fault !== undefined) faults.push(`measurements[${i}] ${fault}`);
    const id = isObject(each) ? each.id : undefined;
    if (ids.has(id)) faults.push(`measurements[${i}] has the id of another one`);
    ids.add(id);
  });
  return faults;
}

/** Reads results that a run kept; throws with all faults in words. */
export function parseResults(text: string): Results {
  const value: unknown = JSON.parse(text);
  const faults = faultsOfResults(value);
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return value as Results;
}
