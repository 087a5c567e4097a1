import type { Effect, Event, PacketView, RuleRef } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import type { Result } from "../kernel/outcome.ts";
import type { Address } from "../kernel/packet.ts";
import { addressText, endpointText, packetText } from "../kernel/packet-text.ts";
import type { RouteDecision } from "../kernel/routing/decision.ts";
import { type Dyadic, dyadicToNumber, equalDyadic, oneDyadic } from "../net/dyadic.ts";
import { outcomeText } from "./outcome-text.ts";
import { ruleName, ruleText } from "./rule-text.ts";
import type { Trace, TraceBranch } from "./trace.ts";

/** How a trace is printed; `color` takes the words that matter. */
export interface TraceTextOptions {
  /** Every way, not only the first. */
  readonly all: boolean;
  readonly strong: (text: string) => string;
  /** Why a rule is there, one line; `undefined` where nobody knows. */
  readonly reason?: (rule: RuleRef) => string | undefined;
}

/** A chance as people say it: `1/3` for the kernel's 715827883/2^31. */
export function chanceText(probability: Dyadic): string {
  if (equalDyadic(probability, oneDyadic)) return "always";
  const value = dyadicToNumber(probability);
  const denominator = Math.round(1 / value);
  if (denominator < 1000 && Math.abs(value * denominator - 1) < 1e-6)
    return value * denominator === 1 ? `1/${denominator}` : `≈1/${denominator}`;
  return value < 1e-6 ? value.toExponential(2) : value.toFixed(6);
}

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case "counted":
      return "counted";
    case "jump":
    case "goto":
      return `${effect.kind === "jump" ? "to" : "goes to"} ${effect.chain}`;
    case "applied":
      return effect.change ?? effect.target;
    case "nat":
      return effect.target;
    case "rejected":
      return `rejected with ${effect.with}`;
    case "not-modelled":
      return `target ${effect.target} is not modelled`;
    default:
      return effect.kind;
  }
}

function routeText(decision: RouteDecision): string {
  switch (decision.kind) {
    case "local":
      return "to this host itself";
    case "unicast":
      return `out by ${decision.device.name}, next hop ${addressText(decision.nextHop.address)}`;
    case "refused":
      return decision.type === "none" ? "no route" : `${decision.type} route`;
    case "martian":
      return `impossible addresses (${decision.reason})`;
  }
}

const viewText = (view: PacketView): string =>
  `${endpointText(view.src, view.sport)} -> ${endpointText(view.dst, view.dport)}`;

const interfaces = (inInterface: string, outInterface: string): string =>
  [inInterface === "" ? "" : `in ${inInterface}`, outInterface === "" ? "" : `out ${outInterface}`]
    .filter((text) => text !== "")
    .join(" ");

/** Prints events line by line; rules that did not match are counts. */
class Lines {
  readonly lines: string[] = [];
  #host: Host;
  #reason: (rule: RuleRef) => string | undefined;
  #table = "";
  #passed = 0;
  looked = 0;

  constructor(host: Host, reason: ((rule: RuleRef) => string | undefined) | undefined) {
    this.#host = host;
    this.#reason = reason ?? (() => undefined);
  }

  #flush(): void {
    if (this.#passed > 0 && this.#table !== "") {
      const rules = this.#passed === 1 ? "1 rule does" : `${this.#passed} rules do`;
      this.lines.push(`      ${this.#table.padEnd(9)}${rules} not match`);
    }
    this.#passed = 0;
  }

  add(event: Event): void {
    switch (event.kind) {
      case "hook":
        this.#flush();
        this.lines.push(`  ${event.hook.padEnd(12)}${interfaces(event.inInterface, event.outInterface)}`);
        return;
      case "table":
        this.#flush();
        this.#table = event.table;
        return;
      case "passed":
        this.#passed += event.count;
        this.looked += event.count;
        return;
      case "matched": {
        this.#flush();
        this.looked++;
        const { rule, effect } = event;
        const place = `${rule.table.padEnd(9)}${rule.chain} ${rule.number}`;
        this.lines.push(`      ${place.padEnd(44)} ${effectText(effect)}`);
        this.lines.push(`        ${ruleText(this.#host, rule)}`);
        const reason = this.#reason(rule);
        if (reason !== undefined) this.lines.push(`        why: ${reason}`);
        return;
      }
      case "returned":
        return;
      case "policy":
        this.#flush();
        if (event.policy !== "ACCEPT")
          this.lines.push(`      ${event.table.padEnd(9)}policy of ${event.chain}: ${event.policy}`);
        return;
      case "conntrack": {
        this.#flush();
        const reason = event.reason === undefined ? "" : ` (${event.reason})`;
        this.lines.push(`      conntrack ${event.state}${reason}`);
        return;
      }
      case "confirmed":
        this.#flush();
        return;
      case "translated": {
        this.#flush();
        const chosen = event.chosenFrom;
        const range = chosen === undefined ? "" : `, port one of ${chosen.from}-${chosen.to}`;
        this.lines.push(
          `      ${event.part} becomes ${this.#end(event.after, event.part)}${range}   ${viewText(event.after)}`,
        );
        return;
      }
      case "routed":
        this.#flush();
        this.lines.push(`  ${(event.again ? "routed again" : "routing").padEnd(12)} ${routeText(event.decision)}`);
        return;
      case "ttl":
        return;
      case "answer":
        this.#flush();
        this.lines.push(`  ANSWER      ${event.what}`);
        return;
      case "answered":
        this.#flush();
        this.lines.push("  (end of the answer)");
        return;
    }
  }

  #end(view: PacketView, part: "source" | "destination"): string {
    return part === "source" ? endpointText(view.src, view.sport) : endpointText(view.dst, view.dport);
  }

  finish(): void {
    this.#flush();
  }
}

