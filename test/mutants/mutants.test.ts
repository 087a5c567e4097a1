import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { ipvsMutants } from "./ipvs-mutants.ts";
import { type Mutant, mutants } from "./mutants.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What became of one run of the flow tables: the row that failed, or a word for what else happened. */
interface Fate {
  readonly name: string;
  readonly code: number;
  readonly text: string;
}

/** A copy of the compiled program that faults can be put into; what it reads besides is the original. */
function copyProgram(): string {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-mutants-"));
  const scripts = (path: string): boolean => extname(path) === "" || path.endsWith(".js");
  for (const part of ["src", "test/flows", "test/ipvs", "test/kernel", "test/mutants"]) {
    mkdirSync(join(folder, "dist", part), { recursive: true });
    cpSync(join(root, "dist", part), join(folder, "dist", part), { recursive: true, filter: scripts });
  }
  for (const name of ["test", "golden", "node_modules", "package.json"])
    symlinkSync(join(root, name), join(folder, name));
  return folder;
}

/** `program`: what plays the rows, of those in this folder. */
function playRows(folder: string, program: string, name: string): Promise<Fate> {
  const child = join(folder, "dist/test/mutants", program);
  return new Promise((resolve) => {
    execFile(process.execPath, [child], { timeout: 300_000 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ name, code, text: `${out}${err}`.trim() });
    });
  });
}

/** Puts one fault into the copy, plays the tables, and takes the fault out again. */
async function play(folder: string, program: string, { name, file, text, replacement }: Mutant): Promise<Fate> {
  const path = join(folder, "dist/src/kernel", file);
  const before = readFileSync(path, "utf8");
  const parts = before.split(text);
  if (parts.length !== 2) return { name, code: -1, text: `stands ${parts.length - 1} times in ${file}: ${text}` };
  writeFileSync(path, parts.join(replacement));
  const fate = await playRows(folder, program, name);
  writeFileSync(path, before);
  return fate;
}

/** Every fault must make a row fail; the program as it is, none. */
async function killAll(t: ExecutionContext, program: string, faults: readonly Mutant[]): Promise<void> {
  t.is(new Set(faults.map(({ name }) => name)).size, faults.length);
  const left = [...faults];
  const fates: Fate[] = [];
  const worker = async (): Promise<void> => {
    const folder = copyProgram();
    try {
      const sound = await playRows(folder, program, "no fault");
      t.deepEqual(sound, { name: "no fault", code: 0, text: "" });
      for (let one = left.shift(); one !== undefined; one = left.shift()) fates.push(await play(folder, program, one));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
  const survivors = fates.filter(({ code }) => code !== 1);
  t.deepEqual(
    survivors.map(({ name, text }) => (text === "" ? `${name}: no row fails` : `${name}: ${text}`)),
    [],
  );
  for (const { name, text } of fates) t.log(`${name}: ${text}`);
}

test("slow: each fault of the emulator makes a row of the flow tables fail", (t) =>
  killAll(t, "flows-child.js", mutants));

test("slow: each fault of ip_vs makes a recording of a real one fail", (t) => killAll(t, "ipvs-child.js", ipvsMutants));
