import test from "ava";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { addDyadic, equalDyadic, oneDyadic, zeroDyadic } from "../../src/net/dyadic.ts";
import { journeysOf, senderOf, travelOnce } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import type { Way } from "../../src/network/way.ts";
import { snapshot } from "../kernel-laws/snapshot.ts";
import { addressText } from "../routing/support.ts";
import { readChains } from "./journey-table.ts";
import { placeOfSettings, sendingOf } from "./play-chain.ts";
import { client, golden, placeFor, shop } from "./setting.ts";
import { journeyText, type Place, packetOf, placeOf } from "./support.ts";

/** Chains over the shop and a few clusters beside it. */
const chains = readChains().filter(({ name }) => name.startsWith("95"));

const snapshots = ({ network, state }: Place): unknown => network.nodes.map((name) => snapshot(state.of(name)));

test("journeys leave the states of all hosts as they were, and a leg's events begin with its packet", (t) => {
  let [events, entries] = [0, 0];
  for (const chain of chains) {
    const [line] = chain.lines;
    if (line?.kind !== "row") continue;
    const { settings, name } = chain;
    const place = placeOfSettings(settings, chains, "nft");
    const { packet, sender } = sendingOf(place, settings, line);
    const { entry } = settings;
    const options = entry === undefined ? {} : { entryNode: () => entry };
    const chooser = seededChooser(name);
    const untouched = snapshots({ ...place, state: new NetworkState() });
    for (const sport of [1, 2]) travelOnce(place, chooser, { ...packet, sport, icmpId: sport }, sender, options);
    const before = snapshots(place);
    if (JSON.stringify(before) !== JSON.stringify(untouched)) entries++;
    const { branches } = journeysOf(place, packet, sender, options);
    t.deepEqual(snapshots(place), before, name);
    for (const { journey, events: eventsOf } of branches) {
      for (const leg of [...journey.there.legs, ...(journey.reply?.way.legs ?? [])]) {
        const hook = eventsOf(leg).find(({ kind }) => kind === "hook");
        t.is(hook?.kind === "hook" ? addressText(hook.view.dst) : "", addressText(leg.packet.dst), name);
        events++;
      }
    }
    t.deepEqual(snapshots(place), before, `${name}: events`);
  }
  t.true(events > 100 && entries > 30, `${events} ${entries}`);
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

test("what comes from outside to a Service's address does not enter by the device that the address is on", (t) => {
  // the way back to this source is by the overlay, so that the address decides; kube-ipvs0 has it, and is on no wire
  const place = placeFor(golden("detect-local-node-cidr"), { asked: ["10.244.2.7"], settings: { mode: "ipvs" } });
  const packet = packetOf("tcp 10.244.2.7:40000 > 10.96.0.10:80");
  const { branches } = journeysOf(place, packet, { kind: "outside", node: "worker-1" });
  const entrances = branches.map(({ journey }) => journey.there.legs[0]?.entrance);
  t.true(entrances.length > 0);
  for (const entrance of entrances) t.deepEqual(entrance, { kind: "received", inInterface: "eth0" });
});
