import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Host } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { HostState } from "../../src/kernel/state.ts";
import { countOf } from "../../src/net/intervals.ts";
import { parseIPv4 } from "../../src/net/ip.ts";
import { seededRandom } from "../../src/net/random.ts";
import { journeysOf, senderOf, travelOnce } from "../../src/network/journey.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import { classText } from "../../src/verify/class-text.ts";
import { fields, universeOf } from "../../src/verify/field.ts";
import { hostWayClass, type WayClass, wayClass } from "../../src/verify/way-class.ts";
import { looseRuleset } from "../arbitrary/loose-ruleset.ts";
import { hostWith } from "../arbitrary/scene.ts";
import { counterexample } from "../kernel-laws/holds.ts";
import { ruleSetScenes } from "../kernel-laws/rule-set-scenes.ts";
import { client, golden, placeFor, shop } from "../network/setting.ts";
import { packetOf, placeOf } from "../network/support.ts";
import { classFault, type LawCounts, noCounts } from "./class-law.ts";
import { movesFault } from "./host-law.ts";
import { networkFault, placeHints } from "./network-law.ts";
import { seeOnHost, seeOnNetwork } from "./seen.ts";

const GOLDEN = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));
const routed = { outsideRoutesPods: true };

const countText = ({ classes, exact, members, outside }: LawCounts): string =>
  `${classes} classes, ${exact} exact, ${members} members, ${outside} outside`;

test("members of a class go its way on a network, and its neighbours do not", (t) => {
  const counts = noCounts();
  for (const folder of [shop, golden("everything-at-once"), golden("session-affinity"), golden("nodeport-local")]) {
    const place = placeOf(folder, [], routed);
    t.is(networkFault(seededRandom(folder), place, 4, true, counts), undefined, folder);
  }
  t.true(counts.exact > 12 && counts.members > 1000 && counts.outside > 80, countText(counts));
});

test("slow: so do those of every golden scenario", (t) => {
  const counts = noCounts();
  for (const { name } of readdirSync(GOLDEN, { withFileTypes: true }).filter((each) => each.isDirectory())) {
    if (name === "source-range-with-host-bits") continue; // not a valid Service
    const place = placeOf(join("golden/scenarios", name), [], routed);
    t.is(networkFault(seededRandom(`all ${name}`), place, 1, true, counts), undefined, name);
  }
  t.true(counts.exact > 0.9 * counts.classes && counts.outside > 400, countText(counts));
  t.log(countText(counts));
});

test("slow: so do those of foreign and compiled rule sets on one host, with connections and without", (t) => {
  const [fresh, later] = [noCounts(), noCounts()];
  for (const { name, host, moves } of ruleSetScenes("classes", 2)) {
    t.is(movesFault(name, host, moves, false, fresh), undefined, name);
    t.is(movesFault(name, host, moves, true, later), undefined, `${name}, one after the other`);
  }
  t.true(fresh.exact > 0.9 * fresh.classes && fresh.outside > 1000, countText(fresh));
  t.true(later.members > 5000, countText(later));
  t.log(countText(fresh));
});

test("slow: so do those of any rules", (t) => {
  const counts = noCounts();
  let run = 0;
  const options = { circles: false, uncertain: 1, moves: 6, odd: 0.2, damaged: 0.1 };
  const law: Parameters<typeof counterexample>[0] = (host, moves) =>
    movesFault("any", host, moves, run++ % 2 === 0, counts);
  t.is(counterexample(law, options, 15), undefined);
  t.true(counts.exact > 0.6 * counts.classes, countText(counts));
});

/** The class of a packet on the shop's network, and what is seen there. */
function shopClass(text: string) {
  const place = placeFor(shop, client);
  const packet = packetOf(text);
  const sender = senderOf(place.network, packet.src);
  const [branch] = journeysOf(place, packet, sender, {}).branches;
  const script = branch?.script ?? [];
  const found = wayClass(place, packet, sender, {}, { script });
  const hints = placeHints(place, packet.family);
  return { found, hints, see: (each: typeof packet) => seeOnNetwork(place, sender, {}, script, each) };
}

