import type { IPFamily } from "../../net/family.ts";
import type { Match, Rule, Target } from "./model.ts";
import type { Negatable } from "./module.ts";
import { OptionReader } from "./option-reader.ts";
import { matchFlags, targetFlags } from "./options.ts";
import { formatProtocol, parseProtocol } from "./protocols.ts";
import { readRule } from "./read-rule.ts";
import { wordText } from "./syntax.ts";

/** What a rule says of its protocol, and the matches and targets that were read behind it; `null`: left to the general reader. */
export interface ProtocolContext {
  readonly protocol: Negatable<number> | undefined;
  readonly text: string;
  readonly matches: Map<string, Match | null>;
  readonly targets: Map<string, Target | null>;
}

/** More distinct texts than this are not worth their memory. */
const MOST_KEPT = 50_000;

function counts({ kind }: Match): boolean {
  return kind === "statistic" || kind === "limit" || kind === "hashlimit" || kind === "connlimit";
}

/**
 * Matches and targets by their texts, read once by the general reader: behind one protocol equal texts mean the same, and
 * their values are shared.
 */
export class LearnedParts {
  readonly anyProtocol: ProtocolContext = { protocol: undefined, text: "", matches: new Map(), targets: new Map() };
  readonly #family: IPFamily;
  readonly #contexts = new Map<string, ProtocolContext>();

  constructor(family: IPFamily) {
    this.#family = family;
  }

  /** The context of `-p NAME`; `undefined` for a name that is no protocol's, and for "all". */
  context(negated: boolean, name: string): ProtocolContext | undefined {
    const key = negated ? `! ${name}` : name;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const value = parseProtocol(name);
    if (value === undefined || value === 0) return undefined;
    const text = `${negated ? "! " : ""}-p ${formatProtocol(value)} `;
    const context = { protocol: { negated, value }, text, matches: new Map(), targets: new Map() };
    this.#contexts.set(key, context);
    return context;
  }

  /** What `-m NAME …` means, `null` when only the whole line can tell. */
  match(context: ProtocolContext, text: string): Match | null {
    let match = context.matches.get(text);
    if (match === undefined) {
      match = this.#read(context, text)?.matches[0] ?? null;
      if (context.matches.size < MOST_KEPT) context.matches.set(text, match);
    }
    // a match that counts belongs to one rule: whoever keeps its count knows it by its identity
    return match !== null && counts(match) ? { ...match } : match;
  }

  /** What `-j NAME …` means when it is no jump, else `null`: whether there is such a chain is not known here. */
  target(context: ProtocolContext, text: string): Target | null {
    let target = context.targets.get(text);
    if (target === undefined) {
      target = this.#read(context, text)?.target ?? null;
      if (target?.kind === "jump" || target?.kind === "goto") return null;
      if (context.targets.size < MOST_KEPT) context.targets.set(text, target);
    }
    return target;
  }

  /**
   * What the general reader makes of one match or target behind the rule's protocol: `undefined` unless it finds
   * nothing to say and each option is the module's own by its full name, so that no other module can change its meaning.
   */
  #read(context: ProtocolContext, text: string): Rule | undefined {
    const line = `-A K ${context.text}${text}`;
    let clean = true;
    const report = (): void => {
      clean = false;
    };
    const read = new OptionReader({ name: "", text: line }, report, "script").readLine(0, line.length);
    if (read?.kind !== "rule") return undefined;
    const [load, ...own] = context === this.anyProtocol ? read.options : read.options.slice(1);
    const name = wordText(load?.args[0] ?? "");
    const flags = load?.flag === "-m" ? matchFlags.get(name) : targetFlags.get(name);
    if (!own.every(({ flag }) => flags?.has(flag) === true)) return undefined;
    const rule = readRule(read, this.#family, report);
    return clean ? rule : undefined;
  }
}
