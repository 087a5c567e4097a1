import type { Host } from "../host.ts";

/** `net.ipv4.vs.*`, with the kernel's defaults (ipvs-mode §1.2): what a connection's way depends on. */
export interface IPVSSwitches {
  readonly conntrack: boolean;
  /** Bits: 1 reschedule closed connections, 2 also those in FIN_WAIT (direct routing only). */
  readonly connReuseMode: number;
  readonly expireNodestConn: boolean;
  readonly expireQuiescentTemplate: boolean;
  readonly snatReroute: boolean;
  readonly natICMPSend: boolean;
  readonly sloppyTCP: boolean;
  readonly sloppySCTP: boolean;
  readonly scheduleICMP: boolean;
}

/** A kernel that nobody has told anything. */
export const defaultIPVSSwitches: IPVSSwitches = {
  conntrack: false,
  connReuseMode: 1,
  expireNodestConn: false,
  expireQuiescentTemplate: false,
  snatReroute: true,
  natICMPSend: false,
  sloppyTCP: false,
  sloppySCTP: false,
  scheduleICMP: false,
};

/** What holds on a host. */
export function ipvsSwitches(host: Host): IPVSSwitches {
  return host.sysctls.ipvs ?? defaultIPVSSwitches;
}
