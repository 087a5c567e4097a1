import { flagOption, type RuleModule } from "../module.ts";

/** `-m rpfilter`: true when the way back to the source leaves by the interface that the packet came in on. */
export interface RpfilterMatch {
  readonly kind: "rpfilter";
  /** Any route back will do, whatever its interface. */
  readonly loose: boolean;
  /** The packet's mark takes part in the look-up. */
  readonly validMark: boolean;
  readonly acceptLocal: boolean;
  readonly invert: boolean;
}

export const rpfilterModule: RuleModule<RpfilterMatch> = {
  kind: "rpfilter",
  negatable: [],
  parse: (options) => ({
    kind: "rpfilter",
    loose: options.has("--loose"),
    validMark: options.has("--validmark"),
    acceptLocal: options.has("--accept-local"),
    invert: options.has("--invert"),
  }),
  format: (match) => [
    ...flagOption("--loose", match.loose),
    ...flagOption("--validmark", match.validMark),
    ...flagOption("--accept-local", match.acceptLocal),
    ...flagOption("--invert", match.invert),
  ],
};
