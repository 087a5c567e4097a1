import type { Host } from "../../../src/kernel/host.ts";
import { packetText } from "../../../src/kernel/packet-text.ts";
import { type Ways, waysOf } from "../../../src/verify/classes/ways.ts";
import { type Fates, fatesKey, fatesOf } from "../../../src/verify/equivalence/fate.ts";
import { intendedOf } from "../../../src/verify/equivalence/intended.ts";
import type { Fault } from "../operators/fault.ts";
import { conversation, hasNoStrays, isAnswered, isTold } from "./conversation.ts";
import { type Court, inWorld, talkOf, touches } from "./court.ts";
import { firstDifference, laterDifference, MOST_CLASSES, pairs } from "./differences.ts";
import { getsIn, intrusion } from "./loopback.ts";
import { entranceFor, type Met } from "./met.ts";
import { affinitySeconds, brokenPromise, reachesAll } from "./promises.ts";
import type { Difference, Judge } from "./record.ts";
import type { Scene } from "./scene.ts";
import { endsOf, isEven, isRound, keepsClients } from "./shares.ts";

/** What became of a fault. */
export interface Verdict {
  readonly fault: Pick<Fault, "operator" | "place">;
  /** Whoever found it. */
  readonly by: ReadonlySet<Judge>;
  /** All that differs from the node without the fault, where nobody found it; empty: nothing does. */
  readonly differences: readonly Difference[];
}

/** Does what becomes of a packet differ from the other mode for no known reason? */
function isFinding(
  scene: Scene,
  hosts: readonly [Host, Host],
  met: Pick<Met, "class">,
  fates: readonly [Fates, Fates],
) {
  if (fatesKey(fates[0]) === fatesKey(fates[1])) return false;
  const [left, right] = hosts.map((host, i) => ({ name: `${i}`, host }));
  if (left === undefined || right === undefined) return false;
  const subject = scene.subjectOf(met.class.packet);
  return intendedOf({ class: met.class, fates, differs: true }, left, right, subject) === undefined;
}

interface Seen {
  readonly met: Pick<Met, "class" | "entrance" | "fates">;
  readonly host: Host;
  readonly ways: Ways;
  readonly fates: Fates;
}

/** Whoever finds a fault by what becomes of one packet, and of what follows it. */
function foundBy({ scene, sides }: Court, { met, host, fates }: Seen, by: Set<Judge>): void {
  const hosts = [host, sides.open.hosts[1]] as const;
  if (!by.has("modes") && isFinding(scene, hosts, met, [fates, met.fates[1]])) by.add("modes");
  if (!by.has("promises") && brokenPromise(scene, host, met.class.part, met.class.packet) !== undefined)
    by.add("promises");
}

/** Is somebody not answered as he must be, who is where there is no fault? */
function isMisanswered({ met, ways }: Pick<Seen, "met" | "ways">, before: Ways): boolean {
  const { packet } = met.class;
  return [isAnswered, isTold, hasNoStrays].some(
    (isFine) => !isFine(ways, packet, met.entrance) && isFine(before, packet, met.entrance),
  );
}

const MIN_ENDPOINTS = 2;

/** Does an endpoint get nothing, or less than the others? */
function isUneven({ scene }: Court, { met, host, ways }: Seen): boolean {
  const { packet, part } = met.class;
  const before = met.class.ways[0] as Ways;
  const count = endsOf(packet, before).size;
  if (count < MIN_ENDPOINTS) return false;
  if (!reachesAll(scene, part, packet, ways) && reachesAll(scene, part, packet, before)) return true;
  if (scene.mode === "iptables") return isEven(packet, ways) === false && isEven(packet, before) === true;
  return (
    affinitySeconds(scene, part, packet) === undefined &&
    !isRound(host, packet, met.entrance, count) &&
    isRound(scene.host, packet, met.entrance, count)
  );
}

/** Does a client not stay with its endpoint as is promised? */
function losesClients({ scene }: Court, { met, host }: Seen): boolean {
  const { packet, part } = met.class;
  if (endsOf(packet, met.class.ways[0] as Ways).size < MIN_ENDPOINTS) return false;
  const seconds = affinitySeconds(scene, part, packet);
  if (seconds === undefined) return false;
  return (["stays", "is freed"] as const).some(
    (what) =>
      !keepsClients(host, packet, met.entrance, seconds, what) &&
      keepsClients(scene.host, packet, met.entrance, seconds, what),
  );
}

