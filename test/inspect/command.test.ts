import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const real = "test/upstream/real/v1.37-dual-stack.ipv4.iptables-nft.save";
const clean = readFileSync(join(root, real), "utf8");
const broken = clean.replace(/^-A POSTROUTING .*\n/m, "");

function rulewalk(args: readonly string[], input = ""): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/src/cli/rulewalk.js", "lint", ...args], {
    cwd: root,
    input,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { code: status, out: stdout, err: stderr };
}

test("a clean dump: notes and 0", (t) => {
  const { code, out } = rulewalk([real]);
  t.is(code, 0);
  t.regex(out, /^Notes\n/);
  t.regex(out, /\n1 dump: 0 errors, 0 warnings, \d+ notes\n$/);
});

test("a broken dump from standard input: its error first, and 1", (t) => {
  const { code, out } = rulewalk(["-", "--severity", "warning"], broken);
  t.is(code, 1);
  const [heading, place, line, caret, , last] = out.split("\n");
  t.is(heading, "Errors");
  t.regex(place ?? "", /^-:\d+:1: \[base-jump-missing\]: chain KUBE-POSTROUTING /);
  t.deepEqual([line, caret], ["  :KUBE-POSTROUTING - [0:0]", "  ^"]);
  t.is(last, "1 dump: 1 error, 0 warnings, 0 notes");
});

test("hiding findings does not change the exit code", (t) => {
  const warned = clean.replace("*filter\n", "*filter\n:MINE - [0:0]\n");
  const { code, out } = rulewalk(["-", "--severity", "error"], warned);
  t.deepEqual([code, out], [1, "1 dump: 0 errors, 0 warnings, 0 notes\n"]);
});

test("JSON is an array of findings", (t) => {
  const { code, out } = rulewalk(["-", "-o", "json", "--severity", "warning"], broken);
  t.is(code, 1);
  const [finding, ...others] = JSON.parse(out) as readonly Record<string, unknown>[];
  t.deepEqual(others, []);
  const { message, line, ...rest } = finding ?? {};
  t.is(broken.split("\n")[Number(line) - 1], ":KUBE-POSTROUTING - [0:0]");
  t.is(typeof message, "string");
  t.deepEqual(rest, {
    code: "base-jump-missing",
    severity: "error",
    file: "-",
    column: 1,
    family: "IPv4",
    table: "nat",
    chain: "KUBE-POSTROUTING",
    text: ":KUBE-POSTROUTING - [0:0]",
  });
});

test("several dumps: findings name their file", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-lint-"));
  const path = join(folder, "broken.save");
  writeFileSync(path, broken);
  const { code, out } = rulewalk([real, path, "-o", "json", "--severity", "info"]);
  rmSync(folder, { recursive: true });
  t.is(code, 1);
  const found = JSON.parse(out) as readonly { file: string; severity: string }[];
  t.is(found[0]?.file, path);
  t.true(found.some(({ file, severity }) => file === real && severity === "note"));
});

const unusable: readonly (readonly [string, readonly string[], string])[] = [
  ["a text without a table", ["-"], "hello\n"],
  ["nothing", ["-"], ""],
  ["a file that is not there", ["no-such-file"], ""],
  ["no argument", [], ""],
  ["standard input twice", ["-", "-"], ""],
  ["an unknown severity", ["-", "--severity", "fatal"], ""],
  ["a folder", ["src"], ""],
];
for (const [what, args, input] of unusable) {
  test(`unusable: ${what}`, (t) => {
    const { code, err, out } = rulewalk(args, input);
    t.is(code, 2);
    t.true(`${out}${err}`.length > 0);
    t.notRegex(err, /\n\s+at /);
  });
}
