import test from "ava";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { type JourneyOptions, journeysOf, type Sender, senderOf, travelOnce } from "../../src/network/journey.ts";
import type { NetworkNode } from "../../src/network/network.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import { adviceText } from "../../src/verify/advice-text.ts";
import { type Advice, type AdviceField, whyNot } from "../../src/verify/why-not.ts";
import { looseRuleset } from "../arbitrary/loose-ruleset.ts";
import { client, golden, placeFor, shop } from "../network/setting.ts";
import { type Place, packetOf, placeOf } from "../network/support.ts";
import { addressText } from "../routing/support.ts";
import { callsOn, placeHints } from "./network-law.ts";

type Sending = Advice["sending"];
type Result = "arrives" | "fails" | "neither";

/** What becomes of a packet on all its ways, told from the ends alone. */
function resultOf(place: Place, { packet, sender, options, first }: Sending): Result {
  const mark = place.state.mark();
  if (first !== undefined) travelOnce(place, scriptedChooser([]), first, sender, options);
  const ends = journeysOf(place, packet, sender, options).branches.map(({ journey: { there, reply } }) => {
    if (there.end.kind === "unknown" || reply?.arrival === "unknown") return "unknown";
    const there1 = ["pod", "host", "outside"].includes(there.end.kind);
    return there1 && (reply === undefined || reply.arrival === "as-called") ? "yes" : "no";
  });
  place.state.rollback(mark);
  if (ends.every((end) => end === "yes")) return "arrives";
  return ends.every((end) => end === "no") ? "fails" : "neither";
}

/** The parts of a question that differ; `source` takes its sender with it. */
function changes(before: Sending, after: Sending): AdviceField[] {
  const [a, b] = [before.packet, after.packet];
  const mark = ({ sender }: Sending): number => (sender?.kind === "node" ? (sender.options?.mark ?? 0) : 0);
  const entry = ({ sender, options, packet }: Sending): string =>
    sender?.kind === "outside" ? `${sender.node} ${options.entryNode?.(packet.dst)}` : "";
  const sameSource = addressText(a.src) === addressText(b.src);
  const tests: readonly (readonly [AdviceField, boolean])[] = [
    ["source", !sameSource],
    ["destination", addressText(a.dst) !== addressText(b.dst)],
    ["source port", a.sport !== b.sport],
    ["port", a.dport !== b.dport],
    ["protocol", a.protocol !== b.protocol],
    ["mark", sameSource && mark(before) !== mark(after)],
    ["entry node", sameSource && entry(before) !== entry(after)],
    ["connection", a.protocol === b.protocol && (a.flags !== b.flags || after.first !== undefined)],
  ];
  return tests.flatMap(([field, differs]) => (differs ? [field] : []));
}

/** Says where an advice is wrong. */
function adviceFault(place: Place, before: Sending, advice: Advice): string | undefined {
  const changed = changes(before, advice.sending);
  if (changed.length !== 1 || changed[0] !== advice.field) return `${advice.field}: changes ${changed}`;
  const result = resultOf(place, advice.sending);
  return result === (advice.arrives ? "arrives" : "fails") ? undefined : `${adviceText(advice)}: ${result}`;
}

/** A single change that turns the result round and of which nothing is said. */
function missed(
  random: Random,
  place: Place,
  before: Sending,
  wanted: Result,
  advices: readonly Advice[],
): string | undefined {
  const { packet } = before;
  const has = (field: AdviceField): boolean => advices.some((each) => each.field === field);
  const { dport: ports = [], dst: named = [] } = placeHints(place, packet.family);
  const numbers = ports.flatMap((port) => [Number(port) - 1, Number(port), Number(port) + 1]);
  for (let i = 0; i < 40; i++) numbers.push(random.between(1, 65535));
  const set = advices.find(({ field }) => field === "port")?.set ?? [];
  if (packet.sport !== 0) {
    for (const dport of numbers.filter((port) => port > 0 && port < 65536 && port !== packet.dport)) {
      const turned = resultOf(place, { ...before, packet: { ...packet, dport } }) === wanted;
      const told = set.some(({ from, to }) => BigInt(dport) >= from && BigInt(dport) <= to);
      if (turned !== told) return `port ${dport}: ${turned}, said ${told}`;
    }
  }
  const somebody = place.network
    .named()
    .filter(({ address }) => !["no-host"].includes(place.network.ownerOf(address).kind));
  for (const { address } of somebody.slice(0, named.length * 4)) {
    if ((typeof address === "number") !== (packet.family === "IPv4")) continue;
    const to = { ...before, packet: { ...packet, dst: address } };
    if (!has("destination") && resultOf(place, to) === wanted) return `destination ${addressText(address)}`;
    const sender = senderOf(place.network, address);
    if (has("source") || sender === undefined || (sender.kind === "outside" && before.sender?.kind === "outside"))
      continue;
    const from = { ...before, sender, packet: { ...packet, src: address } };
    if (resultOf(place, from) === wanted) return `source ${addressText(address)}`;
  }
  return undefined;
}

interface Counts {
  asked: number;
  advices: number;
  fields: Set<string>;
}

function check(folder: string, count: number, counts: Counts): string | undefined {
  const place = placeOf(folder, [], { outsideRoutesPods: true });
  const random = seededRandom(`why not ${folder}`);
  const draw = callsOn(place);
  for (let i = 0; i < count; i++) {
    const { packet, sender, options } = draw(random);
    const before: Sending = { packet, sender, options };
    const advices = whyNot(place, packet, sender, options);
    const wanted = resultOf(place, before) === "arrives" ? "fails" : "arrives";
    counts.asked++;
    const text = `${folder}: ${packetText(packet)} from ${JSON.stringify(sender)}`;
    for (const advice of advices) {
      counts.advices++;
      counts.fields.add(`${advice.field} ${advice.arrives}`);
      const fault =
        advice.arrives === (wanted === "arrives") ? adviceFault(place, before, advice) : "the other way round";
      if (fault !== undefined) return `${text}: ${fault}`;
    }
    const gap = missed(random, place, before, wanted, advices);
    if (gap !== undefined) return `${text}: nothing is said of ${gap}`;
  }
  return undefined;
}

