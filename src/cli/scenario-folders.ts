import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Dumps } from "../golden/dumps.ts";
import { type ScenarioSources, scenarioFiles } from "../golden/scenario.ts";
import type { Report } from "../text/diagnostic.ts";
import { attempt, readSource } from "./read-input.ts";
import { UsageError } from "./terminal.ts";

/** A scenario's folder: its name, and the path to it as it was given. */
export interface ScenarioFolder {
  readonly name: string;
  readonly path: string;
}

const DUMPS = "dumps";

const has = (folder: string, names: readonly string[]): boolean => names.some((name) => existsSync(join(folder, name)));

/** The scenarios behind a path: itself when it has a `cluster.yaml`, else each subfolder with a scenario's file. */
export function findScenarios(path: string): ScenarioFolder[] {
  const entries = attempt(path, () => readdirSync(path, { withFileTypes: true }));
  if (has(path, ["cluster.yaml"])) return [{ name: basename(resolve(path)), path }];
  const found = entries
    .filter((entry) => entry.isDirectory() && has(join(path, entry.name), scenarioFiles))
    .map(({ name }) => ({ name, path: join(path, name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length > 0) return found;
  throw new UsageError(`${path}: no scenario: neither a file cluster.yaml nor a folder with one`);
}

/** The input files of a scenario; what is no text is reported. */
export function readScenarioSources({ path }: ScenarioFolder, report: Report): ScenarioSources {
  return new Map(
    scenarioFiles.flatMap((name) => {
      const file = join(path, name);
      const source = existsSync(file) ? readSource(file, report) : undefined;
      return source === undefined ? [] : [[name, source] as const];
    }),
  );
}

/** The dumps that stand in a scenario's folder. A link in place of the folder is refused: it may lead anywhere. */
export function readDumps({ path }: ScenarioFolder): Dumps {
  const folder = join(path, DUMPS);
  const stat = attempt(folder, () => lstatSync(folder, { throwIfNoEntry: false }));
  if (stat === undefined) return new Map();
  if (!stat.isDirectory()) throw new UsageError(`${folder}: expected a folder of dumps`);
  const found = new Map<string, string>();
  const walk = (below: string): void => {
    for (const entry of attempt(below, () => readdirSync(join(path, below), { withFileTypes: true }))) {
      const inside = `${below}/${entry.name}`;
      if (entry.isDirectory()) walk(inside);
      else if (entry.isFile())
        found.set(
          inside,
          attempt(inside, () => readFileSync(join(path, inside), "utf8")),
        );
    }
  };
  walk(DUMPS);
  return found;
}

/** Writes dumps into a scenario's folder. */
export function writeDumps({ path }: ScenarioFolder, dumps: Dumps): void {
  for (const [name, text] of dumps) {
    const file = join(path, name);
    attempt(file, () => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    });
  }
}

/** Removes dumps from a scenario's folder, and the folders below `dumps` that this leaves empty. */
export function removeDumps({ path }: ScenarioFolder, names: readonly string[]): void {
  for (const name of names) {
    attempt(join(path, name), () => rmSync(join(path, name)));
    for (let folder = dirname(name); folder !== "."; folder = dirname(folder)) {
      if (attempt(folder, () => readdirSync(join(path, folder))).length > 0) break;
      attempt(folder, () => rmdirSync(join(path, folder)));
    }
  }
}
