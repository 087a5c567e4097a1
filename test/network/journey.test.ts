import test from "ava";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { addDyadic, equalDyadic, oneDyadic, zeroDyadic } from "../../src/net/dyadic.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { type JourneyOptions, journeysOf, type Sender, senderOf, travelOnce } from "../../src/network/journey.ts";
import { balancerTargets, nextTarget, proxiedPacket } from "../../src/network/load-balancer.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { isAnswerTo, replyTo } from "../../src/network/reply.ts";
import type { Way } from "../../src/network/way.ts";
import { crossWire } from "../../src/network/wire.ts";
import { snapshot } from "../kernel-laws/snapshot.ts";
import { address, addressText } from "../routing/support.ts";
import { branchText, journeyText, type Place, type PlaceSettings, packetOf, placeOf } from "./support.ts";

interface Setting {
  readonly sender?: Sender;
  readonly entry?: string;
  readonly asked?: readonly string[];
  readonly settings?: PlaceSettings;
}

type Row = readonly [folder: string, packet: string, expected: readonly string[], setting?: Setting];

const shop = "examples/shop";
const golden = (name: string): string => `golden/scenarios/${name}`;
/** The client's Pod, which no object names. */
const client = { asked: ["10.244.1.7"] };

const rows: readonly Row[] = [
  // Pod → ClusterIP: the reply comes back translated from the other node
  [
    shop,
    "udp 10.244.1.7:40000 > 10.96.0.10:53",
    [
      "1/2^1 worker-1,control-plane-1 pod on control-plane-1 10.244.1.7:40000 > 10.244.0.2:53 | control-plane-1,worker-1 pod on worker-1 10.96.0.10:53 > 10.244.1.7:40000 as-called",
      "1/2^1 worker-1,worker-2 pod on worker-2 10.244.1.7:40000 > 10.244.2.3:53 | worker-2,worker-1 pod on worker-1 10.96.0.10:53 > 10.244.1.7:40000 as-called",
    ],
    client,
  ],
  [
    shop,
    "tcp [fd00:10:244:1::10]:40000 > [fd00:10:96::2002]:80",
    [
      "1/2^1 worker-1 pod on worker-1 [fd00:10:244:1::10]:40000 > [fd00:10:244:1::20]:8080 | worker-1 pod on worker-1 [fd00:10:96::2002]:80 > [fd00:10:244:1::10]:40000 as-called",
      "1/2^1 worker-1,worker-2 pod on worker-2 [fd00:10:244:1::10]:40000 > [fd00:10:244:2::20]:8080 | worker-2,worker-1 pod on worker-1 [fd00:10:96::2002]:80 > [fd00:10:244:1::10]:40000 as-called",
    ],
  ],
  // the endpoint is a process on a node: out by eth0, back by the overlay
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.0.1:443",
    [
      "1 worker-1,control-plane-1 host control-plane-1 10.244.1.7:40000 > 192.168.10.10:6443 | control-plane-1,worker-1 pod on worker-1 10.96.0.1:443 > 10.244.1.7:40000 as-called",
    ],
    client,
  ],
  // outside → NodePort, policy Cluster: the client's address is lost; the reply goes by the node that was called
  [
    shop,
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.0:drawn > 10.244.2.40:8000 | worker-2,worker-1 outside from worker-1 192.168.10.11:30080 > 203.0.113.9:40000 as-called",
    ],
  ],
  // policy Local: the client's address is seen, and a node without endpoints drops
  [
    golden("nodeport-local"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    [
      "1 worker-1 pod on worker-1 203.0.113.9:40000 > 10.244.1.10:8080 | worker-1 outside from worker-1 192.168.10.11:30080 > 203.0.113.9:40000 as-called",
    ],
  ],
  [
    golden("nodeport-local-none-here"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    ["1 worker-1 dropped on worker-1 by KUBE-EXTERNAL-SERVICES 203.0.113.9:40000 > 192.168.10.11:30080"],
  ],
  [
    golden("nodeport-local-none-here"),
    "tcp 203.0.113.9:40000 > 192.168.10.12:30080",
    [
      "1 worker-2 pod on worker-2 203.0.113.9:40000 > 10.244.2.10:8080 | worker-2 outside from worker-2 192.168.10.12:30080 > 203.0.113.9:40000 as-called",
    ],
  ],
  // policy Local does not bind Pods: another node's Pod is reached by a node port of this one
  [
    golden("nodeport-local-none-here"),
    "tcp 10.244.1.7:40000 > 192.168.10.11:30080",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.7:40000 > 10.244.2.10:8080 | worker-2,worker-1 pod on worker-1 192.168.10.11:30080 > 10.244.1.7:40000 as-called",
    ],
    client,
  ],
  // hairpin: the Pod reaches itself and sees its gateway
  [
    shop,
    "tcp 10.244.2.40:40000 > 10.96.20.4:80",
    [
      "1 worker-2 pod on worker-2 10.244.2.1:drawn > 10.244.2.40:8000 | worker-2 pod on worker-2 10.96.20.4:80 > 10.244.2.40:40000 as-called",
    ],
  ],
  // node → ClusterIP
  [
    shop,
    "tcp 192.168.10.11:40000 > 10.96.20.4:80",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.0:drawn > 10.244.2.40:8000 | worker-2,worker-1 host worker-1 10.96.20.4:80 > 192.168.10.11:40000 as-called",
    ],
  ],
  // no endpoints: the answer comes back to whoever asked
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.20.5:80",
    [
      "1 worker-1 rejected on worker-1 by KUBE-SERVICES 10.244.1.7:40000 > 10.96.20.5:80 ! from worker-1 pod on worker-1 10.244.1.1 > 10.244.1.7",
    ],
    client,
  ],
  [
    shop,
    "tcp 192.168.10.11:40000 > 10.96.20.5:80",
    [
      "1 worker-1 rejected on worker-1 by KUBE-SERVICES 192.168.10.11:40000 > 10.96.20.5:80 ! from worker-1 host worker-1 192.168.10.11 > 192.168.10.11",
    ],
  ],
  [
    golden("no-endpoints"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    [
      "1 worker-1 rejected on worker-1 by KUBE-EXTERNAL-SERVICES 203.0.113.9:40000 > 192.168.10.11:30080 ! from worker-1 outside from worker-1 192.168.10.11 > 203.0.113.9",
    ],
  ],
  // a Pod of another node asks a node's port without endpoints: the answer crosses the overlay
  [
    golden("no-endpoints"),
    "tcp 10.244.2.7:40000 > 192.168.10.11:30080",
    [
      "1 worker-2,worker-1 rejected on worker-1 by KUBE-EXTERNAL-SERVICES 10.244.2.7:40000 > 192.168.10.11:30080 ! from worker-1 worker-2 pod on worker-2 192.168.10.11 > 10.244.2.7",
    ],
    { asked: ["10.244.2.7"] },
  ],
  // … and where the endpoint's reply goes past the node that translated, a datagram comes from a stranger
  [
    golden("nodeport-tcp-and-udp"),
    "udp 10.244.2.7:40000 > 192.168.10.11:30053",
    [
      "1/2^1 worker-2,worker-1 pod on worker-1 10.244.2.7:40000 > 10.244.1.10:53 | worker-1,worker-2 pod on worker-2 192.168.10.11:30053 > 10.244.2.7:40000 as-called",
      "1/2^1 worker-2,worker-1,worker-2 pod on worker-2 10.244.2.7:40000 > 10.244.2.10:53 | worker-2 pod on worker-2 10.244.2.10:53 > 10.244.2.7:40000 not-as-called",
    ],
    {
      asked: ["10.244.2.7"],
      settings: { edit: ["externalTrafficPolicy: Cluster", "externalTrafficPolicy: Local"] },
    },
  ],
  // … and a SYN,ACK is INVALID on the way
  [
    shop,
    "tcp 10.244.0.2:40000 > 192.168.10.11:30443",
    [
      "1/2^1 control-plane-1,worker-1 pod on worker-1 10.244.0.2:40000 > 10.244.1.10:8443 | worker-1,control-plane-1 pod on control-plane-1 192.168.10.11:30443 > 10.244.0.2:40000 as-called",
      "1/2^1 control-plane-1,worker-1,worker-2 pod on worker-2 10.244.0.2:40000 > 10.244.2.10:8443 | worker-2,control-plane-1 dropped on control-plane-1 by KUBE-FORWARD 10.244.2.10:8443 > 10.244.0.2:40000 lost",
    ],
  ],
  // external addresses: which node they enter is said, or unknown
  [
    golden("external-ips-local"),
    "tcp 203.0.113.9:40000 > 198.51.100.1:80",
    [
      "1 worker-2 pod on worker-2 203.0.113.9:40000 > 10.244.2.10:8080 | worker-2 outside from worker-2 198.51.100.1:80 > 203.0.113.9:40000 as-called",
    ],
    { entry: "worker-2" },
  ],
  [
    golden("external-ips-local"),
    "tcp 203.0.113.9:40000 > 198.51.100.1:80",
    ["1 unknown: which node packets to 198.51.100.1 are handed to from outside 203.0.113.9:40000 > 198.51.100.1:80"],
  ],
  // what leaves untranslated finds back only where routers outside know the Pods
  [
    shop,
    "tcp 10.244.1.7:40000 > 8.8.8.8:443",
    [
      "1 worker-1 outside from worker-1 10.244.1.7:40000 > 8.8.8.8:443 | unknown: whether routers outside lead to the Pod address 10.244.1.7 8.8.8.8:443 > 10.244.1.7:40000 unknown",
    ],
    client,
  ],
  [
    shop,
    "tcp 10.244.1.7:40000 > 8.8.8.8:443",
    [
      "1 worker-1 outside from worker-1 10.244.1.7:40000 > 8.8.8.8:443 | nobody: routers outside do not lead to Pod addresses 8.8.8.8:443 > 10.244.1.7:40000 lost",
    ],
    { ...client, settings: { outsideRoutesPods: false } },
  ],
  [
    shop,
    "tcp 10.244.1.7:40000 > 8.8.8.8:443",
    [
      "1 worker-1 outside from worker-1 10.244.1.7:40000 > 8.8.8.8:443 | worker-1 pod on worker-1 8.8.8.8:443 > 10.244.1.7:40000 as-called",
    ],
    { ...client, settings: { outsideRoutesPods: true } },
  ],
  // nobody has them
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.20.4:81",
    ["1 worker-1 nobody: no host has a ClusterIP, and no rule translated it 10.244.1.7:40000 > 10.96.20.4:81"],
    client,
  ],
  [
    shop,
    "tcp 203.0.113.9:40000 > 10.96.20.4:80",
    ["1 nobody: no host has a ClusterIP, and no rule translated it 203.0.113.9:40000 > 10.96.20.4:80"],
  ],
  [
    shop,
    "tcp 10.244.1.99:40000 > 10.96.20.4:80",
    ["1 unknown: who sends from 10.244.1.99 10.244.1.99:40000 > 10.96.20.4:80"],
  ],
  // a Pod address that no Pod has, in a circle between a node and a router that leads back to it
  [
    shop,
    "icmp 10.244.1.7 > 10.244.2.99",
    [
      "1 worker-1,worker-2,worker-2,worker-2,worker-2 dropped on worker-2 by ttl 10.244.1.7 > 10.244.2.99 ! from worker-2 worker-1 pod on worker-1 10.244.2.0 > 10.244.1.7",
    ],
    { ...client, settings: { outsideRoutesPods: true } },
  ],
  [
    shop,
    "udp 10.244.1.7:1 > 10.244.2.99:2",
    [`1 worker-1${",worker-2".repeat(15)} stuck on worker-2 10.244.1.7:1 > 10.244.2.99:2`],
    { ...client, settings: { outsideRoutesPods: true } },
  ],
  // Pod → Pod without a Service
  [
    shop,
    "icmp 10.244.1.7 > 10.244.2.10",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.7 > 10.244.2.10 | worker-2,worker-1 pod on worker-1 10.244.2.10 > 10.244.1.7 as-called",
    ],
    client,
  ],
  // only first packets are answered
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.244.1.10:1 ACK",
    ["1 worker-1 pod on worker-1 10.244.1.7:40000 > 10.244.1.10:1"],
    client,
  ],
  // a process of a node that says who it is only by its address on lo
  [
    shop,
    "tcp 127.0.0.1:40000 > 127.0.0.1:30080",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.0:drawn > 10.244.2.40:8000 | worker-2,worker-1 host worker-1 127.0.0.1:30080 > 127.0.0.1:40000 as-called",
    ],
    { sender: { kind: "node", node: "worker-1" } },
  ],
];

