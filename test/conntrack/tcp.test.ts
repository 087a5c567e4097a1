import test from "ava";
import type { TCPConnectionState } from "../../src/kernel/entry.ts";
import { type PacketFields, tcpFlag } from "../../src/kernel/packet.ts";
import type { PacketState } from "../../src/kernel/skb.ts";
import { makeNode, type Node } from "./node.ts";

const { SYN, ACK, FIN, RST, PSH, URG } = tcpFlag;
const A = { family: "IPv4", src: 0x0a000101, dst: 0x0a000201, protocol: 6, sport: 1000, dport: 80 } as const;
const B = { family: "IPv4", src: 0x0a000201, dst: 0x0a000101, protocol: 6, sport: 80, dport: 1000 } as const;

/** What each letter sends: o = the side that began, r = the other; numbers continue those of the opening below. */
const segments: Readonly<Record<string, PacketFields>> = {
  oS: { ...A, flags: SYN, seq: 99 },
  rSA: { ...B, flags: SYN | ACK, seq: 499, ack: 100 },
  oA: { ...A, flags: ACK, seq: 100, ack: 500 },
  rA: { ...B, flags: ACK, seq: 500, ack: 100 },
  oF: { ...A, flags: FIN | ACK, seq: 100, ack: 500 },
  rF: { ...B, flags: FIN | ACK, seq: 500, ack: 101 },
  oL: { ...A, flags: ACK, seq: 101, ack: 501 },
  oR: { ...A, flags: RST, seq: 100 },
  rR: { ...B, flags: RST, seq: 500 },
  rS: { ...B, flags: SYN, seq: 499 },
  // a SYN with a new initial sequence number
  oN: { ...A, flags: SYN, seq: 900_000 },
  rN: { ...B, flags: SYN, seq: 900_000 },
  oSA: { ...A, flags: SYN | ACK, seq: 99, ack: 500 },
  rF1: { ...B, flags: FIN | ACK, seq: 500, ack: 100 },
  rA1: { ...B, flags: ACK, seq: 500, ack: 101 },
  oF2: { ...A, flags: FIN | ACK, seq: 100, ack: 501 },
  oR1: { ...A, flags: RST, seq: 101 },
  rR1: { ...B, flags: RST, seq: 501 },
  rL: { ...B, flags: ACK, seq: 501, ack: 101 },
};

function play(node: Node, letters: string): PacketState {
  let state: PacketState = "none";
  for (const letter of letters.split(" ").filter((word) => word !== ""))
    state = node.send(segments[letter] as PacketFields).state;
  return state;
}

/** How a connection comes to each state, and the seconds it then lives. */
const ways: Readonly<Record<string, readonly [string, number]>> = {
  SYN_SENT: ["oS", 120],
  SYN_SENT2: ["oS rS", 120],
  SYN_RECV: ["oS rSA", 60],
  ESTABLISHED: ["oS rSA oA", 432000],
  FIN_WAIT: ["oS rSA oA oF", 120],
  CLOSE_WAIT: ["oS rSA oA oF rA1", 60],
  LAST_ACK: ["oS rSA oA oF rF", 30],
  TIME_WAIT: ["oS rSA oA oF rF oL", 120],
  CLOSE: ["oS rSA oA rR", 10],
};

for (const [state, [way, seconds]] of Object.entries(ways)) {
  test(`TCP comes to ${state} and lives ${seconds} s`, (t) => {
    const node = makeNode();
    play(node, way);
    const [entry] = node.entries();
    t.is(entry?.protocolState?.kind === "tcp" ? entry.protocolState.state : "", state);
    t.is(((entry?.expires ?? 0) - node.state.now) / 1000, seconds);
  });
}

type Cell = readonly [
  state: keyof typeof ways,
  letter: string,
  seen: PacketState,
  next: TCPConnectionState | "gone" | "anew" | "=",
];

