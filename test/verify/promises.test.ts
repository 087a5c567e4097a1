import test from "ava";
import type { Breach } from "../../src/intent/breaches.ts";
import type { Host } from "../../src/kernel/host.ts";
import { withRules as withHostRules } from "../../src/kernel/make-host.ts";
import { containsValue, type IntervalSet } from "../../src/net/intervals.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import type { Rule } from "../../src/rules/iptables/model.ts";
import type { Chain, Table } from "../../src/rules/iptables/ruleset.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { partition } from "../../src/verify/classes/partition.ts";
import { addressOfNumber, type Box, fields } from "../../src/verify/field.ts";
import { packetAt } from "../../src/verify/lines.ts";
import { clientsAt } from "../../src/verify/promises/clients.ts";
import { type Deviation, deviations } from "../../src/verify/promises/deviations.ts";
import { type HeldNode, holdToPromises } from "../../src/verify/promises/hold.ts";
import { type PromisedBox, type PromisedBoxAt, promisedBoxAt } from "../../src/verify/promises/promise-box.ts";
import { type PromisedClass, promisedClasses } from "../../src/verify/promises/refine.ts";
import type { Point } from "../../src/verify/region.ts";
import { HOST, NODES, serviceObjects } from "../intent/cluster-text.ts";
import { modes, placeOf, settingOf, weightsFor } from "../intent/place.ts";
import { heldNodes, holdSample, type PromisesOptions } from "./promises-law.ts";

/** Seeds of small clusters with most of what promises are about; more: npm run laws. */
const SEEDS = [3, 5];
const SEED = "promises";
const MEMBERS = 4;

for (const seed of SEEDS)
  for (const mode of modes)
    test(`slow: law: ${mode}, seed ${seed}: every packet fares as Kubernetes promises, but for the deviations that are known`, (t) => {
      const found = holdSample(seed, mode);
      t.deepEqual(found?.findings.slice(0, 5), []);
      t.is(found?.unknown, 0);
      for (const kind of ["none", "endpoints", "nobody"]) t.true((found?.promised.get(kind) ?? 0) > 30, kind);
    });

test("slow: law: without the list of deviations each of them is a finding", (t) => {
  const known = holdSample(5, "ipvs");
  const bare = holdSample(5, "ipvs", { list: [] });
  t.true((known?.excused.size ?? 0) > 1);
  t.deepEqual(known?.findings, []);
  t.true((bare?.findings.length ?? 0) > 0);
  t.is(bare?.excused.size, 0);
});

/** Ways to misunderstand the documentation: each is a finding in the first node that tells them apart. */
const misreadings: Readonly<Record<string, PromisesOptions>> = {
  "every node port is open everywhere": { misjudge: (facts) => ({ ...facts, nodePortAddresses: [] }) },
  "ports are one higher": {
    misread: (cluster) => ({
      ...cluster,
      services: cluster.services.map(({ value, origin }) => {
        const ports = (value.spec?.ports ?? []).map((port) => ({ ...port, port: (port.port ?? 0) + 1 }));
        return { origin, value: { ...value, spec: { ...value.spec, ports } } };
      }),
    }),
  },
  "masqueradeAll the other way round": { misjudge: (facts) => ({ ...facts, masqueradeAll: !facts.masqueradeAll }) },
};
for (const [name, wrong] of Object.entries(misreadings))
  test(`slow: the law sees who believes: ${name}`, (t) => {
    const all = SEEDS.concat(1).map((seed) => holdSample(seed, "iptables", { ...wrong, enough: 1 }));
    t.true(all.some((found) => (found?.findings.length ?? 0) > 0));
  });

/** Deviations that one node shows and no journey, as their packets come from elsewhere: the node, its Service, and who finds it. */
const rows = [
  ["other-nodes-are-outsiders", "b@n2", "iptables"],
  ["other-nodes-are-outsiders", "a@n1~ b@n2", "iptables"],
] as const;
for (const [id, endpoints, mode] of rows)
  test(`${mode}, ${endpoints}: ${id}`, (t) => {
    const written = { spec: { externalIPs: ["203.0.113.9"], externalTrafficPolicy: "Local", type: "NodePort" } };
    const objects = [...NODES, ...serviceObjects(endpoints, written)];
    const place = placeOf({ objects, config: { clusterCIDR: "10.0.0.0/16" }, host: HOST }, mode);
    const [node] = place === undefined ? [] : heldNodes(place);
    if (node === undefined) throw new Error("no node");
    const ids = (list: readonly Deviation[]) => {
      const wrong = [...holdToPromises({ ...node, list })].flatMap((each) => each.wrong);
      return new Set(wrong.map(({ deviation }) => deviation?.id ?? "a finding"));
    };
    t.deepEqual([...ids(deviations)], [id]);
    t.deepEqual([...ids(deviations.filter((each) => each.id !== id))], ["a finding"]);
  });

