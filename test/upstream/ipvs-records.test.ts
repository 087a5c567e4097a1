import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { ipvsItemKinds, ipvsRuleKinds } from "../../src/compile/ipvs/provenance.ts";
import { verifiedIPVSReleases } from "../../src/compile/ipvs/traits.ts";
import { faultyIPVSAnswer, ipvsFaults } from "./faults.ts";
import { questionOf } from "./feed.ts";
import {
  acceptedNodes,
  canonicalServers,
  compareIPVSRecord,
  ipvsAnswerTo,
  ipvsDifferences,
  type OurIPVSAnswer,
  type OurIPVSFamily,
} from "./ipvs-compare.ts";
import { type Recorded, readRecords, recordFiles } from "./records.ts";

const folder = fileURLToPath(new URL("../../../test/upstream/records", import.meta.url));
const files = recordFiles(folder, "ipvs");
const kinds = new Set<string>();
const releases = new Set<number>();

for (const file of files) {
  test.serial(`kube-proxy in ipvs mode made the same: ${basename(file)}`, (t) => {
    for (const record of readRecords(file)) {
      const result = compareIPVSRecord(record);
      releases.add(record.minor);
      for (const kind of result.kinds) kinds.add(kind);
      if (result.failures.length > 0 || result.compared === 0) t.fail(result.failures.join("\n") || record.name);
    }
    t.pass();
  });
}

test.serial("every kind of rule, entry and server was compared, in every release that is offered", (t) => {
  const known = [...Object.keys(ipvsRuleKinds), ...Object.keys(ipvsItemKinds)];
  // jumps are single commands, which are compared with every record
  t.deepEqual(
    known.filter((kind) => !kinds.has(kind)),
    ["jump"],
  );
  t.deepEqual(
    verifiedIPVSReleases.map(({ minor }) => minor),
    [...releases].sort((a, b) => a - b),
  );
});

const newest = new Map(
  files.flatMap(readRecords).flatMap((record) => (record.minor === 37 ? [[record.name, record] as const] : [])),
);

function named(name: string): Recorded {
  const record = newest.get(name);
  if (record === undefined) throw new Error(`no record ${name}`);
  return record;
}

test("the order of the objects never shows", (t) => {
  for (const record of newest.values()) {
    const question = questionOf(record);
    if (record.answer.steps.length === 0) continue;
    const straight = ipvsAnswerTo(question);
    const reversed = ipvsAnswerTo({ ...question, objects: [...question.objects].reverse() });
    t.deepEqual(reversed.node, straight.node, record.name);
    for (const [key, family] of straight.families) t.is(reversed.families.get(key)?.restore, family.restore);
  }
});

type Edit = (ours: OurIPVSAnswer) => OurIPVSAnswer;

const node =
  (change: (node: OurIPVSAnswer["node"]) => Partial<OurIPVSAnswer["node"]>): Edit =>
  (ours) => ({ ...ours, node: { ...ours.node, ...change(ours.node) } });

const servers = (what: RegExp | string, by: string): Edit =>
  node((all) => ({ "ipvsadm-Sn": all["ipvsadm-Sn"].replace(what, by) }));

const entries = (set: string, change: (entries: readonly string[]) => readonly string[]): Edit =>
  node(({ ipsets }) => {
    const before = ipsets[set];
    if (before === undefined) throw new Error(`no set ${set}`);
    return { ipsets: { ...ipsets, [set]: { ...before, entries: change(before.entries) } } };
  });

const family =
  (change: (family: OurIPVSFamily) => Partial<OurIPVSFamily>): Edit =>
  (ours) => ({
    ...ours,
    families: new Map([...ours.families].map(([key, own]) => [key, { ...own, ...(key === "ipv4" && change(own)) }])),
  });

const rules = (what: RegExp | string, by: string): Edit =>
  family(({ restore }) => ({ restore: restore.replace(what, by) }));

