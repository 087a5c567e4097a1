import { median } from "../src/cli/statistics.ts";
import type { Comparison } from "./comparison.ts";
import { type DiffCost, diffCurves, type GrowthCurve, growthCurves } from "./growth-curves.ts";
import { allSamples, type Group, type Measurement, type Results, relativeRuns } from "./results.ts";
import { fitPowerLaw, summarize } from "./statistics.ts";

/** A table for the terminal and for Markdown: the first column is text, the others are figures. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
}

const figure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const nameOf = ({ id }: Measurement): string => id.slice(id.indexOf("/") + 1);

function timeRow(each: Measurement): readonly string[] {
  const { count, min, median: middle, p99, spread } = summarize(allSamples(each));
  const ratio = median(relativeRuns(each).flat());
  const perUnit = `${figure((1e6 * middle) / each.work.count)} ns/${each.work.of}`;
  return [
    nameOf(each),
    figure(middle),
    figure(min),
    figure(p99),
    percent(spread),
    figure(ratio),
    perUnit,
    String(count),
  ];
}

function micro(all: readonly Measurement[]): Table {
  const head = ["case", "median ms", "min", "p99", "spread", "× probe", "each", "samples"];
  return { title: "Micro suites", head, rows: all.map(timeRow) };
}

/** All sizes that curves have points at, the smallest first. */
function sizesOf(curves: readonly GrowthCurve[]): readonly number[] {
  const all = curves.flatMap(({ points }) => points.map(([services]) => services));
  return [...new Set(all)].sort((a, b) => a - b);
}

function growth(results: Results): Table {
  const curves = growthCurves(results);
  const sizes = sizesOf(curves);
  const rows = curves.map(({ stage, points, law }) => {
    const at = new Map(points);
    const cells = sizes.map((size) => figure(at.get(size) ?? Number.NaN));
    const each = points.map(([services, ms]) => (1000 * ms) / services);
    const range = `${figure(Math.min(...each))} – ${figure(Math.max(...each))}`;
    return [stage, ...cells, law.exponent.toFixed(3), law.explained.toFixed(4), range];
  });
  const head = ["stage, median ms", ...sizes.map((size) => size.toLocaleString("en")), "slope", "r²", "µs/Service"];
  const note = "Slope: the exponent of a power law through the medians (log-log least squares); 1 is linear growth.";
  return { title: "Growth by number of Services, ten endpoints each (warm)", head, rows, note };
}

const DIFF_COSTS: Readonly<Record<DiffCost, string>> = { wall: "ms", cpu: "CPU ms", memory: "peak MB" };

function diff(results: Results): Table {
  const curves = (Object.keys(DIFF_COSTS) as DiffCost[]).flatMap((cost) =>
    diffCurves(results, cost).map((curve) => ({ ...curve, stage: `${curve.stage}, ${DIFF_COSTS[cost]}` })),
  );
  const sizes = sizesOf(curves);
  const rows = curves.map(({ stage, points, law }) => {
    const at = new Map(points);
    const cells = sizes.map((size) => figure(at.get(size) ?? Number.NaN));
    return [stage, ...cells, law.exponent.toFixed(3), fitPowerLaw(points.slice(-2)).exponent.toFixed(3)];
  });
  const head = ["stage, median", ...sizes.map((size) => size.toLocaleString("en")), "slope", "last step"];
  const note = [
    "Objects read and checked, rules of both modes compiled and loaded, all packets compared, text printed: once in a fresh process. CPU: of all",
    "threads, so that collecting garbage is in it. The whole process has Node's start and, as memory, the resident set. What does not grow (code",
    "that is not warm, the few shapes that are looked at) makes the slope small; last step: the exponent between the two largest sizes.",
  ].join("\n");
  return { title: "Both modes of one node compared, by number of Services, ten endpoints each", head, rows, note };
}

/** Milliseconds of one load, microseconds of one packet. */
const eachFigure = ({ work }: Measurement, ms: number): string =>
  work.of === "line" ? `${figure(ms)} ms` : `${figure((1000 * ms) / work.count)} µs`;

function dataplane(all: readonly Measurement[]): Table {
  const sizeOf = (each: Measurement): number => Number(each.id.split("/")[2]);
  const stageOf = (each: Measurement): string => each.id.split("/")[1] ?? "";
  const sizes = [...new Set(all.map(sizeOf))].sort((a, b) => a - b);
  const rows = [...new Set(all.map(stageOf))].map((stage) => {
    const found = all.filter((each) => stageOf(each) === stage);
    const largest = found.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    const cells = sizes.map((size) => {
      const each = found.find((one) => sizeOf(one) === size);
      return each === undefined ? "" : eachFigure(each, median(allSamples(each)));
    });
    const points = found.map((each) => {
      const ms = median(allSamples(each));
      return [sizeOf(each), each.work.of === "line" ? ms : ms / each.work.count] as const;
    });
    const slope = points.length > 1 ? fitPowerLaw(points).exponent.toFixed(2) : "";
    return [stage, ...cells, slope, ratios(all, largest)];
  });
  const head = ["stage, median", ...sizes.map((size) => size.toLocaleString("en")), "slope", "beside the emulator"];
  const note = [
    "Load: parsed, made into rules and indexed. Traces: every hook, events collected; packets to all Services in turn, from outside the",
    "Pod CIDR, so that they are masqueraded. Cold is the first packet of a flow, warm the second. In ipvs mode the texts are those of",
    "iptables-save, ipvsadm -Sn and ipset save, and a cold trace makes the virtual server's state, too. The running kernel, in a namespace of",
    "its own: iptables-restore of the same text (as a multiple of load), packets of the same flows, with the harness that sends and",
    "catches them, as a multiple of a cold trace; each at its largest size.",
  ].join("\n");
  return { title: "The emulated kernel by number of Services, five endpoints each", head, rows, note };
}

