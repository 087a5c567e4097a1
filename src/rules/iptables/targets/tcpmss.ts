import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { parseNumber } from "../values.ts";

/** `-j TCPMSS` */
export interface TCPMSSTarget {
  readonly kind: "TCPMSS";
  readonly mss: number | "clamp-to-pmtu";
}

export const tcpmssModule: RuleModule<TCPMSSTarget> = {
  kind: "TCPMSS",
  negatable: [],
  parse: (options) => {
    if (!options.atMostOne("--set-mss", "--clamp-mss-to-pmtu")) return undefined;
    if (options.has("--clamp-mss-to-pmtu")) return { kind: "TCPMSS", mss: "clamp-to-pmtu" };
    // 65535 means "clamp" inside the kernel, so it cannot be set
    const mss = options.need("--set-mss", (text) => parseNumber(text, 65494), "a number of 0 to 65494");
    return mss === undefined ? undefined : { kind: "TCPMSS", mss };
  },
  format: (target) => [
    target.mss === "clamp-to-pmtu" ? option("--clamp-mss-to-pmtu") : option("--set-mss", `${target.mss}`),
  ],
};
