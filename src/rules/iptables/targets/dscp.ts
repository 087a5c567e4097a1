import { formatOctet, parseDSCP } from "../matches/dscp.ts";
import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** `-j DSCP`: sets the upper six bits of the TOS octet or traffic class to 0 … 63. */
export interface DSCPTarget {
  readonly kind: "DSCP";
  readonly dscp: number;
}

export const dscpTargetModule: RuleModule<DSCPTarget> = {
  kind: "DSCP",
  negatable: [],
  parse: (options) => {
    const dscp = parseDSCP(options, "--set-dscp", "--set-dscp-class");
    return dscp === undefined ? undefined : { kind: "DSCP", dscp };
  },
  format: (target) => [option("--set-dscp", formatOctet(target.dscp))],
};