/** kernel-semantics §1.6, cell by cell, as a real kernel answered; `anew`: the entry is gone and another one is there. */
const cells: readonly Cell[] = [
  ["SYN_SENT", "oS", "new", "="],
  ["SYN_SENT", "oSA", "none", "="],
  ["SYN_SENT", "oF", "none", "="],
  ["SYN_SENT", "oA", "none", "="],
  ["SYN_SENT", "oR", "new", "gone"],
  ["SYN_SENT", "rS", "established", "SYN_SENT2"],
  ["SYN_SENT", "rSA", "established", "SYN_RECV"],
  ["SYN_SENT", "rF1", "none", "="],
  ["SYN_SENT", "rA", "established", "="],
  ["SYN_SENT", "rR", "established", "gone"],
  ["SYN_SENT2", "oN", "none", "="],
  ["SYN_SENT2", "oSA", "established", "SYN_RECV"],
  ["SYN_SENT2", "oF", "none", "="],
  ["SYN_SENT2", "oA", "none", "="],
  ["SYN_SENT2", "oR", "established", "CLOSE"],
  ["SYN_SENT2", "rN", "none", "="],
  ["SYN_SENT2", "rSA", "established", "SYN_RECV"],
  ["SYN_SENT2", "rF1", "none", "="],
  ["SYN_SENT2", "rA", "established", "="],
  ["SYN_SENT2", "rR", "established", "CLOSE"],
  ["SYN_RECV", "oN", "established", "="],
  ["SYN_RECV", "oSA", "established", "="],
  ["SYN_RECV", "oF", "established", "FIN_WAIT"],
  ["SYN_RECV", "oA", "established", "ESTABLISHED"],
  ["SYN_RECV", "oR", "established", "CLOSE"],
  ["SYN_RECV", "rN", "none", "="],
  ["SYN_RECV", "rSA", "established", "="],
  ["SYN_RECV", "rF1", "established", "FIN_WAIT"],
  ["SYN_RECV", "rA", "established", "="],
  ["SYN_RECV", "rR", "established", "CLOSE"],
  ["ESTABLISHED", "oN", "established", "="],
  ["ESTABLISHED", "oSA", "none", "="],
  ["ESTABLISHED", "oF", "established", "FIN_WAIT"],
  ["ESTABLISHED", "oA", "established", "="],
  ["ESTABLISHED", "oR", "established", "CLOSE"],
  ["ESTABLISHED", "rN", "none", "="],
  ["ESTABLISHED", "rSA", "established", "="],
  ["ESTABLISHED", "rF1", "established", "FIN_WAIT"],
  ["ESTABLISHED", "rA", "established", "="],
  ["ESTABLISHED", "rR", "established", "CLOSE"],
  ["FIN_WAIT", "oN", "established", "="],
  ["FIN_WAIT", "oSA", "none", "="],
  ["FIN_WAIT", "oF", "established", "LAST_ACK"],
  ["FIN_WAIT", "oL", "none", "="],
  ["FIN_WAIT", "oA", "established", "CLOSE_WAIT"],
  ["FIN_WAIT", "oR1", "established", "CLOSE"],
  ["FIN_WAIT", "rN", "none", "="],
  ["FIN_WAIT", "rSA", "established", "="],
  ["FIN_WAIT", "rF", "established", "LAST_ACK"],
  ["FIN_WAIT", "rA1", "established", "CLOSE_WAIT"],
  ["FIN_WAIT", "rR", "established", "CLOSE"],
  ["CLOSE_WAIT", "oN", "established", "="],
  ["CLOSE_WAIT", "oSA", "none", "="],
  ["CLOSE_WAIT", "oF", "established", "LAST_ACK"],
  ["CLOSE_WAIT", "oA", "established", "="],
  ["CLOSE_WAIT", "oR1", "established", "CLOSE"],
  ["CLOSE_WAIT", "rN", "none", "="],
  ["CLOSE_WAIT", "rSA", "established", "="],
  ["CLOSE_WAIT", "rF", "established", "LAST_ACK"],
  ["CLOSE_WAIT", "rA1", "established", "="],
  ["CLOSE_WAIT", "rR", "established", "CLOSE"],
  ["LAST_ACK", "oN", "established", "="],
  ["LAST_ACK", "oSA", "none", "="],
  ["LAST_ACK", "oF2", "established", "="],
  ["LAST_ACK", "oL", "established", "TIME_WAIT"],
  ["LAST_ACK", "oR1", "established", "CLOSE"],
  ["LAST_ACK", "rN", "none", "="],
  ["LAST_ACK", "rSA", "established", "="],
  ["LAST_ACK", "rF", "established", "="],
  ["LAST_ACK", "rL", "established", "TIME_WAIT"],
  ["LAST_ACK", "rR1", "established", "CLOSE"],
  ["TIME_WAIT", "oN", "new", "anew"],
  ["TIME_WAIT", "oSA", "none", "="],
  ["TIME_WAIT", "oF2", "established", "="],
  ["TIME_WAIT", "oL", "established", "="],
  ["TIME_WAIT", "oR1", "established", "CLOSE"],
  ["TIME_WAIT", "rN", "new", "anew"],
  ["TIME_WAIT", "rSA", "established", "="],
  ["TIME_WAIT", "rF", "established", "="],
  ["TIME_WAIT", "rL", "established", "="],
  ["TIME_WAIT", "rR1", "established", "CLOSE"],
  // the server's reset closed it: the client's SYN does not reopen it
  ["CLOSE", "oN", "established", "="],
  ["CLOSE", "oSA", "none", "="],
  ["CLOSE", "oF", "established", "="],
  ["CLOSE", "oA", "established", "="],
  ["CLOSE", "oR", "established", "CLOSE"],
  ["CLOSE", "rN", "none", "="],
  ["CLOSE", "rSA", "established", "="],
  ["CLOSE", "rF1", "established", "="],
  ["CLOSE", "rA", "established", "="],
  ["CLOSE", "rR", "established", "CLOSE"],
];

