import type { Endpoint } from "../../proxy/endpoints.ts";
import type { PortDecision } from "../../proxy/state.ts";
import { writeOptions } from "../../rules/iptables/format.ts";
import type { ChainLine, Line, RuleLine } from "../../rules/iptables/syntax.ts";
import { TextWriter } from "../../text/textwriter.ts";
import type { RuleKind, RuleKindFacts, RuleOrigin } from "./provenance.ts";
import type { Options } from "./words.ts";

/** Where the rules of one table go while they are made: into a syntax tree, or straight into text. */
export interface TableSink<Kind extends string = RuleKind> {
  /** Adds `:NAME - [0:0]`: the chain is created, or emptied when it exists. */
  chain(name: string): void;
  /** Adds `-A CHAIN OPTIONS`; `detail` is the endpoint, or the index of the address in the Service's list. */
  rule(chain: string, options: Options, kind: Kind, decision?: PortDecision, detail?: Endpoint | number): void;
}

const ZERO = { packets: "0", bytes: "0" } as const;

/**
 * One table as a syntax tree: chain lines and rule lines, and for each rule line where it comes from, in parallel
 * arrays (a node of 10,000 Services has 300,000 rules, so a rule costs no origin object).
 */
export class TableTree<Kind extends string = RuleKind> implements TableSink<Kind> {
  readonly name: string;
  readonly chains: ChainLine[] = [];
  readonly rules: RuleLine[] = [];
  private readonly facts: Readonly<Record<Kind, RuleKindFacts>>;
  private readonly kinds: Kind[] = [];
  private readonly decisions: (PortDecision | undefined)[] = [];
  private readonly details: (Endpoint | number | undefined)[] = [];

  /** `facts` tells of each kind of rule that is written. */
  constructor(name: string, facts: Readonly<Record<Kind, RuleKindFacts>>) {
    this.name = name;
    this.facts = facts;
  }

  chain(name: string): void {
    this.chains.push({ kind: "chain", name, policy: "-", counters: ZERO });
  }

  rule(chain: string, options: Options, kind: Kind, decision?: PortDecision, detail?: Endpoint | number): void {
    this.rules.push({ kind: "rule", command: "-A", chain, options });
    this.kinds.push(kind);
    this.decisions.push(decision);
    this.details.push(detail);
  }

  /** The table's lines: `*name`, chain lines, rule lines, `COMMIT`. */
  lines(): Line[] {
    return ([{ kind: "table", name: this.name }] as Line[]).concat(this.chains, this.rules, [{ kind: "commit" }]);
  }

  /** Where rule number `i` (0-based, in written order) comes from. */
  origin(i: number): RuleOrigin<Kind> | undefined {
    const kind = this.kinds[i];
    if (kind === undefined) return undefined;
    const detail = this.details[i];
    const facts = this.facts[kind];
    return typeof detail === "object"
      ? { kind, facts, decision: this.decisions[i], endpoint: detail, index: detail.index }
      : { kind, facts, decision: this.decisions[i], endpoint: undefined, index: detail };
  }
}

/** One table as text; nothing but the bytes is kept. */
export class TableText implements TableSink {
  private readonly name: string;
  private readonly chains = new TextWriter();
  private readonly rules = new TextWriter();

  constructor(name: string) {
    this.name = name;
  }

  chain(name: string): void {
    this.chains.text(":");
    this.chains.text(name);
    this.chains.text(" - [0:0]\n");
  }

  rule(chain: string, options: Options): void {
    this.rules.text("-A ");
    this.rules.text(chain);
    writeOptions(this.rules, options);
    this.rules.text("\n");
  }

  /** Appends the whole table. */
  writeTo(out: TextWriter): void {
    out.text(`*${this.name}\n`);
    out.append(this.chains);
    out.append(this.rules);
    out.text("COMMIT\n");
  }
}
