import type { IPFamily } from "../net/family.ts";
import { type StageRun, type StageTimes, stages } from "./stage-times.ts";
import { median } from "./statistics.ts";

/** What `rulewalk bench` found out. */
export interface BenchResult extends StageRun {
  readonly rulewalk: string;
  readonly node: string;
  readonly release: string;
  readonly families: readonly IPFamily[];
  /** Largest resident memory of the process, all stages together. */
  readonly peakBytes: number;
  readonly runtime: { readonly node: string; readonly platform: string; readonly arch: string };
}

interface StageFigures {
  readonly first: number;
  readonly median: number;
  readonly runs: number;
}

/** The first run apart from the others: it pays for code that has not run before. */
function figuresOf({ samples }: StageTimes): StageFigures {
  const [first = Number.NaN, ...later] = samples;
  return { first, median: median(later), runs: later.length };
}

const grouped = (n: number): string => n.toLocaleString("en");
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
const milliseconds = (ms: number): string => ms.toFixed(ms < 10 ? 3 : ms < 100 ? 1 : 0).padStart(10);

/** The table for people. */
export function benchTable(result: BenchResult): string {
  const { sizes, times } = result;
  const rows = times.map((each) => {
    const { first, median, runs } = figuresOf(each);
    const perService = sizes.services > 0 ? ((1000 * median) / sizes.services).toFixed(1) : "-";
    const figures = `${milliseconds(median)}${perService.padStart(14)}${milliseconds(first)}${String(runs).padStart(6)}`;
    return `  ${each.stage.padEnd(9)}${figures}   ${stages[each.stage]}`;
  });
  return `${[
    `kube-proxy ${result.release}, iptables, ${result.families.join(" and ")}, node ${result.node}`,
    "",
    `  input    ${grouped(sizes.services)} Services, ${megabytes(sizes.inputBytes)} of text`,
    `  decided  ${grouped(sizes.servicePorts)} service ports, ${grouped(sizes.endpoints)} endpoints`,
    `  output   ${grouped(sizes.rules)} rules, ${grouped(sizes.chains)} chains, ${megabytes(sizes.restoreBytes)} of restore text`,
    `  memory   ${megabytes(result.peakBytes)} at the peak, all stages in one process`,
    "",
    "  stage         median    µs/Service  first ms  runs",
    ...rows,
  ].join("\n")}\n`;
}

/** The same for programs: milliseconds and bytes, every sample kept. */
export function benchJSON(result: BenchResult): string {
  const { times, ...rest } = result;
  const { services } = result.sizes;
  const measured = times.map((each) => {
    const { first, median } = figuresOf(each);
    const perService = services > 0 ? (1000 * median) / services : null;
    return { stage: each.stage, medianMs: median, perServiceUs: perService, firstMs: first, samplesMs: each.samples };
  });
  return `${JSON.stringify({ ...rest, stages: measured }, undefined, 2)}\n`;
}
