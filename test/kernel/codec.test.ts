import test from "ava";
import fc from "fast-check";
import { makePacket, type Packet, type PacketFields, tcpFlag } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import { decodePacket } from "./decode.ts";
import { encodePacket } from "./encode.ts";
import { packetLength } from "./layout.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const v4 = (text: string): number => parseIPv4(text) as number;
const v6 = (text: string): Packet["src"] => parseIPv6(text) as Packet["src"];

const port = fc.integer({ min: 0, max: 0xffff });
const word = fc.integer({ min: 0, max: 0xffffffff });
const byte = fc.integer({ min: 0, max: 255 });
const payload = fc.integer({ min: 0, max: 200 });
const addresses = { IPv4: word, IPv6: fc.tuple(word, word, word, word) } as const;

/** Of the options only those with a form that says their value. */
const option = fc.oneof(
  fc.constantFrom({ kind: 1, value: 0 }, { kind: 4, value: 0 }),
  port.map((value) => ({ kind: 2, value })),
  fc.integer({ min: 0, max: 14 }).map((value) => ({ kind: 3, value })),
  word.map((value) => ({ kind: 8, value })),
);

const tcp = fc
  .record({ sport: port, dport: port, flags: byte, seq: word, ack: word, window: port, payload })
  .chain((rest) => fc.array(option, { maxLength: 3 }).map((options) => ({ ...rest, options, protocol: 6 })));
const udp = fc.record({ sport: port, dport: port, payload, protocol: fc.constantFrom(17, 136, 33) });
const sctp = fc
  .record({ sport: port, dport: port, vtag: word, initTag: word, payload })
  .chain((rest) =>
    fc.array(fc.integer({ min: 0, max: 14 }), { minLength: 0, maxLength: 3 }).map((chunks) => ({
      ...rest,
      chunks,
      protocol: 132,
      payload: chunks.includes(0) ? rest.payload : 0,
      initTag: chunks.includes(1) || chunks.includes(2) ? rest.initTag : 0,
    })),
  )
  // of several chunks of a kind only one can say what the packet's one field holds
  .filter(({ chunks }) => chunks.filter((type) => type === 1 || type === 2).length < 2)
  .filter(({ chunks }) => chunks.filter((type) => type === 0).length < 2);
const other = fc.record({ protocol: fc.constantFrom(2, 4, 47, 50, 200), payload });
const queries = { IPv4: [0, 8, 13, 14, 17, 30], IPv6: [128, 129, 130, 139, 200] } as const;
const errors = { IPv4: [3, 4, 5, 11, 12], IPv6: [1, 2, 3, 4] } as const;

const echo = (family: IPFamily): fc.Arbitrary<Partial<Packet> & { protocol: number }> =>
  fc
    .record({ icmpType: fc.constantFrom(...queries[family]), icmpCode: byte, icmpId: port, payload })
    .map((fields) => ({ ...fields, protocol: family === "IPv4" ? 1 : 58 }));

function whole(family: IPFamily): fc.Arbitrary<Packet> {
  return fc
    .record({
      src: addresses[family],
      dst: addresses[family],
      ttl: byte,
      tos: byte,
      df: family === "IPv4" ? fc.boolean() : fc.constant(false),
      badChecksum: fc.boolean(),
      transport: fc.oneof(tcp, udp, sctp, other, echo(family)),
    })
    .map(({ transport, ...ip }) => {
      const fields: PacketFields = { icmpType: 0, ...ip, ...transport, family };
      return makePacket(isPlain(fields.protocol) ? { ...fields, badChecksum: false } : fields);
    });
}

const isPlain = (protocol: number): boolean => [2, 4, 47, 50, 200].includes(protocol);

const error = (family: IPFamily): fc.Arbitrary<Packet> =>
  fc
    .record({
      src: addresses[family],
      dst: addresses[family],
      icmpType: fc.constantFrom(...errors[family]),
      icmpCode: byte,
      icmpMtu: port,
      badChecksum: fc.boolean(),
      inner: whole(family).map((packet) => ({ ...packet, badChecksum: false })),
    })
    .map((fields) => makePacket({ ...fields, family, protocol: family === "IPv4" ? 1 : 58 }));

const fragment = (family: IPFamily): fc.Arbitrary<Packet> =>
  fc
    .record({
      src: addresses[family],
      dst: addresses[family],
      fragmentOffset: fc.integer({ min: 0, max: 0x1fff }),
      payload: fc.integer({ min: 0, max: 99 }),
      sport: port,
      identification: port,
    })
    .map(({ sport, ...fields }) => {
      const first = fields.fragmentOffset === 0;
      return makePacket({ ...fields, family, protocol: 17, moreFragments: true, sport: first ? sport : 0 });
    });

