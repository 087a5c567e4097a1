import { median } from "../src/cli/statistics.ts";
import { allSamples, type Measurement, type Results } from "./results.ts";
import { fitPowerLaw, type PowerLaw } from "./statistics.ts";

/** What one stage costs at each size. */
export interface GrowthCurve {
  readonly stage: string;
  /** Services and the median of the cost in its unit, by size. */
  readonly points: readonly (readonly [services: number, cost: number])[];
  readonly law: PowerLaw;
}

/** Curves by the second part of the id, the stage; stages measured at one size only have none. */
function curvesOf(measurements: readonly Measurement[]): readonly GrowthCurve[] {
  const byStage = new Map<string, [number, number][]>();
  for (const each of measurements) {
    const stage = each.id.split("/")[1] ?? "";
    const points = byStage.get(stage) ?? [];
    points.push([each.work.count, median(allSamples(each))]);
    byStage.set(stage, points);
  }
  return [...byStage].flatMap(([stage, points]) => {
    points.sort(([a], [b]) => a - b);
    return points.length > 1 ? [{ stage, points, law: fitPowerLaw(points) }] : [];
  });
}

/** The growth curves of a compilation, in the order of the stages. */
export function growthCurves({ measurements }: Results): readonly GrowthCurve[] {
  return curvesOf(measurements.filter(({ group }) => group === "growth"));
}

/** What a stage of the comparison of modes costs: time gone by, processor time of all threads, or the most memory held. */
export type DiffCost = "wall" | "cpu" | "memory";

/** The growth curves of the comparison of modes for one kind of cost, in the order of the stages. */
export function diffCurves({ measurements }: Results, cost: DiffCost): readonly GrowthCurve[] {
  return curvesOf(measurements.filter(({ group, id }) => group === "diff" && id.endsWith(`/${cost}`)));
}
