import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { type DiffSettingOptions, diffSetting } from "../../src/cli/diff-setting.ts";
import { compareNodes, type Diff } from "../../src/diff/compare-nodes.ts";
import { diffMarkdown } from "../../src/diff/markdown.ts";
import { findingsOf, mergeDiff } from "../../src/diff/merge.ts";
import { diffText } from "../../src/diff/text.ts";
import { intendedDifferences } from "../../src/verify/equivalence/intended.ts";
import type { DifferenceGroup } from "../../src/verify/equivalence/report.ts";

const options: DiffSettingOptions = {
  filename: ["examples/shop"],
  validate: "strict",
  kubeVersion: "1.37",
  family: "both",
  backend: "nft",
};

function diffOf(change: Partial<Diff["setting"]> = {}): Diff {
  const read = diffSetting(options, {}, () => {});
  if (read === undefined) throw new Error("no setting");
  return compareNodes({ ...read.setting, ...change });
}

const shop = diffOf();

/** The differences of each Service again for a number of others, which are called otherwise. */
function manyServices({ setting, comparisons }: Diff, copies: number): Diff {
  const renamed = (group: DifferenceGroup, n: number): DifferenceGroup => {
    const { subject } = group;
    if (subject === undefined || n === 0) return group;
    const service = `${subject.service}-${n}`;
    return { ...group, subject: { ...subject, service, port: subject.port.replace(subject.service, service) } };
  };
  return {
    setting,
    comparisons: comparisons.map(({ node, found }) => {
      const groups = Array.from({ length: copies }, (_, n) => found.groups.map((group) => renamed(group, n))).flat();
      return { node, found: { ...found, groups } };
    }),
  };
}

const text = (diff: Diff, verbose = false): string =>
  [...diffText(diff, { width: 120, traces: false, verbose, strong: (each) => each })].join("");
const markdown = (diff: Diff): string => [...diffMarkdown(diff)].join("");
const lines = (each: string): number => each.split("\n").length;

/** Every group is in exactly one difference: none is lost, none is told twice. */
test("slow: merging keeps every class of packets", (t) => {
  const { sections, quiet } = mergeDiff(shop);
  const told = [...sections, ...quiet].flatMap(({ differences }) => differences);
  const classes = shop.comparisons.reduce((sum, { found }) => sum + found.differing, 0);
  t.is(
    told.reduce((sum, each) => sum + each.classes, 0),
    classes,
  );
  t.true(classes > 1000);
});

test("slow: the worst comes first, what concerns every Service last", (t) => {
  const { sections } = mergeDiff(shop);
  t.deepEqual(
    sections.map(({ services }) => services.join()),
    ["shop/admin", "shop/web", "shop/agent", ""],
  );
  t.deepEqual(sections[1]?.differences.map(({ impact }) => impact).slice(0, 3), ["breaks", "opens", "moves"]);
});

test("slow: five hundred Services read like five, and each is named", (t) => {
  const many = manyServices(shop, 100);
  t.is(mergeDiff(many).sections.length, mergeDiff(shop).sections.length);
  t.true(lines(text(many)) <= lines(text(shop)) + 10);
  t.true(lines(markdown(many)) <= lines(markdown(shop)) + 30);
  for (const n of [1, 50, 99]) t.true(markdown(many).includes(`shop/web-${n}`));
  t.regex(markdown(many), /\n## 100 Services: shop\/web, /);
});

test("slow: an example and the advice stand where a difference is told first, with --verbose everywhere", (t) => {
  const advice = "advice: whoever calls localhost:NODEPORT";
  const count = (each: string): number => each.split(advice).length - 1;
  t.is(count(text(shop)), 2);
  t.true(count(text(shop, true)) > 2);
});

test("slow: without the list everything is a finding, told by Service", (t) => {
  const open = diffOf({ intended: [] });
  const { sections, quiet } = mergeDiff(open);
  t.deepEqual(quiet, []);
  t.true(sections.every(({ differences }) => differences.every(({ status }) => status === "finding")));
  t.true(open.comparisons.every(({ found }) => findingsOf(found).length === found.groups.length));
  t.true(text(open).includes("\n  FINDING: no longer gets to the Service: nothing known explains it\n"));
});

test("every entry that needs nobody's doing says so", (t) => {
  const harmless = intendedDifferences.filter((each) => each.harmless === true);
  t.true(harmless.length > 0);
  for (const { advice } of harmless) t.regex(advice, /^nothing to do/);
});

test("slow: a side whose rules would be refused is named before anything else", (t) => {
  const cluster = readFileSync("golden/differences/node-port-on-localhost/cluster.yaml", "utf8");
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-diff-"));
  try {
    const path = join(folder, "cluster.yaml");
    writeFileSync(path, cluster.replace("addresses: [10.244.2.10]", 'addresses: ["fd00::5"]'));
    const read = diffSetting({ ...options, filename: [path], validate: "ignore", node: ["worker-1"] }, {}, () => {});
    if (read === undefined) return t.fail();
    const told = text(compareNodes(read.setting)).split("\n")[2] ?? "";
    t.is(told.split(",")[0], "iptables: no Service works on worker-1 (IPv4)");
    t.false(text(shop).includes("no Service works"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
