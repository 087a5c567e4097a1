import { allGroups, type Group } from "./results.ts";

/** How much is measured. The whole takes two to four minutes on two cores, and `diff` one or two more; `quick` is for trying a change. */
export interface Plan {
  readonly quick: boolean;
  readonly groups: readonly Group[];
  readonly suites: readonly string[];
  /** Processes for each micro suite, and how long each case may run in one of them. */
  readonly micro: { readonly processes: number; readonly seconds: number };
  readonly growth: { readonly processes: number; readonly sizes: readonly GrowthSize[] };
  /** The comparison of modes on one node of so many Services. */
  readonly diff: { readonly processes: number; readonly services: readonly number[] };
  /** The emulated kernel with rules of so many Services; the running kernel beside it at the sizes it is fast enough for. */
  readonly dataplane: {
    readonly processes: number;
    readonly sizes: readonly GrowthSize[];
    readonly kernel: readonly number[];
    readonly kernelPackets: number;
  };
  readonly pipeline: { readonly processes: number; readonly services: readonly number[]; readonly lines: number };
}

/** Services, and how often each stage is run in a process at least. */
export interface GrowthSize {
  readonly services: number;
  readonly runs: number;
}

export const ENDPOINTS = 10;
/** Where the plain cluster's endpoints are. */
export const CLUSTER_CIDR = "10.128.0.0/9";
/** Endpoints a Service in the rules that packets are sent through: 30,000 Services then make 690,000 lines. */
export const DATAPLANE_ENDPOINTS = 5;

const suites: readonly string[] = ["names", "addresses", "read", "compile", "rules", "dataplane"];
export const groups: readonly Group[] = allGroups;

const whole: Plan = {
  quick: false,
  groups,
  suites,
  micro: { processes: 2, seconds: 0.5 },
  growth: {
    processes: 2,
    sizes: [
      { services: 100, runs: 20 },
      { services: 300, runs: 20 },
      { services: 1000, runs: 10 },
      { services: 3000, runs: 5 },
      { services: 10_000, runs: 3 },
      { services: 30_000, runs: 2 },
    ],
  },
  diff: { processes: 2, services: [100, 1000, 5000, 10_000] },
  dataplane: {
    processes: 2,
    sizes: [
      { services: 100, runs: 10 },
      { services: 1000, runs: 5 },
      { services: 10_000, runs: 3 },
      { services: 30_000, runs: 2 },
    ],
    kernel: [100, 1000],
    kernelPackets: 5000,
  },
  pipeline: { processes: 3, services: [1000, 10_000, 30_000], lines: 700_000 },
};

const quick: Plan = {
  quick: true,
  groups,
  suites,
  micro: { processes: 1, seconds: 0.2 },
  growth: {
    processes: 1,
    sizes: [
      { services: 100, runs: 10 },
      { services: 1000, runs: 5 },
      { services: 10_000, runs: 3 },
    ],
  },
  diff: { processes: 1, services: [100, 1000] },
  dataplane: {
    processes: 1,
    sizes: [
      { services: 100, runs: 5 },
      { services: 3000, runs: 3 },
    ],
    kernel: [100],
    kernelPackets: 1000,
  },
  pipeline: { processes: 1, services: [1000], lines: 70_000 },
};

/** The plan for the options of the command line. */
export function planOf(isQuick: boolean, chosen: readonly Group[]): Plan {
  const plan = isQuick ? quick : whole;
  return chosen.length > 0 ? { ...plan, groups: chosen } : plan;
}