test("slow: an advice that is followed gives what it promises, and none is missing", (t) => {
  const counts: Counts = { asked: 0, advices: 0, fields: new Set() };
  const names = ["everything-at-once", "nodeport-local-none-here", "source-ranges", "session-affinity"];
  for (const folder of [shop, ...names.map(golden)]) t.is(check(folder, 10, counts), undefined);
  t.true(counts.advices > 150 && counts.fields.size > 6, `${counts.advices} ${[...counts.fields].join()}`);
  t.log(`${counts.asked} packets, ${counts.advices} advices: ${[...counts.fields].sort().join(", ")}`);
});

/** Packets and the first advice for a field. */
const rows: readonly (readonly [string, string, AdviceField, string | undefined])[] = [
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.20.1:81",
    "port",
    "it would arrive in Pod 10.244.1.10 on worker-1 or in Pod 10.244.2.10 on worker-2 with port 443 instead of 81",
  ],
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.20.1:443",
    "protocol",
    "it would reach nobody with protocol udp instead of tcp: no host has a ClusterIP, and no rule translated it",
  ],
  [
    golden("nodeport-local-none-here"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    "destination",
    "it would arrive in Pod 10.244.2.10 on worker-2 with destination 192.168.10.12 instead of 192.168.10.11",
  ],
  [
    golden("nodeport-local-none-here"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    "source",
    "it would arrive in Pod 10.244.2.10 on worker-2 with source 192.168.10.11 instead of 203.0.113.9",
  ],
];
for (const [folder, text, field, expected] of rows) {
  test(`${folder}: ${text}: ${field}`, (t) => {
    const place = placeFor(folder, client);
    const packet = packetOf(text);
    const found = whyNot(place, packet, senderOf(place.network, packet.src)).find((each) => each.field === field);
    t.is(found === undefined ? undefined : adviceText(found), expected);
  });
}

test("another node lets a packet from outside in, or does not", (t) => {
  const place = placeFor(shop, client);
  const packet = packetOf("tcp 203.0.113.9:40000 > 198.51.100.20:443");
  const options = { entryNode: () => "worker-1" };
  const found = whyNot(place, packet, senderOf(place.network, packet.src), options);
  t.deepEqual(
    found.filter(({ field }) => field === "entry node").map((each) => adviceText(each)),
    ["it would be dropped on control-plane-1 entering by node control-plane-1 instead of worker-1"],
  );
});

test("a packet of a connection is told from one of none", (t) => {
  const place = placeFor(shop, client);
  const packet = packetOf("tcp 10.244.1.7:40000 > 10.96.20.1:443 RST");
  const found = whyNot(place, packet, senderOf(place.network, packet.src));
  const texts = found.filter(({ field }) => field === "connection").map((each) => adviceText(each));
  t.deepEqual(texts, [
    "it would arrive in Pod 10.244.1.10 on worker-1 or in Pod 10.244.2.10 on worker-2 as the first packet of a new connection",
    "it would arrive in Pod 10.244.1.10 on worker-1 as a later packet of a connection made before",
    "it would arrive in Pod 10.244.1.10 on worker-1 or in Pod 10.244.2.10 on worker-2 as a later packet of no known connection",
  ]);
});

const MARKED = `*filter
-A OUTPUT -p tcp -m tcp --dport 9999 -m mark ! --mark 0x77 -j DROP
COMMIT
`;

test("a mark that a rule asks for is one to send with", (t) => {
  const { network, state } = placeFor(shop);
  const rules = { IPv4: looseRuleset(MARKED, "IPv4"), IPv6: emptyRuleset };
  const marked = (name: string): NetworkNode | undefined => {
    const node = network.node(name);
    return node === undefined ? undefined : { ...node, host: makeHost({ ...node.host, rules }) };
  };
  const place = { state, network: { ...network, node: marked } };
  const packet = packetOf("tcp 192.168.10.11:40000 > 192.168.10.12:9999");
  const found = whyNot(place, packet, { kind: "node", node: "worker-1" });
  t.deepEqual(
    found.filter(({ field }) => field === "mark").map((each) => adviceText(each)),
    ["it would arrive on node worker-2 with mark 0x77 instead of 0x0"],
  );
});

test("the check sees an advice that changes nothing, too much, or not enough", (t) => {
  const place = placeFor(shop, client);
  const packet: Packet = packetOf("tcp 10.244.1.7:40000 > 10.96.20.1:81");
  const sender: Sender | undefined = senderOf(place.network, packet.src);
  const options: JourneyOptions = {};
  const before: Sending = { packet, sender, options };
  const [advice] = whyNot(place, packet, sender, options);
  if (advice === undefined) return t.fail();
  t.is(adviceFault(place, before, advice), undefined);
  const lie = (changed: Partial<Packet>): Advice => ({
    ...advice,
    sending: { ...before, packet: { ...packet, ...changed } },
  });
  t.not(adviceFault(place, before, lie({})), undefined);
  t.not(adviceFault(place, before, lie({ dport: 443, sport: 7 })), undefined);
  t.not(adviceFault(place, before, lie({ dport: 444 })), undefined);
  t.not(missed(seededRandom(1), place, before, "arrives", []), undefined);
});
