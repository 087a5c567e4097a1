import type { ModuleOptions, RuleModule } from "../module.ts";
import { type Option, option } from "../syntax.ts";
import { formatHex, type MaskedValue, parseMasked, parseUint32 } from "../values.ts";

/** `-j MARK`: mark := (mark & ~mask) ^ value. */
export interface MarkTarget {
  readonly kind: "MARK";
  readonly set: MaskedValue;
}

const setters = ["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"] as const;

/** The one way of setting a mark that is given, as `--set-xmark` (kernel-semantics §2.8). */
export function parseSetMark(options: ModuleOptions): MaskedValue | undefined {
  if (!options.atMostOne(...setters)) return undefined;
  const masked = (flag: string): MaskedValue | undefined => options.read(flag, parseMasked, "VALUE or VALUE/MASK");
  const number = (flag: string): number | undefined => options.read(flag, parseUint32, "a 32-bit number");
  if (options.has("--set-xmark")) return masked("--set-xmark");
  if (options.has("--set-mark")) {
    const given = masked("--set-mark");
    return given === undefined ? undefined : { value: given.value, mask: (given.value | given.mask) >>> 0 };
  }
  const and = number("--and-mark");
  if (and !== undefined) return { value: 0, mask: ~and >>> 0 };
  const or = number("--or-mark");
  if (or !== undefined) return { value: or, mask: or };
  const xor = number("--xor-mark");
  return xor === undefined ? undefined : { value: xor, mask: 0 };
}

/** `--set-xmark`, always with its mask. */
export function formatSetMark({ value, mask }: MaskedValue): Option {
  return option("--set-xmark", `${formatHex(value)}/${formatHex(mask)}`);
}

export const markTargetModule: RuleModule<MarkTarget> = {
  kind: "MARK",
  negatable: [],
  parse: (options) => {
    const set = parseSetMark(options);
    return set === undefined ? options.fail("an option that sets the mark is required") : { kind: "MARK", set };
  },
  format: (target) => [formatSetMark(target.set)],
};
