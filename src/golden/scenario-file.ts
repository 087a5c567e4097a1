import { verifiedReleases } from "../compile/iptables/traits.ts";
import { type Finding, reportFindings } from "../manifest/findings.ts";
import type { PathStep } from "../manifest/object.ts";
import { readDocuments } from "../manifest/read-documents.ts";
import type { Validation } from "../manifest/read-manifests.ts";
import { describe, listOf, newWalk, object, type Schema, string } from "../manifest/schema.ts";
import type { IPFamily } from "../net/family.ts";
import { formatRelease, parseRelease, type Release } from "../proxy/release.ts";
import type { Report, Source } from "../text/diagnostic.ts";

/** Modes that scenarios can be computed in. */
export type ScenarioMode = "iptables" | "ipvs";

/** Forms in which a comparison of both modes is printed. */
export type DiffForm = "text" | "markdown" | "json";

/** What a scenario asks for, with the defaults filled in. */
export interface ScenarioSettings {
  /** The idea in one line; empty when none is written. */
  readonly title: string;
  /** Names of nodes; `undefined` for every Node among the objects. */
  readonly nodes: readonly string[] | undefined;
  readonly modes: readonly ScenarioMode[];
  /** Forms of the comparison of both modes; none where it is not asked for. */
  readonly diff: readonly DiffForm[];
  readonly releases: readonly Release[];
  /** Those of them in which ipvs mode is computed, too. */
  readonly ipvsReleases: readonly Release[];
  readonly families: readonly IPFamily[];
  readonly validate: Validation;
}

/** `scenario.yaml` as written. */
interface ScenarioFile {
  readonly title?: string;
  readonly nodes?: readonly string[];
  readonly modes?: readonly string[];
  readonly diff?: readonly string[];
  readonly releases?: readonly string[];
  readonly ipvsReleases?: readonly string[];
  readonly families?: readonly string[];
  readonly validate?: string;
}

const scenarioFile: Schema = object({
  title: string,
  nodes: listOf(string),
  modes: listOf(string),
  diff: listOf(string),
  releases: listOf(string),
  ipvsReleases: listOf(string),
  families: listOf(string),
  validate: string,
});

const FAMILIES: ReadonlyMap<string, IPFamily> = new Map([
  ["ipv4", "IPv4"],
  ["ipv6", "IPv6"],
]);
const MODES: ReadonlyMap<string, ScenarioMode> = new Map((["iptables", "ipvs"] as const).map((mode) => [mode, mode]));
const FORMS: ReadonlyMap<string, DiffForm> = new Map(
  (["text", "markdown", "json"] as const).map((form) => [form, form]),
);
const VALIDATIONS: ReadonlyMap<string, Validation> = new Map(
  (["strict", "warn", "ignore"] as const).map((name) => [name, name]),
);
const RELEASES: ReadonlyMap<string, Release> = new Map(
  verifiedReleases.map((release) => [formatRelease(release), release]),
);

/** Releases without `releases:`: the reference. */
const REFERENCE: Release = { minor: 37 };

export const defaultSettings: ScenarioSettings = {
  title: "",
  nodes: undefined,
  modes: ["iptables"],
  diff: [],
  releases: [REFERENCE],
  ipvsReleases: [REFERENCE],
  families: ["IPv4", "IPv6"],
  validate: "strict",
};

const oneOf = (known: Iterable<string>): string => `known are ${[...known].join(", ")}`;

/** Collects the faults of one document; each names the field and what to write instead. */
class Faults {
  readonly found: Finding[] = [];

  add(path: readonly PathStep[], code: string, message: string): void {
    this.found.push({ severity: "error", code, message, path, skip: 0, anchor: "value" });
  }

  /** The known value of a text; `undefined` and a fault otherwise. */
  choose<T>(text: string, known: ReadonlyMap<string, T>, path: readonly PathStep[]): T | undefined {
    const value = known.get(text);
    if (value === undefined) {
      this.add(path, "unknown-value", `Unsupported value: ${describe(text)}: ${oneOf(known.keys())}`);
    }
    return value;
  }

  /** A list that is neither empty nor names anything twice. */
  list(texts: readonly string[], name: string): void {
    if (texts.length === 0)
      this.add([name], "empty-list", "an empty list asks for nothing: leave it out for the default");
    texts.forEach((text, i) => {
      if (texts.indexOf(text) < i) this.add([name, i], "duplicate-value", `Duplicate value: ${describe(text)}`);
    });
  }

  chooseAll<T>(
    texts: readonly string[] | undefined,
    known: ReadonlyMap<string, T>,
    name: string,
    otherwise: readonly T[],
  ): readonly T[] {
    if (texts === undefined) return otherwise;
    this.list(texts, name);
    return texts.flatMap((text, i) => this.choose(text, known, [name, i]) ?? []);
  }
}

/** `1.37` and `v1.37.2` name the same release. */
const canonicalRelease = (text: string): string => {
  const release = parseRelease(text);
  return release === undefined ? text : formatRelease(release);
};

function settingsOf(file: ScenarioFile, faults: Faults): ScenarioSettings {
  const { title = "", nodes, validate = defaultSettings.validate } = file;
  if (/[\r\n]/.test(title)) faults.add(["title"], "invalid-title", "the title must be one line");
  if (nodes !== undefined) faults.list(nodes, "nodes");
  const choose = (
    texts: readonly string[] | undefined,
    name: string,
    known: typeof RELEASES,
    otherwise: readonly Release[],
  ) => faults.chooseAll(texts?.map(canonicalRelease), known, name, otherwise);
  const releases = choose(file.releases, "releases", RELEASES, defaultSettings.releases);
  const asked = new Map(releases.map((release) => [formatRelease(release), release]));
  return {
    title,
    nodes,
    // who asks for a comparison alone gets no dumps
    modes: faults.chooseAll(file.modes, MODES, "modes", file.diff === undefined ? defaultSettings.modes : []),
    diff: faults.chooseAll(file.diff, FORMS, "diff", defaultSettings.diff),
    releases,
    ipvsReleases: choose(file.ipvsReleases, "ipvsReleases", asked, releases),
    families: faults.chooseAll(file.families, FAMILIES, "families", defaultSettings.families),
    validate: faults.choose(validate, VALIDATIONS, ["validate"]) ?? defaultSettings.validate,
  };
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads `scenario.yaml`: `title`, `nodes`, `modes`, `diff` (text, markdown, json: forms of the comparison of both modes), `releases` (texts such as "1.37"), `ipvsReleases` (those of them
 * in which ipvs mode is computed), `families` (ipv4, ipv6) and `validate`. Every fault is an error with its place. An empty file asks for the defaults; the last document counts.
 */
export function readScenarioFile(source: Source, report: Report): ScenarioSettings {
  let settings = defaultSettings;
  readDocuments(source, report, ({ value, origin }) => {
    const faults = new Faults();
    const walk = newWalk();
    if (isObject(value)) scenarioFile.check(value, walk);
    else faults.add([], "wrong-type", `expected the fields of a scenario, found ${describe(value)}`);
    faults.found.push(...walk.problems.map((problem) => ({ ...problem, severity: "error" as const, skip: 0 })));
    if (faults.found.length === 0) settings = settingsOf(value as ScenarioFile, faults);
    reportFindings(origin, faults.found, report);
  });
  return settings;
}