const places = new Map<string, Place>();

/** The place of a row, with states of its own. */
function placeFor(folder: string, { asked = [], settings = {} }: Setting = {}): Place {
  const key = JSON.stringify([folder, asked, settings]);
  const known = settings.hostFile === undefined ? places.get(key) : undefined;
  const place = known ?? placeOf(folder, asked, settings);
  if (settings.hostFile === undefined) places.set(key, place);
  return { ...place, state: new NetworkState() };
}

const optionsOf = ({ entry }: Setting = {}): JourneyOptions => (entry === undefined ? {} : { entryNode: () => entry });

for (const [i, [folder, text, expected, setting]] of rows.entries()) {
  const packet = packetOf(text.startsWith("icmp") && expected[0]?.includes("by ttl") ? `${text} ttl 5` : text);
  test(`row ${i + 1}: ${folder}: ${text}`, (t) => {
    const place = placeFor(folder, setting);
    const sender = setting?.sender ?? senderOf(place.network, packet.src);
    const { branches, complete } = journeysOf(place, packet, sender, optionsOf(setting));
    t.deepEqual(branches.map(branchText), expected);
    t.true(complete);
  });
}

const snapshots = ({ network, state }: Place): unknown => network.nodes.map((name) => snapshot(state.of(name)));

test("journeys leave the states of all hosts as they were, and a leg's events begin with its packet", (t) => {
  let [events, entries] = [0, 0];
  for (const [folder, text, , setting] of rows) {
    const place = placeFor(folder, setting);
    const packet = packetOf(text);
    const sender = setting?.sender ?? senderOf(place.network, packet.src);
    const chooser = seededChooser(text);
    const untouched = snapshots({ ...place, state: new NetworkState() });
    for (const sport of [1, 2])
      travelOnce(place, chooser, { ...packet, sport, icmpId: sport }, sender, optionsOf(setting));
    const before = snapshots(place);
    if (JSON.stringify(before) !== JSON.stringify(untouched)) entries++;
    const { branches } = journeysOf(place, packet, sender, optionsOf(setting));
    t.deepEqual(snapshots(place), before, text);
    for (const { journey, events: eventsOf } of branches) {
      for (const leg of [...journey.there.legs, ...(journey.reply?.way.legs ?? [])]) {
        const hook = eventsOf(leg).find(({ kind }) => kind === "hook");
        t.is(hook?.kind === "hook" ? addressText(hook.view.dst) : "", addressText(leg.packet.dst), text);
        events++;
      }
    }
    t.deepEqual(snapshots(place), before, `${text}: events`);
  }
  t.true(events > 50 && entries > 15, `${events} ${entries}`);
});

