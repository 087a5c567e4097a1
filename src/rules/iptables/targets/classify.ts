import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** `-j CLASSIFY`: sets the packet's priority to major << 16 | minor, both 16 bits. */
export interface ClassifyTarget {
  readonly kind: "CLASSIFY";
  readonly major: number;
  readonly minor: number;
}

/** sscanf with `%x:%x`: hexadecimal, cut to 16 bits, and whatever stands behind does not count. */
const CLASS = /^(?:0[xX])?([0-9a-fA-F]{1,16}):(?:0[xX])?([0-9a-fA-F]{1,16})(?![0-9a-fA-F])/;

function parseClass(text: string): { major: number; minor: number } | undefined {
  const found = CLASS.exec(text);
  if (found === null) return undefined;
  const half = (digits: string): number => Number.parseInt(digits.slice(-4), 16);
  return { major: half(found[1] as string), minor: half(found[2] as string) };
}

const digits = (value: number): string => value.toString(16).padStart(4, "0");

export const classifyModule: RuleModule<ClassifyTarget> = {
  kind: "CLASSIFY",
  negatable: [],
  parse: (options) => {
    const found = options.need("--set-class", parseClass, "two hexadecimal numbers with a colon between");
    return found === undefined ? undefined : { kind: "CLASSIFY", ...found };
  },
  format: ({ major, minor }) => [option("--set-class", `${digits(major)}:${digits(minor)}`)],
};
