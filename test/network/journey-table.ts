import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Packet } from "../../src/kernel/packet.ts";
import type { BalancedPort } from "../../src/network/load-balancer.ts";
import { readPacket } from "../flows/packet-text.ts";
import { addressText } from "../routing/support.ts";

const FOLDER = fileURLToPath(new URL("../../../test/network/tables", import.meta.url));

/** Who sends a row's packet, where its source address does not tell. */
export type RowSender =
  | { readonly kind: "by-source" }
  | { readonly kind: "node"; readonly node: string }
  | { readonly kind: "outside"; readonly node?: string }
  /** The load balancer, for the connection of this number. */
  | { readonly kind: "connection"; readonly number: number };

/** A load balancer in front of a Service's port. */
export interface RowBalancer extends BalancedPort {
  readonly check: "health" | "none";
  /** Its own address, where it opens connections of its own. */
  readonly proxy?: string;
}

/** What holds for the rows behind it. */
export interface TableSettings {
  /** Folder of objects, from the root of the repository. */
  readonly folder: string;
  readonly edit?: readonly [from: string, to: string];
  readonly outsideRoutesPods?: boolean;
  /** The node that packets from outside to external addresses are handed to. */
  readonly entry?: string;
  readonly balancer?: RowBalancer;
}

/** The proxy modes that the tables tell of. */
export type RowMode = "iptables" | "ipvs";

/** What holds in ipvs mode instead, and why: a word of the list in `tables/README.md`. */
export interface IPVSLine {
  readonly why: string;
  readonly branches: readonly string[];
}

/** A packet and its journeys as texts, or seconds that pass. */
export type JourneyLine =
  | {
      readonly kind: "row";
      readonly line: number;
      readonly text: string;
      readonly sender: RowSender;
      readonly packet: Packet;
      readonly branches: readonly string[];
      readonly ipvs?: IPVSLine;
    }
  | { readonly kind: "wait"; readonly line: number; readonly seconds: number };

/** A row and what follows it on the same hosts; a chain goes on from the first branch of each row. */
export interface Chain {
  /** `FILE:LINE` */
  readonly name: string;
  readonly settings: TableSettings;
  readonly lines: readonly JourneyLine[];
}

function readSender(words: readonly string[]): RowSender {
  const [first, second] = words;
  if (first === undefined) return { kind: "by-source" };
  if (first === "connection") return { kind: "connection", number: Number(second) };
  if (first !== "outside") return { kind: "node", node: first };
  return second === undefined ? { kind: "outside" } : { kind: "outside", node: second };
}

/** Reads `[SENDER] PACKET => BRANCH | BRANCH`. */
export function readLine(text: string, line: number): JourneyLine {
  const [first, second] = text.split(" ");
  if (first === "wait") return { kind: "wait", line, seconds: Number(second) };
  const [before = "", after = ""] = text.split(" => ");
  const words = before.trim().split(/\s+/);
  const at = words.indexOf(">") - 2;
  if (at < 0) throw new Error("expected PROTOCOL SRC > DST");
  const branches = after === "" ? [] : after.split(" | ");
  return {
    kind: "row",
    line,
    text,
    sender: readSender(words.slice(0, at)),
    packet: readPacket(words.slice(at)),
    branches,
  };
}

/** Reads `WHY => BRANCH | BRANCH`. */
function readIPVSLine(text: string): IPVSLine {
  const [, why = "", after = ""] = /^(\S+) => (.+)$/.exec(text) ?? [];
  if (why === "") throw new Error("expected ipvs WHY => BRANCH");
  return { why, branches: after.split(" | ") };
}

/** Round robin has no chances: what is left of a row's branches is the set of them. */
export const withoutChances = (branches: readonly string[]): readonly string[] => [
  ...new Set(branches.map((text) => text.replace(/^\d+\/\S+ /, ""))),
];

function lineIn(line: JourneyLine, mode: RowMode): JourneyLine {
  if (line.kind === "wait" || mode === "iptables") return line;
  return { ...line, branches: line.ipvs?.branches ?? withoutChances(line.branches) };
}

