import type { Address } from "../packet.ts";

/** Kinds of addresses that routing treats in ways of their own. */

export const isLoopbackAddress = (address: Address): boolean =>
  typeof address === "number"
    ? address >>> 24 === 127
    : address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] === 1;

export const isMulticast = (address: Address): boolean =>
  typeof address === "number" ? address >>> 28 === 14 : address[0] >>> 24 === 0xff;

/** 255.255.255.255 */
export const isLimitedBroadcast = (address: Address): boolean => address === 0xffffffff;

/** 0.0.0.0/8 */
export const isZeroNet = (address: Address): boolean => typeof address === "number" && address >>> 24 === 0;

export const isUnspecified = (address: Address): boolean =>
  typeof address === "number" ? address === 0 : (address[0] | address[1] | address[2] | address[3]) === 0;

/** 169.254.0.0/16 is no link-local address to the kernel; only fe80::/10 is. */
export const isLinkLocal = (address: Address): boolean => typeof address !== "number" && address[0] >>> 22 === 0x3fa;

/** 224.0.0.0/24 */
export const isLocalMulticast = (address: Address): boolean =>
  typeof address === "number" && address >>> 8 === 0xe00000;