/** What the running kernel takes as a multiple of what the emulator takes for the same. */
function ratios(all: readonly Measurement[], kernel: Measurement): string {
  const [, stage = "", size = ""] = kernel.id.split("/");
  const ours = stage.endsWith("-restore") ? "load" : stage === "real packets" ? "cold trace" : "";
  const counterpart = all.find(({ id }) => id === `dataplane/${ours}/${size}`);
  if (counterpart === undefined) return "";
  const each = (one: Measurement): number => median(relativeRuns(one).flat()) / one.work.count;
  return `× ${figure(each(kernel) / each(counterpart))}`;
}

function pipelines(all: readonly Measurement[]): Table {
  const byName = new Map<string, Map<string, Measurement>>();
  for (const each of all) {
    const name = nameOf(each);
    const cut = name.lastIndexOf("/");
    const found = byName.get(name.slice(0, cut)) ?? new Map<string, Measurement>();
    byName.set(name.slice(0, cut), found.set(name.slice(cut + 1), each));
  }
  const rows = [...byName].map(([name, found]) => {
    const of = (key: string): number => median(found.get(key)?.runs.flatMap(({ samples }) => samples) ?? []);
    const wall = found.get("wall");
    const ratio = wall === undefined ? Number.NaN : median(relativeRuns(wall).flat());
    return [
      name,
      figure(of("wall")),
      figure(of("cpu")),
      figure(of("memory")),
      figure(ratio),
      String(wall?.runs.length),
    ];
  });
  const head = ["process", "wall ms", "CPU ms", "peak MB", "wall × probe", "processes"];
  return { title: "Whole programs in fresh processes, start of Node included", head, rows };
}

/** All tables of a run. */
export function tablesOf(results: Results): readonly Table[] {
  const of = (group: Group): readonly Measurement[] => results.measurements.filter((each) => each.group === group);
  const tables: Table[] = [];
  if (of("micro").length > 0) tables.push(micro(of("micro")));
  if (of("growth").length > 0) tables.push(growth(results));
  if (of("diff").length > 0) tables.push(diff(results));
  if (of("dataplane").length > 0) tables.push(dataplane(of("dataplane")));
  if (of("pipeline").length > 0) tables.push(pipelines(of("pipeline")));
  return tables;
}

/** The verdicts of a comparison: changes first, with what they rest on. */
export function comparisonTable({ compared, onlyBefore, onlyNow }: Comparison): Table {
  const rank = { worse: 0, better: 1, same: 2 } as const;
  const rows = [...compared]
    .sort((a, b) => rank[a.verdict] - rank[b.verdict] || b.ratio - a.ratio)
    .map(({ id, verdict, ratio, bound, superiority, apart, counts }) => [
      id,
      verdict,
      ratio.toFixed(3),
      `${(1 / bound).toFixed(2)} – ${bound.toFixed(2)}`,
      percent(superiority),
      apart ? "yes" : "no",
      counts.join(" → "),
    ]);
  const missing = [
    ...(onlyBefore.length > 0 ? [`only before: ${onlyBefore.join(", ")}`] : []),
    ...(onlyNow.length > 0 ? [`only now: ${onlyNow.join(", ")}`] : []),
  ];
  const notes = [
    "Ratio: cost now over cost before, times as multiples of the probe. A change is called one when the ratio leaves the",
    "range that noise explains, at least 95 % of all pairs of samples agree, and no process lies among those of the other side.",
    ...missing,
  ];
  const head = ["case", "verdict", "ratio", "noise", "pairs now > before", "apart", "samples"];
  return { title: "Against the baseline", head, rows, note: notes.join("\n") };
}

/** For the terminal: columns by blanks. */
export function plainTable({ title, head, rows, note }: Table): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ")}`;
  const notes = note === undefined ? [] : note.split("\n").map((each) => `  ${each}`);
  return `${[title, line(head), ...rows.map(line), ...notes].join("\n")}\n`;
}

/** For Markdown. */
export function markdownTable({ title, head, rows, note }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? "---" : "--:")).join("|")}|`;
  const notes = note === undefined ? [] : ["", note];
  return `${[`## ${title}`, "", line(head), rule, ...rows.map(line), ...notes].join("\n")}\n`;
}