/** `ip rule from 10.244.1.0/25 lookup 201`, where only 203.0.113.0/24 is, by another interface than the default route's. */
function hostWithPolicy(): Host {
  const plain = hostWith("IPv4", emptyRuleset, "");
  const like = plain.routes.find(
    ({ family, prefixLength, table }) => family === "IPv4" && prefixLength === 0 && table === 200,
  );
  if (like === undefined) throw new Error("the topology has no table 200");
  const number = (text: string): number => parseIPv4(text) ?? 0;
  const route = { ...like, table: 201, destination: number("203.0.113.0"), prefixLength: 24 };
  const source = { address: number("10.244.1.0"), prefixLength: 25 };
  const action = { kind: "table", table: 201 } as const;
  const rule = { family: "IPv4", priority: 900, negated: false, source, action } as const;
  return makeHost({ ...plain, routes: [...plain.routes, route], policyRules: [...plain.policyRules, rule] });
}

test("a policy rule that chooses by the source cuts sources and destinations together", (t) => {
  const host = hostWithPolicy();
  const entrance = { kind: "received", inInterface: "cni0" } as const;
  const number = (text: string): bigint => BigInt(parseIPv4(text) ?? 0);
  const hints = {
    src: [number("10.244.1.5"), number("10.244.1.200")],
    dst: [number("8.8.8.8"), number("203.0.113.9"), number("9.9.9.9")],
  };
  for (const text of ["udp 10.244.1.200:40000 > 8.8.8.8:53", "udp 10.244.1.5:40000 > 8.8.8.8:53"]) {
    const packet = packetOf(text);
    const found = hostWayClass(host, new HostState(), packet, entrance, []);
    const see = (other: typeof packet) => seeOnHost(host, new HostState(), entrance, [], other);
    t.is(classFault(seededRandom(1), found, see, noCounts(), hints, 300), undefined);
    t.true(found.exact, found.inexact.join());
  }
});

test("a source that is impossible everywhere is not taken for one that is so towards some destinations", (t) => {
  const place = placeFor(golden("named-target-port"), { settings: routed });
  const packet = packetOf("tcp 0.0.0.0:40001 > 198.51.100.7:40000");
  const sender = { kind: "outside", node: "worker-2" } as const;
  const found = wayClass(place, packet, sender, {}, { script: [] });
  const number = (text: string): bigint => BigInt(parseIPv4(text) ?? 0);
  const hints = {
    src: [number("192.168.10.255"), number("127.0.0.1")],
    dst: [number("10.244.2.255"), number("10.244.2.10")],
  };
  const see = (other: typeof packet) => seeOnNetwork(place, sender, {}, [], other);
  t.is(classFault(seededRandom(1), found, see, noCounts(), hints, 600), undefined);
});

for (const [invert, to] of [
  ["", "224.0.0.5"],
  ["", "230.0.0.5"],
  ["--invert ", "224.0.0.5"],
  ["--invert ", "198.51.100.7"],
] as const)
  test(`rpfilter ${invert}lets a source of 0.0.0.0/8 through to a group on the link alone: ${to}`, (t) => {
    const text = `*mangle\n-A PREROUTING -m rpfilter ${invert}-j MARK --set-xmark 0x1/0xff\nCOMMIT\n`;
    const host = hostWith("IPv4", looseRuleset(text, "IPv4"), "");
    const entrance = { kind: "received", inInterface: "docker0" } as const;
    const hints = { src: [0n, 0x00010203n], dst: [0xe0000005n, 0xe6000005n, 0xffffffffn, 0xc6336407n] };
    for (const from of ["172.17.0.2", "0.1.2.3"]) {
      const packet = packetOf(`tcp ${from}:1001 > ${to}:8080`);
      const found = hostWayClass(host, new HostState(), packet, entrance, []);
      const see = (other: typeof packet) => seeOnHost(host, new HostState(), entrance, [], other);
      t.is(classFault(seededRandom(1), found, see, noCounts(), hints, 600), undefined, from);
    }
  });

