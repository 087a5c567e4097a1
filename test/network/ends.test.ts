import test from "ava";
import { journeysOf, type Sender, senderOf } from "../../src/network/journey.ts";
import { isAnswerTo, replyTo } from "../../src/network/reply.ts";
import type { Way } from "../../src/network/way.ts";
import { crossWire } from "../../src/network/wire.ts";
import { address } from "../routing/support.ts";
import { placeFor, type Setting, shop } from "./setting.ts";
import { journeyText, packetOf, placeOf } from "./support.ts";

const interfaces: readonly (readonly [packet: string, there: string, back: string, setting?: Setting])[] = [
  ["udp 10.244.1.10:1 > 10.244.2.10:2", "veth flannel.1", "veth flannel.1"],
  ["tcp 10.244.1.10:1 > 192.168.10.10:6443", "veth eth0", "sent flannel.1"],
  ["tcp 192.168.10.11:1 > 192.168.10.12:22", "sent eth0", "sent eth0"],
  ["tcp 203.0.113.9:1 > 192.168.10.11:30080", "eth0 flannel.1", "veth flannel.1"],
  ["tcp [2001:db8::9]:1 > [fd00:a::12]:30443", "eth0", "veth"],
  // an outside client on the link of another interface comes in by that one
  [
    "tcp 10.50.3.3:1 > 192.168.10.12:22",
    "eth1",
    "sent",
    {
      settings: {
        hostFile: (node) =>
          node === "worker-2"
            ? {
                interfaces: [
                  { name: "eth0", addresses: ["192.168.10.12/24"] },
                  { name: "eth1", addresses: ["10.50.0.1/16"] },
                ],
              }
            : undefined,
      },
    },
  ],
  // nobody outside has a Pod's address: who says so comes in by the uplink all the same
  ["tcp 10.244.2.10:1 > 192.168.10.12:22", "eth0", "sent", { sender: { kind: "outside" } }],
];
for (const [text, there, back, setting] of interfaces) {
  test(`a packet comes in by ${there}, its reply by ${back}: ${text}`, (t) => {
    const place = placeFor(shop, setting);
    const packet = packetOf(text);
    const sender = setting?.sender ?? senderOf(place.network, packet.src);
    const journey = journeysOf(place, packet, sender).branches[0]?.journey;
    const names = (way: Way | undefined) =>
      way?.legs.map(({ entrance }) => (entrance.kind === "sent" ? "sent" : entrance.inInterface)).join(" ");
    t.deepEqual(
      [names(journey?.there), names(journey?.reply?.way)].map((each) => each?.replace(/veth[0-9a-f]{8}/g, "veth")),
      [there, back],
    );
  });
}

const others: readonly (readonly [packet: string, expected: string, setting?: Setting])[] = [
  // what a Node lists and no interface has may be translated on the way there
  [
    "tcp 203.0.113.9:1 > 192.0.2.11:30080",
    "unknown: how packets to 192.0.2.11 get to worker-1, which has it on no interface 203.0.113.9:1 > 192.0.2.11:30080",
    { settings: { edit: ["{ type: Hostname, address: worker-1 }", "{ type: ExternalIP, address: 192.0.2.11 }"] } },
  ],
  [
    "udp 10.244.1.10:1 > 10.244.2.10:2",
    "unknown: what x/y sends: there is no such Pod on worker-1 10.244.1.10:1 > 10.244.2.10:2",
    { sender: { kind: "pod", node: "worker-1", pod: "x/y" } },
  ],
  ["tcp 10.244.1.99:40000 > 10.96.20.4:80", "unknown: who sends from 10.244.1.99 10.244.1.99:40000 > 10.96.20.4:80"],
  ["udp 127.0.0.1:1 > 10.244.2.10:2", "unknown: who sends from 127.0.0.1 127.0.0.1:1 > 10.244.2.10:2"],
  ["udp 203.0.113.9:1 > 127.0.0.1:2", "nobody: it is the address of no other host 203.0.113.9:1 > 127.0.0.1:2"],
  ["udp 203.0.113.9:1 > 8.8.8.8:2", "outside 203.0.113.9:1 > 8.8.8.8:2 | outside 8.8.8.8:2 > 203.0.113.9:1 as-called"],
  [
    "udp 192.168.10.11:1 > 224.0.0.9:2",
    "worker-1 unknown: who hears a broadcast or multicast that leaves the host 192.168.10.11:1 > 224.0.0.9:2",
  ],
  [
    "sctp 10.244.1.10:1 > 10.244.2.10:2",
    "worker-1,worker-2 pod on worker-2 10.244.1.10:1 > 10.244.2.10:2 | worker-2,worker-1 pod on worker-1 10.244.2.10:2 > 10.244.1.10:1 as-called",
  ],
  // no router takes on what is sent to a neighbour that is not there
  [
    "udp 10.244.2.10:1 > 10.244.2.99:2",
    "worker-2 nobody: no other host on eth1 has the address 10.244.2.10:1 > 10.244.2.99:2",
    { settings: { hostFile: () => ({ interfaces: [{ name: "eth1", addresses: ["10.50.0.1/8"] }] }) } },
  ],
  [
    "icmp fd00:10:244:1::10 > fd00:10:244:2::10",
    "worker-1,worker-2 pod on worker-2 fd00:10:244:1::10 > fd00:10:244:2::10 | worker-2,worker-1 pod on worker-1 fd00:10:244:2::10 > fd00:10:244:1::10 as-called",
  ],
];
for (const [text, expected, setting] of others) {
  test(`${text}: ${expected}`, (t) => {
    const place = placeFor(shop, setting);
    const packet = packetOf(text);
    const sender = setting?.sender ?? senderOf(place.network, packet.src);
    const { branches } = journeysOf(place, packet, sender);
    t.deepEqual(
      branches.map(({ journey }) => journeyText(journey)),
      [expected],
    );
  });
}

