import test from "ava";
import fc from "fast-check";
import { formatListing, readListing } from "../../src/kernel/conntrack/listing.ts";
import { confirm } from "../../src/kernel/conntrack/track.ts";
import { invertTuple, sameTuple, sourceKey, tupleHash, tupleOf } from "../../src/kernel/conntrack/tuple.ts";
import type { ConntrackEntry } from "../../src/kernel/entry.ts";
import { makePacket, type Packet, type PacketFields } from "../../src/kernel/packet.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { IPv6Words } from "../../src/net/ip.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { placeColumn } from "../../src/text/position.ts";
import { makeNode } from "./node.ts";

const { host } = makeNode().walk;

function read(text: string): { readonly state: HostState; readonly found: Diagnostic[]; readonly taken: number } {
  const state = new HostState();
  const found: Diagnostic[] = [];
  const taken = readListing({ name: "ct", text }, state, host.sysctls, (diagnostic) => found.push(diagnostic));
  return { state, found, taken };
}

/** dump-formats §4.1 and §4.4, with entries of both forms, as conntrack 1.4.7 and /proc wrote them. */
const real = `tcp      6 431992 ESTABLISHED src=192.168.7.50 dst=10.96.10.2 sport=44818 dport=443 src=10.244.0.7 dst=10.244.0.1 sport=8443 dport=25820 [ASSURED] mark=128 use=1
udp      17 29 src=192.168.7.50 dst=10.244.0.5 sport=58558 dport=7 [UNREPLIED] src=10.244.0.5 dst=192.168.7.50 sport=7 dport=58558 mark=0 zone=5 use=1
icmp     1 23 src=192.168.7.50 dst=10.244.0.5 type=8 code=0 id=16072 src=10.244.0.5 dst=192.168.7.50 type=0 code=0 id=16072 mark=0 use=1
unknown  89 593 src=192.168.7.50 dst=10.244.0.5 [UNREPLIED] src=10.244.0.5 dst=192.168.7.50 mark=0 use=1
`;

test("what conntrack -L wrote is read and written again as it was", (t) => {
  const { state, found, taken } = read(`${real}conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.\n`);
  t.deepEqual([found, taken], [[], 4]);
  t.is(formatListing(state), real);
});

test("NAT is read off the two tuples", (t) => {
  const entries = read(real).state.entries.list();
  t.deepEqual(
    entries.map(({ sourceChanged, destinationChanged }) => [sourceChanged, destinationChanged]),
    [
      [true, true],
      [false, false],
      [false, false],
      [false, false],
    ],
  );
});

test("a listed connection goes on: packets are in the window, the answer is found", (t) => {
  const node = makeNode();
  readListing({ name: "ct", text: real }, node.state, host.sysctls, () => t.fail());
  const reply = { family: "IPv4", src: 0x0af40007, dst: 0x0af40001, protocol: 6, sport: 8443, dport: 25820 } as const;
  t.is(node.send({ ...reply, flags: 16, seq: 12345, ack: 99 }).state, "established");
  t.is(node.entries()[0]?.expires, 432_000_000);
});

for (const reopen of [false, true]) {
  test(`whether a SYN reopens a listed CLOSE entry is asked: ${reopen}`, (t) => {
    const node = makeNode({}, "PREROUTING", reopen);
    const text =
      "tcp 6 9 CLOSE src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 [ASSURED] mark=0 use=1";
    readListing({ name: "ct", text }, node.state, host.sysctls, () => t.fail());
    const syn = { family: "IPv4", src: 0x0a000001, dst: 0x0a000002, protocol: 6, sport: 1, dport: 2 } as const;
    t.is(node.send(syn).state, reopen ? "new" : "established");
  });
}

