import type { NfacctMatch } from "../../rules/iptables/matches/nfacct.ts";
import { packetLength } from "../packet-length.ts";
import type { Skb } from "../skb.ts";
import type { HostState } from "../state.ts";
import type { Walk } from "../walk.ts";

/** What an nfacct object has counted. */
export interface NfacctCount {
  readonly packets: number;
  readonly bytes: number;
}

const key = (name: string): string => `nfacct ${name}`;

/** The counts of an object of a name, since the state began. */
export function nfacctCount(state: HostState, name: string): NfacctCount {
  return (state.ofName.get(key(name)) as NfacctCount | undefined) ?? { packets: 0, bytes: 0 };
}

/** `nfacct_mt`: always true, and counts. */
export function nfacctMatches(walk: Walk, skb: Skb, { name }: NfacctMatch): boolean {
  const { packets, bytes } = nfacctCount(walk.state, name);
  walk.state.put<string, unknown>(walk.state.ofName, key(name), {
    packets: packets + 1,
    bytes: bytes + packetLength(skb),
  });
  return true;
}
