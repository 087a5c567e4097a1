import type { SHA256Hex } from "../../net/sha256.ts";
import type { ProxyState } from "../../proxy/state.ts";
import type { TableSink } from "./table.ts";
import type { IptablesTraits } from "./traits.ts";

/** What the writers of one restore text share. */
export interface IptablesContext {
  readonly state: ProxyState;
  readonly traits: IptablesTraits;
  readonly sha256: SHA256Hex;
  readonly filter: TableSink;
  readonly nat: TableSink;
  /** More than 1000 endpoints: rules of policy and endpoint chains carry no comments (iptables-mode §3.7). */
  readonly largeCluster: boolean;
}
