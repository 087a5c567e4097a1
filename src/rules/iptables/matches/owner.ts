import {
  defined,
  flagOption,
  type ModuleOptions,
  type Negatable,
  negatable,
  negatableOption,
  type RuleModule,
} from "../module.ts";
import { not, type Option, option } from "../syntax.ts";
import { formatPortRange, type NumberRange, parseNumber } from "../values.ts";

/** `-m owner`: the socket that sent the packet; without one only negated tests can be true. */
export interface OwnerMatch {
  readonly kind: "owner";
  /** `false` behind `!`. */
  readonly socketExists?: boolean;
  readonly uid?: Negatable<NumberRange>;
  readonly gid?: Negatable<NumberRange>;
  /** The groups that the sender belongs to besides its own count too. */
  readonly supplementaryGroups?: true;
}

/** `UINT32_MAX - 1` of libxt_owner.c: the last number means "none". */
const MAX = 0xfffffffe;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/;

/** `N`, `A-B` or `A:B`. */
function parseRange(text: string): NumberRange | undefined {
  if (text === "root") return { from: 0, to: 0 };
  const parts = text.split(/[-:]/, 3);
  const from = parseNumber(parts[0] as string, MAX);
  const to = parts.length === 1 ? from : parseNumber(parts[1] as string, MAX);
  if (parts.length > 2 || from === undefined || to === undefined || from > to) return undefined;
  return { from, to };
}

function range(options: ModuleOptions, flag: string): Negatable<NumberRange> | undefined {
  const text = options.text(flag);
  if (text !== undefined && text !== "root" && NAME.test(text))
    return options.unmodelled(`${flag} ${text.slice(0, 60)}: names of users and groups are those of the node`);
  return negatable(options, flag, options.read(flag, parseRange, "a number or a range of numbers"));
}

function socketOption(expected: boolean | undefined): readonly Option[] {
  if (expected === undefined) return [];
  return [expected ? option("--socket-exists") : not(option("--socket-exists"))];
}

export const ownerModule: RuleModule<OwnerMatch> = {
  kind: "owner",
  negatable: ["--uid-owner", "--gid-owner", "--socket-exists"],
  parse: (options) => {
    const groups = options.position("--suppl-groups");
    const gid = options.position("--gid-owner");
    if (groups >= 0 && (gid < 0 || gid > groups)) return options.fail("--suppl-groups needs --gid-owner before it");
    if (options.size === 0) return options.fail("--uid-owner, --gid-owner or --socket-exists is required");
    return defined<OwnerMatch>({
      kind: "owner",
      socketExists: options.has("--socket-exists") ? !options.negated("--socket-exists") : undefined,
      uid: range(options, "--uid-owner"),
      gid: range(options, "--gid-owner"),
      supplementaryGroups: groups >= 0 ? true : undefined,
    });
  },
  format: (match) => [
    ...socketOption(match.socketExists),
    ...negatableOption("--uid-owner", match.uid, (value) => formatPortRange(value, "-")),
    ...negatableOption("--gid-owner", match.gid, (value) => formatPortRange(value, "-")),
    ...flagOption("--suppl-groups", match.supplementaryGroups),
  ],
};
