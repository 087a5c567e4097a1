import test from "ava";
import { withRules } from "../../src/kernel/make-host.ts";
import { endpointText, packetText } from "../../src/kernel/packet-text.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { type JourneyBranch, journeysOf, type Sender, senderOf } from "../../src/network/journey.ts";
import type { Network } from "../../src/network/network.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import type { Chain, Table } from "../../src/rules/iptables/ruleset.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import type { Answer } from "../../src/verify/classes/answer.ts";
import { type PacketClass, partition } from "../../src/verify/classes/partition.ts";
import type { Side } from "../../src/verify/classes/space.ts";
import type { Way } from "../../src/verify/classes/ways.ts";
import { compareSides } from "../../src/verify/equivalence/compare.ts";
import type { Fate } from "../../src/verify/equivalence/fate.ts";
import { HOST, NODES, serviceObjects } from "../intent/cluster-text.ts";
import { type Mode, modes, placeOf, settingOf, weightsFor } from "../intent/place.ts";

/** What a journey over the whole network says of the reply, in the words of one node. */
const ARRIVALS: Readonly<Record<string, Answer>> = {
  "as-called": "as called",
  "not-as-called": "not as called",
  lost: "lost",
  unknown: "unknown",
};

/** Who sends a class's packet at a node; `undefined` for those of other nodes, whose packets meet their own nodes first. */
function senderAt(network: Network, node: string, { part, packet }: PacketClass): Sender | undefined {
  if (part.interfaces.length === 0) return { kind: "node", node, options: { anySource: true } };
  const sender = senderOf(network, packet.src);
  if (sender?.kind === "outside") return { kind: "outside", node, inInterface: part.interfaces[0] ?? "" };
  return sender?.kind === "pod" && sender.node === node ? sender : undefined;
}

/** A way by what its receiver sees. */
const endOf = ({ packet }: Way["result"]): string => endpointText(packet.dst, packet.dport);
const journeyEnd = ({ journey: { there } }: JourneyBranch): string =>
  endpointText(there.packet.dst, there.packet.dport);

/** Does the reply's way touch a node? */
const comesOver = ({ journey: { reply } }: JourneyBranch, node: string): boolean =>
  reply?.way.legs.some((leg) => leg.node === node) === true;

interface Tally {
  readonly counts: Map<string, number>;
  /** Where the node says of an answer what the network does not. */
  readonly wrong: string[];
}

/** Holds what one node says of answers against journeys there and back over all nodes, for one packet a class. */
function answersLaw(seed: number, mode: Mode, { counts, wrong }: Tally): void {
  const place = placeOf(settingOf(sampleCluster(seed, { weights: weightsFor(37) })), mode);
  if (place === undefined || place.ambiguous.size > 0) return;
  const { network } = place;
  for (const node of network.nodes.slice(0, 1))
    for (const family of ipFamilies) {
      const host = network.node(node)?.host;
      if (host === undefined) continue;
      for (const found of partition([{ name: mode, host }], family)) {
        const [ways] = found.ways;
        const answered = (ways?.ways ?? []).filter(({ answer }) => answer !== undefined);
        const sender = answered.length === 0 ? undefined : senderAt(network, node, found);
        if (sender === undefined) continue;
        const here = { network, state: new NetworkState() };
        const { branches } = journeysOf(here, found.packet, sender, { anyTurn: true, entryNode: () => node });
        for (const { result, answer } of answered) {
          // an answer that is lost on its way here is another node's business
          const same = branches.filter((each) => journeyEnd(each) === endOf(result) && comesOver(each, node));
          const arrivals = new Set(same.map(({ journey }) => ARRIVALS[journey.reply?.arrival ?? ""]));
          const told = [...arrivals].join(" or ") || "no reply comes here";
          counts.set(`${answer}: ${told}`, (counts.get(`${answer}: ${told}`) ?? 0) + 1);
          if (arrivals.size === 0) continue;
          if (!arrivals.has(answer as Answer))
            wrong.push(
              `seed ${seed}, ${mode}: ${node} ${endpointText(found.packet.src, found.packet.sport)} > ${endpointText(found.packet.dst, found.packet.dport)}: ${answer}, and ${told} at ${endOf(result)}`,
            );
        }
      }
    }
}

