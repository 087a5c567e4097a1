import type { Effect, RuleRef } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import type { Packet } from "../kernel/packet.ts";
import { addressText, endpointText } from "../kernel/packet-text.ts";
import type { RouteDecision } from "../kernel/routing/decision.ts";
import { dyadic } from "../net/dyadic.ts";
import type { IPFamily } from "../net/family.ts";
import type { JourneyBranch } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { Leg, Way } from "../network/way.ts";
import { chanceText } from "./chance-text.ts";
import { type Names, type RuleWhy, whereText } from "./names.ts";
import { causeText } from "./outcome-text.ts";
import { chainLength, ruleAt, ruleText } from "./rule-text.ts";
import { setAnswerText } from "./set-answer-text.ts";
import { type Happening, type Step, stepsOf } from "./steps.ts";
import { connectionText, scheduledText } from "./virtual-server-text.ts";
import { wrap } from "./wrap.ts";

/** How a way is told. */
export interface StoryOptions {
  readonly names: Names;
  /** Every rule that was looked at, not only those that had a say. */
  readonly everything: boolean;
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
  /** Columns that a line may have, where it is not `WIDTH`. */
  readonly width?: number;
}

/** Columns that a line may have. */
export const WIDTH = 118;
const INDENT = 16;

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case "counted":
      return "counted";
    case "applied":
      return effect.change ?? effect.target;
    case "nat":
      return effect.target;
    case "rejected":
      return `rejected with ${effect.with}`;
    case "not-modelled":
      return `target ${effect.target} is not modelled`;
    case "jump":
    case "goto":
      return `${effect.kind === "jump" ? "to" : "goes to"} ${effect.chain}`;
    default:
      return effect.kind;
  }
}

/** The chance with which a rule is taken that balances; "" for others. */
function drawnText(host: Host, rule: RuleRef): string {
  for (const match of ruleAt(host, rule)?.matches ?? []) {
    if (match.kind !== "statistic" || match.mode !== "random") continue;
    const share = match.negated ? 0x80000000 - match.threshold : match.threshold;
    return `, drawn with chance ${chanceText(dyadic(BigInt(share), 31))}`;
  }
  return "";
}

function routeText(decision: RouteDecision, packet: Pick<Packet, "dst">, names: Names): string {
  switch (decision.kind) {
    case "local":
      return "to this node itself";
    case "unicast": {
      const next = decision.nextHop.address;
      const name = names.holder(next);
      const straight = addressText(next) === addressText(packet.dst);
      const by = straight ? "straight to" : "by way of";
      return `out by ${decision.device.name}, ${by} ${addressText(next)}${name === undefined ? "" : ` (${name})`}`;
    }
    case "refused":
      return decision.type === "none" ? "no route" : `${decision.type} route`;
    case "martian":
      return causeText({ kind: "martian", reason: decision.reason });
  }
}

/** Tells the legs of a way, one after the other; steps are numbered through. */
export class Story {
  readonly lines: string[] = [];
  /** Rules looked at so far. */
  looked = 0;
  #number = 0;
  readonly #network: Network;
  readonly #options: StoryOptions;

  constructor(network: Network, options: StoryOptions) {
    this.#network = network;
    this.#options = options;
  }

  way(branch: JourneyBranch, { legs }: Pick<Way, "legs">): void {
    for (const leg of legs) this.#leg(branch, leg);
  }

