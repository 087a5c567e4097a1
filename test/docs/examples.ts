import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../../", import.meta.url));

/** The documents whose examples are run, by path. */
export function documents(): readonly string[] {
  const problems = readdirSync(join(root, "docs/problems"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `docs/problems/${name}/README.md`);
  return ["README.md", "docs/diff.md", "docs/ipvs.md", ...problems.sort()];
}

/** A fenced block that begins with a command of ours. */
export interface Example {
  readonly command: string;
  /** What the document says that it prints. */
  readonly printed: string;
  /** Characters of the document that hold it. */
  readonly from: number;
  readonly to: number;
}

const BLOCK = /^```console\n\$ (.*\brulewalk\b.*)\n([\s\S]*?)^```$/gm;

/** The examples of a document. */
export function examplesOf(text: string): readonly Example[] {
  return [...text.matchAll(BLOCK)].map(({ index, 0: block, 1: command = "", 2: printed = "" }) => {
    const from = index + block.indexOf("\n", block.indexOf("\n") + 1) + 1;
    return { command, printed, from, to: from + printed.length };
  });
}

/** What a command prints, notes first, as a terminal shows it; with the exit code where it is not 0. */
export function run(command: string): Promise<string> {
  const script = `rulewalk() { ${process.execPath} dist/src/cli/rulewalk.js "$@"; }; ${command}`;
  const child = spawn("sh", ["-c", script], { cwd: root, env: { ...process.env, NO_COLOR: "1" } });
  const out: Buffer[] = [];
  const notes: Buffer[] = [];
  child.stdout.on("data", (data: Buffer) => out.push(data));
  child.stderr.on("data", (data: Buffer) => notes.push(data));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const text = Buffer.concat([...notes, ...out]).toString();
      resolve(code === 0 ? text : `${text}(exit code ${code})\n`);
    });
  });
}

/** The text of a document. */
export const readDocument = (path: string): string => readFileSync(join(root, path), "utf8");

/** A document with what its commands print now. */
export async function rewritten(text: string): Promise<string> {
  let result = "";
  let at = 0;
  for (const { command, from, to } of examplesOf(text)) {
    result += text.slice(at, from) + (await run(command));
    at = to;
  }
  return result + text.slice(at);
}
