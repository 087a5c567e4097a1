import type { IPFamily } from "../../net/family.ts";
import type { IPAddress } from "../../net/ip.ts";
import type { MaskedValue } from "../iptables/values.ts";

/** What one part of an element is, as set types name it. */
export type Dimension = "ip" | "net" | "port" | "iface" | "mac" | "mark" | "set";

export type SetType =
  | "bitmap:ip"
  | "bitmap:ip,mac"
  | "bitmap:port"
  | "hash:ip"
  | "hash:ip,mac"
  | "hash:ip,mark"
  | "hash:ip,port"
  | "hash:ip,port,ip"
  | "hash:ip,port,net"
  | "hash:mac"
  | "hash:net"
  | "hash:net,iface"
  | "hash:net,net"
  | "hash:net,port"
  | "hash:net,port,net"
  | "list:set";

/** The parts of the elements of each type, the optional last one of `bitmap:ip,mac` included. */
export const setTypes: Readonly<Record<SetType, readonly Dimension[]>> = {
  "bitmap:ip": ["ip"],
  "bitmap:ip,mac": ["ip", "mac"],
  "bitmap:port": ["port"],
  "hash:ip": ["ip"],
  "hash:ip,mac": ["ip", "mac"],
  "hash:ip,mark": ["ip", "mark"],
  "hash:ip,port": ["ip", "port"],
  "hash:ip,port,ip": ["ip", "port", "ip"],
  "hash:ip,port,net": ["ip", "port", "net"],
  "hash:mac": ["mac"],
  "hash:net": ["net"],
  "hash:net,iface": ["net", "iface"],
  "hash:net,net": ["net", "net"],
  "hash:net,port": ["net", "port"],
  "hash:net,port,net": ["net", "port", "net"],
  "list:set": ["set"],
};

/** A network with its host bits cleared; of one address when `length` is 32 or 128. */
export interface Network {
  readonly kind: "net";
  readonly address: IPAddress;
  readonly length: number;
}

/**
 * A port with its protocol number. ICMP and ICMPv6 have type << 8 | code, other protocols without ports 0; in
 * `bitmap:port` there is no protocol.
 */
export interface Port {
  readonly kind: "port";
  readonly protocol?: number;
  readonly port: number;
}

/** An interface; `physdev`: a port of a bridge; `wildcard`: every interface whose name begins so. */
export interface Interface {
  readonly kind: "iface";
  readonly name: string;
  readonly physdev: boolean;
  readonly wildcard: boolean;
}

/** One part of an element. */
export type Value =
  | { readonly kind: "ip"; readonly address: IPAddress }
  | Network
  | Port
  | Interface
  /** Six octets in upper-case hexadecimal, `00:11:22:AA:BB:CC`. */
  | { readonly kind: "mac"; readonly mac: string }
  | { readonly kind: "mark"; readonly mark: number }
  /** The name of a member set. */
  | { readonly kind: "set"; readonly set: string };

/** What `--map-set` gives to a packet: mark, priority (class) and transmit queue. */
export interface SkbInfo {
  readonly mark?: MaskedValue;
  readonly priority?: { readonly major: number; readonly minor: number };
  readonly queue?: number;
}

/** An element. Counters are decimal text because they may exceed 2^53. */
export interface SetElement {
  readonly values: readonly Value[];
  /** A look-up that finds it fails. */
  readonly nomatch?: true;
  /** Seconds left, 0: for ever. Only in sets with a timeout. */
  readonly timeout?: number;
  readonly packets?: string;
  readonly bytes?: string;
  readonly comment?: string;
  readonly skb?: SkbInfo;
}

/** Options of a set, as its `create` line has them. What is not there was not said. */
export interface SetOptions {
  /** Of hash types other than `hash:mac`. */
  readonly family?: IPFamily;
  readonly hashSize?: number;
  readonly maxElements?: number;
  /** Bits of each address that count. */
  readonly netmask?: number;
  readonly bitmask?: IPAddress;
  readonly markMask?: number;
  /** Of bitmap types; `to` is included. */
  readonly range?:
    | { readonly from: IPAddress; readonly to: IPAddress }
    | { readonly from: number; readonly to: number };
  /** Of `list:set`. */
  readonly size?: number;
  /** Default of new elements in seconds, 0: for ever. */
  readonly timeout?: number;
  readonly counters?: true;
  readonly comment?: true;
  readonly skbinfo?: true;
  readonly forceadd?: true;
  readonly bucketSize?: number;
  readonly initialValue?: number;
}

/** A set with its elements in the order of the text. */
export interface IPSet {
  readonly name: string;
  readonly type: SetType;
  readonly options: SetOptions;
  readonly elements: readonly SetElement[];
}
