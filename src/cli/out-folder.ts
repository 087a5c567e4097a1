import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./terminal.ts";

/** Writes files into a folder, which is made when missing; files of the same names are replaced. */
export function writeFolder(folder: string, files: Iterable<readonly [string, string]>): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) {
      writeFileSync(join(folder, name), text);
      process.stderr.write(`${join(folder, name)}\n`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new UsageError(`--out ${folder}: ${(error as Error).message}`);
  }
}