test("a state that began behind a mark is empty after the roll-back", (t) => {
  const state = new NetworkState();
  const [outer, inner] = [state.mark(), state.mark()];
  state.of("a").advance(5);
  state.rollback(inner);
  t.is(state.of("a").now, 0);
  state.of("a").advance(7);
  t.throws(() => state.rollback(5));
  const again = new NetworkState();
  const mark = again.mark();
  again.of("a").advance(7);
  again.release(mark);
  t.is(again.of("a").now, 7);
  t.is(outer, 0);
});

const sources = [
  "10.244.0.2:40000",
  "10.244.1.10:40000",
  "10.244.1.20:40000",
  "10.244.2.40:40000",
  "10.244.2.20:40000",
  "192.168.10.10:40000",
  "192.168.10.11:40000",
  "192.168.10.12:40000",
  "203.0.113.9:40000",
  "192.168.10.99:40000",
];
const frontends = [
  "tcp 10.96.0.1:443",
  "udp 10.96.0.10:53",
  "tcp 10.96.20.1:443",
  "tcp 10.96.20.2:80",
  "tcp 10.96.20.3:9000",
  "tcp 10.96.20.4:80",
  "udp 10.96.20.6:8125",
  "tcp 198.51.100.20:443",
  "tcp 192.168.10.10:30443",
  "tcp 192.168.10.11:30443",
  "tcp 192.168.10.10:30080",
  "tcp 192.168.10.12:30080",
  "tcp 10.244.1.10:8443",
  "udp 10.244.2.3:53",
];