for (const [from, letter, seen, next] of cells) {
  test(`TCP ${from} × ${letter}: ${seen}, ${next}`, (t) => {
    const node = makeNode();
    play(node, ways[from]?.[0] ?? "");
    const before = node.entries()[0];
    t.is(play(node, letter), seen);
    const [after] = node.entries();
    const state = after?.protocolState?.kind === "tcp" ? after.protocolState.state : "gone";
    t.is(after !== undefined && after !== before ? "anew" : state, next === "=" ? from : next);
  });
}

const firstRows: readonly (readonly [name: string, flags: number, seen: PacketState])[] = [
  ["SYN", SYN, "new"],
  ["SYN PSH", SYN | PSH, "new"],
  ["SYN URG", SYN | URG, "new"],
  ["ACK", ACK, "new"],
  ["PSH ACK", PSH | ACK, "new"],
  ["SYN ACK", SYN | ACK, "none"],
  ["RST", RST, "none"],
  ["RST ACK", RST | ACK, "none"],
  ["FIN", FIN, "none"],
  ["FIN ACK", FIN | ACK, "none"],
  ["none", 0, "none"],
  ["URG", URG, "none"],
  ["PSH", PSH, "none"],
  ["SYN FIN", SYN | FIN, "none"],
  ["SYN RST", SYN | RST, "none"],
  ["FIN URG PSH", FIN | URG | PSH, "none"],
];
for (const [name, flags, seen] of firstRows) {
  test(`TCP first packet ${name}: ${seen}`, (t) => t.is(makeNode().send({ ...A, flags }).state, seen));
}

test("TCP: with loose off an ACK starts nothing", (t) => {
  t.is(makeNode({ tcpLoose: false }).send({ ...A, flags: ACK }).state, "none");
});

