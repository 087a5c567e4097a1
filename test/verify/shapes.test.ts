import test from "ava";
import { subjectsAt } from "../../src/assembly/subjects.ts";
import { isOwnAddress } from "../../src/kernel/run.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { containsValue } from "../../src/net/intervals.ts";
import { parseIP } from "../../src/net/ip.ts";
import { seededRandom } from "../../src/net/random.ts";
import { addressOf } from "../../src/network/addresses.ts";
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

interface Setting {
  readonly name: string;
  readonly sides: readonly [Side, Side];
  readonly subjectOf: SubjectOf;
}

/** A node of a sampled cluster in both modes; of a seed that says nothing about two modes there are none. */
function* settingsOf(seed: number): Generator<Setting> {
  const setting = settingOf(sampleCluster(seed, { weights: weightsFor(37), services: 3 }));
  const [left, right] = [placeOf(setting, "iptables"), placeOf(setting, "ipvs")];
  if (left === undefined || right === undefined || left.ambiguous.size > 0) return;
  for (const node of left.network.nodes) {
    const [a, b] = [left.network.node(node)?.host, right.network.node(node)?.host];
    if (a === undefined || b === undefined) continue;
    const isNode = (text: string): boolean => {
      const ip = parseIP(text);
      return ip !== undefined && isOwnAddress(a, addressOf(ip));
    };
    const sides = [
      { name: "iptables", host: a },
      { name: "ipvs", host: b },
    ] as const;
    yield { name: `seed ${seed}, ${node}`, sides, subjectOf: subjectsAt(left.cluster, node, isNode) };
  }
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

const seeds = [1, 3, 22, 47];

for (const seed of seeds) {
  test(`slow: law: by shapes as many packets differ, of each Service and for each reason, as one by one, seed ${seed}`, (t) => {
    let groups = 0;
    for (const setting of settingsOf(seed))
      for (const family of ipFamilies) {
        const expected = texts(plainGroups(setting, family));
        groups += expected.length;
        t.deepEqual(texts(groupsByShape(setting, family)), expected, `${setting.name}, ${family}`);
      }
    t.true(groups > 0);
  });

  test(`slow: law: the shapes' classes make up the whole space, seed ${seed}`, (t) => {
    for (const { name, sides } of settingsOf(seed))
      for (const family of ipFamilies) {
        const ground = groundOf(sides, family);
        let total = 0n;
        for (const shape of shapesOf(ground, plainRemarks)) {
          const times = BigInt(shape.instances.length);
          const { classes } = representativeOf(ground, shape, (size) => {
            total += size * times;
          });
          for (const { size } of classes) total += size * times;
        }
        const whole = spaceParts(sides, family).flatMap((part) =>
          packetKinds(family).map((kind) => sizeOfBox(wholeBox(part, kind, family))),
        );
        t.is(
          total,
          whole.reduce((sum, size) => sum + size, 0n),
          `${name}, ${family}`,
        );
      }
  });

  test(`slow: law: what a shape's packets become on small hosts they become on the whole ones, seed ${seed}`, (t) => {
    const random = seededRandom(`shapes ${seed}`);
    for (const { name, sides } of settingsOf(seed))
      for (const family of ipFamilies) {
        const parts = spaceParts(sides, family);
        for (const { shape, at } of compareByShape(sides[0], sides[1], family, plainRemarks)) {
          const instance = random.pick(shape.instances);
          const { class: found, fates } = at(instance);
          const { packet, part } = found;
          const source = part.interfaces.length === 0 ? 0n : fieldValue(packet, "src");
          const entrance = parts
            .find((each) => isSent(each) === isSent(part) && containsValue(each.sources, source))
            ?.entranceOf(source);
          if (entrance === undefined) {
            t.fail(`${name}, ${family}: ${JSON.stringify(packet)} is in no part`);
            continue;
          }
          const expected = sides.map(({ host }) => fatesKey(fatesOf(packet, waysOf(host, packet, entrance))));
          t.deepEqual(fates.map(fatesKey), expected, `${name}, ${family}: ${JSON.stringify(packet)}`);
        }
      }
  });
}
