import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { emptyGracefulList, planSync, planTick } from "../../src/compile/ipvs/sync-plan.ts";
import { verifiedIPVSReleases } from "../../src/compile/ipvs/traits.ts";
import type { IPVSTable, RealServer } from "../../src/rules/ipvs/model.ts";
import { compareIPVSSteps, type Planner } from "./ipvs-steps.ts";
import { readRecords, recordFiles } from "./records.ts";

const folder = fileURLToPath(new URL("../../../test/upstream/records", import.meta.url));
const files = recordFiles(folder, "steps");
const releases = new Set<number>();
const verbs = new Set<string>();

for (const file of files)
  test.serial(`kube-proxy asked the same of ip_vs, step by step: ${basename(file)}`, (t) => {
    const records = readRecords(file);
    t.true(records.length > 0);
    for (const record of records) {
      const { failures, operations } = compareIPVSSteps(record);
      t.deepEqual(failures, []);
      releases.add(record.minor);
      for (const operation of operations) verbs.add(operation.split(" ").slice(0, 2).join(" "));
    }
  });

test.serial("every request was made, in every release that is offered", (t) => {
  t.deepEqual([...verbs].sort(), ["add rs", "add vs", "delete rs", "delete vs", "update rs", "update vs"]);
  t.deepEqual(
    verifiedIPVSReleases.map(({ minor }) => minor),
    [...releases].sort((a, b) => a - b),
  );
});

const counted =
  (change: (real: RealServer) => RealServer) =>
  ({ virtualServers, ...rest }: IPVSTable): IPVSTable => ({
    ...rest,
    virtualServers: virtualServers.map((server) => ({ ...server, realServers: server.realServers.map(change) })),
  });
const uncounted = counted(({ connections: _, ...real }) => real);
const activeOnly = counted(({ connections = { active: 0, inactive: 0 }, ...real }) => ({
  ...real,
  connections: { ...connections, inactive: 0 },
}));

/** Planners with one fault each; some record must notice it. */
const faults: readonly (readonly [what: string, planner: Partial<Planner>])[] = [
  ["no real server is waited for", { sync: (present, list, wanted) => planSync(uncounted(present), list, wanted) }],
  [
    "inactive connections do not count",
    { sync: (present, list, wanted) => planSync(activeOnly(present), list, wanted) },
  ],
  ["a pass forgets the list", { sync: (present, _, wanted) => planSync(present, emptyGracefulList, wanted) }],
  [
    "a pass leaves the list as it was",
    { sync: (present, list, wanted) => ({ ...planSync(present, list, wanted), graceful: list }) },
  ],
  [
    "every pass resets weights",
    { sync: (present, list, wanted) => planSync(present, list, { ...wanted, resetsWeights: true }) },
  ],
  [
    "no network is excluded",
    { sync: (present, list, wanted) => planSync(present, list, { ...wanted, excludeCIDRs: [] }) },
  ],
  [
    "stale virtual servers stay",
    { sync: (present, list, wanted) => planSync(present, list, { ...wanted, excludeCIDRs: ["0.0.0.0/0", "::/0"] }) },
  ],
  ["nothing is tried again", { tick: (_, graceful) => ({ commands: [], graceful }) }],
  ["each try is the last one", { tick: (present, list) => planTick(uncounted(present), list) }],
];

for (const [what, planner] of faults)
  test(`noticed: ${what}`, (t) => {
    const noticed = files.flatMap(readRecords).some((record) => {
      try {
        return compareIPVSSteps(record, { sync: planSync, tick: planTick, ...planner }).failures.length > 0;
      } catch {
        // a request that the stand-in refuses
        return true;
      }
    });
    t.true(noticed);
  });