const good = "src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1";
type Row = readonly [line: string, code: string, column: number];
const rows: readonly Row[] = [
  ["nonsense", "conntrack-line", 1],
  ["    [NEW] tcp      6 120 SYN_SENT src=1.1.1.1", "conntrack-field", 11],
  ["<conntrack>", "conntrack-line", 1],
  ["udp 17 29 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2", "conntrack-line", 11],
  [`udp 17 29 ${good} ${good}`, "conntrack-field", 95],
  [`udp 17 29 ${good.replace("10.0.0.1", "10.0.0.300")}`, "conntrack-field", 11],
  [`udp 17 29 ${good.replace("sport=1", "sport=70000")}`, "conntrack-field", 37],
  [`udp 17 29 ${good.replace("dport=2 ", "")}`, "conntrack-field", 11],
  [`udp 17 29 ${good.replace("dst=10.0.0.2", "dst=::1")}`, "conntrack-field", 24],
  [`udp 300 29 ${good}`, "conntrack-field", 5],
  [`tcp 6 29 ESTABLISHD ${good}`, "conntrack-field", 10],
  [`tcp 6 29 ${good}`, "conntrack-field", 10],
  [`icmp 1 29 ${good}`, "conntrack-field", 11],
  [
    "icmp 1 9 src=1.1.1.1 dst=2.2.2.2 type=3 code=0 id=1 src=2.2.2.2 dst=1.1.1.1 type=3 code=0 id=1",
    "conntrack-field",
    34,
  ],
  [`udp 17 29 ${good} zone-orig=3`, "conntrack-not-modelled", 95],
  [`udp 17 29 ${good} helper=tftp use=1`, "conntrack-not-modelled", 95],
  [`gre 47 29 ${good.replaceAll("sport=1 dport=2", "srckey=0x1 dstkey=0x0")}`, "conntrack-not-modelled", 37],
];
for (const [line, code, column] of rows) {
  test(`listing: ${line} ${code} at ${column}`, (t) => {
    const { found } = read(`${real}${line}\n`);
    t.deepEqual(
      found.map(({ code: seen, place }) => [seen, place && placeColumn(place.source, place.offset)]),
      [[code, { line: 5, column }]],
    );
  });
}

test("a tuple that is listed twice is a clash", (t) => {
  const { found, taken } = read(`udp 17 29 ${good}\nudp 17 29 ${good}\n`);
  t.deepEqual([taken, found.map(({ code }) => code)], [1, ["conntrack-clash"]]);
});

test("fields that say nothing here are passed over; offloaded entries of /proc have no timeout", (t) => {
  const noise = `ipv4     2 udp 17 29 ${good} packets=1 bytes=2 [ASSURED] mark=7 secctx=x zone=2 delta-time=5 [start=Sat Nov 21 10:14:07 2026] use=2 id=77`;
  const { state, found } = read(noise);
  t.deepEqual(found, []);
  const [entry] = state.entries.list();
  t.deepEqual([entry?.mark, entry?.zone, entry?.created, entry?.assured], [7, 2, -5000, true]);
  const offloaded = read(`ipv4     2 tcp 6 ${good} [HW_OFFLOAD] mark=0 zone=0 use=3`);
  t.deepEqual(
    offloaded.found.map(({ severity, code }) => [severity, code]),
    [["warning", "conntrack-not-modelled"]],
  );
  t.is(offloaded.state.entries.size, 1);
});

const word = fc.integer({ min: 0, max: 0xffffffff });
const port = fc.integer({ min: 0, max: 65535 });
const words: fc.Arbitrary<IPv6Words> = fc.tuple(fc.constant(0x20010db8), word, word, word);

/** Packets that start connections, both families. */
const packet: fc.Arbitrary<Packet> = fc
  .record({
    v6: fc.boolean(),
    protocol: fc.constantFrom(6, 17, 1, 132, 47, 50, 89, 33),
    four: fc.tuple(word, word),
    six: fc.tuple(words, words),
    sport: port,
    dport: port,
    icmpId: port,
  })
  .map(({ v6, protocol, four, six, ...rest }) => {
    const [src, dst] = v6 ? six : four;
    const fields: PacketFields = {
      family: v6 ? "IPv6" : "IPv4",
      src,
      dst,
      protocol: v6 && protocol === 1 ? 58 : protocol,
    };
    return makePacket({ ...fields, ...rest });
  });

