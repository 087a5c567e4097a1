import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";

/** `-m nfacct`: always true, counts in a named object. */
export interface NfacctMatch {
  readonly kind: "nfacct";
  readonly name: string;
}

const MAX_NAME = 31;

export const nfacctModule: RuleModule<NfacctMatch> = {
  kind: "nfacct",
  negatable: [],
  parse: (options) => {
    const short = (text: string): string | undefined => (text !== "" && text.length <= MAX_NAME ? text : undefined);
    const name = options.need("--nfacct-name", short, "a name of at most 31 characters");
    return name === undefined ? undefined : { kind: "nfacct", name };
  },
  // the empty word stands for the second blank that iptables-save 1.8.9 prints here (kernel-semantics §6.4)
  format: (match) => [option("--nfacct-name", "", match.name)],
};
