import test from "ava";
import { subjectsAt } from "../../src/assembly/subjects.ts";
import type { Host } from "../../src/kernel/host.ts";
import { withRules } from "../../src/kernel/make-host.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { isOwnAddress } from "../../src/kernel/run.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { containsValue } from "../../src/net/intervals.ts";
import { parseIP } from "../../src/net/ip.ts";
import { seededRandom } from "../../src/net/random.ts";
import { addressOf } from "../../src/network/addresses.ts";
import type { Rule } from "../../src/rules/iptables/model.ts";
import { prefixMask } from "../../src/rules/iptables/values.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { sizeOfBox } from "../../src/verify/classes/boxes.ts";
import { wholeBox } from "../../src/verify/classes/partition.ts";
import { packetKinds, type Side, type SpacePart, spaceParts } from "../../src/verify/classes/space.ts";
import { waysOf } from "../../src/verify/classes/ways.ts";
import { compareByShape, compareSides } from "../../src/verify/equivalence/compare.ts";
import { fatesKey, fatesOf } from "../../src/verify/equivalence/fate.ts";
import { intendedDifferences, intendedOf } from "../../src/verify/equivalence/intended.ts";
import { compareAndGroup, type Naming } from "../../src/verify/equivalence/report.ts";
import type { SubjectOf } from "../../src/verify/equivalence/subject.ts";
import { fieldValue } from "../../src/verify/field.ts";
import { representativeOf, shapesOf } from "../../src/verify/shapes/by-shape.ts";
import { groundOf } from "../../src/verify/shapes/ground.ts";
import { placeOf, settingOf, weightsFor } from "../intent/place.ts";
import { sidesOf } from "./sides.ts";

interface Setting {
  readonly name: string;
  readonly sides: readonly [Side, Side];
  readonly subjectOf: SubjectOf;
}

/** The first node of a sampled cluster in both modes. */
function settingAt(seed: number): Setting {
  const setting = settingOf(sampleCluster(seed, { weights: weightsFor(37), services: 3 }));
  const [left, right] = [placeOf(setting, "iptables"), placeOf(setting, "ipvs")];
  const [node = ""] = left?.network.nodes ?? [];
  const [a, b] = [left, right].map((place) => place?.network.node(node)?.host);
  if (left === undefined || a === undefined || b === undefined) throw new Error(`seed ${seed} gives no node`);
  const isNode = (text: string): boolean => {
    const ip = parseIP(text);
    return ip !== undefined && isOwnAddress(a, addressOf(ip));
  };
  const sides = [
    { name: "iptables", host: a },
    { name: "ipvs", host: b },
  ] as const;
  return { name: `seed ${seed}, ${node}`, sides, subjectOf: subjectsAt(left.cluster, node, isNode) };
}

const plainRemarks = () => ({ unit: "", of: () => "" });

/** Packets of each group, by Service's port and reason: all classes one by one. */
function plainGroups({ sides: [left, right], subjectOf }: Setting, family: IPFamily): ReadonlyMap<string, bigint> {
  const found = new Map<string, bigint>();
  for (const compared of compareSides(left, right, family)) {
    if (!compared.differs) continue;
    const subject = subjectOf(compared.class.packet);
    const reason = intendedOf(compared, left, right, subject, intendedDifferences);
    const shown = reason?.general === true ? undefined : subject;
    const key = `${shown?.port ?? ""} ${shown?.by ?? ""} ${reason?.id ?? "finding"}`;
    found.set(key, (found.get(key) ?? 0n) + compared.class.size);
  }
  return found;
}

function groupsByShape({ sides: [left, right], subjectOf }: Setting, family: IPFamily): ReadonlyMap<string, bigint> {
  const found = new Map<string, bigint>();
  const naming: Naming = { subjectOf, senderOf: () => "" };
  for (const { subject, intended, packets } of compareAndGroup(left, right, family, naming).groups) {
    const key = `${subject?.port ?? ""} ${subject?.by ?? ""} ${intended?.id ?? "finding"}`;
    found.set(key, (found.get(key) ?? 0n) + packets);
  }
  return found;
}

