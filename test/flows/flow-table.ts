import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Backend } from "../kernel/tools.ts";

const FOLDER = fileURLToPath(new URL("../../../test/flows/tables", import.meta.url));

/** Where a table's rules come from. */
export type RuleSource =
  | { readonly kind: "golden"; readonly scenario: string; readonly release: string; readonly node: string }
  | { readonly kind: "foreign"; readonly name: string }
  | { readonly kind: "own"; readonly IPv4: string; readonly IPv6: string };

/** A line of a flow: a row's text, or seconds that pass. */
export type FlowLine =
  | { readonly kind: "row"; readonly text: string; readonly line: number }
  | { readonly kind: "wait"; readonly seconds: number };

/** Packets that enter one after the other, from a node that nothing has happened on. */
export interface Flow {
  /** `FILE:LINE title` */
  readonly name: string;
  readonly rules: RuleSource;
  readonly sysctls: Readonly<Record<string, number>>;
  readonly backends: readonly Backend[];
  readonly lines: readonly FlowLine[];
}

interface Settings {
  rules: RuleSource;
  sysctls: Record<string, number>;
  backends: readonly Backend[];
}

function readSource(words: readonly string[]): RuleSource {
  const [kind, name = "", release = "1.37", node = "worker-1"] = words;
  if (kind === "golden") return { kind, scenario: name, release, node };
  if (kind === "foreign") return { kind, name };
  throw new Error(`rules are golden, foreign or { text }, not ${kind ?? "nothing"}`);
}

/** Reads a table; see `tables/README.md` for the form. Throws with file and line what is not of it. */
function readTable(file: string, text: string): Flow[] {
  const flows: (Flow & { readonly lines: FlowLine[] })[] = [];
  let settings: Settings = { rules: { kind: "own", IPv4: "", IPv6: "" }, sysctls: {}, backends: ["nft", "legacy"] };
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? "").trim();
    const [word = "", ...rest] = line.split(/\s+/);
    if (line === "" || word === "#") continue;
    if ((word === "rules" || word === "rules6") && rest[0] === "{") {
      const end = lines.findIndex((each, at) => at > i && each.trim() === "}");
      const body = `${lines.slice(i + 1, end).join("\n")}\n`;
      const before: RuleSource = settings.rules;
      const other = word === "rules6" && before.kind === "own" ? before.IPv4 : "";
      const rules: RuleSource = {
        kind: "own",
        IPv4: word === "rules" ? body : other,
        IPv6: word === "rules6" ? body : "",
      };
      settings = word === "rules" ? { rules, sysctls: {}, backends: ["nft", "legacy"] } : { ...settings, rules };
      i = end;
    } else if (word === "rules") settings = { rules: readSource(rest), sysctls: {}, backends: ["nft", "legacy"] };
    else if (word === "sysctl") {
      const [name = "", value] = (rest[0] ?? "").split("=");
      settings = { ...settings, sysctls: { ...settings.sysctls, [name]: Number(value) } };
    } else if (word === "backend") settings = { ...settings, backends: rest as Backend[] };
    else if (word === "==") flows.push({ name: `${file}:${i + 1} ${rest.join(" ")}`, ...settings, lines: [] });
    else {
      const flow = flows.at(-1);
      if (flow === undefined) throw new Error(`${file}:${i + 1}: a row before the first title`);
      if (word === "wait") flow.lines.push({ kind: "wait", seconds: Number(rest[0]) });
      else flow.lines.push({ kind: "row", text: line, line: i + 1 });
    }
  }
  return flows;
}

/** All flows of all tables, in the order of the files' names. */
export function readFlows(): Flow[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".flows"));
  return files.sort().flatMap((file) => readTable(file, readFileSync(join(FOLDER, file), "utf8")));
}

/** How many rows flows have. */
export function countRows(flows: readonly Flow[]): number {
  return flows.reduce((sum, { lines }) => sum + lines.filter(({ kind }) => kind === "row").length, 0);
}