/**
 * A Pod that asks another node's port of `web` (policy Local: its address is kept) and is led on to a third place: nothing leads
 * the reply back by the node that translated.
 */
function isRoundabout({ src, dport }: Packet, { legs, end, packet }: Way): boolean {
  const called = legs[1];
  const kept = addressText(src).startsWith("10.244.") && packet.src === src;
  return kept && dport === 30443 && called !== undefined && end.kind === "pod" && end.node !== called.node;
}

test("every reply of a Service comes back from where the sender called, and the chances add up", (t) => {
  const place = placeFor(shop, { settings: { outsideRoutesPods: true } });
  let [back, translated, crossed, roundabout] = [0, 0, 0, 0];
  for (const source of sources) {
    for (const [protocol, to] of frontends.map((each) => each.split(" "))) {
      const packet = packetOf(`${protocol} ${source} > ${to}`);
      const options = { entryNode: () => "worker-2" };
      const { branches } = journeysOf(place, packet, senderOf(place.network, packet.src), options);
      const sum = branches.reduce((total, { probability }) => addDyadic(total, probability), zeroDyadic);
      t.true(equalDyadic(sum, oneDyadic));
      for (const { journey } of branches) {
        if (journey.reply === undefined) continue;
        if (isRoundabout(packet, journey.there)) {
          t.not(journey.reply.arrival, "as-called", journeyText(journey));
          roundabout++;
          continue;
        }
        t.is(journey.reply.arrival, "as-called", journeyText(journey));
        back++;
        if (journey.reply.packet.src !== packet.dst) translated++;
        if (new Set(journey.there.legs.map(({ node }) => node)).size > 1) crossed++;
      }
    }
  }
  const counts = `${back} ${translated} ${crossed} ${roundabout}`;
  t.true(back > 120 && translated > 100 && crossed > 60 && roundabout > 2 && roundabout < 12, counts);
  t.log(counts);
});

