import { matchModule } from "./matches/registry.ts";
import type { Match, Rule, Target } from "./model.ts";
import { type Negatable, negatableOption } from "./module.ts";
import { formatProtocol } from "./protocols.ts";
import { not, type Option, option, type RuleLine } from "./syntax.ts";
import { targetModule } from "./targets/registry.ts";
import { formatMaskedAddress } from "./values.ts";

/**
 * The rule as iptables-save prints it (kernel-semantics §6.2 to §6.4): fixed order, every default spelled out. Counters
 * become those of the line. The same for both back ends.
 */
export function writeRule(rule: Rule): RuleLine {
  const options: Option[] = [];
  addGeneral(options, "-s", rule.source, formatMaskedAddress);
  addGeneral(options, "-d", rule.destination, formatMaskedAddress);
  addGeneral(options, "-i", rule.inInterface, interfaceName);
  addGeneral(options, "-o", rule.outInterface, interfaceName);
  addGeneral(options, "-p", rule.protocol, formatProtocol);
  if (rule.fragment !== undefined) options.push(rule.fragment.negated ? not(option("-f")) : option("-f"));
  for (const match of rule.matches) options.push(...writeMatch(match));
  if (rule.target !== undefined) options.push(...writeTarget(rule.target));
  const line = { kind: "rule", command: "-A", chain: rule.chain, options } as const;
  return rule.counters === undefined ? line : { ...line, counters: rule.counters };
}

const interfaceName = (name: string): string => name;

/** Adds the option of a value when there is one: most rules have none of most. */
function addGeneral<T>(
  options: Option[],
  flag: string,
  given: Negatable<T> | undefined,
  format: (value: T) => string,
): void {
  if (given !== undefined) options.push(...negatableOption(flag, given, format));
}

function writeMatch(match: Match): readonly Option[] {
  if (match.kind === "unknown")
    return match.module === "" ? match.options : [loadMatch(match.module), ...match.options];
  return [loadMatch(match.kind), ...(matchModule(match.kind)?.format(match) ?? [])];
}

const loaded = new Map<string, Option>();

/** `-m NAME`; one object for each name, because most rules have several. */
function loadMatch(name: string): Option {
  let found = loaded.get(name);
  if (found === undefined) {
    found = option("-m", name);
    if (loaded.size < 1000) loaded.set(name, found);
  }
  return found;
}

function writeTarget(target: Target): readonly Option[] {
  switch (target.kind) {
    case "jump":
      return [option("-j", target.chain)];
    case "goto":
      return [option("-g", target.chain)];
    case "unknown":
      return [option("-j", target.module), ...target.options];
    default:
      return [option("-j", target.kind), ...(targetModule(target.kind)?.format(target) ?? [])];
  }
}
