import {
  type Address,
  makePacket,
  type Packet,
  type PacketFields,
  protocols,
  tcpFlag,
} from "../../src/kernel/packet.ts";
import type { Random } from "../../src/net/random.ts";
import { addressesOf, type RuleConstants } from "./constants.ts";
import { type DestinationClass, destinationClasses, type Places, sourceClasses } from "./places.ts";
import { makeStep, type Step } from "./step.ts";
import { peersOf, type TopologyInterface } from "./topology.ts";

export const protocolClasses = ["tcp", "udp", "sctp", "icmp", "other"] as const;
export type ProtocolClass = (typeof protocolClasses)[number];

/** Tags of both ends of every SCTP association, so that an answer can be made from a packet alone. */
export const SCTP_TAGS = { client: 7, server: 9 } as const;

const { FIN, SYN, RST, PSH, ACK, URG, ECE, CWR } = tcpFlag;
/** First packets by how often they come; the odd ones show what conntrack takes for INVALID. */
const FIRST_FLAGS = [
  ...Array<number>(24).fill(SYN),
  ...[ACK, ACK, ACK, ACK, PSH | ACK, PSH | ACK, SYN | ACK, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK],
  ...[0, FIN, SYN | FIN, SYN | RST, FIN | PSH | URG, SYN | ECE | CWR, 0xff, PSH, URG | ACK, SYN | URG],
];
const SYN_OPTIONS = [
  { kind: 2, value: 1460 },
  { kind: 4, value: 0 },
  { kind: 8, value: 12345 },
  { kind: 1, value: 0 },
  { kind: 3, value: 7 },
];
/** Few, so that flows of different clients and frontends meet; of each class that NAT keeps a port in. */
const CLIENT_PORTS = [1000, 1000, 1001, 40000, 40001, 700, 53, 0];
const USUAL_PORTS = [80, 443, 53, 22, 8080, 9999];
const SCTP_FIRST = [1, 1, 1, 1, 1, 1, 4, 4, 5, 8, 2, 10, 0, 14, 6];
const OTHER_PROTOCOLS = [50, 47, 4, 200, protocols.udplite, protocols.dccp];
const QUERIES = { IPv4: [8, 8, 8, 8, 8, 8, 0, 13, 17, 14, 30, 9], IPv6: [128, 128, 128, 128, 128, 129, 139, 140, 200] };

/** Makes packets that belong to nothing before. */
export class FreshPackets {
  readonly #places: Places;
  readonly #constants: RuleConstants;
  readonly #random: Random;
  readonly #interfaces: readonly TopologyInterface[];
  #sources = 0;
  #identification = 100;

  constructor(places: Places, constants: RuleConstants, random: Random) {
    this.#places = places;
    this.#constants = constants;
    this.#random = random;
    this.#interfaces = places.topology.interfaces.filter(({ role }) => role !== "host");
  }

