import type { IPFamily } from "../../../src/net/family.ts";
import type { Mode } from "../../intent/place.ts";

/** Who finds faults, without being shown the node as it should be. */
export const judges = ["modes", "promises", "answers", "shares", "affinity", "loopback", "firewall"] as const;
export type Judge = (typeof judges)[number];

/** What differs for the packets of one class. */
export interface Difference {
  /**
   * `first`: what becomes of a connection's first packet; `later`: of those that follow; `strays`: of packets that conntrack calls
   * INVALID, and nothing else. `FORWARD` and `INPUT`: any of these where that chain drops what no rule accepts, and nothing elsewhere.
   * `unknown`: there were too many classes to compare.
   */
  readonly kind: "first" | "later" | "strays" | "FORWARD" | "INPUT" | "unknown";
  readonly text: string;
}

/** What became of one fault. */
export interface Fate {
  readonly scenario: string;
  readonly mode: Mode;
  readonly family: IPFamily;
  readonly operator: string;
  readonly place: string;
  readonly by: readonly Judge[];
  /** All that differs, where nobody found the fault; empty: nothing does. */
  readonly differences: readonly Difference[];
}
