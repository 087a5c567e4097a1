import type { IPFamily } from "../../net/family.ts";
import type { Address } from "../packet.ts";

/** What is looked up: the fields of `struct flowi4`, `flowi6` that rules and routes can test. */
export interface Lookup {
  readonly family: IPFamily;
  readonly dst: Address;
  /** Absent or 0.0.0.0: not chosen yet. */
  readonly src: Address | undefined;
  readonly mark: number;
  readonly tos: number;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  /** `lo` for what this host sends. */
  readonly inInterface: string;
  /** The interface that the sender chose, which rules can test; empty for none, as for all that is received. */
  readonly outInterface: string;
  /** The interface that routes must or should lead out of; empty for any. Of received IPv6 packets the one they came in by. */
  readonly routesBy: string;
  /** IPv6: routes by other interfaces than `routesBy` do not count at all (RT6_LOOKUP_F_IFACE); else they come second. IPv4 is always strict. */
  readonly strict: boolean;
}
