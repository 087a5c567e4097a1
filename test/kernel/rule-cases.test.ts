import { hash } from "node:crypto";
import test from "ava";
import { makePacket } from "../../src/kernel/packet.ts";
import { parseIPv4 } from "../../src/net/ip.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { fateOf, isTranslated } from "./cells.ts";
import { clusterCases } from "./cluster-cases.ts";
import { readConstants } from "./constants.ts";
import { foreignCases } from "./foreign.ts";
import { PacketSequence } from "./generator.ts";
import { pinned } from "./rule-cases.ts";
import { makeStep, type Observation, type SeenPacket } from "./step.ts";
import { ipCommands, node } from "./topology.ts";

const v4 = (text: string): number => parseIPv4(text) as number;

test("each foreign rule set says what it is about and can be read by our own parser", (t) => {
  const cases = foreignCases();
  t.true(new Set(cases.map(({ name }) => name.split("/")[0])).size >= 32);
  for (const { name, about, rules } of cases) {
    t.true(about.length > 20, name);
    const found: string[] = [];
    parseScript({ name, text: rules }, ({ message }) => found.push(message));
    t.deepEqual(found, [], name);
  }
});

test("sampled clusters give rule sets of both families, back ends and releases", (t) => {
  const names = clusterCases("test", 4, node).map(({ name }) => name);
  for (const part of ["/1.37/IPv4/nft", "/1.37/IPv6/legacy", "/1.21/IPv4/legacy", "/1.21/IPv6/nft"])
    t.true(
      names.some((name) => name.endsWith(part)),
      part,
    );
});

test("a sequence is drawn from its seed", (t) => {
  const constants = readConstants(foreignCases()[0]?.rules ?? "", "", "IPv4");
  const draw = (seed: string): string => {
    const sequence = new PacketSequence(node, constants, "IPv4", seed);
    return hash("sha256", JSON.stringify([sequence.next(200), sequence.next(200)]), "hex");
  };
  t.is(draw("a"), draw("a"));
  t.not(draw("a"), draw("b"));
});

test("constants are what rules speak of", (t) => {
  const rules = [
    "*nat",
    "-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.5:8080",
    "-A PREROUTING ! -d 10.0.0.0/8 -p udp -m multiport --dports 53,100:200 -j REDIRECT --to-ports 5353",
    "-A OUTPUT -m owner --uid-owner 1337 -m mark --mark 0x10/0xff -j RETURN",
    "COMMIT",
  ].join("\n");
  const { frontends, addresses, marks, uids } = readConstants(rules, "add s 10.96.0.2,udp:53\n", "IPv4");
  t.deepEqual(frontends, [
    { address: v4("10.96.0.1"), protocol: 6, port: 80 },
    { address: undefined, protocol: 17, port: 53 },
    { address: undefined, protocol: 17, port: 100 },
    { address: undefined, protocol: 17, port: 200 },
    { address: v4("10.96.0.2"), protocol: 17, port: 53 },
  ]);
  t.deepEqual(addresses, ["10.96.0.1", "10.244.1.5", "10.0.0.5", "10.96.0.2"].map(v4));
  t.deepEqual([marks, uids], [[0x10], [1337]]);
});

test("pinned rules have nothing left to chance", (t) => {
  const rules =
    "-m statistic --mode random --probability 0.33333333349 -j MASQUERADE --random-fully\n--mode random ! --probability 0.5 --random";
  const one = {
    name: "x",
    about: "",
    family: "IPv4",
    backend: "nft",
    rules,
    ipset: "",
    nfacct: [],
    sysctls: {},
  } as const;
  t.is(
    pinned(one).rules,
    "-m statistic --mode nth --every 3 --packet 0 -j MASQUERADE\n--mode nth ! --every 2 --packet 0",
  );
});

test("the topology is made by commands for each family", (t) => {
  t.true(ipCommands(node, "IPv4").includes("route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink"));
  t.true(ipCommands(node, "IPv6").includes("rule add priority 1001 from fd00:172:20::4/128 lookup 200"));
  t.true(ipCommands(node, "IPv6").every((line) => !line.includes("10.244.")));
});

const SYN = makePacket({ family: "IPv4", src: 1, dst: 2, protocol: 6, sport: 3, dport: 4 });
const seen = (fields: Partial<typeof SYN>): SeenPacket => ({
  interface: "eth0",
  mark: 0,
  bytes: new Uint8Array(),
  packet: { ...SYN, ...fields },
});
const nothing: Observation = { at: 0, until: 0, errno: undefined, out: [], local: [], logged: [], rules: [] };
const unreachable = { src: 2, dst: 1, protocol: 1, icmpType: 3, inner: SYN };

const fateRows: readonly (readonly [string, Partial<Observation>, string, boolean])[] = [
  ["nothing seen", {}, "dropped", false],
  ["an error for the sender", { errno: "EPERM" }, "refused", false],
  ["it left", { out: [seen({ ttl: 63 })] }, "transmitted", false],
  ["it left for another address", { out: [seen({ dst: 9 })] }, "transmitted", true],
  ["it left from another port", { out: [seen({ sport: 9 })] }, "transmitted", true],
  ["it reached the node", { local: [seen({})] }, "delivered", false],
  ["an ICMP error left", { out: [seen(unreachable)] }, "answered", false],
  ["a reset left", { out: [seen({ src: 2, dst: 1, flags: 20 })] }, "answered", false],
  ["the error reached the sender on the node", { errno: "EPERM", local: [seen(unreachable)] }, "answered", false],
];
for (const [name, observed, fate, translated] of fateRows) {
  test(`fate: ${name}`, (t) => {
    const [step, observation] = [makeStep(SYN, "eth0"), { ...nothing, ...observed }];
    t.deepEqual([fateOf(step, observation), isTranslated(step, observation)], [fate, translated]);
  });
}
