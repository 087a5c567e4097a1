import test from "ava";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { withRules } from "../../src/kernel/make-host.ts";
import { endpointText, packetText } from "../../src/kernel/packet-text.ts";
import {
  addDyadic,
  type Dyadic,
  dyadic,
  equalDyadic,
  formatDyadic,
  oneDyadic,
  zeroDyadic,
} from "../../src/net/dyadic.ts";
import { travelOnce } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import type { Chain, Table } from "../../src/rules/iptables/ruleset.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import { partition } from "../../src/verify/classes/partition.ts";
import type { Side } from "../../src/verify/classes/space.ts";
import { distributionOf } from "../../src/verify/equivalence/distribution.ts";
import { compareSpread, type Spread } from "../../src/verify/equivalence/spread.ts";
import { HOST, NODES, serviceObjects } from "../intent/cluster-text.ts";
import { type Mode, type Place, placeOf, settingOf, weightsFor } from "../intent/place.ts";

const ENDPOINTS = "a@n1 b@n2 c@n3";
const COUNT = 8;

function placeIn(mode: Mode, spec: object = {}): Place {
  const objects = [...NODES, ...serviceObjects(ENDPOINTS, { spec })];
  const place = placeOf({ objects, config: {}, host: HOST }, mode);
  if (place === undefined) throw new Error("kube-proxy does not start");
  return place;
}

function sideIn(mode: Mode, spec?: object): Side {
  const host = placeIn(mode, spec).network.node("n1")?.host;
  if (host === undefined) throw new Error("no node");
  return { name: mode, host };
}

const spreadOf = (left: Side, right: Side): Spread => compareSpread(left, right, "IPv4", () => undefined, COUNT);

/** Thresholds of `--probability` as the kernel keeps them: the nearest whole number of 2^-31. */
function chancesOf(count: number): readonly Dyadic[] {
  const found: Dyadic[] = [];
  let rest = oneDyadic;
  for (let left = count; left > 1; left--) {
    const ten = 10n ** 10n;
    const probability = (ten * 2n + BigInt(left)) / (2n * BigInt(left));
    const threshold = ((probability << 32n) / ten + 1n) >> 1n;
    const yes = dyadic(threshold * rest.numerator, rest.exponent + 31);
    found.push(yes);
    rest = dyadic(((1n << 31n) - threshold) * rest.numerator, rest.exponent + 31);
  }
  return [...found, rest];
}

test("iptables: each endpoint has the exact chance that the rules' thresholds give it", (t) => {
  const side = sideIn("iptables");
  const { groups, spread } = spreadOf(side, side);
  t.true(spread > 10);
  for (const { distributions, deviation, isFinding } of groups) {
    t.is(deviation, undefined);
    t.false(isFinding);
    for (const each of distributions) {
      if (each.kind !== "chances") return t.fail(each.kind);
      t.deepEqual([...each.chances.values()].map(formatDyadic), chancesOf(3).map(formatDyadic));
    }
  }
});

/** The side with another threshold in place of one, in all its rules. */
function withThreshold({ name, host }: Side, before: number, after: number): Side {
  const changed = (chain: Chain): Chain => ({
    ...chain,
    rules: chain.rules.map((rule) => ({
      ...rule,
      matches: rule.matches.map((match) =>
        match.kind === "statistic" && match.mode === "random" && match.threshold === before
          ? { ...match, threshold: after }
          : match,
      ),
    })),
  });
  const tables = [...host.rules.IPv4.tables].map(([key, table]): [string, Table] => [
    key,
    { ...table, chains: new Map([...table.chains].map(([own, chain]) => [own, changed(chain)])) },
  ]);
  const rules = { ...host.rules, IPv4: { ...host.rules.IPv4, tables: new Map(tables) } };
  return { name: `${name}, changed`, host: withRules(host, rules) };
}

/** A third and a half as thresholds. */
const [THIRD, HALF] = [715827883, 2 ** 30];

test("chances that differ are told with the largest deviation; by more than rounding they are a finding", (t) => {
  const side = sideIn("iptables");
  const rows = [
    [HALF, true],
    // the next number that the kernel tells apart
    [THIRD + 1, false],
  ] as const;
  for (const [threshold, expected] of rows) {
    const { groups } = spreadOf(side, withThreshold(side, THIRD, threshold));
    const deviating = groups.filter(({ deviation }) => deviation !== undefined);
    t.true(deviating.length > 0, `${threshold}`);
    t.true(
      deviating.every(({ isFinding }) => isFinding === expected),
      `${threshold}`,
    );
    // the first endpoint takes what both others lose
    const apart = dyadic(BigInt(threshold - THIRD), 31);
    for (const { deviation } of deviating) t.is(formatDyadic(deviation?.apart ?? zeroDyadic), formatDyadic(apart));
  }
});

test("law: a side's chances add up to one, over sampled clusters", (t) => {
  let several = 0;
  for (const seed of [3, 5]) {
    const place = placeOf(settingOf(sampleCluster(seed, { weights: weightsFor(37) })), "iptables");
    const host = place?.network.node("worker-1")?.host;
    if (host === undefined) continue;
    const side = { name: "iptables", host };
    for (const found of partition([side], "IPv4")) {
      const [ways] = found.ways;
      const distribution = ways && distributionOf(side, found, ways, 1);
      if (distribution?.kind !== "chances") return t.fail(`${packetText(found.packet)}: ${distribution?.kind}`);
      const sum = [...distribution.chances.values()].reduce(addDyadic, zeroDyadic);
      t.true(equalDyadic(sum, oneDyadic), packetText(found.packet));
      if (distribution.chances.size > 1) several++;
    }
  }
  t.true(several > 20);
});

/** The first connections of the example of a group, sent through the network one after the other. */
function sentInTurn(group: Spread["groups"][number]): readonly string[] {
  const place = placeIn("ipvs");
  const here = { network: place.network, state: new NetworkState() };
  return Array.from({ length: COUNT }, (_, i) => {
    const packet = { ...group.example, sport: group.example.sport + i };
    const options = { oneWay: true, entryNode: () => "n1" } as const;
    const { there } = travelOnce(here, scriptedChooser([]), packet, { kind: "outside", node: "n1" }, options);
    return endpointText(there.packet.dst, there.packet.dport);
  });
}

test("ipvs: no chance is made up: the first connections from a fresh position are told in their order", (t) => {
  const { groups } = spreadOf(sideIn("iptables"), sideIn("ipvs"));
  t.true(groups.length > 0);
  for (const group of groups) {
    const [left, right] = group.distributions;
    if (left.kind !== "chances" || right.kind !== "sequence") return t.fail(JSON.stringify(right));
    t.is(right.scheduler, "rr");
    t.is(right.ends.length, COUNT);
    t.deepEqual([...new Set(right.ends.slice(0, 3))].sort(), [...left.chances.keys()]);
    for (const [i, end] of right.ends.entries()) t.is(end, right.ends[i % 3] ?? "");
    t.deepEqual(right.ends, sentInTurn(group));
    t.is(group.deviation, undefined);
  }
});

test("ipvs: with an affinity it is always the same one's turn", (t) => {
  const sticky = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 100 } } };
  const { groups } = spreadOf(sideIn("iptables", sticky), sideIn("ipvs", sticky));
  t.true(groups.length > 0);
  for (const { distributions } of groups) {
    const [, right] = distributions;
    t.is(right.kind === "sequence" ? new Set(right.ends).size : 0, 1);
  }
});
