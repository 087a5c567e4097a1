import { clusterNames } from "../assembly/cluster-names.ts";
import { type AllowList, readAllowFile } from "../diff/allow-file.ts";
import type { DiffSetting, DiffSide } from "../diff/compare-nodes.ts";
import { formatRelease } from "../proxy/release.ts";
import type { Report } from "../text/diagnostic.ts";
import { intendedDifferences } from "../verify/equivalence/intended.ts";
import { readSource } from "./read-input.ts";
import { familiesOf, type MadeSide, makePair, nodesOf, type Pair, pairOf, type SideOptions } from "./sides.ts";

/** The options that say what is compared, and what of it may differ. */
export interface DiffSettingOptions extends SideOptions {
  /** A file of differences that are accepted. */
  readonly allow?: string;
}

/** What of the sides is not in their names. */
function settingText([left, right]: Pair<MadeSide>, { with: after }: SideOptions): string {
  const [a, b] = [left, right].map(({ options }) => formatRelease(options.release));
  if (after !== undefined) return `kube-proxy ${a}, mode ${left.options.mode}`;
  if (a === b) return `kube-proxy ${a}`;
  return left.options.mode === right.options.mode ? `mode ${left.options.mode}` : "";
}

/** Arguments of `rulewalk trace` that make a side. */
function argumentsOf(options: SideOptions, side: MadeSide, files: readonly string[]): readonly string[] {
  const { recursive, validate, config, backend } = options;
  const release = formatRelease(side.options.release);
  return [
    ...files.flatMap((file) => ["-f", file]),
    ...(recursive === true ? ["-R"] : []),
    ...(config === undefined ? [] : ["--config", config]),
    ...(validate === "strict" ? [] : ["--validate", validate]),
    ...(backend === "nft" ? [] : ["--backend", backend]),
    ...["--mode", side.options.mode ?? "iptables"],
    ...(release === "1.37" ? [] : ["--kube-version", release]),
  ];
}

function allowListOf({ allow }: DiffSettingOptions, report: Report): AllowList | undefined {
  if (allow === undefined) return { entries: [], reportUnused: () => {} };
  const source = readSource(allow, report);
  return source === undefined ? undefined : readAllowFile(source, report);
}

/** What is compared, and the list of what is accepted. */
export interface ReadSetting {
  readonly setting: DiffSetting;
  readonly allowList: AllowList;
}

/** Reads and decides all that the options ask for; `undefined` after errors, which are reported. */
export function diffSetting(
  options: DiffSettingOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): ReadSetting | undefined {
  const { with: after, filename: before = [] } = options;
  const variants = pairOf(options);
  const allowList = allowListOf(options, report);
  const made = makePair(variants, options, values, report);
  if (made === undefined || allowList === undefined) return undefined;
  const setting = settingText(made, options);
  const sideOf = (place: MadeSide, files: readonly string[]): DiffSide => ({
    name: place.name,
    place,
    names: clusterNames(place, place.options.pods ?? []),
    setting,
    args: argumentsOf(options, place, files),
  });
  return {
    setting: {
      sides: [sideOf(made[0], before), sideOf(made[1], after ?? before)],
      nodes: nodesOf(made[0], options),
      families: familiesOf(options),
      ofObjects: after !== undefined,
      // between two sets of objects nothing is meant or not
      intended: after === undefined ? intendedDifferences : [],
      allowed: allowList.entries,
    },
    allowList,
  };
}
