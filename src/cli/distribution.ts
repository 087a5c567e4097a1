import { subjectsAt } from "../assembly/subjects.ts";
import { isOwnAddress } from "../kernel/run.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import { compareSpread } from "../verify/equivalence/spread.ts";
import { distributionJSON, hasFinding, type NodeSpread, spreadText } from "./distribution-text.ts";
import { type MadeSide, makePair, nodesOf, type Pair, pairOf, type SideOptions, servedFamilies } from "./sides.ts";
import type { Run } from "./terminal.ts";

/** Connections of a scheduler that are told. */
const COUNT = 8;

function spreadOf([left, right]: Pair<MadeSide>, options: SideOptions): readonly NodeSpread[] {
  const nodes = nodesOf(left, options);
  return nodes.flatMap((node) =>
    servedFamilies(left, nodes, options).flatMap((family): NodeSpread[] => {
      const [a, b] = [left, right].map(({ network }) => network.node(node)?.host);
      if (a === undefined || b === undefined) return [];
      const subjectOf = subjectsAt(left.cluster, node, (text) => {
        const ip = parseIP(text);
        return ip !== undefined && isOwnAddress(a, addressOf(ip));
      });
      const sides = [
        { name: left.name, host: a },
        { name: right.name, host: b },
      ] as const;
      return [{ node, found: compareSpread(...sides, family, subjectOf, COUNT) }];
    }),
  );
}

/** `rulewalk diff --strength distribution`: how likely each endpoint is on two sides, or whose turn it is. */
export function runDistribution(
  options: SideOptions,
  values: Readonly<Record<string, unknown>>,
  form: "text" | "json" | "markdown",
): Run {
  return (report, hasErrors) => {
    const made = makePair(pairOf(options, true), options, values, report);
    if (made === undefined || hasErrors()) return undefined;
    const all = spreadOf(made, options);
    return {
      text: form === "json" ? [distributionJSON(all)] : spreadText(all, form === "markdown"),
      hasFindings: all.some(hasFinding),
    };
  };
}
