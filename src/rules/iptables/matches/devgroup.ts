import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatMasked, type MaskedValue, parseMasked } from "../values.ts";

/** `-m devgroup`: groups of the interfaces; true when (group & mask) = value. */
export interface DevgroupMatch {
  readonly kind: "devgroup";
  readonly source?: Negatable<MaskedValue>;
  readonly destination?: Negatable<MaskedValue>;
}

/** `0 default` is the one line that /etc/iproute2/group has from the start. */
const DEFAULT = "default";
const NAME = /^[A-Za-z]/;

function group(options: ModuleOptions, flag: string): Negatable<MaskedValue> | undefined {
  const text = options.text(flag);
  if (text === DEFAULT) return negatable(options, flag, { value: 0, mask: 0xffffffff });
  if (text !== undefined && NAME.test(text))
    return options.unmodelled(`${flag} ${text.slice(0, 60)}: names of groups are those of the node`);
  return negatable(options, flag, options.read(flag, parseMasked, "GROUP or GROUP/MASK"));
}

function formatGroup(group: MaskedValue): string {
  return group.value === 0 && group.mask === 0xffffffff ? DEFAULT : formatMasked(group);
}

export const devgroupModule: RuleModule<DevgroupMatch> = {
  kind: "devgroup",
  negatable: ["--src-group", "--dst-group"],
  parse: (options) => {
    if (options.size === 0) return options.fail("--src-group or --dst-group is required");
    return defined<DevgroupMatch>({
      kind: "devgroup",
      source: group(options, "--src-group"),
      destination: group(options, "--dst-group"),
    });
  },
  format: (match) => [
    ...negatableOption("--src-group", match.source, formatGroup),
    ...negatableOption("--dst-group", match.destination, formatGroup),
  ],
};
