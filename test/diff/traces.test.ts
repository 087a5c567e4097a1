import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { type DiffSettingOptions, diffSetting } from "../../src/cli/diff-setting.ts";
import { compareNodes } from "../../src/diff/compare-nodes.ts";
import { mergeDiff } from "../../src/diff/merge.ts";
import { traceExample } from "../../src/diff/side-by-side.ts";

const main = fileURLToPath(new URL("../../src/cli/rulewalk.js", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

const flat = (text: string): string => text.replace(/\s+/g, " ");

/** The last line of each side of traces that stand one below the other. */
function results(lines: readonly string[]): readonly string[] {
  const text = lines.join("\n");
  return text.split("\n\n").map((side) => flat(/^RESULT .*/ms.exec(side)?.[0] ?? "no result"));
}

/** Commands that trace an example, and what each of them has to print. */
function* examplesOf(options: DiffSettingOptions): Generator<readonly [command: string, result: string]> {
  const read = diffSetting(options, {}, () => {});
  if (read === undefined) throw new Error("no setting");
  const diff = compareNodes(read.setting);
  for (const { differences } of mergeDiff(diff).sections)
    for (const { example } of differences) {
      const { lines, commands } = traceExample(diff, example);
      const told = results(lines(90));
      for (const [i, command] of commands.entries()) yield [command, told[i] ?? "nothing told"];
    }
}

test("slow: the commands that a diff prints tell what its traces tell", (t) => {
  const options = { filename: ["examples/shop"], validate: "strict", kubeVersion: "1.37", family: "ipv4" } as const;
  let asked = 0;
  for (const [command, result] of examplesOf({ ...options, backend: "nft", node: ["control-plane-1", "worker-1"] })) {
    const other = command.includes("   #");
    const [, ...args] = command.replace(/ {3}#.*/, "").split(" ");
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...args], { cwd: root, encoding: "utf8" });
    t.not(status, 2, `${command}\n${stderr}`);
    // whose turn is first gets the packet there
    if (!other) t.true(flat(stdout).includes(result), `${command}\n${result}\n${stdout}`);
    asked++;
  }
  t.true(asked >= 16, `${asked}`);
});

test("columns stand side by side where there is room", (t) => {
  const options = { filename: ["examples/ipvs"], validate: "strict", kubeVersion: "1.37", family: "ipv4" } as const;
  const read = diffSetting({ ...options, backend: "nft", node: ["k8s-node-1"] }, {}, () => {});
  if (read === undefined) return t.fail();
  const diff = compareNodes(read.setting);
  const example = mergeDiff(diff).sections[0]?.differences[0]?.example;
  if (example === undefined) return t.fail();
  const { lines } = traceExample(diff, example);
  for (const width of [110, 150, 200]) {
    const wide = lines(width);
    t.regex(wide[0] ?? "", /^iptables +\| ipvs$/);
    t.true(wide.every((line) => line.length <= width));
  }
  t.is(lines(90).filter((line) => line === "ipvs").length, 1);
});
