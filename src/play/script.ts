import { type Finding, reportFindings } from "../manifest/findings.ts";
import type { Origin } from "../manifest/object.ts";
import { readDocuments } from "../manifest/read-documents.ts";
import {
  anything,
  boolean,
  describe,
  listOf,
  newWalk,
  object,
  type Schema,
  string,
  textOf,
} from "../manifest/schema.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { type Expectation, expectationSchema } from "./expectation.ts";
import type { Reading, Run, ScriptPath, StepKind } from "./step.ts";
import { stepKinds } from "./steps.ts";

/** What a script says about the cluster and its nodes; the command line can say otherwise. */
export interface ScriptOptions {
  readonly kubeVersion?: string;
  readonly mode?: "iptables" | "ipvs";
  readonly backend?: "nft" | "legacy";
  readonly namespace?: string;
  /** A file with kube-proxy's configuration, relative to the script. */
  readonly config?: string;
  readonly seed?: string | number;
  readonly outsideRoutesPods?: boolean;
}

/** A step that is ready to be played. */
export interface PreparedStep {
  readonly kind: string;
  readonly at: ScriptPath;
  readonly run: Run;
}

/** A script that was read without a fault. */
export interface Script {
  readonly origin: Origin;
  /** Files and folders of objects, relative to the script. */
  readonly cluster: readonly string[];
  readonly options: ScriptOptions;
  /** Files that steps name, relative to the script. */
  readonly files: Reading["files"];
  readonly addresses: readonly string[];
  readonly steps: readonly PreparedStep[];
}

const files: Schema = {
  check: (value, walk) => (typeof value === "string" ? value : listOf(string).check(value, walk)),
  zero: () => [],
};

/** A word or a number. */
const seed: Schema = {
  check: (value, walk) => (typeof value === "number" ? value : string.check(value, walk)),
  zero: () => "",
};

const step: Schema = object({
  ...Object.fromEntries(stepKinds.map(({ name, schema }) => [name, schema])),
  // its shape depends on what stands beside it
  expect: anything,
});

const script: Schema = object({
  cluster: files,
  options: object({
    kubeVersion: string,
    mode: textOf((text) => text === "iptables" || text === "ipvs", "iptables or ipvs"),
    backend: textOf((text) => text === "nft" || text === "legacy", "nft or legacy"),
    namespace: string,
    config: string,
    seed,
    outsideRoutesPods: boolean,
  }),
  steps: listOf(step),
});

type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const begins = (path: ScriptPath, start: ScriptPath): boolean => start.every((part, i) => path[i] === part);

/** What was found while one script was read. */
interface Checking {
  readonly findings: Finding[];
  readonly reading: Reading;
}

function checkShape(checking: Checking, schema: Schema, value: unknown, at: ScriptPath): void {
  const walk = newWalk();
  walk.path.push(...at);
  schema.check(value, walk);
  for (const { code, path, anchor, message } of walk.problems)
    checking.findings.push({ severity: "error", code, message, path, skip: 0, anchor });
}

/** The kind that a step is of: the one word in it that names a kind. */
function kindOf(checking: Checking, value: Members, at: ScriptPath): StepKind | undefined {
  const named = stepKinds.filter(({ name }) => value[name] !== undefined);
  const kinds = named.length > 1 ? named.filter(({ name }) => name !== "expect") : named;
  const [kind, second] = kinds;
  if (kind !== undefined && second === undefined) {
    if (value.expect === undefined || kind.expects || kind.name === "expect") return kind;
    checking.reading.fault(
      [...at, "expect"],
      "one-of",
      `beside ${kind.name} there is nothing to expect: make it a step of its own`,
    );
    return undefined;
  }
  const words = stepKinds.map(({ name }) => name).join(", ");
  const found = kinds.length === 0 ? "none" : kinds.map(({ name }) => name).join(" and ");
  // an unknown word was reported already
  if (kinds.length > 0 || Object.keys(value).every((key) => key === "expect"))
    checking.reading.fault(at, "one-of", `a step is one of ${words}; found ${found}`);
  return undefined;
}

function prepare(checking: Checking, value: unknown, at: ScriptPath): PreparedStep | undefined {
  if (!isMembers(value)) return undefined;
  const kind = kindOf(checking, value, at);
  if (kind === undefined) return undefined;
  const beside = kind.name !== "expect" && value.expect !== undefined;
  if (value.expect !== undefined)
    checkShape(checking, beside ? expectationSchema : kind.schema, value.expect, [...at, "expect"]);
  if (checking.findings.some(({ path }) => begins(path, at))) {
    // later steps may speak of a connection whose own step is at fault
    const name = kind.name === "connect" && isMembers(value.connect) ? value.connect.name : undefined;
    if (typeof name === "string") checking.reading.connections.add(name);
    return undefined;
  }
  const expect = beside ? (value.expect as Expectation) : undefined;
  const path = [...at, kind.name];
  return {
    kind: kind.name,
    at: path,
    run: kind.prepare(value[kind.name], { at: path, expect, reading: checking.reading }),
  };
}

function readOne(value: unknown, origin: Origin, report: Report): Script | undefined {
  const findings: Finding[] = [];
  const reading: Reading = {
    fault: (path, code, message) => findings.push({ severity: "error", code, message, path, skip: 0, anchor: "value" }),
    connections: new Set(),
    files: [],
    addresses: [],
  };
  const checking = { findings, reading };
  if (!isMembers(value)) {
    reading.fault([], "wrong-type", `expected a script with steps, found ${describe(value)}`);
    reportFindings(origin, findings, report);
    return undefined;
  }
  checkShape(checking, script, value, []);
  const list = Array.isArray(value.steps) ? value.steps : [];
  if (value.steps === undefined) reading.fault([], "missing-field", "Required value: steps");
  const steps = list.flatMap((each, i) => prepare(checking, each, ["steps", i]) ?? []);
  reportFindings(origin, findings, report);
  if (findings.length > 0) return undefined;
  const { cluster = [], options = {} } = value as {
    readonly cluster?: string | readonly string[];
    readonly options?: ScriptOptions;
  };
  const paths = typeof cluster === "string" ? [cluster] : cluster;
  return { origin, cluster: paths, options, files: reading.files, addresses: reading.addresses, steps };
}

/**
 * Reads a script: one YAML (or JSON) document with `cluster`, `options` and `steps`. Every fault is an error at its place, all
 * of them at once; `undefined` after any. What only the objects of the moment can tell (does a name exist?) is found when
 * the step is played.
 */
export function readScript(source: Source, report: Report): Script | undefined {
  const scripts: (Script | undefined)[] = [];
  let sound = true;
  const tell: Report = (diagnostic) => {
    if (diagnostic.severity === "error") sound = false;
    report(diagnostic);
  };
  readDocuments(source, tell, ({ value, origin }) => {
    if (scripts.length === 1) {
      const message = "a script is one document; this is a second one";
      tell({ severity: "error", code: "several-documents", message, place: { source, offset: origin.offset } });
    }
    scripts.push(scripts.length === 0 ? readOne(value, origin, tell) : undefined);
  });
  if (scripts.length === 0 && sound)
    tell({ severity: "error", code: "no-script", message: `${source.name}: there is no script in it` });
  return sound ? scripts[0] : undefined;
}
