import test from "ava";
import { flushEntries, isTaken, selectEntries } from "../../src/kernel/conntrack/table.ts";
import { confirm, track } from "../../src/kernel/conntrack/track.ts";
import { makePacket, type PacketFields } from "../../src/kernel/packet.ts";
import type { IPv6Words } from "../../src/net/ip.ts";
import { makeNode, type Node } from "./node.ts";

const client = 0x0a000101;
const server = 0x0a000201;
const router = 0x0a000209;
const client6: IPv6Words = [0xfd000001, 0, 0, 1];
const server6: IPv6Words = [0xfd000002, 0, 0, 1];
const from = { family: "IPv4", src: client, dst: server } as const;
const back = { family: "IPv4", src: server, dst: client } as const;
const from6 = { family: "IPv6", src: client6, dst: server6 } as const;
const back6 = { family: "IPv6", src: server6, dst: client6 } as const;

const udp: PacketFields = { ...from, protocol: 17, sport: 1000, dport: 53 };
const udpBack: PacketFields = { ...back, protocol: 17, sport: 53, dport: 1000 };
const seconds = (node: Node): number => ((node.entries()[0]?.expires ?? 0) - node.state.now) / 1000;

test("UDP: new until answered, a stream after the answer and two seconds", (t) => {
  const node = makeNode();
  const seen = (fields: PacketFields): unknown[] => [
    node.send(fields).state,
    seconds(node),
    node.entries()[0]?.assured,
  ];
  t.deepEqual(seen(udp), ["new", 30, false]);
  t.deepEqual(seen(udp), ["new", 30, false]);
  t.deepEqual(seen(udpBack), ["established", 30, false]);
  node.state.advance(2000);
  t.deepEqual(seen(udp), ["established", 30, false]);
  node.state.advance(1);
  t.deepEqual(seen(udp), ["established", 120, true]);
});

test("an entry that has expired is gone, and its tuple is free", (t) => {
  const node = makeNode();
  const entry = node.send(udp).entry;
  node.state.advance(29_999);
  t.true(isTaken(node.state, entry?.reply ?? (node.entries()[0]?.reply as never), 0, undefined));
  t.is(node.send(udpBack).state, "established");
  node.state.advance(30_000);
  t.is(node.send(udpBack).state, "new");
  t.is(node.entries().length, 1);
  t.true(entry?.dead);
});

test("a first packet that is dropped leaves nothing", (t) => {
  const node = makeNode();
  t.is(node.track(udp).state, "new");
  t.is(node.entries().length, 0);
  t.is(node.state.entries.size, 0);
});

type ICMPRow = readonly [type: number, v6: boolean, first: string, answer: number];
const icmpRows: readonly ICMPRow[] = [
  [8, false, "new", 0],
  [13, false, "new", 14],
  [15, false, "new", 16],
  [17, false, "new", 18],
  [0, false, "none", 8],
  [14, false, "none", 13],
  [9, false, "none", 10],
  [19, false, "none", 0],
  [3, false, "none", 0],
  [128, true, "new", 129],
  [139, true, "new", 140],
  [129, true, "none", 128],
  [1, true, "none", 0],
  [100, true, "none", 0],
  [137, true, "none", 0],
  [200, true, "none", 0],
  ...[130, 131, 132, 133, 134, 135, 136, 143].map((type): ICMPRow => [type, true, "untracked", 0]),
];
for (const [type, v6, first, answer] of icmpRows) {
  test(`ICMP${v6 ? "v6" : ""} type ${type}: ${first}`, (t) => {
    const node = makeNode();
    const protocol = v6 ? 58 : 1;
    t.is(node.send({ ...(v6 ? from6 : from), protocol, icmpType: type, icmpId: 7 }).state, first as never);
    if (first !== "new") return;
    const reply: PacketFields = { ...(v6 ? back6 : back), protocol, icmpType: answer, icmpId: 7 };
    t.is(node.send({ ...reply, icmpId: 8 }).state, "none");
    t.is(node.send(reply).state, "established");
    t.is(seconds(node), 30);
  });
}