  #leg(branch: JourneyBranch, leg: Leg): void {
    const host = this.#network.node(leg.node)?.host;
    if (host === undefined) return;
    const { names, everything, strong } = this.#options;
    const { entrance } = leg;
    const entered = entrance.kind === "received" ? `comes in by ${entrance.inInterface}` : "sent by a process here";
    this.lines.push(`${strong(leg.node)}   ${entered}`);
    const why = (rule: RuleRef) => names.why(leg.node, rule);
    const steps = stepsOf(branch.events(leg), {
      everything,
      isPlumbing: (rule) => why(rule)?.kind === "jump",
      isTelling: (rule) => why(rule)?.kind === "unmarked-return",
    });
    let inAnswer = false;
    for (const step of steps) {
      if (step.kind === "answered") {
        inAnswer = false;
        continue;
      }
      if (step.kind === "answer") {
        inAnswer = true;
        this.#step("answer", [`the node sends ${step.what}`]);
        continue;
      }
      if (inAnswer && !everything) {
        if (step.kind === "hook") this.looked += step.looked;
        continue;
      }
      this.#tell(host, leg, step);
    }
  }

  #step(title: string, texts: readonly string[]): void {
    const { width = WIDTH } = this.#options;
    this.#number++;
    const head = `${String(this.#number).padStart(2)} ${title.padEnd(INDENT - 4)} `;
    this.lines.push(...wrap(head, INDENT, texts[0] ?? "", width));
    for (const text of texts.slice(1)) this.lines.push(...wrap(" ".repeat(INDENT), INDENT, text, width));
  }

  #tell(host: Host, leg: Leg, step: Extract<Step, { kind: "hook" | "routed" }>): void {
    const { names } = this.#options;
    if (step.kind === "routed") {
      this.#step(step.again ? "routed again" : "routing", [routeText(step.decision, leg.result.packet, names)]);
      return;
    }
    this.looked += step.looked;
    const texts = step.happenings.flatMap((each) => this.#texts(host, leg, each));
    if (texts.length === 0 && step.looked === 0) return;
    const none =
      step.looked === 1 ? "1 rule looked at, which has no say" : `${step.looked} rules looked at, none has a say`;
    this.#step(step.hook, texts.length === 0 ? [none] : texts);
  }

  #texts(host: Host, leg: Leg, happening: Happening): readonly string[] {
    const { names, faint } = this.#options;
    switch (happening.kind) {
      case "conntrack": {
        const { state, reason } = happening;
        return [`conntrack: ${state}${reason === undefined ? "" : ` (${reason})`}`];
      }
      case "virtual-server":
        return [scheduledText(happening)];
      case "ipvs-connection":
        return [connectionText(happening)];
      case "policy":
        return [`${happening.table}: the policy of ${happening.chain} is ${happening.policy}`];
      case "translated": {
        const { part, after, chosenFrom } = happening;
        const [address, port] = part === "source" ? [after.src, after.sport] : [after.dst, after.dport];
        const name = names.holder(address, port);
        const named = name === undefined ? "" : ` (${name})`;
        if (chosenFrom === undefined) return [`=> the ${part} becomes ${endpointText(address, port)}${named}`];
        const { from, to } = chosenFrom;
        return [`=> the ${part} becomes ${addressText(address)}${named}, its port drawn from ${from}-${to}`];
      }
      case "passed":
        return this.#passed(host, leg.packet.family, happening);
      case "rule": {
        const { rule, effect, sets } = happening;
        const why = names.why(leg.node, rule);
        const plain =
          effect.kind === "jump" || effect.kind === "goto" || effect.kind === "nat" || effect.kind === "returned";
        const kept = why?.kind === "unmarked-return" ? "not marked for masquerade: the source is kept" : undefined;
        const words = kept ?? why?.reason ?? effectText(effect);
        const outcome = why !== undefined && !plain ? ` => ${effectText(effect)}` : "";
        const where = why === undefined || kept !== undefined ? "" : whereText(this.#shortened(why));
        return [
          `${rule.table}: ${words}${words.includes("by chance") ? "" : drawnText(host, rule)}${outcome}${where === "" ? "" : ` (${where})`}`,
          faint(`  ${this.#ruleLine(host, rule, why === undefined)}`),
          ...sets.map((answer) => `  ${setAnswerText(answer)}`),
        ];
      }
    }
  }

  /** Settings of kube-proxy are few and known by their names: their places are told only with everything. */
  #shortened(why: RuleWhy): RuleWhy {
    const { place: _, ...rest } = why;
    return this.#options.everything || why.object !== "KubeProxyConfiguration" ? why : rest;
  }

  /** Comments say nothing more where objects tell why a rule is there. */
  #ruleLine(host: Host, rule: RuleRef, comments: boolean): string {
    return `${rule.chain} rule ${rule.number} of ${chainLength(host, rule)}: ${ruleText(host, rule, { comments })}`;
  }

  #passed(
    host: Host,
    family: IPFamily,
    { table, chain, from, count, sets = [] }: Extract<Happening, { kind: "passed" }>,
  ): readonly string[] {
    const { faint } = this.#options;
    const said = new Map(sets.map((each) => [each.number, each.sets]));
    return Array.from({ length: count }, (_, i) => {
      const rule: RuleRef = { family, table, chain, number: from + i };
      const answers = said.get(rule.number) ?? [];
      return [
        faint(`${table}: no match: ${this.#ruleLine(host, rule, true)}`),
        ...answers.map((answer) => faint(`  ${setAnswerText(answer)}`)),
      ];
    }).flat();
  }
}
