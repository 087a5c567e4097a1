import type { RuleRef } from "../kernel/event.ts";
import type { JourneyBranch } from "../network/journey.ts";
import { type Names, whereText } from "./names.ts";
import { ruleName } from "./rule-text.ts";

/**
 * Why the receiver does not see the sender's address: the rule that had the packet marked for it, else the rule that rewrote
 * its source. `undefined` when nothing rewrote it. The last rewriting counts.
 */
export function sourceReason(branch: JourneyBranch, names: Names): string | undefined {
  let found: string | undefined;
  for (const leg of branch.journey.there.legs) {
    let jump: RuleRef | undefined;
    let marked: RuleRef | undefined;
    let nat: RuleRef | undefined;
    for (const event of branch.events(leg)) {
      if (event.kind === "matched") {
        const { effect, rule } = event;
        if (effect.kind === "jump" || effect.kind === "goto") jump = rule;
        else if (effect.kind === "applied" && effect.change?.startsWith("mark ") === true) marked ??= jump;
        else if (effect.kind === "nat") nat = rule;
      } else if (event.kind === "translated" && event.part === "source") {
        const rule = marked ?? nat;
        const why = rule === undefined ? undefined : names.why(leg.node, rule);
        const where = why === undefined ? "" : whereText(why);
        const words = why?.reason ?? (rule === undefined ? "a known connection does so" : ruleName(rule));
        found = `source: rewritten on ${leg.node}, because ${words}${where === "" ? "" : ` (${where})`}`;
      }
    }
  }
  return found;
}

/** The endpoint that the packet was given to: the rule that rewrote its destination last, with what is known of the endpoint. */
export function endpointReason(branch: JourneyBranch, names: Names): string | undefined {
  let found: string | undefined;
  for (const leg of branch.journey.there.legs)
    for (const event of branch.events(leg)) {
      if (event.kind !== "matched" || event.effect.kind !== "nat") continue;
      const why = names.why(leg.node, event.rule);
      if (why?.note !== undefined) found = `endpoint: ${whereText(why)}`;
    }
  return found;
}
