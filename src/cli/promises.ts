import { promisedNodes } from "../assembly/promised-nodes.ts";
import { readManifests } from "../manifest/read-manifests.ts";
import type { Report } from "../text/diagnostic.ts";
import { reportPromises } from "../verify/promises/report.ts";
import { clusterSources } from "./cluster-input.ts";
import { type HeldSide, newsOf, promisesJSON, promisesMarkdown, promisesText } from "./promises-text.ts";
import { familiesOf, type MadeSide, makeSide, nodesOf, type SideOptions, variantsOf } from "./sides.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";

const EXIT_FINDINGS = 1;
/** The first release that the list of deviations was reviewed for. */
const REVIEWED_SINCE = 25;

/** Holds the nodes to promises under one mode and release. */
function holdSide(side: MadeSide, options: SideOptions): readonly HeldSide[] {
  const nodes = nodesOf(side, options);
  const nodeAt = promisedNodes(side.cluster, side.network, side.options);
  return nodes.flatMap((node) =>
    familiesOf(side, nodes, options).flatMap((family) => {
      const held = nodeAt(node, family);
      return held === undefined
        ? []
        : [{ side: side.name, isReviewed: side.options.release.minor >= REVIEWED_SINCE, found: reportPromises(held) }];
    }),
  );
}

/** `rulewalk diff --promises`: which packets do not fare as Kubernetes' documentation promises; the exit code. */
export function runPromises(options: SideOptions, values: Readonly<Record<string, unknown>>): number {
  if (options.with !== undefined) throw new UsageError("--promises holds one set of objects to what it promises");
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || options.verbose === true) found.report(diagnostic);
  };
  try {
    const { validate } = options;
    const { node: _, ...rest } = options;
    const manifests = readManifests(clusterSources(rest, report), { validate }, report);
    const all: HeldSide[] = [];
    for (const [i, variant] of variantsOf(options, "iptables").entries()) {
      const side = makeSide(manifests, variant, options, values, i === 0 ? report : () => {});
      if (side === undefined || found.hasErrors()) return EXIT_USAGE;
      all.push(...holdSide(side, options));
    }
    found.print();
    const { output } = options;
    const printed =
      output === "json" ? [promisesJSON(all)] : output === "markdown" ? promisesMarkdown(all) : promisesText(all);
    for (const piece of printed) process.stdout.write(piece);
    return all.some((each) => newsOf(each.found).length > 0) ? EXIT_FINDINGS : 0;
  } finally {
    found.print();
  }
}