const texts = (groups: ReadonlyMap<string, bigint>): readonly string[] =>
  [...groups].map(([key, packets]) => `${key}: ${packets}`).sort();

const isSent = ({ interfaces }: SpacePart): boolean => interfaces.length === 0;

const rows: readonly (readonly [seed: number, family: IPFamily])[] = [
  [2, "IPv4"],
  [3, "IPv4"],
  [3, "IPv6"],
  [4, "IPv4"],
];

for (const [seed, family] of rows) {
  test(`slow: law: by shapes as many packets differ, of each Service and for each reason, as one by one, seed ${seed}, ${family}`, (t) => {
    const setting = settingAt(seed);
    const expected = texts(plainGroups(setting, family));
    t.deepEqual(texts(groupsByShape(setting, family)), expected, setting.name);
    t.true(expected.length > 0);
  });

  test(`slow: law: the shapes' classes make up the whole space, and fare on the whole hosts as on small ones, seed ${seed}, ${family}`, (t) => {
    const random = seededRandom(`shapes ${seed}`);
    const { name, sides } = settingAt(seed);
    const ground = groundOf(sides, family);
    let total = 0n;
    for (const shape of shapesOf(ground, plainRemarks)) {
      const times = BigInt(shape.instances.length);
      const { classes } = representativeOf(ground, shape, (size) => {
        total += size * times;
      });
      for (const { size } of classes) total += size * times;
    }
    const parts = spaceParts(sides, family);
    const whole = parts.flatMap((part) => packetKinds(family).map((kind) => sizeOfBox(wholeBox(part, kind, family))));
    t.is(
      total,
      whole.reduce((sum, size) => sum + size, 0n),
      name,
    );
    for (const { shape, at } of compareByShape(sides[0], sides[1], family, plainRemarks)) {
      const { class: own, fates } = at(random.pick(shape.instances));
      const { packet, part } = own;
      const source = isSent(part) ? 0n : fieldValue(packet, "src");
      const there = parts.find((each) => isSent(each) === isSent(part) && containsValue(each.sources, source));
      const entrance = there?.entranceOf(source);
      const expected =
        entrance && sides.map(({ host }) => fatesKey(fatesOf(packet, waysOf(host, packet, entrance)))).join(" || ");
      const found = fates.map(fatesKey).join(" || ");
      // thousands of them: what is right is not worth a word
      if (found !== expected) t.is(found, expected ?? "in no part", packetText(packet));
    }
  });
}

/** The host with a first rule of PREROUTING that gives all packets to a network one destination. */
function withRedirection(host: Host, destination: string): Host {
  const nat = host.rules.IPv4.tables.get("nat");
  const chain = nat?.chains.get("PREROUTING");
  const [network, target] = ["198.51.100.0", destination].map((text) => parseIP(text));
  if (nat === undefined || chain === undefined || network === undefined || target === undefined)
    throw new Error("no rule");
  const rule: Rule = {
    chain: chain.name,
    destination: { negated: false, value: { address: network, mask: prefixMask("IPv4", 24) } },
    matches: [],
    target: { kind: "DNAT", range: { addresses: { from: target, to: target } }, random: false, persistent: false },
  };
  const changed = {
    ...nat,
    chains: new Map([...nat.chains, [chain.name, { ...chain, rules: [rule, ...chain.rules] }]]),
  };
  const tables = new Map([...host.rules.IPv4.tables, [nat.name, changed]]);
  return withRules(host, { ...host.rules, IPv4: { ...host.rules.IPv4, tables } });
}

test("where rules for all give packets to a Service's address, all is looked at one by one", (t) => {
  const { sides: plain, subjectOf } = sidesOf("clusterip");
  const [left, right] = plain.map(({ name, host }) => ({ name, host: withRedirection(host, "10.96.0.10") }));
  if (left === undefined || right === undefined) throw new Error("no sides");
  const setting: Setting = { name: "redirected", sides: [left, right], subjectOf };
  const expected = texts(plainGroups(setting, "IPv4"));
  t.deepEqual(texts(groupsByShape(setting, "IPv4")), expected);
  t.notDeepEqual(expected, texts(plainGroups({ ...setting, sides: plain }, "IPv4")));
});