type ErrorRow = readonly [name: string, fields: PacketFields, state: string, direction: number];
const quoted = makePacket(udp);
const error: PacketFields = { ...back, protocol: 1, icmpType: 3, icmpCode: 3, inner: quoted };
const errorRows: readonly ErrorRow[] = [
  ["from the other side", error, "related", 1],
  ["from a router", { ...error, src: router }, "related", 1],
  ["redirect", { ...error, icmpType: 5 }, "related", 1],
  ["to somebody else", { ...error, dst: router }, "none", 0],
  ["by the side that sent the quoted packet", { ...error, ...from }, "none", 0],
  ["about a packet never seen", { ...error, inner: makePacket({ ...udp, sport: 9 }) }, "none", 0],
  ["about an answer, from the client", { ...error, ...from, inner: makePacket(udpBack) }, "related", 0],
  ["quoting an error", { ...error, inner: makePacket({ ...from, protocol: 1, icmpType: 3 }) }, "none", 0],
  ["quoting nothing", { ...error, inner: undefined }, "none", 0],
  ["with a wrong checksum", { ...error, badChecksum: true }, "none", 0],
];
for (const [name, fields, state, direction] of errorRows) {
  test(`ICMP error ${name}: ${state}`, (t) => {
    const node = makeNode();
    node.send(udp);
    const before = { ...node.entries()[0] };
    const skb = node.send(fields);
    t.deepEqual([skb.state, skb.direction], [state as never, direction as never]);
    t.deepEqual({ ...node.entries()[0] }, before as never);
  });
}

const sctp = { protocol: 132, sport: 1, dport: 2 } as const;
const sctpBack = { protocol: 132, sport: 2, dport: 1 } as const;
test("SCTP: an association from INIT to SHUTDOWN COMPLETE", (t) => {
  const node = makeNode();
  const life: readonly (readonly [number, boolean, number, string, number, boolean])[] = [
    // chunk, reply, tag, state, seconds, assured
    [1, false, 0, "CLOSED", 10, false],
    [2, true, 5, "COOKIE_WAIT", 3, false],
    [10, false, 6, "COOKIE_ECHOED", 3, false],
    [11, true, 5, "ESTABLISHED", 210, true],
    [0, false, 6, "ESTABLISHED", 210, true],
    [7, false, 6, "SHUTDOWN_SENT", 3, true],
    [8, true, 5, "SHUTDOWN_ACK_SENT", 3, true],
    [14, false, 6, "CLOSED", 10, true],
  ];
  for (const [chunk, reply, vtag, state, left, assured] of life) {
    const way = reply ? { ...back, ...sctpBack, initTag: 6 } : { ...from, ...sctp, initTag: 5 };
    node.send({ ...way, vtag, chunks: [chunk] });
    const [entry] = node.entries();
    const shown = entry?.protocolState?.kind === "sctp" ? entry.protocolState.state : "";
    t.deepEqual([shown, seconds(node), entry?.assured], [state, left, assured], `chunk ${chunk}`);
  }
  t.is(node.send({ ...from, ...sctp, vtag: 7, chunks: [0] }).state, "none");
});

const sctpFirstRows: readonly (readonly [chunks: readonly number[], vtag: number, state: string])[] = [
  [[1], 0, "new"],
  [[1], 9, "none"],
  [[4], 9, "new"],
  [[5], 9, "new"],
  [[8], 9, "new"],
  ...[2, 10, 11, 0, 6, 7, 14].map((chunk) => [[chunk], 9, "none"] as const),
  [[], 9, "none"],
  [[1, 4], 0, "none"],
];
for (const [chunks, vtag, state] of sctpFirstRows) {
  test(`SCTP first packet with chunks [${chunks}], tag ${vtag}: ${state}`, (t) =>
    t.is(makeNode().send({ ...from, ...sctp, chunks, vtag }).state, state as never));
}

const otherRows: readonly (readonly [protocol: number, before: number, after: number, assured: boolean])[] = [
  [50, 600, 600, false],
  [4, 600, 600, false],
  [33, 600, 600, false],
  [47, 30, 180, true],
];
for (const [protocol, before, after, assured] of otherRows) {
  test(`protocol ${protocol} lives ${before} s, answered ${after} s`, (t) => {
    const node = makeNode();
    t.is(node.send({ ...from, protocol }).state, "new");
    t.is(seconds(node), before);
    node.send({ ...back, protocol });
    t.is(node.send({ ...from, protocol }).state, "established");
    t.deepEqual([seconds(node), node.entries()[0]?.assured], [after, assured]);
  });
}

test("UDP-Lite: the kernel refuses right checksums of received packets, not of its own", (t) => {
  t.is(makeNode().send({ ...udp, protocol: 136 }).state, "none");
  t.is(makeNode({}, "OUTPUT").send({ ...udp, protocol: 136 }).state, "new");
  t.is(makeNode({ conntrackChecksum: false }).send({ ...udp, protocol: 136 }).state, "new");
});

