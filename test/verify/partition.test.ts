import test from "ava";
import type { IPFamily } from "../../src/net/family.ts";
import { containsValue, countOf, type IntervalSet } from "../../src/net/intervals.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import { commonBox, sizeOfBox, withoutBox } from "../../src/verify/classes/boxes.ts";
import { classAt } from "../../src/verify/classes/class-at.ts";
import { destinationsOf } from "../../src/verify/classes/destinations.ts";
import { type PacketClass, partition, wholeBox } from "../../src/verify/classes/partition.ts";
import { packetKinds, type Side, spaceParts } from "../../src/verify/classes/space.ts";
import { waysOf } from "../../src/verify/classes/ways.ts";
import { fatesKey, fatesOf } from "../../src/verify/equivalence/fate.ts";
import { type Box, fields } from "../../src/verify/field.ts";
import { packetAt } from "../../src/verify/lines.ts";
import type { Point } from "../../src/verify/region.ts";
import { type Change, sidesOf } from "./sides.ts";

const SEED = "partition";
/** Packets of each class that are sent: many where there are few classes. */
const membersOf = (classes: number): number => (classes < 500 ? 100 : 3);
const POINTS = 400;

const rows: readonly (readonly [scenario: string, family: IPFamily, change?: Change])[] = [
  ["everything-at-once", "IPv4"],
  ["source-ranges", "IPv4"],
  ["nodeport-local", "IPv6"],
  ["host-network-endpoints", "IPv4"],
  // no rule tells apart the interfaces by which Pods of this node and of others come in; answers do
  ["local-endpoint-terminating", "IPv4"],
  // ip_vs looks for a server of port 21 by FTP's data ports, too
  ["clusterip", "IPv4", { port: 21 }],
  // what a set of addresses and ports leaves over is no product of sets
  ["three-protocols", "IPv4", { negatedSet: "KUBE-CLUSTER-IP" }],
];

function numberOf(set: IntervalSet, random: Random): bigint {
  const { from, to } = random.pick(set);
  const edge = random.between(0, 3);
  if (edge === 0) return from;
  if (edge === 1) return to;
  const high = BigInt(random.between(0, 0xffffffff));
  return (
    from +
    (((high << 96n) + (BigInt(random.between(0, 0xffffffff)) << 32n) + BigInt(random.between(0, 0xffffffff))) %
      (to - from + 1n))
  );
}

function pointOf(box: Box, random: Random): Point {
  return Object.fromEntries(fields.map((field) => [field, numberOf(box[field], random)])) as Point;
}

const holds = (box: Box, point: Point): boolean => fields.every((field) => containsValue(box[field], point[field]));
const isIn = ({ box, except }: PacketClass, point: Point): boolean =>
  holds(box, point) && !except.some((each) => holds(each, point));

/** What becomes of the packet of a point on each side. */
function fatesAt(sides: readonly Side[], { part, kind }: PacketClass, family: IPFamily, point: Point): string {
  const packet = packetAt(kind.template(family), point);
  const entrance = part.entranceOf(point.src);
  return sides.map(({ host }) => fatesKey(fatesOf(packet, waysOf(host, packet, entrance)))).join(" || ");
}

