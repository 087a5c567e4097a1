import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { DIFF_NODE, diffSubject } from "../../bench/diff-subject.ts";
import { subjectsAt } from "../../src/assembly/subjects.ts";
import { plainClusterJSON } from "../../src/cli/plain-cluster.ts";
import type { DiffSetting } from "../../src/diff/compare-nodes.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Side } from "../../src/verify/classes/space.ts";
import { compareAndGroup } from "../../src/verify/equivalence/report.ts";
import type { SubjectOf } from "../../src/verify/equivalence/subject.ts";
import { representativeOf, shapesOf } from "../../src/verify/shapes/by-shape.ts";
import { groundOf } from "../../src/verify/shapes/ground.ts";

/** The setting of the benchmark for so many Services, ten endpoints each. */
function settingOf(services: number): DiffSetting {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-diff-"));
  const [objects, config] = [join(folder, "cluster.json"), join(folder, "kube-proxy.json")];
  const kind = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  try {
    writeFileSync(objects, plainClusterJSON(services, 10));
    writeFileSync(config, JSON.stringify({ ...kind, clusterCIDR: "10.128.0.0/9" }));
    return diffSubject(objects, config);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sidesOf({ sides }: DiffSetting): readonly [Side, Side] {
  const [left, right] = sides.map(({ name, place }): Side => {
    const host = place.network.node(DIFF_NODE)?.host;
    if (host === undefined) throw new Error(`no ${DIFF_NODE}`);
    return { name, host };
  });
  return [left as Side, right as Side];
}

const sum = <T>(list: readonly T[], of: (item: T) => number): number =>
  list.reduce((total, item) => total + of(item), 0);

function rulesIn({ rules }: Host): number {
  const chains = [...rules.IPv4.tables.values()].flatMap((table) => [...table.chains.values()]);
  return sum(chains, (chain) => chain.rules.length);
}

/** What is proved grows with the kinds of Services, the rest with their number: nothing here depends on a clock. */
interface Counts {
  /** `rules` and `classes` are those that are looked at, `told` the shapes that a comparison names. */
  readonly proved: Readonly<Record<"shapes" | "told" | "classes" | "rules", number>>;
  /** `asked`: how often a comparison asks whose a packet is. */
  readonly whole: Readonly<Record<"units" | "classes" | "rules" | "asked", number>>;
}

function countsOf(services: number): Counts {
  const setting = settingOf(services);
  const sides = sidesOf(setting);
  const ground = groundOf(sides, "IPv4");
  const shapes = shapesOf(ground, () => ({ unit: "", of: () => "" }));
  let [units, classes, rules, asked] = [0, 0, 0, 0];
  for (const shape of shapes) {
    units += shape.instances.length;
    const representative = representativeOf(ground, shape);
    rules += sum(representative.sides, ({ host }) => rulesIn(host));
    for (const _ of representative.classes) classes++;
  }
  const subjectOf = subjectsAt(setting.sides[0].place.cluster, DIFF_NODE, () => false);
  const counted: SubjectOf = (packet) => {
    asked++;
    return subjectOf(packet);
  };
  const found = compareAndGroup(...sides, "IPv4", { subjectOf: counted, senderOf: () => "" }, setting);
  return {
    proved: { shapes: shapes.length, told: found.shapes, classes, rules },
    whole: { units, classes: found.classes, rules: sum(sides, ({ host }) => rulesIn(host)), asked },
  };
}

test("what is proved of the plain cluster does not grow with its Services; all else grows by the same for each", (t) => {
  // one in ten Services has an endpoint on the node
  const [few, next, more, most] = [50, 60, 150, 400].map(countsOf) as [Counts, Counts, Counts, Counts];
  for (const { proved } of [next, more, most]) t.deepEqual(proved, few.proved);
  t.true(few.proved.shapes > 1 && few.proved.classes > few.proved.shapes);
  for (const key of ["units", "classes", "rules", "asked"] as const) {
    const ten = next.whole[key] - few.whole[key];
    t.true(ten > 0, key);
    t.deepEqual([more.whole[key], most.whole[key]], [few.whole[key] + 10 * ten, few.whole[key] + 35 * ten], key);
  }
  // each Service's address and each endpoint on the node is asked for, and there is all the rest
  t.is(most.whole.units, 400 + 40 + 1);
});
