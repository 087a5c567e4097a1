import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** Decimal texts, because the numbers have 64 bits. Without `to` there is no upper end. */
export interface ByteRange {
  readonly from: string;
  readonly to?: string;
}

/** `-m connbytes`: what a connection has carried so far. */
export interface ConnbytesMatch {
  readonly kind: "connbytes";
  readonly range: Negatable<ByteRange>;
  readonly mode: "packets" | "bytes" | "avgpkt";
  readonly direction: "original" | "reply" | "both";
}

const MAX = 2n ** 64n - 1n;
const NUMBER = /^(?:0[xX][0-9a-fA-F]{1,16}|0|[1-9][0-9]{0,19})$/;

function parse64(text: string): bigint | undefined {
  const value = NUMBER.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value <= MAX ? value : undefined;
}

/** `A`, `A:`, `:B`, `A:B`; an end of 0 or of all ones says nothing, as libxt_connbytes takes 0 for "not given". */
function parseRange(text: string): ByteRange | undefined {
  const parts = text.split(":", 3);
  const [first = "", second] = parts;
  const from = first === "" && second !== undefined ? 0n : parse64(first);
  const to = second === undefined || second === "" ? MAX : parse64(second);
  if (parts.length > 2 || from === undefined || to === undefined) return undefined;
  if (to === MAX || to === 0n) return { from: `${from}` };
  return from > to ? undefined : { from: `${from}`, to: `${to}` };
}

const oneOf =
  <T extends string>(...words: readonly T[]) =>
  (text: string): T | undefined =>
    words.find((word) => word === text);

export const connbytesModule: RuleModule<ConnbytesMatch> = {
  kind: "connbytes",
  negatable: ["--connbytes"],
  parse: (options) => {
    const value = options.need("--connbytes", parseRange, "a 64-bit number or a range A:B");
    const range = negatable(options, "--connbytes", value);
    const mode = options.need("--connbytes-mode", oneOf("packets", "bytes", "avgpkt"), "packets, bytes or avgpkt");
    const direction = options.need("--connbytes-dir", oneOf("original", "reply", "both"), "original, reply or both");
    return range === undefined || mode === undefined || direction === undefined
      ? undefined
      : { kind: "connbytes", range, mode, direction };
  },
  format: ({ range, mode, direction }) => [
    ...negatableOption("--connbytes", range, ({ from, to }) => (to === undefined ? from : `${from}:${to}`)),
    option("--connbytes-mode", mode),
    option("--connbytes-dir", direction),
  ],
};
