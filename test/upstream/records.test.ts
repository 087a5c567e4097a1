import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { compareRecord, differences, families } from "./compare.ts";
import { Coverage } from "./coverage.ts";
import { ourAnswer } from "./feed.ts";
import { acceptedAnswers, type Recorded, readRecords, recordFiles } from "./records.ts";

const folder = fileURLToPath(new URL("../../../test/upstream/records", import.meta.url));
const files = recordFiles(folder, "iptables");
const coverage = new Coverage();

for (const file of files) {
  test.serial(`kube-proxy wrote the same: ${basename(file)}`, (t) => {
    for (const record of readRecords(file)) {
      const result = compareRecord(record);
      coverage.record(record, result.kinds);
      if (result.failures.length > 0 || result.compared === 0) t.fail(result.failures.join("\n") || record.name);
    }
    t.pass();
  });
}

test.serial("every kind of rule was compared, and every setting but those the records cannot have", (t) => {
  // the program behind the records is told the node's name, so it never looks at an override
  t.deepEqual(coverage.missing(), ["setting hostnameOverride"]);
});

test("slow: the order of the objects never shows", (t) => {
  for (const file of files) {
    for (const record of readRecords(file)) {
      for (const [family] of families) {
        const straight = ourAnswer(record, family).restore;
        const reversed = ourAnswer(record, family, (objects) => [...objects].reverse()).restore;
        if (straight !== reversed) t.fail(`${record.name} ${family}`);
      }
    }
  }
  t.pass();
});

const newest = new Map(
  files.flatMap(readRecords).flatMap((record) => (record.minor === 37 ? [[record.name, record] as const] : [])),
);

function named(name: string): Recorded {
  const record = newest.get(name);
  if (record === undefined) throw new Error(`no record ${name}`);
  return record;
}

type Edit = (lines: string[]) => void;

const replaceFirst =
  (where: RegExp, what: RegExp, by: string): Edit =>
  (lines) => {
    const i = lines.findIndex((line) => where.test(line) && line.replace(what, by) !== line);
    if (i >= 0) lines[i] = (lines[i] as string).replace(what, by);
  };

