import { type Chart, logLogChart } from "./chart.ts";
import type { Comparison } from "./comparison.ts";
import { describeEnvironment } from "./environment.ts";
import { diffCurves, type GrowthCurve, growthCurves } from "./growth-curves.ts";
import { ENDPOINTS } from "./plan.ts";
import type { Results } from "./results.ts";
import { summarize } from "./statistics.ts";
import { comparisonTable, markdownTable, plainTable, type Table, tablesOf } from "./tables.ts";

function timesChart(curves: readonly GrowthCurve[], what: string): Chart {
  return {
    title: `${what}, ${ENDPOINTS} endpoints a Service`,
    xLabel: "Services",
    yLabel: "median, ms",
    series: curves.map(({ stage, points, law }) => ({ name: `${stage}, slope ${law.exponent.toFixed(2)}`, points })),
  };
}

function perServiceChart(curves: readonly GrowthCurve[]): Chart {
  return {
    title: "Time a Service: flat curves are linear stages",
    xLabel: "Services",
    yLabel: "median, µs a Service",
    series: curves.map(({ stage, points }) => ({
      name: stage,
      points: points.map(([services, ms]) => [services, (1000 * ms) / services] as const),
    })),
  };
}

function head(results: Results): readonly string[] {
  const { min, median, spread, count } = summarize(results.probes);
  const spreadText = `${(100 * spread).toFixed(0)} %`;
  return [
    describeEnvironment(results.environment),
    `Probe: median ${median.toFixed(2)} ms, smallest ${min.toFixed(2)} ms, spread ${spreadText} over ${count} runs. It hashes 8,000 names,`,
    "joins 60,000 lines and parses 0.6 MB of JSON, before and after each process; ratios are to the two around it.",
    ...(results.leftOut ?? []).map((what) => `Left out: ${what}`),
  ];
}

const tables = (results: Results, comparison: Comparison | undefined): readonly Table[] =>
  comparison === undefined ? tablesOf(results) : [...tablesOf(results), comparisonTable(comparison)];

/** What is printed on the terminal. */
export function textReport(results: Results, comparison?: Comparison): string {
  return [`${head(results).join("\n")}\n`, ...tables(results, comparison).map(plainTable)].join("\n");
}

/** The files of a run by name: Markdown, and the charts that it shows. */
export function reportFiles(
  results: Results,
  comparison?: Comparison,
): readonly (readonly [name: string, text: string])[] {
  const [curves, ofDiff] = [growthCurves(results), diffCurves(results, "wall")];
  const charts: [string, string][] = [];
  if (curves.length > 0) {
    charts.push(["growth.svg", logLogChart(timesChart(curves, "Time of each stage"))]);
    charts.push(["per-service.svg", logLogChart(perServiceChart(curves))]);
  }
  if (ofDiff.length > 0) charts.push(["diff.svg", logLogChart(timesChart(ofDiff, "Time of comparing both modes"))]);
  const images = charts.map(([name]) => `![${name.replace(".svg", "").replace("-", " ")}](${name})\n`);
  const markdown = [
    "# Benchmarks\n",
    `${head(results).join("\n")}\n`,
    ...images,
    ...tables(results, comparison).map(markdownTable),
  ];
  return [["report.md", markdown.join("\n")], ...charts];
}