for (const family of ["IPv4", "IPv6"] as const) {
  const packets = fc.oneof(whole(family), error(family), ...(family === "IPv4" ? [fragment(family)] : []));
  test(`${family}: what was encoded is read back, and is as long as said`, (t) => {
    fc.assert(
      fc.property(packets, (packet) => {
        const bytes = encodePacket(packet);
        t.is(bytes.length, packetLength(packet));
        t.deepEqual(decodePacket(bytes), packet);
      }),
      { numRuns: 2000 },
    );
  });

  test(`${family}: reading never throws, whatever is cut off or turned over`, (t) => {
    fc.assert(
      fc.property(packets, fc.nat(), fc.nat(), byte, (packet, cut, at, value) => {
        const bytes = encodePacket(packet);
        bytes[at % bytes.length] = value;
        decodePacket(bytes.subarray(0, cut % (bytes.length + 1)));
      }),
      { numRuns: 2000 },
    );
    t.pass();
  });

  test(`${family}: a bit that turns over in transport makes the checksum wrong`, (t) => {
    const covered = fc.oneof(tcp, udp, echo(family)).map((transport) =>
      makePacket({
        icmpType: 0,
        ...transport,
        family,
        src: family === "IPv4" ? 5 : [1, 2, 3, 4],
        dst: family === "IPv4" ? 7 : [5, 6, 7, 8],
      }),
    );
    fc.assert(
      fc.property(
        covered.filter(({ protocol }) => protocol === 6 || protocol === 1 || protocol === 58),
        fc.nat(),
        (packet, where) => {
          const bytes = encodePacket(packet);
          const header = family === "IPv4" ? 20 : 40;
          const at = header + (where % (bytes.length - header));
          // the first byte of ICMP says whether it is an error, byte 12 of TCP where the data begins
          if (at < header + 2 || at === header + 12) return;
          bytes[at] = (bytes[at] as number) ^ 1;
          t.true(decodePacket(bytes)?.badChecksum);
        },
      ),
      { numRuns: 500 },
    );
  });
}

/** Bytes that another program wrote (Python's struct module, checksums by hand from the RFCs' definition). */
const rows: readonly (readonly [string, PacketFields, string])[] = [
  [
    "a SYN",
    { family: "IPv4", src: v4("10.0.0.1"), dst: v4("10.96.0.1"), protocol: 6, sport: 1000, dport: 80, seq: 1000 },
    "45000028000100004006666e0a0000010a60000103e80050000003e8000000005002ffff93610000",
  ],
  [
    "an ACK with data",
    {
      family: "IPv6",
      src: v6("fd00::1"),
      dst: v6("fd00::2"),
      protocol: 6,
      sport: 1,
      dport: 2,
      seq: 5,
      ack: 9,
      flags: tcpFlag.ACK,
      payload: 3,
      window: 100,
    },
    "6000000000170640fd000000000000000000000000000001fd00000000000000000000000000000200010002000000050000000950100064f2f60000616161",
  ],
  [
    "a UDP datagram",
    { family: "IPv4", src: v4("192.168.0.1"), dst: v4("8.8.8.8"), protocol: 17, sport: 53, dport: 53, payload: 5 },
    "45000021000100004011aa12c0a800010808080800350035000d0aee6161616161",
  ],
  [
    "an echo request",
    { family: "IPv6", src: v6("fd00::1"), dst: v6("fd00::2"), protocol: 58, icmpId: 7 },
    "6000000000083a40fd000000000000000000000000000001fd000000000000000000000000000002800085b000070001",
  ],
  [
    "a port unreachable",
    {
      family: "IPv4",
      src: v4("10.0.0.9"),
      dst: v4("10.0.0.1"),
      protocol: 1,
      icmpType: 3,
      icmpCode: 3,
      inner: makePacket({
        family: "IPv4",
        src: v4("10.0.0.1"),
        dst: v4("10.0.0.2"),
        protocol: 17,
        sport: 9,
        dport: 10,
        identification: 1,
      }),
    },
    "4500003800010000400166bb0a0000090a00000103031119000000004500001c00010000401166ce0a0000010a0000020009000a0008ebc8",
  ],
  [
    "an SCTP INIT",
    { family: "IPv4", src: v4("10.0.0.1"), dst: v4("10.96.0.1"), protocol: 132, sport: 5, dport: 6, initTag: 7 },
    "4500003400010000408465e40a0000010a60000100050006000000000a85613301000014000000070000ffff0001000100000000",
  ],
];
for (const [name, fields, bytes] of rows) {
  test(`the bytes of ${name}`, (t) => t.is(hex(encodePacket(makePacket({ ...fields, identification: 1 }))), bytes));
}