/** A host with rules that a chain's rule is changed in; `undefined` takes it away. */
function withRules(host: Host, chains: RegExp, change: (rule: Rule) => Rule | undefined): Host {
  const inChain = (chain: Chain): Chain => ({ ...chain, rules: chain.rules.flatMap((rule) => change(rule) ?? []) });
  const tables = [...host.rules.IPv4.tables].map(([key, table]): [string, Table] => [
    key,
    {
      ...table,
      chains: new Map([...table.chains].map(([name, chain]) => [name, chains.test(name) ? inChain(chain) : chain])),
    },
  ]);
  return withHostRules(host, { ...host.rules, IPv4: { ...host.rules.IPv4, tables: new Map(tables) } });
}

/** A port that is asked for as several. */
const wider = (rule: Rule): Rule => ({
  ...rule,
  matches: rule.matches.map((match) =>
    match.kind === "tcp" && match.destination !== undefined
      ? { ...match, destination: { ...match.destination, value: { from: match.destination.value.from, to: 31000 } } }
      : match,
  ),
});

/** An address that is asked for as a network. */
function network({ source, ...rule }: Rule): Rule {
  if (source === undefined || source.value.address.family !== "IPv4") return { ...rule, ...(source && { source }) };
  const mask = { family: "IPv4", value: 0xff000000 } as const;
  const address = { family: "IPv4", value: (source.value.address.value & mask.value) >>> 0 } as const;
  return { ...rule, source: { ...source, value: { address, mask } } };
}

/** Rules that kube-proxy does not write, each wrong for some packets of a class that rules alone would not cut. */
const wrongRules: Readonly<Record<string, readonly [RegExp, (rule: Rule) => Rule | undefined, Breach]>> = {
  "a node port for a range of ports": [/^KUBE-NODEPORTS$/, wider, "interfered"],
  "source ranges that are too wide": [/^KUBE-FW-/, network, "let in"],
  "source ranges that are not asked for": [
    /^KUBE-FW-|^KUBE-PROXY-FIREWALL$/,
    (rule) => (rule.target?.kind === "DROP" ? undefined : rule),
    "let in",
  ],
  "an endpoint whose address is not written": [
    /^KUBE-SEP-/,
    (rule) => (rule.target?.kind === "DNAT" ? undefined : rule),
    "not served",
  ],
  "sources that are always rewritten": [
    /^KUBE-SVC-/,
    (rule) =>
      rule.target?.kind === "jump" && rule.target.chain === "KUBE-MARK-MASQ"
        ? { chain: rule.chain, matches: [], target: rule.target }
        : rule,
    "source rewritten",
  ],
};
for (const [name, [chains, change, breach]] of Object.entries(wrongRules))
  test(`slow: the law sees ${name}`, (t) => {
    const spec = {
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
      ports: [{ name: "http", port: 80, nodePort: 30080 }],
    };
    const status = { loadBalancer: { ingress: [{ ip: "203.0.113.9" }] } };
    const objects = [...NODES, ...serviceObjects("a@n1 b@n2", { spec, status })];
    const place = placeOf({ objects, config: { clusterCIDR: "10.0.0.0/16" }, host: HOST }, "iptables");
    const node = place && heldNodes(place).find((each) => each.node === "n1" && each.family === "IPv4");
    if (node === undefined) throw new Error("no node");
    const found = (host: Host) =>
      new Set(
        [...holdToPromises({ ...node, host })].flatMap(({ wrong }) =>
          wrong.filter(({ deviation }) => deviation === undefined).flatMap(({ breaches }) => breaches),
        ),
      );
    t.deepEqual([...found(node.host)], []);
    const seen = found(withRules(node.host, chains, change));
    t.true(seen.has(breach), [...seen].join());
  });

const holds = (box: Box, point: Point): boolean => fields.every((field) => containsValue(box[field], point[field]));
const isIn = ({ box, except }: Pick<PromisedClass, "box" | "except">, point: Point): boolean =>
  holds(box, point) && !except.some((each) => holds(each, point));

function numberOf(set: IntervalSet, random: Random): bigint {
  const { from, to } = random.pick(set);
  const edge = random.between(0, 3);
  if (edge < 2) return edge === 0 ? from : to;
  return from + ((BigInt(random.between(0, 0x7fffffff)) * BigInt(random.between(1, 0x7fffffff))) % (to - from + 1n));
}

const pointIn = (box: Box, random: Random): Point =>
  Object.fromEntries(fields.map((field) => [field, numberOf(box[field], random)])) as Point;

