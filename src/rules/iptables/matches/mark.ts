import { type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatMasked, type MaskedValue, parseMasked } from "../values.ts";

/** `-m mark`: true when (mark & mask) = value; the value is not masked first. */
export interface MarkMatch {
  readonly kind: "mark";
  readonly mark: Negatable<MaskedValue>;
}

/** `-m connmark`: the same on the mark of the connection. */
export interface ConnmarkMatch {
  readonly kind: "connmark";
  readonly mark: Negatable<MaskedValue>;
}

function parseMark(options: ModuleOptions): Negatable<MaskedValue> | undefined {
  return negatable(options, "--mark", options.need("--mark", parseMasked, "a mark or MARK/MASK"));
}

export const markModule: RuleModule<MarkMatch> = {
  kind: "mark",
  negatable: ["--mark"],
  parse: (options) => {
    const mark = parseMark(options);
    return mark === undefined ? undefined : { kind: "mark", mark };
  },
  format: (match) => negatableOption("--mark", match.mark, formatMasked),
};

export const connmarkModule: RuleModule<ConnmarkMatch> = {
  kind: "connmark",
  negatable: ["--mark"],
  parse: (options) => {
    const mark = parseMark(options);
    return mark === undefined ? undefined : { kind: "connmark", mark };
  },
  format: (match) => negatableOption("--mark", match.mark, formatMasked),
};