const replies: readonly (readonly [packet: string, protocol: string, kind: readonly number[]])[] = [
  ["tcp 1.1.1.1:1 > 2.2.2.2:2", "flags", [0x12]],
  ["tcp 1.1.1.1:1 > 2.2.2.2:2 SYN,ACK", "flags", []],
  ["tcp 1.1.1.1:1 > 2.2.2.2:2 RST", "flags", []],
  ["icmp 1.1.1.1 > 2.2.2.2", "icmpType", [0]],
  ["icmp fd00::1 > fd00::2", "icmpType", [129]],
  ["sctp 1.1.1.1:1 > 2.2.2.2:2", "chunks", [2]],
  ["udp 1.1.1.1:1 > 2.2.2.2:2", "dport", [1]],
  ["gre 1.1.1.1 > 2.2.2.2", "dport", []],
];
for (const [text, field, expected] of replies) {
  test(`the reply to ${text} has ${field} ${expected}`, (t) => {
    const reply = replyTo(packetOf(text));
    t.deepEqual(reply === undefined ? [] : [reply[field as "dport"]].flat(), expected);
  });
}

test("an answer has the addresses, ports and identifiers of what it answers", (t) => {
  const sent = packetOf("udp 1.1.1.1:1 > 2.2.2.2:2");
  const answer = packetOf("udp 2.2.2.2:2 > 1.1.1.1:1");
  t.true(isAnswerTo(answer, sent, true));
  const wrong = [{ src: 3 }, { dst: 3 }, { sport: 3 }, { dport: 3 }, { icmpId: 3 }, { protocol: 6 }];
  t.deepEqual(
    wrong.map((change) => isAnswerTo({ ...answer, ...change }, sent, true)),
    wrong.map(() => false),
  );
  t.true(isAnswerTo({ ...answer, dst: 3 }, sent, false));
});

test("what comes back to another Pod than the sender is lost", (t) => {
  const place = placeFor(shop);
  const sender: Sender = { kind: "pod", node: "worker-1", pod: "10.244.1.10" };
  const { branches } = journeysOf(place, packetOf("udp 10.244.1.20:1 > 10.244.2.10:2"), sender);
  t.deepEqual(
    branches.map(({ journey }) => journey.reply?.arrival),
    ["lost"],
  );
});

test("a packet at the veth of a Pod that does not have its address is nobody's", (t) => {
  const { network, state } = placeFor(shop);
  const node = network.node("worker-1");
  const [one, other] = node?.pods ?? [];
  if (node === undefined || one === undefined || other === undefined) throw new Error("no Pods");
  const nextHop = address("10.244.1.10");
  const outcome = { kind: "transmitted" as const, nextHop, nextHopFamily: "IPv4" as const };
  const ends = [one, other].map(({ interface: outInterface }) =>
    crossWire({ network, state }, node, { ...outcome, outInterface }, packetOf("udp 1.1.1.1:1 > 10.244.1.10:2")),
  );
  t.deepEqual(ends.map(({ kind }) => kind).sort(), ["nobody", "pod"]);
});

test("a Node that is not there is unknown, and said", (t) => {
  const place = placeOf(shop);
  const packet = packetOf("udp 203.0.113.9:1 > 192.168.10.11:2");
  t.throws(() => journeysOf(place, packet, { kind: "outside", node: "worker-9" }), { message: /no Node "worker-9"/ });
});
