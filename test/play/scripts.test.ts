import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { playJSON } from "../../src/play/json.ts";
import { readScript } from "../../src/play/script.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { placeColumn } from "../../src/text/position.ts";
import { faultsOf, playSource, textOf } from "./support.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** `WRITE_PLAYS=1 npx ava test/play/scripts.test.ts` writes what the scripts print; read it in review. */
const WRITE = process.env.WRITE_PLAYS === "1";

const folders = ["examples/play", "test/play/scripts"];
const scripts = folders.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => `${folder}/${name}`),
);

for (const name of scripts) {
  const source = { name, text: readFileSync(join(ROOT, name), "utf8") };
  test(`${name} prints what was read in review`, (t) => {
    const printed = textOf(playSource(source));
    const golden = join(ROOT, "test/play/printed", `${name.replaceAll("/", "-").replace(/\.yaml$/, "")}.txt`);
    if (WRITE) writeFileSync(golden, printed);
    t.true(existsSync(golden), "WRITE_PLAYS=1 writes it");
    t.is(printed, readFileSync(golden, "utf8"));
  });
  test(`${name} played twice is the same play`, (t) =>
    t.is(playJSON(playSource(source)), playJSON(playSource(source))));
  if (name.startsWith("examples/")) test(`${name} holds`, (t) => t.deepEqual(faultsOf(playSource(source)), []));
}

/** A script, and each of its faults: code, line and column. */
const faulty: readonly (readonly [script: string, faults: readonly string[]])[] = [
  ["", ["no-script 0:0"]],
  ["steps: 5", ["wrong-type 1:8"]],
  ["- wait: 5s", ["wrong-type 1:1"]],
  ["cluster: a.yaml", ["missing-field 1:1"]],
  ["clustr: a.yaml\nsteps: []", ["unknown-field 1:1"]],
  ["steps: []\n---\nsteps: []", ["several-documents 3:1"]],
  ["steps:\n  - wiat: 5s", ["unknown-field 2:5"]],
  ["steps:\n  - {}", ["one-of 2:5"]],
  ["steps:\n  - { wait: 5s, send: a }", ["one-of 2:5"]],
  [
    "steps:\n  - wait: soon\n  - wait: -5s\n  - wait: 5",
    ["invalid-value 2:11", "invalid-value 3:11", "wrong-type 4:11"],
  ],
  ["steps:\n  - send: a", ["no-such-connection 2:11"]],
  ["steps:\n  - connect: { name: a, from: 10.0.0.1, to: 10.0.0.2:80, sprot: 1 }\n  - send: a", ["unknown-field 2:58"]],
  ["steps:\n  - connect: { name: a, from: 10.0.0.256 }", ["missing-field 2:14", "no-address 2:31"]],
  [
    "steps:\n  - connect: { name: a, from: 1.1.1.1, to: 1.1.1.2:80 }\n  - connect: { name: a, from: 1.1.1.1, to: 1.1.1.2:80 }",
    ["duplicate-name 3:22"],
  ],
  ["steps:\n  - endpoint: { of: a/b }\n  - endpoint: { add: 1.1.1.1 }", ["one-of 2:15", "missing-field 3:15"]],
  ["steps:\n  - wait: 5s\n    expect: { result: delivered }", ["one-of 3:13"]],
  ["steps:\n  - expect: { conntrack: { count: 1 } }", ["missing-field 2:26"]],
  ["steps:\n  - delete: [svc/a/b/c, secret/x]", ["no-such-object 2:14", "no-such-object 2:25"]],
  ["steps:\n  - show: { conntrack: a, affinity: a }", ["one-of 2:11"]],
  ["steps:\n  - show: { ipvsadm-ln: a, ipvsadm-lnc: a }", ["one-of 2:11"]],
  ["steps:\n  - expect: { server: { weight: 1 } }", ["missing-field 2:23"]],
  ["options: { mode: nftables }\nsteps: []", ["invalid-value 1:18"]],
  ["steps:\n  - apply: 5", ["wrong-type 2:12"]],
];
for (const [text, faults] of faulty)
  test(`faults of ${JSON.stringify(text)}`, (t) => {
    const found: Diagnostic[] = [];
    const script = readScript({ name: "script", text }, (diagnostic) => found.push(diagnostic));
    t.is(script, undefined);
    const told = found.map(({ code, place }) => {
      const { line, column } = place === undefined ? { line: 0, column: 0 } : placeColumn(place.source, place.offset);
      return `${code} ${line}:${column}`;
    });
    t.deepEqual(told, faults);
  });

/** A last step that cannot be done at its time: the code and the line. */
const ending: readonly (readonly [steps: string, code: string])[] = [
  ["  - connect: { name: a, from: pod/client, to: svc/wbe }", "no-such-object"],
  ["  - connect: { name: a, from: pod/client, to: svc/dns:dsn }", "no-such-port"],
  ["  - connect: { name: a, from: pod/client, to: svc/web }", "no-port"],
  ["  - connect: { name: a, from: 10.1.9.9, to: svc/web:http, via: three }", "no-such-object"],
  ["  - connect: { name: a, from: pod/client, to: svc/web:http, choose: 10.1.1.81 }", "no-such-way"],
  ["  - endpoint: { remove: 10.1.1.81, of: web }", "no-such-endpoint"],
  ["  - endpoint: { remove: 10.1.1.81, of: wbe }", "no-such-object"],
  ["  - endpoint: { add: 'fd00::1', of: web }", "no-slice"],
  ["  - delete: svc/wbe", "no-such-object"],
  ["  - show: { conntrack: three }", "no-such-object"],
  ["  - show: { ipvsadm-ln: one }", "no-ipvs"],
  ["  - restart: three", "no-such-object"],
  ["  - apply: { kind: Service }", "faulty-objects"],
  [
    "  - apply: { apiVersion: v1, kind: Service, metadata: { name: web }, spec: { ports: [{ port: 70000 }] } }",
    "refused-objects",
  ],
];
for (const [steps, code] of ending)
  test(`cannot be done: ${steps.trim()}`, (t) => {
    const text = `cluster: cluster.yaml\nsteps:\n  - wait: 1s\n${steps}`;
    const played = playSource({ name: "test/play/script", text });
    const { place, code: found } = played.fault ?? {};
    t.deepEqual([found, played.steps.length], [code, 1]);
    t.is(place === undefined ? 0 : placeColumn(place.source, place.offset).line, 4);
  });
