import { subjectsAt } from "../assembly/subjects.ts";
import { isOwnAddress } from "../kernel/run.ts";
import { readManifests } from "../manifest/read-manifests.ts";
import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import type { Report } from "../text/diagnostic.ts";
import { compareSpread } from "../verify/equivalence/spread.ts";
import { clusterSources } from "./cluster-input.ts";
import { distributionJSON, hasFinding, type NodeSpread, spreadText } from "./distribution-text.ts";
import { familiesOf, type MadeSide, makeSide, nodesOf, type SideOptions, type Variant, variantsOf } from "./sides.ts";
import { EXIT_USAGE, findings, UsageError } from "./terminal.ts";

const EXIT_FINDINGS = 1;
/** Connections of a scheduler that are told. */
const COUNT = 8;

/** The two that are compared: two modes, two releases, or one of each with two sets of objects. */
function pairOf(options: SideOptions): readonly [Variant, Variant] {
  const several = options.with !== undefined || options.kubeVersion.includes(",");
  const all = variantsOf(options, several ? "iptables" : "iptables,ipvs");
  const [left, right, more] = all;
  if (left !== undefined && options.with !== undefined && right === undefined)
    return [
      { ...left, name: "before" },
      { ...left, name: "after" },
    ];
  if (left === undefined || right === undefined || more !== undefined || options.with !== undefined)
    throw new UsageError("two sides are compared: --mode A,B, --kube-version X,Y, or --with and one of each");
  return [left, right];
}

function spreadOf(left: MadeSide, right: MadeSide, options: SideOptions): readonly NodeSpread[] {
  const nodes = nodesOf(left, options);
  return nodes.flatMap((node) =>
    familiesOf(left, nodes, options).flatMap((family): NodeSpread[] => {
      const [a, b] = [left, right].map(({ network }) => network.node(node)?.host);
      if (a === undefined || b === undefined) return [];
      const subjectOf = subjectsAt(left.cluster, node, (text) => {
        const ip = parseIP(text);
        return ip !== undefined && isOwnAddress(a, addressOf(ip));
      });
      const sides = [left, right].map(({ name }, i) => ({ name, host: i === 0 ? a : b }));
      const [one, other] = sides as [(typeof sides)[number], (typeof sides)[number]];
      return [{ node, found: compareSpread(one, other, family, subjectOf, COUNT) }];
    }),
  );
}

/** `rulewalk diff --strength distribution`: how likely each endpoint is on two sides, or whose turn it is; the exit code. */
export function runDistribution(options: SideOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || options.verbose === true) found.report(diagnostic);
  };
  try {
    const variants = pairOf(options);
    const { node: _, with: after, ...rest } = options;
    const { validate } = options;
    const before = readManifests(clusterSources(rest, report), { validate }, report);
    const changed = after && readManifests(clusterSources({ ...rest, filename: after }, report), { validate }, report);
    const [left, right] = variants.map((variant, i) =>
      makeSide(
        i === 0 ? before : (changed ?? before),
        variant,
        options,
        values,
        i === 0 || changed ? report : () => {},
      ),
    );
    if (left === undefined || right === undefined || found.hasErrors()) return EXIT_USAGE;
    const all = spreadOf(left, right, options);
    found.print();
    const printed =
      options.output === "json" ? [distributionJSON(all)] : spreadText(all, options.output === "markdown");
    for (const piece of printed) process.stdout.write(piece);
    return all.some(hasFinding) ? EXIT_FINDINGS : 0;
  } finally {
    found.print();
  }
}
