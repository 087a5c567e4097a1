import { promisedNodes } from "../assembly/promised-nodes.ts";
import { reportPromises } from "../verify/promises/report.ts";
import { type HeldSide, newsOf, promisesJSON, promisesMarkdown, promisesText } from "./promises-text.ts";
import {
  type MadeSide,
  makeSide,
  nodesOf,
  readObjects,
  type SideOptions,
  servedFamilies,
  variantsOf,
} from "./sides.ts";
import { type Run, UsageError } from "./terminal.ts";

/** The first release that the list of deviations was reviewed for. */
const REVIEWED_SINCE = 25;

/** Holds the nodes to promises under one mode and release. */
function holdSide(side: MadeSide, options: SideOptions): readonly HeldSide[] {
  const nodes = nodesOf(side, options);
  const nodeAt = promisedNodes(side.cluster, side.network, side.options);
  return nodes.flatMap((node) =>
    servedFamilies(side, nodes, options).flatMap((family) => {
      const held = nodeAt(node, family);
      return held === undefined
        ? []
        : [{ side: side.name, isReviewed: side.options.release.minor >= REVIEWED_SINCE, found: reportPromises(held) }];
    }),
  );
}

/** `rulewalk diff --promises`: which packets do not fare as Kubernetes' documentation promises. */
export function runPromises(
  options: SideOptions,
  values: Readonly<Record<string, unknown>>,
  form: "text" | "json" | "markdown",
): Run {
  return (report, hasErrors) => {
    if (options.with !== undefined) throw new UsageError("--promises holds one set of objects to what it promises");
    const manifests = readObjects(options, options.filename, report);
    const all: HeldSide[] = [];
    for (const [i, variant] of variantsOf(options).entries()) {
      const side = makeSide(manifests, variant, options, values, i === 0 ? report : () => {});
      if (side === undefined || hasErrors()) return undefined;
      all.push(...holdSide(side, options));
    }
    return {
      text: form === "json" ? [promisesJSON(all)] : form === "markdown" ? promisesMarkdown(all) : promisesText(all),
      hasFindings: all.some((each) => newsOf(each.found).length > 0),
    };
  };
}