test("wrong checksums count in PREROUTING only, and only with nf_conntrack_checksum", (t) => {
  const bad = { ...udp, badChecksum: true };
  t.is(makeNode().send(bad).state, "none");
  t.is(makeNode({}, "OUTPUT").send(bad).state, "new");
  t.is(makeNode({ conntrackChecksum: false }).send(bad).state, "new");
});

test("later fragments and ICMP of the other family are INVALID", (t) => {
  t.is(makeNode().send({ ...udp, fragmentOffset: 3 }).state, "none");
  t.is(makeNode().send({ ...from6, protocol: 1 }).state, "none");
  t.is(makeNode().send({ ...from, protocol: 58 }).state, "none");
});

test("timeouts follow the host's sysctls", (t) => {
  const node = makeNode({ conntrackTimeouts: new Map([["udp_timeout", 7]]) });
  node.send(udp);
  t.is(seconds(node), 7);
});

test("a packet that has its entry, or is untracked, is left alone; events say what was found", (t) => {
  const node = makeNode();
  const skb = node.send(udp);
  track(node.walk, skb);
  node.track(udp, (other) => {
    other.state = "untracked";
  });
  const id = skb.entry?.id;
  t.deepEqual(node.events, [
    { kind: "conntrack", state: "NEW", entry: id },
    { kind: "confirmed", entry: id },
  ] as never);
});

test("zones keep equal tuples apart", (t) => {
  const node = makeNode();
  node.send(udp);
  const other = node.track(udp, (skb) => {
    skb.zone = 5;
  });
  t.true(confirm(node.walk, other));
  t.is(node.entries().length, 2);
});

test("a tuple that is its own answer is found as the reply", (t) => {
  const node = makeNode();
  const self: PacketFields = { ...udp, dst: client, dport: 1000 };
  t.is(node.send(self).state, "new");
  t.deepEqual([node.send(self).state, node.send(self).direction], ["established", 1]);
});

/** Two clients whose replies look alike, as SNAT to one port leaves them. */
function clash(protocol: number, natDone: boolean): { readonly passed: boolean; readonly adopted: boolean } {
  const node = makeNode();
  const first = node.track({ ...udp, protocol }).entry;
  const again = node.track({ ...udp, protocol, src: router });
  if (first === undefined || again.entry === undefined) throw new Error("two entries");
  const reply = { ...first.reply, dst: 0xc0000201 };
  node.state.set(first, "reply", reply);
  node.state.set(again.entry, "reply", reply);
  node.state.set(first, "sourceDone", natDone);
  const one = makeNode();
  const skb = one.track({ ...udp, protocol });
  skb.entry = first;
  confirm(node.walk, skb);
  return { passed: confirm(node.walk, again), adopted: again.entry === first };
}

test("a clash at confirm drops the packet; UDP adopts an entry that NAT never decided about", (t) => {
  t.deepEqual(clash(6, true), { passed: false, adopted: false });
  t.deepEqual(clash(17, true), { passed: false, adopted: false });
  t.deepEqual(clash(17, false), { passed: true, adopted: true });
  t.deepEqual(clash(6, false), { passed: false, adopted: false });
});

test("entries are chosen by tuple, protocol and mark, and flushed", (t) => {
  const node = makeNode();
  node.send(udp);
  node.send({ ...udp, sport: 1001 });
  node.send({ ...udp, protocol: 6, sport: 1001 });
  t.is(selectEntries(node.state, { family: "IPv4", original: { dst: server, dport: 53 } }).length, 3);
  t.is(flushEntries(node.state, { protocol: 17, original: { dport: 53 }, reply: { dport: 1001 } }), 1);
  t.is(flushEntries(node.state, { mark: { value: 1, mask: 1 } }), 0);
  t.is(flushEntries(node.state, {}), 2);
  t.is(node.state.entries.size, 0);
});

test("SCTP: a repeated INIT says nothing new, so another tag in the INIT ACK is wrong", (t) => {
  for (const [initTag, state] of [
    [5, "none"],
    [9, "established"],
  ] as const) {
    const node = makeNode();
    const way = { ...from, ...sctp, initTag: 5 };
    const reply = { ...back, ...sctpBack, initTag: 6 };
    node.send({ ...way, vtag: 0, chunks: [1] });
    node.send({ ...reply, vtag: 5, chunks: [2] });
    node.send({ ...way, vtag: 6, chunks: [10] });
    node.send({ ...reply, vtag: 5, chunks: [11] });
    node.send({ ...way, initTag, vtag: 0, chunks: [1] });
    t.is(node.send({ ...reply, initTag: 7, vtag: initTag, chunks: [2] }).state, state);
  }
});
