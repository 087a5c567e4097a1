/** Runs each suite in a process of its own: `npm run bench [-- SUITE …]`. Figures are for comparison within one run. */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const suites = ["compile", "growth", "read"];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.includes(name));

if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(", ")}; there are ${suites.join(", ")}`);
  process.exitCode = 2;
} else {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}\n`);
  for (const suite of wanted.length > 0 ? wanted : suites) {
    const script = fileURLToPath(new URL(`${suite}.js`, import.meta.url));
    const { status } = spawnSync(process.execPath, [script], { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}