test("TCP: a connection that is joined lives 300 s and is assured by its third packet", (t) => {
  const node = makeNode();
  const seconds = (): number => ((node.entries()[0]?.expires ?? 0) - node.state.now) / 1000;
  play(node, "oA");
  t.is(seconds(), 300);
  play(node, "rA oA");
  t.deepEqual([seconds(), node.entries()[0]?.assured], [432000, true]);
});

type WindowRow = readonly [
  name: string,
  fields: PacketFields,
  seen: PacketState,
  state: TCPConnectionState,
  seconds: number,
];

/** After a handshake (both windows 65535), kernel-semantics §1.6. */
const windowRows: readonly WindowRow[] = [
  ["data waits for its ACK", { ...A, flags: ACK, seq: 100, ack: 500, payload: 100 }, "established", "ESTABLISHED", 300],
  [
    "data far over the window",
    { ...A, flags: ACK, seq: 1_000_000, ack: 500, payload: 10 },
    "none",
    "ESTABLISHED",
    432000,
  ],
  ["ACK of data never seen", { ...A, flags: ACK, seq: 100, ack: 90_000 }, "none", "ESTABLISHED", 432000],
  [
    "data far below: let through",
    { ...A, flags: ACK, seq: -100_000 >>> 0, ack: 500 },
    "established",
    "ESTABLISHED",
    432000,
  ],
  ["exact reset", { ...B, flags: RST, seq: 500 }, "established", "CLOSE", 10],
  ["reset in the window", { ...B, flags: RST, seq: 700 }, "established", "ESTABLISHED", 10],
  ["reset before the ACK", { ...B, flags: RST, seq: 499 }, "none", "ESTABLISHED", 432000],
  ["reset far over the window", { ...B, flags: RST, seq: 1_000_000 }, "none", "ESTABLISHED", 432000],
  ["zero window", { ...A, flags: ACK, seq: 100, ack: 500, window: 0 }, "established", "ESTABLISHED", 300],
  ["wrong checksum", { ...A, flags: ACK, seq: 100, ack: 500, badChecksum: true }, "none", "ESTABLISHED", 432000],
];
for (const [name, fields, seen, state, seconds] of windowRows) {
  test(`TCP window: ${name}`, (t) => {
    const node = makeNode();
    play(node, "oS rSA oA");
    t.is(node.send(fields).state, seen);
    const [entry] = node.entries();
    t.is(entry?.protocolState?.kind === "tcp" ? entry.protocolState.state : "", state);
    t.is(((entry?.expires ?? 0) - node.state.now) / 1000, seconds);
  });
}

test("TCP: liberal lets pass what is out of the window", (t) => {
  const node = makeNode({ tcpBeLiberal: true });
  play(node, "oS rSA oA");
  t.is(node.send({ ...A, flags: ACK, seq: 1_000_000, ack: 500, payload: 10 }).state, "established");
});

test("TCP: three equal ACKs shorten the timeout, a repeated SYN does not prolong it", (t) => {
  const node = makeNode();
  const seconds = (): number => ((node.entries()[0]?.expires ?? 0) - node.state.now) / 1000;
  play(node, "oS");
  node.state.advance(5000);
  play(node, "oS");
  t.is(seconds(), 115);
  play(node, "rSA oA oA oA oA");
  t.is(seconds(), 300);
});

test("TCP: the client's own reset lets its next SYN begin anew", (t) => {
  const node = makeNode();
  play(node, "oS rSA oA oR");
  const before = node.entries()[0]?.id;
  t.is(play(node, "oN"), "new");
  t.not(node.entries()[0]?.id, before);
});

test("TCP: a reset clears a let-through SYN only from the other side", (t) => {
  const node = makeNode();
  play(node, "oS rS");
  t.is(node.send({ ...B, flags: RST, seq: 71_001 }).state, "none");
  t.is(node.entries()[0]?.protocolState?.kind, "tcp");
});
