import type { Route } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import type { IPFamily } from "../net/family.ts";

/** Bits of a whole address. */
export const WHOLE = { IPv4: 32, IPv6: 128 } as const;

/** A route of the main table. */
export function plainRoute(
  family: IPFamily,
  destination: Address,
  prefixLength: number,
  out: string,
  gateway?: Address,
): Route {
  return {
    family,
    table: 254,
    type: "unicast",
    destination,
    prefixLength,
    tos: 0,
    metric: family === "IPv4" ? 0 : 1024,
    scope: family === "IPv6" || gateway !== undefined ? "global" : "link",
    nextHops: [
      {
        device: out,
        ...(gateway === undefined ? {} : { gateway: { family, address: gateway } }),
        weight: 1,
        usable: true,
      },
    ],
  };
}
