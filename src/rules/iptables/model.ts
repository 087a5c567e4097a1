import type { KnownMatch } from "./matches/registry.ts";
import type { Negatable } from "./module.ts";
import type { Counters, Option } from "./syntax.ts";
import type { KnownTarget } from "./targets/registry.ts";
import type { MaskedAddress } from "./values.ts";

/**
 * A match or target that is not modelled, or whose options could not be read: kept as it was written. `module` is the
 * word behind `-m` or `-j`; "" stands for options that belong to no module.
 */
export interface Unknown {
  readonly kind: "unknown";
  readonly module: string;
  readonly options: readonly Option[];
}

/** `-j CHAIN`, or `-g CHAIN` whose end returns to where the last jump came from. */
export interface Jump {
  readonly kind: "jump" | "goto";
  readonly chain: string;
}

export type Match = KnownMatch | Unknown;
export type Target = KnownTarget | Jump | Unknown;

/**
 * A rule as the kernel sees it. All conditions must hold, `matches` from left to right (one that counts acts only when
 * those before it were true).
 */
export interface Rule {
  readonly chain: string;
  readonly counters?: Counters;
  readonly source?: Negatable<MaskedAddress>;
  readonly destination?: Negatable<MaskedAddress>;
  /** Exact, or a beginning when it ends in `+`. */
  readonly inInterface?: Negatable<string>;
  readonly outInterface?: Negatable<string>;
  /** IP protocol number, 1 … 255. */
  readonly protocol?: Negatable<number>;
  /** Second and further fragments (`value` is true) ; IPv4 only. */
  readonly fragment?: Negatable<true>;
  readonly matches: readonly Match[];
  /** Without a target the rule counts only. */
  readonly target?: Target;
}