/** What a class says that is not so. */
const lies: readonly (readonly [name: string, text: string, lie: (found: WayClass) => WayClass])[] = [
  [
    "an exception is missing",
    "tcp 10.244.1.7:40000 > 10.96.20.1:81",
    (found) => ({ ...found, except: found.except.slice(1) }),
  ],
  [
    "an interval is too wide",
    "tcp 10.244.1.7:40000 > 10.96.20.1:443",
    (found) => ({ ...found, box: { ...found.box, dport: [{ from: 443n, to: 444n }] } }),
  ],
  [
    "any source",
    "udp 10.244.1.7:40000 > 10.96.0.10:53",
    (found) => ({ ...found, box: { ...found.box, src: universeOf(found.packet).src } }),
  ],
  [
    "an interval is too narrow",
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    (found) => ({ ...found, box: { ...found.box, sport: [{ from: 2000n, to: 65535n }] } }),
  ],
  [
    "an exception too many",
    "udp 10.244.1.7:40000 > 10.96.0.10:53",
    ({ box, ...found }) => ({
      ...found,
      box,
      except: [{ ...box, sport: [{ from: 7n, to: 7n }], src: box.src.slice(-1) }],
    }),
  ],
];
for (const [name, text, lie] of lies) {
  test(`the law sees that ${name}`, (t) => {
    const { found, see, hints } = shopClass(text);
    t.true(found.exact);
    t.is(classFault(seededRandom(text), found, see, noCounts()), undefined);
    t.not(classFault(seededRandom(text), lie(found), see, noCounts(), hints, 4000), undefined);
  });
}

const texts: readonly (readonly [packet: string, expected: string])[] = [
  [
    "tcp 10.244.1.7:40000 > 10.96.20.1:443",
    "any source in 10.244.0.0/16 but 10.244.1.0/31, 10.244.1.10, any source port, to 10.96.20.1 port 443",
  ],
  [
    "udp 10.244.1.7:40000 > 10.96.0.10:53",
    "source 10.244.0.3-10.244.0.255, 10.244.1.2-10.244.255.255, any source port, to 10.96.0.10 port 53",
  ],
  [
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    "any source but 0.0.0.0, 10.244.1.0/31, 10.244.2.40, 127.0.0.1, 127.255.255.255 and 3 more, source port 1024-65535, destination 10.244.1.0, 192.168.10.11, port 30080",
  ],
  [
    "tcp 203.0.113.9:40000 > 192.168.10.11:22",
    "any source but 0.0.0.0, 10.244.1.0/31, 127.0.0.1, 127.255.255.255, 192.168.10.11 and 2 more, any source port, destination 192.168.10.11, any port but 30080, 30443, 32100",
  ],
  [
    "icmp 10.244.1.10 > 10.244.1.20",
    "any source but 0.0.0.0, 10.244.1.0/31, 10.244.1.20, 127.0.0.0/8, 192.168.10.11 and 2 more, destination 10.244.1.20, ICMP type 8, 13, 15, 17",
  ],
  [
    "tcp 10.244.1.7:40000 > 10.96.20.1:81",
    "any source but 0.0.0.0, 10.244.1.0/31, 127.0.0.1, 192.168.10.11, 224.0.0.0/4, 255.255.255.255, any source port, destination 10.96.0.1, 10.96.0.10, 10.96.20.1-10.96.20.6, any port; but not destination 10.96.0.1 with port 443, nor destination 10.96.0.10 with port 53, nor destination 10.96.0.10 with port 9153, nor destination 10.96.20.4 with port 80, nor destination 10.96.20.2 with port 80, nor 3 other combinations of addresses and ports",
  ],
];
for (const [packet, expected] of texts)
  test(`in words: ${packet}`, (t) => t.is(classText(shopClass(packet).found), expected));

test("a packet of a known connection is alone in its class, which says so", (t) => {
  const place = placeFor(shop, client);
  const packet = packetOf("udp 10.244.1.7:40000 > 10.96.0.10:53");
  const sender = senderOf(place.network, packet.src);
  const branchOf = () => journeysOf(place, packet, sender, {}).branches[0] ?? { script: [] };
  t.true(wayClass(place, packet, sender, {}, branchOf()).exact);
  travelOnce(place, seededChooser(1), packet, sender);
  const { box, exact, inexact } = wayClass(place, packet, sender, {}, branchOf());
  t.false(exact);
  t.regex(inexact.join(), /known connection/);
  t.deepEqual(
    fields.map((field) => countOf(box[field])),
    fields.map(() => 1n),
  );
});
