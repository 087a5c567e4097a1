import type { IPFamily } from "../../net/family.ts";
import type { Address } from "../packet.ts";
import type { Lookup } from "./lookup.ts";

/** What a sender on this host says of a packet before it is routed. */
export interface OutputFlow {
  readonly family: IPFamily;
  readonly dst: Address;
  /** Absent or unspecified: the kernel chooses. */
  readonly src?: Address | undefined;
  /** The source need be no address of this host (FLOWI_FLAG_ANYSRC: raw sockets with headers, answers, re-routing). */
  readonly anySource?: boolean;
  /** The interface the socket is bound to. */
  readonly outInterface?: string | undefined;
  readonly mark: number;
  readonly tos: number;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  /** A connecting TCP or UDP socket: IPv4 looks up a second time, with the source that was chosen (`ip_route_connect`). */
  readonly connects?: boolean;
}

/** The look-up of a packet that this host sends. */
export function lookupOf(flow: OutputFlow, src: Address | undefined, outInterface: string, strict: boolean): Lookup {
  const { family, dst, mark, tos, protocol, sport, dport } = flow;
  return {
    family,
    dst,
    src,
    mark,
    tos,
    protocol,
    sport,
    dport,
    inInterface: "lo",
    outInterface,
    routesBy: outInterface,
    strict,
  };
}
