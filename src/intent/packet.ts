import type { IPAddress } from "../net/ip.ts";

/**
 * How a packet comes to its first node of the cluster: `pod`, from a Pod on this node; `node`, from a process of this node, or
 * of a Pod on its network; `peer`, from another node or a Pod there; `outside`, from anybody else.
 */
export type Origin = "pod" | "node" | "peer" | "outside";

/** The first packet of a connection where it comes to a node, before anything was done to it. */
export interface PacketAtNode {
  readonly node: string;
  readonly from: Origin;
  /** Absent where a process leaves the choice to routing. */
  readonly source?: IPAddress;
  readonly destination: IPAddress;
  /** TCP, UDP, SCTP, or the name of a protocol that Services know nothing of. */
  readonly protocol: string;
  /** Absent for protocols without ports. */
  readonly port?: number;
}

/** Does the packet come from inside the cluster? */
export const isInternal = ({ from }: PacketAtNode): boolean => from !== "outside";

/** A text that equal addresses share: cheaper than their canonical spelling, as an index asks for it once a packet. */
export function addressKey(ip: IPAddress): string {
  return ip.family === "IPv4" ? `${ip.value}` : ip.words.join(".");
}

/** A text that equal pairs of protocol and port share. */
export const portKey = (protocol: string, port: number): string => `${protocol} ${port}`;
