import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** `-j AUDIT`: writes an audit record; the packet goes on. */
export interface AuditTarget {
  readonly kind: "AUDIT";
  readonly type: "accept" | "drop" | "reject";
}

const types: readonly AuditTarget["type"][] = ["accept", "drop", "reject"];

export const auditModule: RuleModule<AuditTarget> = {
  kind: "AUDIT",
  negatable: [],
  parse: (options) => {
    const named = (text: string): AuditTarget["type"] | undefined => types.find((each) => each === text.toLowerCase());
    const type = options.need("--type", named, "accept, drop or reject");
    return type === undefined ? undefined : { kind: "AUDIT", type };
  },
  format: (target) => [option("--type", target.type)],
};
