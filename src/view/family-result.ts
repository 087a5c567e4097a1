import type { CompiledIptables } from "../compile/iptables/compile.ts";
import type { CompiledIPVS } from "../compile/ipvs/compile.ts";
import type { ProxyState } from "../proxy/state.ts";

/** One family's decisions and the rules made of them. */
export interface FamilyResult {
  readonly state: ProxyState;
  readonly compiled: CompiledIptables;
}

/** One family's decisions and what ipvs mode makes of them. */
export interface IPVSFamilyResult {
  readonly state: ProxyState;
  readonly compiled: CompiledIPVS;
}
