import type { PacketView } from "../kernel/event.ts";
import { type Address, type Packet, protocols, type TCPOption, tcpFlag } from "../kernel/packet.ts";
import { packetLength, tcpHeaderLength } from "../kernel/packet-length.ts";
import { addressText } from "../kernel/packet-text.ts";

/** A packet at one point of its way, with what the kernel's log says around its headers. */
export interface LoggedPacket {
  readonly packet: Packet;
  readonly view: PacketView;
  readonly ttl: number;
  readonly inInterface: string;
  readonly outInterface: string;
  /** The sending socket's, while the packet is on its way out. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** NAT has rewritten the packet: what it does to a quoted packet is not in the events. */
  readonly translated: boolean;
}

const hex = (value: number, digits = 0): string => value.toString(16).padStart(digits, "0");

/** `%pI6`: all eight groups. */
function logAddress(address: Address): string {
  if (typeof address === "number") return addressText(address);
  return address.map((word) => `${hex(word >>> 16, 4)}:${hex(word & 0xffff, 4)}`).join(":");
}

/** In the order that `nf_log_dump_tcp_header` asks for them. */
const FLAGS = ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"] as const;

/** The bytes of TCP options as far as one number per option says them; `undefined` where it does not (timestamps, SACK). */
function optionBytes(options: readonly TCPOption[]): string | undefined {
  let bytes = "";
  for (const { kind, value } of options) {
    if (kind === 0 || kind === 1) bytes += hex(kind, 2);
    else if (kind === 2) bytes += `0204${hex(value & 0xffff, 4)}`;
    else if (kind === 3) bytes += `0303${hex(value & 0xff, 2)}`;
    else if (kind === 4) bytes += "0402";
    else return undefined;
  }
  return bytes.padEnd((tcpHeaderLength(options) - 20) * 2, "0").toUpperCase();
}

function tcpText({ seq, ack, window, flags, options }: Packet, { sport, dport }: PacketView): string {
  const set = FLAGS.filter((name) => (flags & tcpFlag[name]) !== 0).map((name) => `${name} `);
  const bytes = options.length === 0 ? undefined : optionBytes(options);
  const tail = bytes === undefined ? "" : `OPT (${bytes}) `;
  return `PROTO=TCP SPT=${sport} DPT=${dport} SEQ=${seq} ACK=${ack} WINDOW=${window} RES=0x00 ${set.join("")}URGP=0 ${tail}`;
}

const ECHO: ReadonlySet<number> = new Set([0, 8]);
const ECHO_V6: ReadonlySet<number> = new Set([128, 129]);

function icmpText(packet: Packet, quoted: string): string {
  const { family, icmpType, icmpCode, icmpId, icmpMtu, seq } = packet;
  const v6 = family === "IPv6";
  const head = `PROTO=${v6 ? "ICMPv6" : "ICMP"} TYPE=${icmpType} CODE=${icmpCode} `;
  if ((v6 ? ECHO_V6 : ECHO).has(icmpType)) return `${head}ID=${icmpId} SEQ=${seq} `;
  const saysMTU = v6 ? icmpType === 2 : icmpType === 3 && icmpCode === 4;
  return `${head}${quoted}${saysMTU ? `MTU=${icmpMtu} ` : ""}`;
}

const PORTS_NAMES: ReadonlyMap<number, string> = new Map([
  [protocols.udp, "UDP"],
  [protocols.udplite, "UDPLITE"],
]);

function transportText(packet: Packet, view: PacketView, quoted: string): string {
  const { protocol, family, fragmentOffset, payload } = packet;
  const later = fragmentOffset !== 0;
  const name = PORTS_NAMES.get(protocol);
  if (protocol === protocols.tcp) return later ? "PROTO=TCP " : tcpText(packet, view);
  if (name !== undefined) {
    // UDP-Lite has its checksum's coverage in the place of the length: all is 0
    const length = name === "UDP" ? 8 + payload : 0;
    return later ? `PROTO=${name} ` : `PROTO=${name} SPT=${view.sport} DPT=${view.dport} LEN=${length} `;
  }
  if (protocol === (family === "IPv6" ? protocols.icmpv6 : protocols.icmp))
    return later ? `PROTO=${family === "IPv6" ? "ICMPv6" : "ICMP"} ` : icmpText(packet, quoted);
  if (protocol === protocols.esp) return "PROTO=ESP ";
  return `PROTO=${protocol} `;
}

function fragmentText({ family, df, moreFragments, fragmentOffset, identification }: Packet): string {
  if (family === "IPv4") {
    const offset = fragmentOffset === 0 ? "" : `FRAG:${fragmentOffset} `;
    return `${df ? "DF " : ""}${moreFragments ? "MF " : ""}${offset}`;
  }
  if (fragmentOffset === 0 && !moreFragments) return "";
  const incomplete = moreFragments ? "INCOMPLETE " : "";
  return `OPT ( FRAG:${fragmentOffset * 8} ${incomplete}ID:${hex(identification, 8)} ) `;
}

/** From `SRC=` on (`dump_ipv4_packet`, `dump_ipv6_packet`); ends in a blank. */
function headersText(packet: Packet, view: PacketView, ttl: number, quoted: string): string {
  const { family, tos, identification } = packet;
  const ends = `SRC=${logAddress(view.src)} DST=${logAddress(view.dst)} LEN=${packetLength(packet)} `;
  const type =
    family === "IPv4"
      ? `TOS=0x${hex(tos & 0x1e, 2).toUpperCase()} PREC=0x${hex(tos & 0xe0, 2).toUpperCase()} TTL=${ttl} ID=${identification} `
      : `TC=${tos} HOPLIMIT=${ttl} FLOWLBL=0 `;
  return `${ends}${type}${fragmentText(packet)}${transportText(packet, view, quoted)}`;
}

function viewOf({ src, dst, sport, dport }: Packet): PacketView {
  return { src, dst, sport, dport, mark: 0 };
}

/** What an ICMP error quotes: the same fields again; a second quotation inside is not looked into. */
function quotedText({ packet, translated }: LoggedPacket): string {
  const { inner } = packet;
  return inner === undefined || translated ? "" : `[${headersText(inner, viewOf(inner), inner.ttl, "")}] `;
}

const LOOPBACK_MAC = "00:".repeat(12);

/**
 * The packet's part of a line of the kernel log, from `IN=` on, as `nf_log_ip_packet` and `nf_log_ip6_packet` print it for TRACE
 * (dump-formats §2.1); ends in a blank. What the emulator does not know is left out: `MAC=` of other devices than lo,
 * `SPI=`, TCP options with more than one number, the packet that a translated ICMP error quotes.
 */
export function loggedPacketText(logged: LoggedPacket): string {
  const { packet, view, ttl, inInterface, outInterface, owner } = logged;
  const mac = inInterface === "lo" ? `MAC=${LOOPBACK_MAC}${packet.family === "IPv4" ? "08:00" : "86:dd"} ` : "";
  const user = owner === undefined ? "" : `UID=${owner.uid} GID=${owner.gid} `;
  const mark = view.mark === 0 ? "" : `MARK=0x${hex(view.mark)} `;
  return `IN=${inInterface} OUT=${outInterface} ${mac}${headersText(packet, view, ttl, quotedText(logged))}${user}${mark}`;
}
