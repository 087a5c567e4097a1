import { parseDirections, type SetDirection } from "../matches/set.ts";
import { defined, flagOption, type ModuleOptions, type RuleModule } from "../module.ts";
import { type Option, option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** A set and where its dimensions are taken from. */
export interface SetReference {
  readonly set: string;
  readonly directions: readonly SetDirection[];
}

/** `-j SET`: adds an element, deletes one, maps the extension of one (skbinfo) to the packet; in this order. */
export interface SetTarget {
  readonly kind: "SET";
  readonly add?: SetReference & {
    /** An element that is there already gets a new timeout. */
    readonly exist: boolean;
    /** Seconds instead of the set's own; 0: for ever. */
    readonly timeout?: number;
  };
  readonly delete?: SetReference;
  readonly map?: SetReference & { readonly mark: boolean; readonly priority: boolean; readonly queue: boolean };
}

const MAX_NAME = 31;
const MAX_TIMEOUT = 0xfffffffe;
const mapFlags = ["--map-mark", "--map-prio", "--map-queue"] as const;

function reference(options: ModuleOptions, flag: string): SetReference | undefined {
  const set = options.read(
    flag,
    (text) => (text.length <= MAX_NAME ? text : undefined),
    "a set name of at most 31 characters",
  );
  if (set === undefined) return undefined;
  const directions = parseDirections(options.text(flag, 1) ?? "");
  return directions === undefined
    ? options.fail(`${flag} needs a name and a list of at most six src and dst`)
    : { set, directions };
}

function parse(options: ModuleOptions): SetTarget | undefined {
  if (!["--add-set", "--del-set", "--map-set"].some((flag) => options.has(flag)))
    return options.fail("--add-set, --del-set or --map-set is required");
  for (const flag of ["--exist", "--timeout"])
    if (options.has(flag) && !options.has("--add-set")) return options.fail(`${flag} needs --add-set`);
  const mapped = mapFlags.some((flag) => options.has(flag));
  if (mapped !== options.has("--map-set")) return options.fail(`--map-set goes with ${mapFlags.join(", ")}`);
  const add = reference(options, "--add-set");
  const map = reference(options, "--map-set");
  const timeout = options.read("--timeout", (text) => parseNumber(text, MAX_TIMEOUT), "a number of seconds");
  return defined<SetTarget>({
    kind: "SET",
    add: add && { ...add, exist: options.has("--exist"), ...(timeout === undefined ? {} : { timeout }) },
    delete: reference(options, "--del-set"),
    map: map && {
      ...map,
      mark: options.has("--map-mark"),
      priority: options.has("--map-prio"),
      queue: options.has("--map-queue"),
    },
  });
}

function setOption(flag: string, given: SetReference | undefined): readonly Option[] {
  return given === undefined ? [] : [option(flag, given.set, given.directions.join(","))];
}

export const setTargetModule: RuleModule<SetTarget> = {
  kind: "SET",
  // libxt_SET takes a `!` here and forgets it
  negatable: ["--add-set", "--del-set", "--map-set"],
  parse,
  format: ({ add, delete: del, map }) => [
    ...setOption("--add-set", add),
    ...flagOption("--exist", add?.exist),
    ...(add?.timeout === undefined ? [] : [option("--timeout", `${add.timeout}`)]),
    ...setOption("--del-set", del),
    ...setOption("--map-set", map),
    ...flagOption("--map-mark", map?.mark),
    ...flagOption("--map-prio", map?.priority),
    ...flagOption("--map-queue", map?.queue),
  ],
};
