import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { readAllowFile } from "../../src/diff/allow-file.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { lineColumn } from "../../src/text/position.ts";
import { type AllowedDifference, type Difference, isAllowedBy } from "../../src/verify/equivalence/allowed.ts";
import { type Fate, type Fates, fateKey } from "../../src/verify/equivalence/fate.ts";
import { intendedDifferences } from "../../src/verify/equivalence/intended.ts";

const main = fileURLToPath(new URL("../../src/cli/rulewalk.js", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

function read(text: string) {
  const found: Diagnostic[] = [];
  const list = readAllowFile({ name: "allow.yaml", text }, (each) => found.push(each));
  return { list, found };
}

/** `LINE:COLUMN code` of a finding. */
function placed({ place, code }: Diagnostic): string {
  const { line, column } = lineColumn(place?.source.text ?? "", place?.offset ?? 0);
  return `${line}:${column} ${code}`;
}

const faults: readonly (readonly [title: string, text: string, ...found: readonly string[]])[] = [
  ["no object", "- id: x\n", "1:1 wrong-type"],
  ["an unknown field", "allow:\n  - service: a/b\n    kind: [TCP]\n    reason: why\n", "3:5 unknown-field"],
  ["no reason", "allow:\n  - service: a/b\n", "2:5 no-reason"],
  ["an empty reason", 'allow:\n  - service: a/b\n    reason: " "\n', "3:13 no-reason"],
  ["everything", "allow:\n  - reason: why\n", "2:5 allows-everything"],
  ["an unknown entry", "allow:\n  - id: node-port-on-lopback\n    reason: why\n", "2:9 unknown-value"],
  ["a name without a namespace", "allow:\n  - service: web\n    reason: why\n", "2:14 invalid-service"],
  ["a port of nothing", "allow:\n  - port: 80\n    reason: why\n", "2:11 port-without-service"],
  [
    "values that nothing has",
    "allow:\n  - kinds: [TPC]\n    by: [node port, nodeport]\n    from: []\n    fates: [dropped]\n    reason: why\n",
    "2:13 unknown-value",
    "3:21 unknown-value",
    "4:11 empty-list",
    "5:12 two-fates",
  ],
  [
    "faults of several entries",
    "allow:\n  - id: 5\n    reason: why\n  - reason: why\n  - service: a/b\n",
    "2:9 wrong-type",
    "4:5 allows-everything",
    "5:5 no-reason",
  ],
];
for (const [title, text, ...expected] of faults)
  test(`a fault of a list of accepted differences has its place: ${title}`, (t) => {
    const { list, found } = read(text);
    t.deepEqual(found.map(placed), expected);
    t.true(found.every(({ severity }) => severity === "error"));
    t.deepEqual(list.entries, []);
  });

const fatesOf = (...fates: readonly Fate[]): Fates => new Map(fates.map((fate) => [fateKey(fate), fate]));
const endpoint: Fate = { kind: "sent-on", by: "eth0", to: "10.0.0.1:80" };
const dropped: Fate = { kind: "stopped", notice: "nothing" };
const refused: Fate = { kind: "stopped", notice: "ICMP 3/3" };

const found: Difference = {
  intended: intendedDifferences.find(({ id }) => id === "node-port-on-loopback"),
  subject: {
    service: "shop/web",
    port: "shop/web port https",
    by: "node port",
    localOnly: false,
    hasSourceRanges: false,
    hasNodePortNumber: false,
    localEndpoints: new Set(),
  },
  kind: "TCP",
  from: "Pods",
  fates: [fatesOf(endpoint), fatesOf(dropped)],
};

/** What an entry asks for, and whether it accepts `found`; `change`: what is other. */
const rows: readonly (readonly [
  asked: Omit<AllowedDifference, "reason">,
  accepted: boolean,
  change?: Partial<Difference>,
])[] = [
  [{ id: "node-port-on-loopback" }, true],
  [{ id: "source-port-20" }, false],
  [{ id: "node-port-on-loopback" }, false, { intended: undefined }],
  [{ service: "shop/web" }, true],
  [{ service: "shop/*" }, true],
  [{ service: "sho/*" }, false],
  [{ service: "shop/we" }, false],
  [{ service: "shop/*" }, false, { subject: undefined }],
  [{ service: "shop/web", port: "https" }, true],
  [{ service: "shop/web", port: "http" }, false],
  [{ service: "shop/*", port: "https" }, true],
  [{ by: ["ClusterIP", "node port"] }, true],
  [{ by: ["ClusterIP"] }, false],
  [{ by: ["node port"] }, false, { subject: undefined }],
  [{ kinds: ["TCP"] }, true],
  [{ kinds: ["TCP without SYN"] }, false],
  [{ from: ["Pods"] }, true],
  [{ from: ["outside"] }, false],
  [{ fates: ["endpoints", "dropped"] }, true],
  [{ fates: ["dropped", "endpoints"] }, false],
  [{ fates: ["endpoints", "dropped"] }, false, { fates: [fatesOf(endpoint), fatesOf(dropped, refused)] }],
  [{ service: "shop/web", from: ["outside"] }, false],
];
for (const [asked, accepted, change = {}] of rows)
  test(`${JSON.stringify(asked)} ${accepted ? "accepts" : "does not accept"} it${Object.keys(change).length === 0 ? "" : `, other ${Object.keys(change).join()}`}`, (t) => {
    t.is(isAllowedBy({ ...asked, reason: "" }, { ...found, ...change }), accepted);
  });

test("entries that accept nothing are warnings with their places", (t) => {
  const { list, found: none } = read(
    "allow:\n  - id: source-port-20\n    reason: why\n---\nallow:\n\n  - service: a/b\n    reason: why\n",
  );
  t.deepEqual(none, []);
  const [first] = list.entries;
  const told: Diagnostic[] = [];
  list.reportUnused(
    (entry) => entry === first,
    (each) => told.push(each),
  );
  t.deepEqual(told.map(placed), ["7:5 accepts-nothing"]);
  t.is(told[0]?.severity, "warning");
});

test("the example in the help is a list that can be read", (t) => {
  const { stdout } = spawnSync(process.execPath, [main, "diff", "--help"], { encoding: "utf8" });
  const lines = stdout.split("\n");
  const from = lines.findIndex((line) => line.trim() === "allow:");
  const to = lines.findIndex((line) => line.startsWith("An entry needs a reason"));
  const { list, found: faulty } = read(lines.slice(from, to).join("\n"));
  t.deepEqual(faulty, []);
  t.is(list.entries.length, 2);
});

function diff(...args: readonly string[]) {
  return spawnSync(process.execPath, [main, "diff", ...args], { cwd: root, encoding: "utf8" });
}

const IPVS = ["-f", "examples/ipvs", "--node", "k8s-node-1"] as const;

test("slow: known differences are findings with --strict only, until each is accepted", (t) => {
  const strict = diff(...IPVS, "--strict");
  t.is(strict.status, 1);
  t.regex(strict.stderr, /--strict: not accepted: .*tcp-without-syn/);
  // what needs nobody's doing does not count
  t.notRegex(strict.stderr, /endpoint-calls-over-another-node/);
  const accepted = diff(...IPVS, "--strict", "--allow", "docs/diff/accepted.yaml");
  t.is(accepted.status, 0);
  t.regex(accepted.stderr, /^docs\/diff\/accepted\.yaml:9:5: warning: .*accepts nothing/);
  t.true(accepted.stdout.includes("ACCEPTED\n"));
});

test("slow: a change of objects is accepted where the list says so, and only that", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-allow-"));
  try {
    const [after, allow] = [join(folder, "after.yaml"), join(folder, "allow.yaml")];
    const text = readFileSync(join(root, "golden/differences/node-port-on-localhost/cluster.yaml"), "utf8");
    writeFileSync(after, text.replaceAll("nodePort: 30080", "nodePort: 30081"));
    const objects = ["-f", "golden/differences/node-port-on-localhost/cluster.yaml", "--with", after] as const;
    const run = (entries: string) => {
      writeFileSync(allow, entries);
      return diff(
        ...objects,
        "--config",
        "golden/differences/node-port-on-localhost/kube-proxy.yaml",
        "--allow",
        allow,
      );
    };
    t.is(run("allow:\n  - { service: default/other, reason: why }\n").status, 1);
    t.is(run("allow:\n  - { service: default/web, by: [ClusterIP], reason: why }\n").status, 1);
    const all = run("allow:\n  - { service: default/web, by: [node port], reason: the port moved }\n");
    t.is(all.status, 0, `${all.stderr}${all.stdout}`);
    t.regex(all.stdout, /: 0 changes, 1 accepted\n/);
    t.regex(all.stdout, /the objects differ \(default\/web\): the port moved/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
