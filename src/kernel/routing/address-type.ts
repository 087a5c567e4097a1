import type { IPFamily } from "../../net/family.ts";
import { addressTypes } from "../../rules/iptables/matches/addrtype.ts";
import type { Host, Interface } from "../host.ts";
import { type Address, sameAddress } from "../packet.ts";

/** Minimal: own addresses are LOCAL, all others UNICAST. */
export function addressType(host: Host, family: IPFamily, address: Address, device?: Interface): number {
  const devices = device === undefined ? host.interfaces : [device];
  const own = devices.some((each) =>
    each.addresses.some((given) => given.family === family && sameAddress(given.address, address)),
  );
  return own ? addressTypes.LOCAL : addressTypes.UNICAST;
}
