import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** What the real kube-proxy did for one family in one step. */
export interface RecordedFamily {
  readonly commands?: readonly string[];
  readonly restore?: string;
  readonly restoreCanonical?: string;
  readonly save?: string;
  readonly canonical?: string;
  readonly healthCheck?: Readonly<Record<string, { readonly port: number; readonly localEndpoints: number }>>;
}

export type RecordedStep = Readonly<Record<string, RecordedFamily>>;

export interface RecordedNode {
  readonly name: string;
  readonly ips: readonly string[];
  readonly interfaces: readonly { readonly name: string; readonly addrs: readonly string[] }[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly podCIDRs: readonly string[];
}

export interface RecordedRequest {
  readonly mode: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly node: RecordedNode;
  readonly host?: { readonly nfacct?: boolean; readonly conntrackTCPLiberal?: boolean; readonly randomFully?: boolean };
  readonly steps: readonly (readonly unknown[] | { readonly objects: readonly unknown[] })[];
}

/** One question put to the real kube-proxy packages, and its answer. */
export interface Recorded {
  readonly name: string;
  readonly minor: number;
  readonly request: RecordedRequest;
  readonly answer: {
    readonly steps: readonly RecordedStep[];
    readonly error?: string;
    /** What kube-proxy set at start, in ipvs mode. */
    readonly sysctls?: Readonly<Record<string, number>>;
  };
  /** Other answers kube-proxy gave to the same question; each holds only what differs. */
  readonly alternatives?: readonly Readonly<Record<string, Readonly<Record<string, object>>>>[];
}

const FILE = /^v1\.(\d+)-([a-z]+)-.*\.ndjson\.gz$/;

/** The record files of a mode in a folder, by name. */
export function recordFiles(dir: string, mode: string): string[] {
  return readdirSync(dir)
    .filter((name) => FILE.exec(name)?.[2] === mode)
    .sort()
    .map((name) => join(dir, name));
}

/** Reads one file of records. */
export function readRecords(file: string): Recorded[] {
  const minor = Number(FILE.exec(file.split("/").at(-1) ?? "")?.[1]);
  const lines = gunzipSync(readFileSync(file)).toString("utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => ({ ...(JSON.parse(line) as Recorded), minor }));
}

/** The objects that there are after a record's step; the first one counts as 0. */
export function objectsOf(record: Recorded, number = 0): readonly unknown[] {
  const step = record.request.steps[number] ?? [];
  return Array.isArray(step) ? step : (step as { objects: readonly unknown[] }).objects;
}

/** All answers kube-proxy gave for a family in a step: the recorded one, and its alternatives merged in. */
export function acceptedAnswers(record: Recorded, family: string, number = 0): RecordedFamily[] {
  const answer = record.answer.steps[number]?.[family];
  if (answer === undefined) return [];
  const others = (record.alternatives ?? []).map((other) => ({ ...answer, ...(other[`${number}`]?.[family] ?? {}) }));
  return [answer, ...others];
}
