import { seededRandom } from "../../src/net/random.ts";
import { schedulers } from "../../src/rules/ipvs/model.ts";
import { type SampleCluster, sampleCluster } from "../../src/sample/cluster.ts";
import { canonical } from "./canonical.ts";
import { MINOR, type SampleComparison } from "./compare-sample.ts";
import { refusals } from "./feed.ts";
import { ipvsAnswerTo, ipvsDifferences, type RecordedNode } from "./ipvs-compare.ts";
import type { OracleAnswer } from "./oracle.ts";
import type { RecordedFamily } from "./records.ts";

/** What kube-proxy was asked in ipvs mode, by setting; counted for the coverage table. */
export const ipvsSettings = ["scheduler", "strictARP", "excludeCIDRs", "tcpTimeout"] as const;

/** A cluster of the generator with settings of ipvs mode. */
export function ipvsSample(seed: string): SampleCluster {
  const sample = sampleCluster(seed);
  const random = seededRandom(`${seed}/ipvs`);
  const ipvs = {
    ...(random.chance(0.6) && { scheduler: random.pick(["", ...schedulers]) }),
    ...(random.chance(0.3) && { strictARP: random.chance(0.7) }),
    ...(random.chance(0.2) && { excludeCIDRs: [random.pick(["10.96.0.0/16", "fd00::/8", "x"])] }),
    ...(random.chance(0.2) && { tcpTimeout: random.pick(["90.5s", "0s", "-1s"]) }),
  };
  // what the file says of the mode stays: both programs are told another one
  return { ...sample, config: { ...sample.config, ...(Object.keys(ipvs).length > 0 && { ipvs }) } };
}

type Run = NonNullable<OracleAnswer["runs"]>[number];

/** A run's answer in the form of records. */
function acceptedRun(run: Run): Parameters<typeof ipvsDifferences>[1][number] {
  const families = ["ipv4", "ipv6"].map((key): [string, RecordedFamily] => {
    const { restore = "", ...rest } = run[key] ?? {};
    return [key, { ...rest, restoreCanonical: canonical(restore) }];
  });
  return { node: run.ipvs as unknown as RecordedNode, families: new Map(families) };
}

/** Compares our answer in ipvs mode with kube-proxy's to the same cluster. */
export function compareIPVSSample(
  sample: SampleCluster,
  theirs: OracleAnswer,
  answer: typeof ipvsAnswerTo = ipvsAnswerTo,
): SampleComparison {
  const config = { ...sample.config, mode: "ipvs" };
  const refused = refusals({ config, minor: MINOR });
  const differ = (...differences: readonly string[]): SampleComparison => ({ refused: false, kinds: [], differences });
  if (theirs.failed !== undefined) return differ(`kube-proxy failed: ${theirs.failed}`);
  if ((theirs.refused !== undefined) !== refused.length > 0) {
    return differ(`refused by kube-proxy: ${theirs.refused ?? "no"}; by us: ${refused.join("; ") || "no"}`);
  }
  if (theirs.refused !== undefined) return { refused: true, kinds: [], differences: [] };
  const runs = theirs.runs ?? [];
  try {
    const ours = answer({ ...sample, config, minor: MINOR });
    const node = runs[0]?.ipvs as { readonly sysctls?: Readonly<Record<string, number>> } | undefined;
    const differences = ipvsDifferences(ours, runs.map(acceptedRun), node?.sysctls ?? {});
    return { refused: false, kinds: ours.kinds, differences };
  } catch (error) {
    return differ(`we failed: ${(error as Error).message}`);
  }
}