/** What a listing holds of an entry. */
const shown = ({
  original,
  reply,
  zone,
  mark,
  seenReply,
  assured,
  expires,
  protocolState,
}: ConntrackEntry): unknown => {
  const state = protocolState !== undefined && protocolState.kind !== "udp" ? protocolState.state : undefined;
  return { original, reply, zone, mark, seenReply, assured, expires, state };
};

test("law: a listing that was written is read as it was, in both forms", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(packet, word, fc.boolean(), port), { maxLength: 8 }),
      fc.boolean(),
      (made, extended) => {
        const node = makeNode();
        for (const [fields, mark, answered, zone] of made) {
          const skb = node.track(fields, (before) => {
            before.zone = zone;
          });
          if (skb.entry === undefined) continue;
          node.state.set(skb.entry, "mark", mark);
          node.state.set(skb.entry, "seenReply", answered);
          confirm(node.walk, skb);
        }
        const again = read(formatListing(node.state, extended));
        t.deepEqual(again.found, []);
        t.deepEqual(again.state.entries.list().map(shown), node.entries().map(shown));
      },
    ),
  );
});

test("law: no text makes the reader throw, and every line is taken or reported", (t) => {
  const piece = fc.constantFrom(
    "tcp",
    "6",
    "17",
    "120",
    "SYN_SENT",
    "src=1.1.1.1",
    "dst=::1",
    "dst=2.2.2.2",
    "sport=1",
    "dport=x",
    "type=8",
    "[ASSURED]",
    "[UNREPLIED]",
    "mark=1",
    "zone=99999",
    "ipv4",
    "2",
    "=",
    "id=",
  );
  const line = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join(" ")),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const { found, taken } = read(lines.join("\n"));
      t.true(
        taken + found.length >=
          lines
            .join("\n")
            .split("\n")
            .filter((text) => text.trim() !== "" && !/conntrack v\d|flow entries/.test(text)).length,
      );
    }),
    { numRuns: 2000 },
  );
});

test("law: the answer to an answer is the first tuple; what is the same has the same hash", (t) => {
  fc.assert(
    fc.property(packet, packet, port, port, (a, b, zoneA, zoneB) => {
      const first = tupleOf(a);
      const second = tupleOf(b);
      if (first === undefined || second === undefined) return;
      t.true(sameTuple(invertTuple(invertTuple(first)), first));
      if (sameTuple(first, second)) t.is(tupleHash(first, zoneA), tupleHash(second, zoneA));
      t.is(tupleHash({ ...first }, zoneB), tupleHash(first, zoneB));
      const near = { ...first, dport: (first.dport + 1) & 0xffff };
      t.deepEqual(sourceKey(near, zoneA), sourceKey(first, zoneA));
    }),
  );
});

test("law: rollback restores the table and every entry", (t) => {
  const small = fc.tuple(
    packet,
    fc.constantFrom(2, 18, 16, 17, 4),
    fc.integer({ min: 0, max: 15 }),
    fc.integer({ min: 0, max: 200_000 }),
  );
  fc.assert(
    fc.property(fc.array(small, { maxLength: 12 }), fc.array(small, { maxLength: 12 }), (before, after) => {
      const node = makeNode();
      const play = (steps: typeof before): void => {
        for (const [fields, flags, host, wait] of steps) {
          node.send({
            ...fields,
            family: "IPv4",
            src: host & 3,
            dst: host >> 2,
            sport: 5,
            dport: 5,
            flags,
            icmpType: 8,
          });
          node.state.advance(wait);
        }
      };
      const picture = (): unknown =>
        structuredClone({
          now: node.state.now,
          nextId: node.state.nextId,
          entries: node.state.entries.list(),
          found: node.state.entries
            .list()
            .map(({ original, reply, zone }) => [
              node.state.entries.find(original, zone)?.id,
              node.state.entries.find(reply, zone)?.id,
              node.state.bySource.get(sourceKey(original, zone)),
            ]),
          size: node.state.entries.size,
        });
      play(before);
      const mark = node.state.mark();
      const seen = picture();
      play(after);
      node.state.rollback(mark);
      t.deepEqual(picture(), seen);
    }),
  );
});