/** Judges by one packet of every class that the fault can have to do with; tells what differs later in a connection. */
function byPackets(court: Court, fault: Fault, host: Host, by: Set<Judge>): readonly Difference[] {
  const later: Difference[] = [];
  for (const met of court.sides.open.met) {
    if (by.has("modes") && by.has("promises")) return [];
    if (!touches(fault, met)) continue;
    const { packet } = met.class;
    const ways = waysOf(host, packet, met.entrance);
    const seen: Seen = { met, host, ways, fates: fatesOf(packet, ways) };
    const goesOn = fatesKey(seen.fates) === fatesKey(met.fates[0]);
    if (!goesOn) foundBy(court, seen, by);
    if (by.size > 0) continue;
    if (isUneven(court, seen)) by.add("shares");
    else if (losesClients(court, seen)) by.add("affinity");
    if (!goesOn) continue;
    const difference = laterDifference(packet, talkOf(met), conversation(ways, packet, met.entrance));
    if (difference === undefined) continue;
    foundBy(court, seen, by);
    if (isMisanswered(seen, met.class.ways[0] as Ways)) by.add("answers");
    later.push(difference);
  }
  return later;
}

/** Judges by what gets through, and is answered, on a node that drops what no rule accepts; tells what differs there. */
function byFirewall(
  court: Court,
  world: "FORWARD" | "INPUT",
  fault: Fault,
  host: Host,
  by: Set<Judge>,
): readonly Difference[] {
  const { hosts, met: all } = court.sides[world];
  const { scene } = court;
  const shut = inWorld(host, world, court.family);
  const found: Difference[] = [];
  for (const met of all) {
    if (!touches(fault, met)) continue;
    const { packet } = met.class;
    const ways = waysOf(shut, packet, met.entrance);
    const fates = fatesOf(packet, ways);
    const difference =
      fatesKey(fates) === fatesKey(met.fates[0])
        ? laterDifference(packet, talkOf(met), conversation(ways, packet, met.entrance))
        : firstDifference(packet, met.fates[0], fates);
    if (difference === undefined) continue;
    const isNews =
      isFinding(scene, [shut, hosts[1]], met, [fates, met.fates[1]]) && !isFinding(scene, hosts, met, met.fates);
    if (isNews || isMisanswered({ met, ways }, met.class.ways[0] as Ways)) {
      by.add("firewall");
      return [];
    }
    found.push(difference.kind === "strays" ? difference : { kind: world, text: difference.text });
  }
  return found;
}

/** Every class of packets that goes another way with the fault; judged if it was not yet. */
function differencesIn(court: Court, fault: Fault, host: Host, by: Set<Judge>, whole: boolean): readonly Difference[] {
  const other = court.sides.open.hosts[1];
  const differences: Difference[] = [];
  let classes = 0;
  for (const { class: found, now: ways, before } of pairs(court, fault, host, whole)) {
    if (classes++ > MOST_CLASSES)
      return [...differences, { kind: "unknown", text: "there are too many classes to compare" }];
    const { packet, part } = found;
    const now = fatesOf(packet, ways);
    // fates name addresses that packets of a class share, and those that stay as they were by no name
    if (fatesKey(now) === fatesKey(before)) continue;
    differences.push(firstDifference(packet, before, now));
    const entrance = entranceFor(part, packet);
    const there = fatesOf(packet, waysOf(other, packet, entrance));
    foundBy(court, { met: { class: found, entrance, fates: [before, there] }, host, ways, fates: now }, by);
    if (by.size > 0) return [];
  }
  return differences;
}

/** Judges by what is sent to loopback addresses from outside; tells what differs. */
function byIntruders({ sides, intruders: all }: Court, host: Host, by: Set<Judge>): readonly Difference[] {
  const [own] = sides.open.hosts;
  return all.flatMap((each): readonly Difference[] => {
    const [before, now] = [intrusion(own, each), intrusion(host, each)];
    if (getsIn(host, each) && !getsIn(own, each)) by.add("loopback");
    return before === now ? [] : [{ kind: "first", text: `${packetText(each.packet)}: ${before} BECAME ${now}` }];
  });
}

/** Faults of rules outside of table filter do not depend on what its chain INPUT accepts: no mark is asked for there. */
const worldsOf = ({ chains }: Fault): readonly ("FORWARD" | "INPUT")[] =>
  chains === undefined || [...chains].some((chain) => chain.startsWith("filter ")) ? ["FORWARD", "INPUT"] : ["FORWARD"];

/**
 * Judges a fault; where nobody finds it, compares the node with itself as it should be, class by class: those that come to a changed
 * chain, or the `whole` space.
 */
export function judge(court: Court, fault: Fault, whole = false): Verdict {
  const { operator, place } = fault;
  const by = new Set<Judge>();
  const host = fault.host();
  const differences = [...byPackets(court, fault, host, by)];
  if (by.size === 0) differences.push(...byIntruders(court, host, by));
  for (const world of worldsOf(fault))
    if (by.size === 0) differences.push(...byFirewall(court, world, fault, host, by));
  if (by.size === 0) differences.unshift(...differencesIn(court, fault, host, by, whole));
  return { fault: { operator, place }, by, differences: by.size > 0 ? [] : differences };
}