for (const mode of modes)
  test(`slow: law: ${mode}: what a node says of answers is what comes of them in the network`, (t) => {
    const tally: Tally = { counts: new Map(), wrong: [] };
    for (const seed of [3, 5]) answersLaw(seed, mode, tally);
    t.log([...tally.counts].map(([what, count]) => `${count} ${what}`).join("; "));
    t.deepEqual(tally.wrong.slice(0, 10), []);
    t.true((tally.counts.get("as called: as called") ?? 0) > 300);
    if (mode === "ipvs") t.true((tally.counts.get("lost: lost") ?? 0) > 20);
  });

const LOCAL = {
  type: "NodePort",
  ports: [{ name: "http", port: 80, nodePort: 30080 }],
  externalTrafficPolicy: "Local",
};

/** The first node of a small cluster with a Service, with rules as kube-proxy writes them. */
function sideOf(mode: Mode, endpoints: string, spec: object): Side {
  const place = placeOf({ objects: [...NODES, ...serviceObjects(endpoints, { spec })], config: {}, host: HOST }, mode);
  const host = place?.network.node("n1")?.host;
  if (host === undefined) throw new Error("kube-proxy does not start");
  return { name: mode, host };
}

/** What senders hear of the endpoints that one side's packets come to, by sender. */
function answersOf(side: Side): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { part, ways } of partition([side], "IPv4"))
    for (const { answer, result } of ways[0]?.ways ?? [])
      if (answer !== undefined && result.outcome.kind === "transmitted")
        found.add(`${part.interfaces.length === 0 ? "node" : part.interfaces.join()}: ${answer}`);
  return found;
}

test("where the source is kept and the endpoint is elsewhere, the answer to somebody outside goes another way", (t) => {
  const answers = answersOf(sideOf("ipvs", "b@n2", LOCAL));
  t.true(answers.has("eth0,eth1: not over this node"));
  t.false(answers.has("eth0,eth1: as called"));
  t.deepEqual(
    [...answersOf(sideOf("iptables", "a@n1", LOCAL))].filter((text) => text.startsWith("eth0")),
    ["eth0,eth1: as called"],
  );
});

/** A host whose FORWARD chain begins with one more rule. */
function withRule({ name, host }: Side, rule: string): Side {
  const text = `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${rule}\nCOMMIT\n`;
  const more = loadRuleset({ name: "more", text }, "IPv4", ({ message }) => {
    throw new Error(message);
  });
  const own = host.rules.IPv4.tables.get("filter") as Table;
  const [chain, added] = [own, more.tables.get("filter")].map((table) => table?.chains.get("FORWARD")) as [
    Chain,
    Chain,
  ];
  const chains = new Map(own.chains).set("FORWARD", { ...chain, rules: [...added.rules, ...chain.rules] });
  const tables = new Map(host.rules.IPv4.tables).set("filter", { ...own, chains });
  return {
    name: `${name} and ${rule}`,
    host: withRules(host, { ...host.rules, IPv4: { ...host.rules.IPv4, tables } }),
  };
}

test("a side that holds answers back differs in nothing else, and is seen to", (t) => {
  const side = sideOf("iptables", "a@n1 b@n2", LOCAL);
  const answerless = ({ answer: _, ...fate }: Fate & { readonly answer?: Answer }): string => JSON.stringify(fate);
  let differing = 0;
  for (const { differs, fates, class: found } of compareSides(
    side,
    withRule(side, "-m conntrack --ctstate ESTABLISHED -j DROP"),
    "IPv4",
  )) {
    if (!differs) continue;
    differing++;
    const [a, b] = fates.map((each) => [...each.values()]);
    t.deepEqual(a?.map(answerless), b?.map(answerless));
    t.true(
      b?.some((fate) => "answer" in fate && fate.answer === "lost"),
      packetText(found.packet),
    );
  }
  t.true(differing > 10, `${differing}`);
});
