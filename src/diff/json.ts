import { packetText } from "../kernel/packet-text.ts";
import type { DifferenceGroup } from "../verify/equivalence/report.ts";
import type { Diff, NodeComparison } from "./compare-nodes.ts";
import { findingsOf, statusOf } from "./merge.ts";
import { sendingOf } from "./reproduce.ts";

/** Counts up when a field changes its meaning or goes. */
const VERSION = 1;

function groupJSON(diff: Diff, comparison: NodeComparison, group: DifferenceGroup): object {
  const { subject, intended, allowed, impact, from, kinds, classes, packets, example, inInterface, fates } = group;
  const { sides } = comparison.found;
  const commands = diff.setting.sides.map((side) => {
    const { args } = sendingOf(side, { example, inInterface, fates, comparison });
    return ["rulewalk", "trace", ...side.args, ...args];
  });
  return {
    service: subject?.service ?? null,
    port: subject?.port ?? null,
    by: subject?.by ?? null,
    status: statusOf(group),
    impact,
    reason: intended?.id ?? null,
    advice: intended?.advice ?? null,
    accepted: allowed?.reason ?? null,
    from,
    kinds,
    classes,
    packets: `${packets}`,
    example: packetText(example),
    inInterface: inInterface ?? null,
    [sides[0]]: [...fates[0].values()],
    [sides[1]]: [...fates[1].values()],
    commands,
  };
}

/** For programs: each node and family by itself; sizes as texts, as they do not fit into numbers. */
export function diffJSON(diff: Diff): string {
  const nodes = diff.comparisons.map((comparison) => {
    const { node, found } = comparison;
    return {
      node,
      family: found.family,
      sides: found.sides,
      classes: found.classes,
      packets: `${found.packets}`,
      differing: found.differing,
      findings: findingsOf(found).length,
      excused: Object.fromEntries(found.excused),
      notExhaustive: [...found.notExhaustive],
      finerThanNeeded: [...found.inexact],
      differences: found.groups.map((group) => groupJSON(diff, comparison, group)),
    };
  });
  return `${JSON.stringify({ version: VERSION, nodes }, undefined, 2)}\n`;
}