const swap =
  (first: RegExp, second: RegExp): Edit =>
  (lines) => {
    const [a, b] = [lines.findIndex((line) => first.test(line)), lines.findIndex((line) => second.test(line))];
    if (a >= 0 && b >= 0) [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
  };

const change =
  (where: RegExp, remove: number, copies: number): Edit =>
  (lines) => {
    const i = lines.findIndex((line) => where.test(line));
    if (i >= 0) lines.splice(i, remove, ...Array.from({ length: copies }, () => lines[i] as string));
  };

/** One small edit each of a text that is right; the comparison must notice all of them. */
const edits: readonly (readonly [string, string, Edit])[] = [
  ["a probability", "all-features-cluster", replaceFirst(/--probability/, /0\.3333333333/, "0.3333333334")],
  ["a service port", "all-features-cluster", replaceFirst(/^-A KUBE-SERVICES/, /--dport 80 /, "--dport 81 ")],
  ["a node port", "all-features-cluster", replaceFirst(/^-A KUBE-NODEPORTS/, /--dport 30080/, "--dport 30081")],
  ["a DNAT port", "all-features-cluster", replaceFirst(/DNAT/, /:8080$/, ":8081")],
  ["a DNAT address", "all-features-cluster", replaceFirst(/DNAT/, /10\.244\.1\.10:/, "10.244.1.11:")],
  ["the chain jumped to", "all-features-cluster", replaceFirst(/^-A KUBE-EXT-\S+ -j/, /KUBE-SVC-(.)/, "KUBE-SVL-$1")],
  ["the chain of a rule", "all-features-cluster", replaceFirst(/^-A KUBE-SEP/, /^-A KUBE-SEP-(.)/, "-A KUBE-SEP-Q$1")],
  [
    "order in a policy chain",
    "all-features-cluster",
    swap(/^-A KUBE-SVC.*0\.3333333333/, /^-A KUBE-SVC.*0\.5000000000/),
  ],
  ["order in KUBE-FORWARD", "all-features-cluster", swap(/ACCEPT$/, /INVALID/)],
  ["order in KUBE-POSTROUTING", "all-features-cluster", swap(/RETURN$/, /--xor-mark/)],
  ["a comment", "all-features-cluster", replaceFirst(/cluster IP"/, /cluster IP"/, 'cluster  IP"')],
  [
    "quotes of a comment",
    "all-features-cluster",
    replaceFirst(/^-A KUBE-NODEPORTS/, /--comment (\S+)/, '--comment "$1"'),
  ],
  ["the mark", "all-features-cluster", replaceFirst(/--or-mark/, /0x00004000/, "0x00008000")],
  ["a missing rule", "all-features-cluster", change(/hairpin|-s 10\.244\.1\.10 -j KUBE-MARK-MASQ/, 1, 0)],
  ["a doubled rule", "all-features-cluster", change(/-s 10\.244\.1\.10 -j KUBE-MARK-MASQ/, 1, 2)],
  ["a missing chain line", "all-features-cluster", change(/^:KUBE-SEP/, 1, 0)],
  ["a chain line more", "all-features-cluster", (lines) => lines.splice(1, 0, ":KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]")],
  ["a lost negation", "all-features-cluster", replaceFirst(/ ! -s /, / ! -s /, " -s ")],
  ["the protocol", "all-features-cluster", replaceFirst(/^-A KUBE-SERVICES.*-m udp/, /-p udp/, "-p tcp")],
  ["affinity seconds", "all-features-cluster", replaceFirst(/--rcheck/, /--seconds 1800/, "--seconds 1801")],
  ["a source range", "all-features-cluster", replaceFirst(/^-A KUBE-FW/, /-s 10\.0\.0\.0\/8/, "-s 10.0.0.0/9")],
  ["DROP for REJECT", "external-ips-no-endpoints", replaceFirst(/REJECT$/, /REJECT$/, "DROP")],
  ["the last rule moved up", "all-features-cluster", swap(/must be the last rule/, /^-A KUBE-SERVICES.*cluster IP/)],
  ["the last rule's test", "all-features-cluster", replaceFirst(/must be the last rule/, /--dst-type/, "--src-type")],
  [
    "a rule in the other table",
    "all-features-local",
    (lines) => {
      const i = lines.findIndex((line) => line.startsWith("-A KUBE-NODEPORTS") && line.includes("health"));
      const [rule] = lines.splice(i, 1);
      lines.splice(lines.indexOf("*nat") + 1, 0, rule ?? "");
    },
  ],
  ["two tables swapped", "all-features-cluster", swap(/^\*filter/, /^\*nat/)],
  ["a COMMIT less", "all-features-cluster", change(/^COMMIT/, 1, 0)],
];

for (const [what, name, edit] of edits) {
  test(`the comparison notices ${what}`, (t) => {
    const record = named(name);
    const ours = ourAnswer(record, "IPv4");
    const accepted = acceptedAnswers(record, "ipv4");
    t.deepEqual(differences(ours, accepted), []);
    const lines = ours.restore.split("\n");
    edit(lines);
    t.true(lines.join("\n") !== ours.restore, "the edit changed nothing");
    t.true(differences({ ...ours, restore: lines.join("\n") }, accepted).length > 0);
  });
}

test("the comparison notices another command, and another health check", (t) => {
  const record = named("loadbalancer-local-healthcheck");
  const ours = ourAnswer(record, "IPv4");
  const accepted = acceptedAnswers(record, "ipv4");
  t.is(differences({ ...ours, commands: ours.commands.slice(1) }, accepted).length, 1);
  t.is(differences({ ...ours, commands: [...ours.commands].reverse() }, accepted).length, 1);
  t.is(differences({ ...ours, healthCheck: {} }, accepted).length, 1);
});
