import type { IPFamily } from "../../net/family.ts";
import type { Rule } from "./model.ts";
import { readRule } from "./read-rule.ts";
import type { RuleLine } from "./syntax.ts";

/** What of a line is told by its text: chain and all options, each part behind a character that none has. */
function keyOf({ chain, options, counters }: RuleLine): string | undefined {
  if (counters !== undefined) return undefined;
  let key = chain;
  for (let i = 0; i < options.length; i++) {
    const option = options[i];
    if (option === undefined) continue;
    key += option.negated ? `\0!${option.flag}` : `\0${option.flag}`;
    for (const word of option.args) key += typeof word === "string" ? `\u0001${word}` : `\u0002${word.quoted}`;
  }
  return key;
}

/** What a host remembers for each rule itself, and must not share with another rule of the same text. */
const remembers = ({ matches }: Rule): boolean =>
  matches.some(
    (match) =>
      match.kind === "limit" ||
      match.kind === "hashlimit" ||
      match.kind === "unknown" ||
      (match.kind === "statistic" && match.mode === "nth"),
  );

/**
 * `readRule` for several rule sets with many rules in common, such as those of a cluster's nodes: a line that was read before
 * gives the same rule again. Lines with counters or with a fault are read each time, and so are rules of
 * which a host remembers something.
 */
export function readOnce(): typeof readRule {
  const known: Readonly<Record<IPFamily, Map<string, Rule>>> = { IPv4: new Map(), IPv6: new Map() };
  return (line, family, report, place) => {
    const key = keyOf(line);
    if (key === undefined) return readRule(line, family, report, place);
    const found = known[family].get(key);
    if (found !== undefined) return found;
    let faultless = true;
    const rule = readRule(
      line,
      family,
      (finding) => {
        faultless = false;
        report?.(finding);
      },
      place,
    );
    if (faultless && !remembers(rule)) known[family].set(key, rule);
    return rule;
  };
}
