import type { Endpoint } from "../../proxy/endpoints.ts";
import type { PortDecision } from "../../proxy/state.ts";
import type { ChainLine, Line, RuleLine } from "../../rules/iptables/syntax.ts";
import type { RuleKind, RuleOrigin } from "./provenance.ts";
import type { Options } from "./words.ts";

const ZERO = { packets: "0", bytes: "0" } as const;

/**
 * One table of a restore text while it is written: chain lines and rule lines, and for each rule line where it comes
 * from, in parallel arrays (a node of 10,000 Services has 300,000 rules, so a rule costs no origin object).
 */
export interface TableDraft {
  readonly name: string;
  readonly chains: ChainLine[];
  readonly rules: RuleLine[];
  readonly kinds: RuleKind[];
  readonly decisions: (PortDecision | undefined)[];
  /** The endpoint of the rule, or the index of its address in the Service's list. */
  readonly details: (Endpoint | number | undefined)[];
}

/** An empty table. */
export function tableDraft(name: string): TableDraft {
  return { name, chains: [], rules: [], kinds: [], decisions: [], details: [] };
}

/** Adds `:NAME - [0:0]`: the chain is created, or emptied when it exists. */
export function addChain(table: TableDraft, name: string): void {
  table.chains.push({ kind: "chain", name, policy: "-", counters: ZERO });
}

/** Adds `-A CHAIN OPTIONS`. */
export function addRule(
  table: TableDraft,
  chain: string,
  options: Options,
  kind: RuleKind,
  decision?: PortDecision,
  detail?: Endpoint | number,
): void {
  table.rules.push({ kind: "rule", command: "-A", chain, options });
  table.kinds.push(kind);
  table.decisions.push(decision);
  table.details.push(detail);
}

/** The table's lines: `*name`, chain lines, rule lines, `COMMIT`. */
export function tableLines(table: TableDraft): Line[] {
  const lines: Line[] = [{ kind: "table", name: table.name }];
  for (const chain of table.chains) lines.push(chain);
  for (const rule of table.rules) lines.push(rule);
  lines.push({ kind: "commit" });
  return lines;
}

/** Where rule number `i` (0-based, in written order) of the table comes from. */
export function originOf(table: TableDraft, i: number): RuleOrigin | undefined {
  const kind = table.kinds[i];
  if (kind === undefined) return undefined;
  const detail = table.details[i];
  return typeof detail === "object"
    ? { kind, decision: table.decisions[i], endpoint: detail, index: detail.index }
    : { kind, decision: table.decisions[i], endpoint: undefined, index: detail };
}