/** Who wrote the rule that ended the packet's way, and why. */
function whyLines({ outcome }: Result, { strong, reason }: TraceTextOptions): string[] {
  const rule =
    outcome.kind === "rejected"
      ? outcome.rule
      : outcome.kind === "dropped" && outcome.cause.kind === "rule"
        ? outcome.cause.rule
        : undefined;
  const text = rule === undefined ? undefined : reason?.(rule);
  return text === undefined ? [] : [`${strong("WHY")}     ${text}`];
}

function branchLines(trace: Trace, branch: TraceBranch, options: TraceTextOptions): string[] {
  const { strong } = options;
  const lines = new Lines(trace.host, options.reason);
  for (const event of branch.events()) lines.add(event);
  lines.finish();
  const { result, assumptions } = branch;
  const end = `${strong("RESULT")}  ${outcomeText(result.outcome)}   ${packetText(result.packet)}   ${lines.looked === 1 ? "1 rule" : `${lines.looked} rules`} looked at`;
  return [
    ...lines.lines,
    ...assumptions.map(({ what, holds }) => {
      const place = what.rule === undefined ? "" : ` (${ruleName(what.rule)})`;
      return `ASSUMED${holds ? "" : " that it is not so:"} ${what.what}${place}`;
    }),
    end,
    ...whyLines(result, options),
    ...result.answers.map((answer) => `ANSWER  ${packetText(answer.packet)}   ${outcomeText(answer.outcome)}`),
  ];
}

/** The source of a packet at its first hook. */
function sourceOf(branches: readonly TraceBranch[]): Address | undefined {
  const first = branches[0]?.events().find((event) => event.kind === "hook");
  return first?.kind === "hook" ? first.view.src : undefined;
}

/** A trace as people read it, piece by piece. */
export function* traceText(trace: Trace, options: TraceTextOptions): Generator<string> {
  const { packet, entrance, host, branches } = trace;
  const from = entrance.kind === "received" ? `comes in by ${entrance.inInterface}` : "sent by this host";
  // a source that routing chose is known from the way it went
  const chosen = entrance.kind === "sent" && entrance.options.anySource === true ? sourceOf(branches) : undefined;
  const shownPacket = chosen === undefined ? packet : { ...packet, src: chosen };
  const lines = [`${options.strong("PACKET")}  ${packetText(shownPacket)}   ${from}   node ${host.name}`];
  yield block(lines);
  const shown = options.all ? branches : branches.slice(0, 1);
  for (const [i, branch] of shown.entries()) {
    if (options.all && branches.length > 1)
      yield `\n${options.strong(`WAY ${i + 1}`)}   ${chanceText(branch.probability)}\n`;
    yield block(branchLines(trace, branch, options));
  }
  yield block(fateLines(trace, options));
}

const block = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** The fates with their chances, where there is more than one or an open question. */
function fateLines({ branches, verdict, complete }: Trace, { strong }: TraceTextOptions): string[] {
  const lines: string[] = [];
  if (verdict.length > 1 || verdict.some(({ unknown }) => unknown !== undefined)) {
    lines.push(strong("FATES"));
    for (const each of verdict) {
      const branch = branches[each.branch];
      if (branch === undefined) continue;
      const text =
        each.unknown === undefined
          ? `${outcomeText(branch.result.outcome)}   ${packetText(branch.result.packet)}`
          : outcomeText({ kind: "unknown", what: each.unknown });
      lines.push(`  ${chanceText(each.probability).padEnd(10)} ${text}`);
    }
  }
  if (!complete) lines.push(`NOTE    there are more ways than the ${branches.length} that were followed`);
  return lines;
}