/** Chains as a mode has them: in ipvs mode the branches of a row are those of its ipvs line, or its own without their chances. */
export function chainsIn(mode: RowMode, chains: readonly Chain[]): readonly Chain[] {
  return chains.map((chain) => ({ ...chain, lines: chain.lines.map((line) => lineIn(line, mode)) }));
}

/** Reads `NAMESPACE/NAME:PORT/PROTOCOL CHECK [proxy ADDRESS]`. */
function readBalancer([port = "", check, , proxy]: readonly string[]): RowBalancer {
  const [, service = "", number, protocol = ""] = /^(.*):(\d+)\/(\w+)$/.exec(port) ?? [];
  if (check !== "health" && check !== "none") throw new Error("a balancer checks health or none");
  const own = proxy === undefined ? {} : { proxy };
  return { service, port: Number(number), protocol, check, ...own };
}

/** The settings behind a line that sets some; `undefined` when the line is none. */
function settingsBehind(before: TableSettings, line: string): TableSettings | undefined {
  const [word = "", ...rest] = line.split(/\s+/);
  switch (word) {
    case "cluster":
      return { folder: rest[0] ?? "" };
    case "scenario":
      return { folder: `golden/scenarios/${rest[0]}` };
    case "entry":
      return { ...before, entry: rest[0] ?? "" };
    case "outside-routes-pods":
      return { ...before, outsideRoutesPods: rest[0] === "yes" };
    case "balancer":
      return { ...before, balancer: readBalancer(rest) };
    case "edit": {
      const [from = "", to = ""] = line.slice("edit ".length).split(" => ");
      return { ...before, edit: [from, to] };
    }
    default:
      return undefined;
  }
}

/** Puts it to the row above. */
function addIPVSLine(lines: JourneyLine[], ipvs: IPVSLine): void {
  const last = lines.pop();
  if (last?.kind !== "row" || last.ipvs !== undefined) throw new Error("an ipvs line stands under a row");
  lines.push({ ...last, ipvs });
}

/** Reads a table; see `tables/README.md` for the form. Throws with file and line what is not of it. */
function readTable(file: string, text: string): Chain[] {
  const chains: { name: string; settings: TableSettings; lines: JourneyLine[] }[] = [];
  let settings: TableSettings = { folder: "" };
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith("==")) continue;
    try {
      const next = settingsBehind(settings, line);
      if (next !== undefined) settings = next;
      else if (line.startsWith("ipvs "))
        addIPVSLine(chains.at(-1)?.lines ?? [], readIPVSLine(line.slice("ipvs ".length)));
      else if (!line.startsWith("then ")) {
        chains.push({ name: `${file}:${i + 1}`, settings, lines: [readLine(line, i + 1)] });
      } else chains.at(-1)?.lines.push(readLine(line.slice("then ".length), i + 1));
    } catch (error) {
      throw new Error(`${file}:${i + 1}: ${(error as Error).message}`);
    }
  }
  return chains;
}

/** The words by which ipvs lines say why, as `tables/README.md` lists them. */
export function readReasons(): ReadonlySet<string> {
  const text = readFileSync(join(FOLDER, "README.md"), "utf8");
  return new Set([...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, word = ""]) => word));
}

/** All chains of all tables, in the order of the files' names. */
export function readChains(): Chain[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".flows"));
  return files.sort().flatMap((file) => readTable(file, readFileSync(join(FOLDER, file), "utf8")));
}

/** The packets of chains. */
export function rowsOf(chains: readonly Chain[]): Extract<JourneyLine, { kind: "row" }>[] {
  return chains.flatMap(({ lines }) => lines.filter((line) => line.kind === "row"));
}

/** The sources of all packets to or from a folder's cluster: those in a node's Pod network that nothing has are Pods. */
export function sourcesIn(chains: readonly Chain[], folder: string): readonly string[] {
  const own = chains.filter(({ settings }) => settings.folder === folder);
  return [...new Set(rowsOf(own).map(({ packet }) => addressText(packet.src)))].sort();
}