for (const [scenario, family, change = {}] of rows) {
  test(`${[scenario, family, ...Object.keys(change)].join(", ")}: every packet is in one class, and fares like the others in it`, (t) => {
    const { sides } = sidesOf(scenario, change);
    const random = seededRandom(`${SEED} ${scenario}`);
    const classes: PacketClass[] = [];
    const leftOut: Box[] = [];
    for (const each of partition(sides, family, { leftOut: (box) => leftOut.push(box) })) classes.push(each);
    t.deepEqual(
      classes.flatMap(({ notExhaustive }) => notExhaustive),
      [],
    );
    const parts = spaceParts(sides, family);
    const kinds = packetKinds(family);
    const whole = parts.flatMap((part) => kinds.map((kind) => sizeOfBox(wholeBox(part, kind, family))));
    const sum = (list: readonly bigint[]): bigint => list.reduce((total, size) => total + size, 0n);
    t.is(sum(classes.map(({ size }) => size)) + sum(leftOut.map(sizeOfBox)), sum(whole));
    for (const [i, part] of parts.entries()) {
      for (const { name } of kinds) {
        const own = classes.filter(
          (each) => each.kind.name === name && each.part.interfaces.join() === part.interfaces.join(),
        );
        const box = wholeBox(part, own[0]?.kind ?? (kinds[0] as (typeof kinds)[number]), family);
        for (let n = 0; n < POINTS / parts.length; n++) {
          const point = pointOf(box, random);
          const found = own.filter((each) => isIn(each, point)).length;
          const toItself = point.src === point.dst && part.interfaces.length > 0;
          t.true(found === 1 || (toItself && found === 0), `${found} classes hold a packet of part ${i}, ${name}`);
        }
      }
    }
    for (const found of classes) {
      const expected = found.ways.map((ways) => fatesKey(fatesOf(found.packet, ways))).join(" || ");
      for (let n = 0; n < membersOf(classes.length); n++) {
        const point = pointOf(found.box, random);
        if (!isIn(found, point) || point.src === point.dst) continue;
        t.is(
          fatesAt(sides, found, family, point),
          expected,
          JSON.stringify(Object.entries(point).map(([k, v]) => [k, `${v}`])),
        );
      }
    }
  });
}

/** 10.244.3.16, which is outside; 10.244.2.250, which lies in another node's Pod network; and where that begins and ends. */
const [OUTSIDE, REMOTE, FIRST, BEHIND] = [0x0af40310n, 0x0af402fan, 0x0af40200n, 0x0af40300n];

test("where one edge of a route is not known, a class holds packets that fare otherwise", (t) => {
  const { sides } = sidesOf("clusterip");
  const [part] = spaceParts(sides, "IPv4");
  const [kind] = packetKinds("IPv4");
  if (part === undefined || kind === undefined) throw new Error("no part");
  const at = (dst: bigint) => {
    const source = part.sources[0]?.from ?? 0n;
    return packetAt(kind.template("IPv4"), { src: source, dst, sport: 40_000n, dport: 8080n, icmpType: 0n });
  };
  const [outside, remote] = [OUTSIDE, REMOTE].map((dst) => {
    const packet = at(dst);
    const entrance = part.entranceOf(part.sources[0]?.from ?? 0n);
    return sides.map(({ host }) => fatesKey(fatesOf(packet, waysOf(host, packet, entrance)))).join();
  });
  t.not(outside, remote);
  const holdsRemote = (leftOut: readonly bigint[]): boolean => {
    const destinations = destinationsOf(sides, "IPv4", leftOut);
    return containsValue(classAt(sides, destinations, part, at(OUTSIDE)).region.box.dst, REMOTE);
  };
  t.false(holdsRemote([]));
  t.true(holdsRemote([FIRST, BEHIND]));
});

test("law: what is in common and what is left over make up the box", (t) => {
  const random = seededRandom(SEED);
  const set = (): IntervalSet => {
    const from = BigInt(random.between(0, 9));
    return [{ from, to: from + BigInt(random.between(0, 5)) }];
  };
  const box = (): Box => ({ src: set(), dst: set(), sport: set(), dport: set(), icmpType: set() });
  for (let n = 0; n < 500; n++) {
    const [a, b] = [box(), box()];
    const rest = withoutBox(a, b);
    const both = commonBox(a, b);
    const total = rest.reduce((sum, each) => sum + sizeOfBox(each), both === undefined ? 0n : sizeOfBox(both));
    t.is(total, sizeOfBox(a));
    t.true(
      rest.every((each) => commonBox(each, b) === undefined && fields.every((field) => countOf(each[field]) > 0n)),
    );
  }
});

test("a part holds no source that another part holds, and its entrance is the way back", (t) => {
  const { sides } = sidesOf("everything-at-once");
  const parts = spaceParts(sides, "IPv4").filter(({ interfaces }) => interfaces.length > 0);
  t.true(parts.length > 1);
  for (const [i, a] of parts.entries())
    for (const b of parts.slice(i + 1)) t.true(a.sources.every(({ from }) => !containsValue(b.sources, from)));
  for (const { interfaces, sources, entranceOf } of parts)
    for (const { from } of sources) {
      const entrance = entranceOf(from);
      t.true(entrance.kind === "received" && interfaces.includes(entrance.inInterface));
    }
});