/** What is promised, in a text that equal promises share. */
function textOf({ promise, frontends, asked: { from } }: PromisedBox): string {
  if (promise === undefined) return "no promise";
  const { outcome, source, at, service, port, clauses } = promise;
  const sets = outcome.kind === "endpoints" ? [...outcome.allowed.keys, "else", ...outcome.otherwise] : [];
  const how = outcome.kind === "nobody" ? outcome.how : [];
  const told = clauses.map(({ field, says }) => `${field} ${says}`);
  const name = `${service?.value.metadata.namespace}/${service?.value.metadata.name} ${port}`;
  return [frontends.length === 0 ? "" : from, outcome.kind, ...sets, ...how, source, at, name, ...told].join("; ");
}

interface LawFaults {
  classes: number;
  /** Classes whose pieces do not make up the whole, packets in none or two, packets of other promises than their class. */
  readonly faults: string[];
}

/** The law of cutting: pieces of a class make it up, none has a packet of another, and all packets of one are promised the same. */
function cuttingLaw(held: HeldNode, change: (at: PromisedBoxAt) => PromisedBoxAt = (at) => at): LawFaults {
  const { node, family, network, intent, facts } = held;
  const promisedAt = promisedBoxAt(intent, facts, node, family, clientsAt(network, node, family, intent.sources));
  const random = seededRandom(SEED);
  const sides = [
    { name: "with", host: held.host },
    { name: "without", host: held.without },
  ];
  const found: LawFaults = { classes: 0, faults: [] };
  for (const whole of partition(sides, family)) {
    found.classes++;
    const pieces = [...promisedClasses(whole, change(promisedAt))];
    const sum = pieces.reduce((total, { size }) => total + size, 0n);
    if (sum !== whole.size) found.faults.push(`sizes: ${sum} of ${whole.size}`);
    for (let n = 0; n < MEMBERS; n++) {
      const point = pointIn(whole.box, random);
      const holders = pieces.filter((piece) => isIn(piece, point)).length;
      if (holders !== (isIn(whole, point) ? 1 : 0)) found.faults.push(`${holders} pieces hold a packet`);
    }
    for (const piece of pieces) {
      const expected = textOf(promisedAt(whole.part, piece.packet));
      for (let n = 0; n < MEMBERS; n++) {
        const point = pointIn(piece.box, random);
        const at = promisedAt(whole.part, packetAt(piece.packet, point));
        if (textOf(at) !== expected) found.faults.push(`promises: ${textOf(at)} in ${expected}`);
        if (whole.part.interfaces.length === 0 || at.promise === undefined) continue;
        const owner = network.ownerOf(addressOfNumber(point.src, family));
        const from = owner.kind === "outside" ? "outside" : "node" in owner && owner.node === node ? "pod" : "peer";
        if (at.frontends.length > 0 && from !== at.asked.from) found.faults.push(`origin: ${from}`);
      }
    }
  }
  return found;
}

function nodeOf(seed: number): HeldNode {
  const place = placeOf(settingOf(sampleCluster(seed, { weights: weightsFor(37) })), "iptables");
  const [first] = place === undefined ? [] : heldNodes(place);
  if (first === undefined) throw new Error(`no node for seed ${seed}`);
  return first;
}

test("slow: law: classes are cut where promises change, and their pieces make them up", (t) => {
  for (const seed of [1, 6, 10]) {
    const { classes, faults } = cuttingLaw(nodeOf(seed));
    t.true(classes > 100);
    t.deepEqual(faults.slice(0, 5), []);
  }
});

/** Boxes that are too large, each in one way. */
const coarse: Readonly<Record<string, (at: PromisedBoxAt) => PromisedBoxAt>> = {
  "who sends": (at) => (part, packet) => {
    const { box, ...rest } = at(part, packet);
    const { src: _, ...others } = box;
    return { ...rest, box: others };
  },
  "which port": (at) => (part, packet) => {
    const { box, ...rest } = at(part, packet);
    const { dport: _, ...others } = box;
    return { ...rest, box: others };
  },
};
for (const [name, change] of Object.entries(coarse))
  test(`slow: the law of cutting sees who forgets: ${name}`, (t) => {
    const all = [1, 6, 10].flatMap((seed) => cuttingLaw(nodeOf(seed), change).faults);
    t.true(all.some((text) => text.startsWith("promises")));
  });

test("packets that begin no TCP connection are held to nothing but what is no Service's business", (t) => {
  const standings = new Set<string>();
  for (const { class: found, standing } of holdToPromises(nodeOf(10)))
    if (found.class.kind.name === "TCP without SYN") standings.add(`${found.promise?.outcome.kind} ${standing}`);
  t.true(standings.has("none said"));
  t.true(standings.has("endpoints unsaid"));
  t.false(standings.has("endpoints said") || standings.has("nobody said"));
});