function swapped(restore: string, first: string, second: string): string {
  const lines = restore.split("\n");
  const [a, b] = [lines.findIndex((line) => line.includes(first)), lines.findIndex((line) => line.includes(second))];
  [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
  return lines.join("\n");
}

/** One small edit each of an answer that is right; the comparison must notice all of them. */
const edits: readonly (readonly [string, string, Edit])[] = [
  ["a real server less", "all-features-cluster", servers(/-a -t .*\n/, "")],
  ["a virtual server less", "no-endpoints", servers(/-A -t .*\n/, "")],
  ["another weight", "all-features-cluster", servers("-w 1", "-w 0")],
  ["another way to forward", "all-features-cluster", servers(" -m ", " -g ")],
  ["another scheduler", "ipvs-scheduler-sh", servers("-s sh", "-s dh")],
  ["a scheduler's flag", "ipvs-scheduler-mh", servers(" -b mh-port", "")],
  ["another timeout of affinity", "all-features-local", servers("-p 1800", "-p 1801")],
  ["no affinity", "all-features-local", servers(" -p 1800", "")],
  ["another port of a server", "all-features-cluster", servers(":30080 ", ":30081 ")],
  ["another port of a real server", "all-features-cluster", servers(/(-r .*):8080/, "$1:8081")],
  ["another protocol", "all-features-cluster", servers(/-u (10.96.0.10:53)/g, "-t $1")],
  ["an IPv6 server less", "all-features-cluster", servers(/-A -t \[.*\n/, "")],
  ["an entry less", "all-features-local", entries("KUBE-CLUSTER-IP", (list) => list.slice(1))],
  ["an entry more", "all-features-local", entries("KUBE-NODE-PORT-TCP", (list) => [...list, "30081"])],
  ["an entry of the other set", "all-features-local", entries("KUBE-EXTERNAL-IP", () => ["198.51.100.1,tcp:80"])],
  [
    "another source range",
    "all-features-local",
    entries("KUBE-LOAD-BALANCER-SOURCE-CIDR", (list) => list.map((entry) => entry.replace("10.0.0.0/8", "10.0.0.0/9"))),
  ],
  ["an IPv6 entry less", "all-features-local", entries("KUBE-6-LOOP-BACK", (list) => list.slice(1))],
  ["a set less", "all-features-local", node(({ ipsets: { "KUBE-IPVS-IPS": _, ...ipsets } }) => ({ ipsets }))],
  [
    "a set of another type",
    "empty-cluster",
    node(({ ipsets }) => ({
      ipsets: { ...ipsets, "KUBE-LOOP-BACK": { ...ipsets["KUBE-CLUSTER-IP"], comment: "" } as never },
    })),
  ],
  ["a bound address less", "all-features-cluster", node((all) => ({ "kube-ipvs0": all["kube-ipvs0"].slice(1) }))],
  ["a setting of the kernel", "empty-cluster", (ours) => ({ ...ours, sysctls: { ...ours.sysctls, "net/ipv4/x": 1 } })],
  ["a setting less", "ipvs-masquerade-all-and-strict-arp", (ours) => ({ ...ours, sysctls: {} })],
  ["a rule less", "all-features-local", rules(/-A KUBE-SERVICES .*\n/, "")],
  ["another flag of a set match", "all-features-local", rules("dst,dst,src", "dst,dst,dst")],
  ["another set", "all-features-local", rules("--match-set KUBE-CLUSTER-IP", "--match-set KUBE-EXTERNAL-IP")],
  ["a lost negation", "all-features-local", rules("! --physdev-is-in", "--physdev-is-in")],
  ["another mark", "all-features-local", rules("--or-mark 0x00004000", "--or-mark 0x00008000")],
  ["a node access rule less", "all-features-local", rules(/-A KUBE-IPVS-OUT-FILTER .*\n/, "")],
  ["another virtual port", "all-features-local", rules("--vport 53", "--vport 54")],
  ["a chain line less", "all-features-local", rules(":KUBE-LOAD-BALANCER - [0:0]\n", "")],
  [
    "order in KUBE-SERVICES",
    "all-features-local",
    family(({ restore }) => ({
      restore: swapped(restore, "-A KUBE-SERVICES -s 127", "--dst-type LOCAL -j KUBE-NODE"),
    })),
  ],
  [
    "order in KUBE-NODE-PORT",
    "all-features-local",
    family(({ restore }) => ({ restore: swapped(restore, "NODE-PORT-LOCAL-TCP dst", "KUBE-NODE-PORT-TCP dst") })),
  ],
  ["a command less", "empty-cluster", family(({ commands }) => ({ commands: commands.slice(1) }))],
  ["commands in another order", "empty-cluster", family(({ commands }) => ({ commands: commands.toReversed() }))],
  ["another health check", "all-features-local", family(() => ({ healthCheck: {} }))],
];

for (const [what, name, edit] of edits) {
  test(`the comparison notices ${what}`, (t) => {
    const record = named(name);
    const accepted = acceptedNodes(record);
    const sysctls = record.answer.sysctls ?? {};
    const ours = ipvsAnswerTo(questionOf(record));
    t.deepEqual(ipvsDifferences(ours, accepted, sysctls), []);
    t.true(ipvsDifferences(edit(ours), accepted, sysctls).length > 0);
  });
}

test("the canonical form of ipvsadm -Sn forgets the order of lines and options only", (t) => {
  const text = "-A -t 10.0.0.1:80 -s rr -p 5\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1\n";
  const [first = "", second = ""] = text.split("\n");
  t.is(canonicalServers(`${second}\n${first}\n`), canonicalServers(text));
  t.is(canonicalServers(text.replace("-s rr -p 5", "-p 5 -s rr")), canonicalServers(text));
  t.not(canonicalServers(text.replace("-p 5", "-p 6")), canonicalServers(text));
  t.not(canonicalServers(text.replace("-s rr -p 5", "-s rr\n-p 5")), canonicalServers(text));
});

for (const fault of ipvsFaults) {
  test(`slow: noticed: ${fault.name}`, async (t) => {
    const { answer, remove } = await faultyIPVSAnswer(fault);
    t.teardown(remove);
    const failures = [...newest.values()].flatMap((record) => compareIPVSRecord(record, answer).failures);
    t.true(failures.length > 0);
    // wrong, not broken
    for (const failure of failures) t.regex(failure, /virtual servers|set KUBE-|kube-ipvs0:|sysctls:|restore text/);
  });
}
