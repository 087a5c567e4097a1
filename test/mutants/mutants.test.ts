import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { build, type Plugin } from "esbuild";
import { ipvsMutants } from "./ipvs-mutants.ts";
import { type Mutant, mutants } from "./mutants.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What became of one run of the flow tables: the row that failed, or a word for what else happened. */
interface Fate {
  readonly name: string;
  readonly code: number;
  readonly text: string;
}

/** A folder for programs with faults; what they read besides is the original. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rulewalk-mutants-"));
  mkdirSync(join(folder, "dist/test/mutants"), { recursive: true });
  for (const name of ["test", "golden", "node_modules", "package.json"])
    symlinkSync(join(root, name), join(folder, name));
  return folder;
}

/** Puts another text in the place of one file. */
const replacing = (path: string, contents: string): Plugin => ({
  name: "fault",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.js$/ }, (args) => (args.path === path ? { contents, loader: "js" } : undefined)),
});

/** Puts a program into one file, which starts faster than many do, with a fault or without, and plays the rows. */
async function playWith(folder: string, program: string, name: string, plugins: readonly Plugin[]): Promise<Fate> {
  const outfile = join(folder, "dist/test/mutants", `${name.replace(/\W+/g, "-")}.js`);
  await build({
    entryPoints: [join(root, "dist/test/mutants", program)],
    outfile,
    plugins: [...plugins],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  return new Promise((resolve) => {
    execFile(process.execPath, [outfile], { timeout: 300_000 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ name, code, text: `${out}${err}`.trim() });
    });
  });
}

/** Plays the rows with one fault. */
async function play(folder: string, program: string, { name, file, text, replacement }: Mutant): Promise<Fate> {
  const path = join(root, "dist/src/kernel", file);
  const parts = readFileSync(path, "utf8").split(text);
  if (parts.length !== 2) return { name, code: -1, text: `stands ${parts.length - 1} times in ${file}: ${text}` };
  return playWith(folder, program, name, [replacing(path, parts.join(replacement))]);
}

/** Every fault must make a row fail; the program as it is, none. */
async function killAll(t: ExecutionContext, program: string, faults: readonly Mutant[]): Promise<void> {
  t.is(new Set(faults.map(({ name }) => name)).size, faults.length);
  const left = [...faults];
  const fates: Fate[] = [];
  const folder = makeFolder();
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) fates.push(await play(folder, program, one));
  };
  try {
    const sound = await playWith(folder, program, "no fault", []);
    t.deepEqual(sound, { name: "no fault", code: 0, text: "" });
    await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
