import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./terminal.ts";

/** Makes a folder and those above it one by one: Node's own recursive way never ends below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolder(above);
  mkdirSync(folder);
}

/** Writes files into a folder, which is made when missing; files of the same names are replaced. */
export function writeFolder(folder: string, files: Iterable<readonly [string, string]>): void {
  try {
    makeFolder(resolve(folder));
    for (const [name, text] of files) {
      writeFileSync(join(folder, name), text);
      process.stderr.write(`${join(folder, name)}\n`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new UsageError(`--out ${folder}: ${(error as Error).message}`);
  }
}
