import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** `-j TCPMSS` */
export interface TCPMSSTarget {
  readonly kind: "TCPMSS";
  readonly mss: number | "clamp-to-pmtu";
}

/** A packet of 65535 bytes without the shorter IP header; what iptables 1.8.9 refuses beyond. */
const MAX = 65515;

export const tcpmssModule: RuleModule<TCPMSSTarget> = {
  kind: "TCPMSS",
  negatable: [],
  parse: (options) => {
    const { protocol } = options.rule;
    if (protocol?.value !== 6 || protocol.negated) return options.fail("-p tcp is required");
    const max = options.family === "IPv4" ? MAX : MAX - 20;
    const mss = options.has("--set-mss") ? options.number("--set-mss", max) : undefined;
    // --clamp-mss-to-pmtu overrules --set-mss
    if (options.has("--clamp-mss-to-pmtu")) return { kind: "TCPMSS", mss: "clamp-to-pmtu" };
    if (!options.has("--set-mss")) return options.fail("--set-mss or --clamp-mss-to-pmtu is required");
    return mss === undefined ? undefined : { kind: "TCPMSS", mss };
  },
  format: (target) => [
    target.mss === "clamp-to-pmtu" ? option("--clamp-mss-to-pmtu") : option("--set-mss", `${target.mss}`),
  ],
};
