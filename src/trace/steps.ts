import type { Effect, Event, Hook, PacketView, RuleRef, SetAnswer } from "../kernel/event.ts";

/** One thing that happened at a step: a rule that matched, or an event as it was. */
export type Happening =
  | {
      readonly kind: "rule";
      readonly rule: RuleRef;
      readonly effect: Effect;
      /** What sets said to it. */
      readonly sets: readonly SetAnswer[];
    }
  | Extract<
      Event,
      { readonly kind: "passed" | "policy" | "conntrack" | "translated" | "virtual-server" | "ipvs-connection" }
    >;

/** A hook, a routing decision, or the beginning or end of what the host sends because of the packet. */
export type Step =
  | {
      readonly kind: "hook";
      readonly hook: Hook;
      readonly inInterface: string;
      readonly outInterface: string;
      readonly view: PacketView;
      readonly happenings: readonly Happening[];
      /** Rules looked at in this hook, those left out of `happenings` included. */
      readonly looked: number;
    }
  | Extract<Event, { readonly kind: "routed" | "answer" | "answered" }>;

export interface StepOptions {
  /** Everything: also rules that were passed over, and jumps that led to nothing. */
  readonly everything: boolean;
  /** A rule that only leads into other chains: left out even where something comes of it. */
  readonly isPlumbing: (rule: RuleRef) => boolean;
  /** A RETURN that says something to a reader. */
  readonly isTelling: (rule: RuleRef) => boolean;
}

type OpenHook = Extract<Step, { kind: "hook" }> & { happenings: Happening[]; looked: number };

/** Collects the events of one packet's way through one host into steps. */
class Collector {
  readonly steps: Step[] = [];
  readonly #options: StepOptions;
  #hook: OpenHook | undefined;
  /** For each jump that is being followed: how many happenings stood before it. */
  #jumps: number[] = [];

  constructor(options: StepOptions) {
    this.#options = options;
  }

  add(event: Event): void {
    switch (event.kind) {
      case "hook": {
        const { hook, inInterface, outInterface, view } = event;
        this.#hook = { kind: "hook", hook, inInterface, outInterface, view, happenings: [], looked: 0 };
        this.#jumps = [];
        this.steps.push(this.#hook);
        return;
      }
      case "table":
        this.#jumps = [];
        return;
      case "routed":
      case "answer":
      case "answered":
        this.steps.push(event);
        return;
      case "confirmed":
      case "ttl":
        return;
      default:
        this.#happen(event);
    }
  }

  #happen(
    event: Exclude<Event, { kind: "hook" | "table" | "routed" | "answer" | "answered" | "confirmed" | "ttl" }>,
  ): void {
    const hook = this.#hook;
    if (hook === undefined) return;
    const { happenings } = hook;
    switch (event.kind) {
      case "passed":
        hook.looked += event.count;
        if (this.#options.everything) happenings.push(event);
        return;
      case "matched":
        hook.looked++;
        this.#matched(hook, event);
        return;
      case "returned":
        this.#returned(happenings);
        return;
      case "policy":
        if (event.policy !== "ACCEPT" || this.#options.everything) happenings.push(event);
        return;
      case "conntrack":
      case "translated":
      case "virtual-server":
      case "ipvs-connection":
        happenings.push(event);
        return;
    }
  }

  #matched({ happenings }: OpenHook, { rule, effect, sets = [] }: Extract<Event, { kind: "matched" }>): void {
    if (effect.kind === "jump") this.#jumps.push(happenings.length);
    happenings.push({ kind: "rule", rule, effect, sets });
  }

  /** Back from a chain: where nothing came of it, the jump is not told either. */
  #returned(happenings: Happening[]): void {
    const from = this.#jumps.pop();
    if (from === undefined || this.#options.everything) return;
    const came = happenings.slice(from).some((each) => this.#counts(each));
    if (!came) happenings.length = from;
  }

  #counts(happening: Happening): boolean {
    if (happening.kind !== "rule") return true;
    const { effect, rule } = happening;
    if (effect.kind === "returned") return this.#options.isTelling(rule);
    return effect.kind !== "jump" && effect.kind !== "goto";
  }

  finish(): readonly Step[] {
    if (this.#options.everything) return this.steps;
    return this.steps.map((step) =>
      step.kind === "hook" ? { ...step, happenings: step.happenings.filter((each) => this.#isTold(each)) } : step,
    );
  }

  #isTold(happening: Happening): boolean {
    if (happening.kind !== "rule") return true;
    const { effect, rule } = happening;
    if (effect.kind === "jump" || effect.kind === "goto") return !this.#options.isPlumbing(rule);
    return effect.kind !== "returned" || this.#options.isTelling(rule);
  }
}

/** The steps of a packet's way through one host, from its events. */
export function stepsOf(events: readonly Event[], options: StepOptions): readonly Step[] {
  const collector = new Collector(options);
  for (const event of events) collector.add(event);
  return collector.finish();
}