test("each forwarding node takes one from the TTL, and a sender's own does not", (t) => {
  const ttl = (text: string): number | undefined => {
    const place = placeFor(shop, client);
    const packet = packetOf(text);
    const { branches } = journeysOf(place, packet, senderOf(place.network, packet.src));
    return branches[0]?.journey.there.packet.ttl;
  };
  t.is(ttl("udp 10.244.1.7:1 > 10.244.2.10:2"), 62);
  t.is(ttl("udp 192.168.10.11:1 > 10.244.2.10:2"), 63);
  t.is(ttl("udp 192.168.10.11:1 > 192.168.10.12:2"), 64);
});

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
    "unknown: there is no Pod x/y on worker-1 10.244.1.10:1 > 10.244.2.10:2",
    { sender: { kind: "pod", node: "worker-1", pod: "x/y" } },
  ],
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

test("affinity holds from one journey to the next", (t) => {
  const place = placeFor(golden("session-affinity"), client);
  const send = (sport: number) => packetOf(`tcp 10.244.1.7:${sport} > 10.96.0.10:80`);
  const sender = senderOf(place.network, send(1).src);
  t.is(journeysOf(place, send(1), sender).branches.length, 2);
  const first = travelOnce(place, seededChooser(1), send(1), sender);
  const { branches } = journeysOf(place, send(2), sender);
  t.deepEqual(
    branches.map(({ journey }) => journey.there.packet.dst),
    [first.there.packet.dst],
  );
});

