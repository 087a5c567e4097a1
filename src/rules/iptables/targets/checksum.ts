import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** `-j CHECKSUM --checksum-fill`: computes a checksum that was left to the hardware. */
export interface ChecksumTarget {
  readonly kind: "CHECKSUM";
}

export const checksumModule: RuleModule<ChecksumTarget> = {
  kind: "CHECKSUM",
  negatable: [],
  parse: (options) =>
    options.has("--checksum-fill") ? { kind: "CHECKSUM" } : options.fail("--checksum-fill is missing"),
  format: () => [option("--checksum-fill")],
};
