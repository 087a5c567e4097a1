import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatFlags, parseFlags } from "../values.ts";
import { conntrackStates } from "./conntrack.ts";

/** `-m state`: the older form of `-m conntrack --ctstate`, without SNAT and DNAT. */
export interface StateMatch {
  readonly kind: "state";
  /** Bits of `conntrackStates`. */
  readonly states: Negatable<number>;
}

const { INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED } = conntrackStates;
const names = { INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED } as const;

export const stateModule: RuleModule<StateMatch> = {
  kind: "state",
  negatable: ["--state"],
  parse: (options) => {
    const set = options.need("--state", (text) => parseFlags(text, names), "a list of connection states");
    const states = negatable(options, "--state", set);
    return states === undefined ? undefined : { kind: "state", states };
  },
  format: (match) => negatableOption("--state", match.states, (set) => formatFlags(set, names)),
};