test("what is assumed about a node is said when a packet first comes there", (t) => {
  const place = placeOf(shop);
  t.false(place.found.some(({ code }) => code === "interfaces-assumed"));
  const packet = packetOf("icmp 10.244.1.10 > 10.244.1.20");
  journeysOf(place, packet, senderOf(place.network, packet.src));
  t.is(place.found.filter(({ code }) => code === "interfaces-assumed").length, 1);
});

const web = { service: "default/web", port: 80, protocol: "TCP" };

function targetsOf(folder: string, service = web) {
  const place = placeFor(folder);
  return ipFamilies.map((family) => {
    const states = place.network.nodes.map((name) => place.proxy(name, family));
    return balancerTargets(states, service);
  });
}

test("a load balancer takes nodes in turn, by health those with endpoints of their own", (t) => {
  const [targets = [], targets6 = []] = targetsOf(golden("loadbalancer-local-none-here"));
  t.deepEqual(
    targets.map(({ node, health, nodePort }) => [node, health, nodePort]),
    [
      ["worker-1", 503, 30080],
      ["worker-2", 200, 30080],
    ],
  );
  const nodes = (check: "health" | "none") => [0, 1, 2].map((i) => nextTarget(targets, check, i)?.node);
  t.deepEqual(nodes("health"), ["worker-2", "worker-2", "worker-2"]);
  t.deepEqual(nodes("none"), ["worker-1", "worker-2", "worker-1"]);
  t.deepEqual(
    targets6.map((each) => each.address === undefined || addressText(each.address)),
    ["fd00:a::11", "fd00:a::12"],
  );
  t.is(nextTarget([], "health", 3), undefined);
  const [cluster = []] = targetsOf(golden("loadbalancer"));
  t.deepEqual(
    cluster.map(({ health }) => health),
    [undefined, undefined],
  );
  t.is(nextTarget(cluster, "health", 1)?.node, "worker-2");
});

test("a balancer that opens its own connections is the client that the node sees", (t) => {
  const place = placeFor(golden("nodeport-local"));
  const states = place.network.nodes.map((name) => place.proxy(name, "IPv4"));
  const [target] = balancerTargets(states, web);
  if (target === undefined) throw new Error("no target");
  const packet = proxiedPacket(packetOf("tcp 203.0.113.9:40000 > 198.51.100.1:80"), address("192.168.10.200"), target);
  if (packet === undefined) throw new Error("no packet");
  const { branches } = journeysOf(place, packet, { kind: "outside", node: target.node });
  t.deepEqual(branches.map(branchText), [
    "1 worker-1 pod on worker-1 192.168.10.200:40000 > 10.244.1.10:8080 | worker-1 outside from worker-1 192.168.10.11:30080 > 192.168.10.200:40000 as-called",
  ]);
  t.is(proxiedPacket(packetOf("udp 1.1.1.1:1 > 2.2.2.2:2"), 1, target), undefined);
});
