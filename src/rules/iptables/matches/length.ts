import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatPortRange, type NumberRange, parseNumber } from "../values.ts";

/** `-m length`: bytes of the packet from the IP header on; a range that begins above its end matches nothing. */
export interface LengthMatch {
  readonly kind: "length";
  readonly length: Negatable<NumberRange>;
}

const MAX = 65535;

/** `N`, `A:B`, `:B`, `A:`; libxt_length does not compare the ends. */
function parseLength(text: string): NumberRange | undefined {
  const parts = text.split(":", 3);
  if (parts.length > 2) return undefined;
  const [first = "", second] = parts;
  const from = first === "" && second !== undefined ? 0 : parseNumber(first, MAX);
  const to = second === undefined ? from : second === "" ? MAX : parseNumber(second, MAX);
  return from === undefined || to === undefined ? undefined : { from, to };
}

export const lengthModule: RuleModule<LengthMatch> = {
  kind: "length",
  negatable: ["--length"],
  parse: (options) => {
    const range = options.need("--length", parseLength, "a length or a range of 0 to 65535");
    const length = negatable(options, "--length", range);
    return length === undefined ? undefined : { kind: "length", length };
  },
  format: (match) => negatableOption("--length", match.length, (range) => formatPortRange(range)),
};
