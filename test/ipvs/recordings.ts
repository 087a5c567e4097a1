import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatIPv4 } from "../../src/net/ip.ts";
import { type CaseWords, Lab } from "./lab.ts";
import type { PacketWords } from "./words.ts";

/** What `state` asks for. */
interface State {
  readonly conns?: readonly unknown[];
  readonly ipvsconns?: readonly unknown[];
  readonly services?: readonly unknown[];
  readonly conntrack?: readonly unknown[];
}

type SeenWords = Readonly<Record<string, unknown>>;

/** What was seen of a packet, or of the node's state. */
export interface Observed {
  readonly out?: readonly SeenWords[];
  readonly local?: readonly SeenWords[];
  readonly lo?: readonly SeenWords[];
  readonly log?: readonly SeenWords[];
  readonly state?: State;
}

/** What is done with a node: a packet, or an operation. */
export type Operation = {
  readonly op?: string;
  readonly ms?: number;
  readonly cmd?: string;
  readonly what?: readonly string[];
} & CaseWords &
  Partial<PacketWords>;

interface RecordedStep {
  readonly in: Operation;
  readonly out: Observed;
}

/** A line of `cases.jsonl` that is a case; `setup` names what it begins with. */
export interface Recording {
  readonly name: string;
  readonly setup?: string;
  readonly case?: CaseWords;
  readonly steps: readonly RecordedStep[];
}

const folder = fileURLToPath(new URL("../../../test/ipvs/", import.meta.url));

/** All recordings, each with all of its node. */
export function readRecordings(): readonly Recording[] {
  const lines = readFileSync(`${folder}cases.jsonl`, "utf8").trimEnd().split("\n");
  const parsed = lines.map((line) => JSON.parse(line) as Partial<Recording>);
  const setups = new Map(parsed.flatMap((each) => (each.steps === undefined ? [[each.setup, each.case ?? {}]] : [])));
  return parsed.flatMap(({ name, setup, steps, case: own }): Recording[] =>
    steps === undefined || name === undefined
      ? []
      : [
          {
            name,
            steps,
            ...(setup === undefined ? {} : { setup }),
            case: { ...(setup === undefined ? {} : setups.get(setup)), ...own },
          },
        ],
  );
}

/** With its fields in the order of their names. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const byName = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(byName.map(([key, each]) => [key, ordered(each)]));
}

/** In any order. */
const anyOrder = (list: readonly unknown[]): readonly string[] =>
  list.map((each) => JSON.stringify(ordered(each))).sort();

/** How two lists differ, in words. */
function differ(what: string, ours: readonly unknown[], theirs: readonly unknown[]): string[] {
  const [a, b] = [anyOrder(ours), anyOrder(theirs)];
  return a.join("\n") === b.join("\n") ? [] : [`${what}: emulator ${a.join(" ")} | kernel ${b.join(" ")}`];
}

/** The emulator does not cut packets: the first piece stands for all. */
function whole(seen: readonly SeenWords[]): readonly SeenWords[] {
  return seen.filter(({ frag }) => frag === undefined || frag === 0).map(({ frag: _frag, mf: _mf, ...rest }) => rest);
}

const endsOf = ({ src, dst, sport, dport, mark }: SeenWords): unknown => [
  typeof src === "number" ? formatIPv4(src) : src,
  typeof dst === "number" ? formatIPv4(dst) : dst,
  sport ?? 0,
  dport ?? 0,
  mark ?? 0,
];

/** How what the emulator makes of a packet differs from what was seen; `log` only where every rule is looked at. */
export function packetDifferences(lab: Lab, words: PacketWords, seen: Observed): string[] {
  const { out, local, log, lo } = lab.packet(words);
  const differences = [
    ...differ("out", out, whole(seen.out ?? [])),
    ...differ("local", local, seen.local ?? []),
    ...differ("lo", lo.map(endsOf), (seen.lo ?? []).map(endsOf)),
  ];
  const [ours, theirs] = [ordered(log), ordered(seen.log ?? [])].map((each) => JSON.stringify(each));
  if (!lab.indexed && ours !== theirs) differences.push(`log: emulator ${ours} | kernel ${theirs}`);
  return differences;
}

/** A line of /proc/net/nf_conntrack or `conntrack -L` without how many refer to the entry. */
const entryWords = (line: unknown): string =>
  `${line}`
    .replace(/use=\d+/, "")
    .replace(/\s+/g, " ")
    .trim();

/** The lines of `ipvsadm -Lnc` as the connections they show. */
function listed(text: readonly unknown[]): unknown[] {
  return text.slice(2).map((line) => {
    const [protocol, expires = "", state, client, virtual, real] = `${line}`.split(/\s+/);
    const [minutes, seconds] = expires.split(":").map(Number);
    return [protocol, client, virtual, real, state, (minutes ?? 0) * 60 + (seconds ?? 0)];
  });
}

/** Without the seconds of templates, which have client port 0. */
const timeless = (connections: readonly unknown[]): unknown[] =>
  connections.map((each) => (Array.isArray(each) && `${each[1]}`.endsWith(":0") ? each.slice(0, 5) : each));

/** How the emulated node's state differs from what was listed. */
export function stateDifferences(
  lab: Lab,
  state: State,
  shown: (list: readonly unknown[]) => readonly unknown[] = (list) => list,
): string[] {
  const { conns, ipvsconns, services, conntrack } = state;
  return [
    ...(conns === undefined ? [] : differ("conns", shown(lab.connections()), shown(conns))),
    ...(ipvsconns === undefined ? [] : differ("ipvsconns", lab.connections(), listed(ipvsconns))),
    ...(services === undefined ? [] : differ("services", lab.services(), services)),
    ...(conntrack === undefined ? [] : differ("conntrack", lab.conntrack().map(entryWords), conntrack.map(entryWords))),
  ];
}

/**
 * A template that waited for its connections does so from when the kernel's timer fired, which is late by up to an eighth of 600 s and,
 * in a recording, not before the clock's jump ends: its seconds say nothing there.
 */
const LATE_TEMPLATES: ReadonlySet<string> = new Set(["persist-defer"]);

/** Plays a recording in the emulator: the first step that differs, in words; nothing where all are equal. */
export function playRecording(recording: Recording, indexed: boolean): string | undefined {
  const lab = new Lab(recording.case ?? {}, indexed);
  const shown = LATE_TEMPLATES.has(recording.name) ? timeless : undefined;
  for (const { in: step, out } of recording.steps) {
    const differences = doStep(lab, step, out, shown);
    if (differences.length > 0) return `${JSON.stringify(step)}: ${differences.join("; ")}`;
  }
  return undefined;
}

function doStep(lab: Lab, step: Operation, out: Observed, shown: typeof timeless | undefined): readonly string[] {
  switch (step.op) {
    case undefined:
      return packetDifferences(lab, step as PacketWords, out);
    case "load":
      lab.load(step);
      return [];
    case "advance":
      lab.advance(step.ms ?? 0);
      return [];
    case "state":
      return stateDifferences(lab, out.state ?? {}, shown);
    case "sh":
      // what prints is the affair of those who print
      lab.command(step.cmd ?? "");
      return [];
    default:
      return [`no such operation: ${step.op}`];
  }
}
