import { median } from "../src/cli/statistics.ts";
import { allSamples, type Results } from "./results.ts";
import { fitPowerLaw, type PowerLaw } from "./statistics.ts";

/** What one stage costs at each size. */
export interface GrowthCurve {
  readonly stage: string;
  /** Services and median milliseconds, by size. */
  readonly points: readonly (readonly [services: number, ms: number])[];
  readonly law: PowerLaw;
}

/** The growth curves of a run, in the order of the stages; stages measured at one size only have none. */
export function growthCurves({ measurements }: Results): readonly GrowthCurve[] {
  const byStage = new Map<string, [number, number][]>();
  for (const each of measurements) {
    if (each.group !== "growth") continue;
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