  /** A packet of any class of source, destination and protocol, all equally often; sometimes several fragments. */
  any(): Step[] {
    const random = this.#random;
    const classes = destinationClasses.filter((name) => this.#places.destinations[name].length > 0);
    return this.#toward(random.pick(classes), random.pick(protocolClasses));
  }

  /** A packet to a frontend that the rules name, as its clients send it. */
  toFrontend(): Step[] {
    const random = this.#random;
    const { frontends } = this.#constants;
    if (frontends.length === 0) return this.any();
    const { address, protocol, port } = random.pick(frontends);
    const dst = address ?? random.pick([...this.#places.destinations.node, ...this.#places.destinations.external]);
    const number = protocol ?? this.#number(random.pick(protocolClasses));
    const fields = { dst, protocol: number, ...(port !== undefined && { dport: port }) };
    return [this.#from(dst, (src) => this.#transport({ ...fields, ...this.#base(src) }, true))];
  }

  #base(src: Address): Pick<Packet, "family" | "src" | "ttl" | "tos"> {
    const ttl = this.#random.chance(0.03) ? 1 : this.#random.pick([64, 64, 63, 2, 255]);
    return { family: this.#places.family, src, ttl, tos: this.#random.chance(0.05) ? 0x10 : 0 };
  }

  #toward(name: DestinationClass, protocol: ProtocolClass): Step[] {
    const dst = this.#random.pick(this.#places.destinations[name]);
    const numbers = this.#number(protocol);
    const step = this.#from(dst, (src) => this.#transport({ dst, protocol: numbers, ...this.#base(src) }, false));
    const { packet } = step;
    const cut = packet.protocol === protocols.udp && packet.family === "IPv4" && step.from !== undefined;
    return cut && this.#random.chance(0.08) ? this.#fragments(step) : [step];
  }

  #number(protocol: ProtocolClass): number {
    if (protocol === "other") return this.#random.pick(OTHER_PROTOCOLS);
    if (protocol === "icmp" && this.#places.family === "IPv6") return protocols.icmpv6;
    return protocols[protocol];
  }

  /** Chooses who sends it. The kernel answers "no route" only five times a source (kernel-semantics §5.2): many ask. */
  #from(dst: Address, make: (src: Address) => Packet): Step {
    const random = this.#random;
    const entry = random.pick(sourceClasses);
    if (entry === "local") return this.#local(dst, make);
    const device = random.pick(this.#interfaces.filter(({ role }) => role === entry));
    const unroutable = this.#places.classOf(dst) === "unroutable";
    const peers = addressesOf(peersOf(device, this.#places.family), this.#places.family);
    let src = unroutable || random.chance(0.1) ? this.#neighbour(random.pick(peers)) : random.pick(peers);
    if (random.chance(0.03) && !unroutable) src = random.pick(this.#allAddresses());
    return makeStep(make(src), device.name);
  }

  #allAddresses(): readonly Address[] {
    const { destinations } = this.#places;
    return destinationClasses.filter((name) => name !== "unroutable").flatMap((name) => destinations[name]);
  }

  /** Another machine of the same network; each is asked for once in sixty. */
  #neighbour(peer: Address): Address {
    const n = this.#sources++ % 60;
    if (typeof peer === "number") return ((peer & ~63) | (2 + n)) >>> 0;
    return [peer[0], peer[1], peer[2], ((peer[3] & ~63) | (2 + n)) >>> 0];
  }

  #local(dst: Address, make: (src: Address) => Packet): Step {
    const random = this.#random;
    const { marks, uids } = this.#constants;
    const mark = random.chance(0.15) ? random.pick([...marks, 0x200]) : 0;
    const uid = random.chance(0.2) ? random.pick([...uids, 1000]) : 0;
    return makeStep(make(this.localSource(dst)), undefined, { mark, uid, gid: uid });
  }

  /** The node's address that a sender would usually have. */
  localSource(dst: Address): Address {
    const { family, own } = this.#places;
    const name = this.#places.classOf(dst);
    if (this.#random.chance(0.08)) return this.#random.pick(own);
    if (name === "loopback") return addressesOf([family === "IPv4" ? "127.0.0.1" : "::1"], family)[0] ?? dst;
    if (name === "node") return dst;
    const device = this.#places.deviceTo(dst)?.addresses ?? [];
    return addressesOf(device, family)[0] ?? (own[0] as Address);
  }

  #port(): number {
    const random = this.#random;
    const { ports } = this.#constants;
    return ports.length > 0 && random.chance(0.7) ? random.pick(ports) : random.pick(USUAL_PORTS);
  }

  /** Fills in the transport; `usual` leaves out what no client sends first. */
  #transport(fields: PacketFields, usual: boolean): Packet {
    const random = this.#random;
    const ports = { sport: random.pick(CLIENT_PORTS), dport: this.#port() };
    const badChecksum = !usual && random.chance(0.02);
    switch (fields.protocol) {
      case protocols.tcp:
        return makePacket({ ...ports, ...this.#tcp(usual), badChecksum, ...fields });
      case protocols.sctp:
        return makePacket({ ...ports, ...this.#sctp(usual), badChecksum, ...fields });
      case protocols.icmp:
      case protocols.icmpv6:
        return makePacket({ ...this.#icmp(fields), badChecksum, ...fields });
      case protocols.udp:
      case protocols.udplite:
      case protocols.dccp:
        return makePacket({ ...ports, ...this.#size(), badChecksum, ...fields });
      default:
        return makePacket({ ...this.#size(), ...fields });
    }
  }

  /** Few bytes, or now and then more than a tunnel takes. */
  #size(): Pick<Packet, "payload" | "df"> {
    const random = this.#random;
    const df = this.#places.family === "IPv4" && random.chance(0.3);
    return { payload: random.chance(0.02) ? 1440 : random.below(40), df };
  }

  #tcp(usual: boolean): Partial<Packet> {
    const random = this.#random;
    const flags = usual && random.chance(0.9) ? SYN : random.pick(FIRST_FLAGS);
    const options = (flags & SYN) !== 0 && random.chance(0.7) ? SYN_OPTIONS : [];
    const ack = (flags & ACK) !== 0 ? random.below(2 ** 32) : 0;
    const size = (flags & (SYN | RST)) === 0 ? this.#size() : {};
    return { flags, options, ack, seq: random.below(2 ** 32), ...size };
  }

  #sctp(usual: boolean): Partial<Packet> {
    const random = this.#random;
    const chunk = usual && random.chance(0.9) ? 1 : random.pick(SCTP_FIRST);
    const vtag = chunk === 1 && !random.chance(0.1) ? 0 : SCTP_TAGS.server;
    const initTag = chunk === 1 ? SCTP_TAGS.client : chunk === 2 ? SCTP_TAGS.server : 0;
    const chunks = random.chance(0.05) ? [] : [chunk];
    return {
      chunks,
      vtag,
      initTag: chunks.length > 0 ? initTag : 0,
      payload: chunks.includes(0) ? random.below(40) : 0,
    };
  }

  #icmp({ src, dst, family }: PacketFields): Partial<Packet> {
    const random = this.#random;
    if (random.chance(0.12)) {
      const types = family === "IPv4" ? [3, 11, 12, 5, 4] : [1, 2, 3, 4];
      const inner = makePacket({ family, src: dst, dst: src, protocol: 17, sport: 1000, dport: 53 });
      return { icmpType: random.pick(types), icmpCode: random.below(4), inner };
    }
    return { icmpType: random.pick(QUERIES[family]), icmpId: random.pick([1, 2, 777]), payload: random.below(40) };
  }

  /** The same datagram in two or three pieces, in any order; sometimes one is missing. */
  #fragments(step: Step): Step[] {
    const random = this.#random;
    const { packet } = step;
    const identification = this.#identification++;
    const base = { ...packet, df: false, badChecksum: false, identification };
    const first: Packet = { ...base, payload: 24, moreFragments: true };
    const later = (fragmentOffset: number, moreFragments: boolean): Packet =>
      makePacket({ ...base, sport: 0, dport: 0, fragmentOffset, moreFragments, payload: moreFragments ? 16 : 11 });
    const pieces = random.chance(0.5) ? [first, later(4, false)] : [first, later(4, true), later(6, false)];
    if (random.chance(0.3)) pieces.reverse();
    if (random.chance(0.1)) pieces.pop();
    return pieces.map((piece) => ({ ...step, packet: piece }));
  }
}
