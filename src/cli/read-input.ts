import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeSource } from "../manifest/decode-source.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { UsageError } from "./terminal.ts";

const MANIFEST = /\.(?:ya?ml|json)$/i;

const STDIN = 0;

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "no such file or folder";
  if (code === "EACCES") return "no permission to read it";
  return message;
}

/** Runs a file operation; its failure is a usage error that names the path. */
export function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${path}: ${describe(error)}`);
  }
}

function filesOf(folder: string, recursive: boolean): string[] {
  const entries: Dirent[] = attempt(folder, () => readdirSync(folder, { withFileTypes: true }));
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return recursive ? filesOf(path, recursive) : [];
      return MANIFEST.test(entry.name) ? [path] : [];
    });
}

/** The files behind a `-f` argument: itself, or the manifests of a folder (of its subfolders, too, with -R). */
function expand(path: string, recursive: boolean): string[] {
  if (path === "-" || !attempt(path, () => statSync(path)).isDirectory()) return [path];
  const files = filesOf(path, recursive);
  if (files.length > 0) return files;
  throw new UsageError(
    `${path}: no .yaml, .yml or .json file in this folder${recursive ? "" : " (-R looks into subfolders, too)"}`,
  );
}

/** Reads one file, or standard input for `-`; `undefined` when it is not text, which is reported. */
export function readSource(path: string, report: Report): Source | undefined {
  const bytes = attempt(path, () => readFileSync(path === "-" ? STDIN : path));
  return decodeSource(path, bytes, report);
}

/** Reads all `-f` arguments in their order, folders by file name. */
export function readSources(paths: readonly string[], recursive: boolean, report: Report): Source[] {
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError("-f -: standard input can be read only once");
  return paths.flatMap((path) => expand(path, recursive)).flatMap((path) => readSource(path, report) ?? []);
}
