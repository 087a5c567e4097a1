import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { parseUint32 } from "../values.ts";

/** `-m cpu`: the processor that works on the packet. */
export interface CPUMatch {
  readonly kind: "cpu";
  readonly cpu: Negatable<number>;
}

export const cpuModule: RuleModule<CPUMatch> = {
  kind: "cpu",
  negatable: ["--cpu"],
  parse: (options) => {
    const cpu = negatable(options, "--cpu", options.need("--cpu", parseUint32, "a 32-bit number"));
    return cpu === undefined ? undefined : { kind: "cpu", cpu };
  },
  format: (match) => negatableOption("--cpu", match.cpu, String),
};
