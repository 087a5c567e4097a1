import { formatTOS, parseTOS } from "../matches/tos.ts";
import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { type MaskedValue, parseNumber } from "../values.ts";

/** `-j TOS`: octet := (octet & ~mask) ^ value. */
export interface TOSTarget {
  readonly kind: "TOS";
  readonly set: MaskedValue;
}

const setters = ["--set-tos", "--and-tos", "--or-tos", "--xor-tos"] as const;

export const tosTargetModule: RuleModule<TOSTarget> = {
  kind: "TOS",
  negatable: [],
  parse: (options) => {
    if (!options.atMostOne(...setters)) return undefined;
    const octet = (flag: string): number | undefined =>
      options.read(flag, (text) => parseNumber(text, 255), "a number of 0 to 255");
    const set = options.read("--set-tos", parseTOS, "VALUE, VALUE/MASK or a name");
    if (set !== undefined) return { kind: "TOS", set };
    const and = octet("--and-tos");
    if (and !== undefined) return { kind: "TOS", set: { value: 0, mask: ~and & 0xff } };
    const or = octet("--or-tos");
    if (or !== undefined) return { kind: "TOS", set: { value: or, mask: or } };
    const xor = octet("--xor-tos");
    if (xor !== undefined) return { kind: "TOS", set: { value: xor, mask: 0 } };
    return options.fail("an option that sets the octet is required");
  },
  format: (target) => [option("--set-tos", formatTOS(target.set))],
};
