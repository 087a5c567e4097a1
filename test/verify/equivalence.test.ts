import test from "ava";
import type { IPFamily } from "../../src/net/family.ts";
import { type Compared, compareSides } from "../../src/verify/equivalence/compare.ts";
import { intendedDifferences, intendedOf } from "../../src/verify/equivalence/intended.ts";
import { type Change, sidesOf, type TwoSides } from "./sides.ts";

/** Small clusters, and what the modes are known to treat differently in each besides what holds for all Services. */
const rows: readonly (readonly [scenario: string, family: IPFamily, ...reasons: readonly string[]])[] = [
  ["clusterip", "IPv4", "endpoint-calls-over-another-node"],
  ["nodeport", "IPv4", "endpoint-calls-over-another-node", "node-port-on-loopback"],
  ["bind-address", "IPv4", "endpoint-calls-over-another-node", "node-port-on-loopback", "source-ranges-from-the-node"],
  ["nodeport-local", "IPv6", "endpoint-calls-over-another-node", "local-policy-for-insiders"],
  ["internal-local-none-here", "IPv4", "cluster-ip-local-without-endpoints"],
  ["external-ips-no-endpoints", "IPv4", "no-endpoints-from-the-node"],
  [
    "loadbalancer-local-none-here",
    "IPv4",
    "endpoint-calls-over-another-node",
    "local-policy-without-local-endpoints",
    "node-port-on-loopback",
    "node-seen-by-another-own-address",
    "node-seen-by-the-service-address",
  ],
  ["node-without-ipv6", "IPv6", "endpoint-calls-over-another-node", "node-without-an-address"],
];
/** The same in scenarios that are changed. */
const changed: readonly (readonly [scenario: string, change: Change, ...reasons: readonly string[]])[] = [
  [
    "no-endpoints",
    { config: { nodePortAddresses: ["192.168.10.0/24"] } },
    "no-endpoints-from-the-node",
    "node-port-on-loopback",
    "node-port-without-endpoints",
  ],
  // the ClusterIP's port is the node port's number
  ["nodeport", { port: 30080 }, "node-port-on-loopback", "service-port-like-a-node-port"],
  [
    "source-ranges",
    { withoutEndpoints: true },
    "no-endpoints-from-the-node",
    "node-port-on-loopback",
    "source-ranges-without-endpoints",
  ],
];
const GENERAL = intendedDifferences.flatMap(({ id, general }) => (general === true ? [id] : []));

interface Difference extends TwoSides {
  readonly compared: Compared;
}

const all: Difference[] = [];

/** The entry that excuses a difference, of a list that may lack some. */
const reasonOf = ({ compared, sides: [left, right], subjectOf }: Difference, list = intendedDifferences) =>
  intendedOf(compared, left, right, subjectOf(compared.class.packet), list)?.id;

const cases = [
  ...rows.map(([scenario, family, ...reasons]) => ({ scenario, family, change: {}, reasons })),
  ...changed.map(([scenario, change, ...reasons]) => ({ scenario, family: "IPv4" as const, change, reasons })),
];
for (const { scenario, family, change, reasons } of cases) {
  const title = [scenario, family, ...Object.keys(change)].join(", ");
  test.serial(`${title}: iptables and ipvs differ for known reasons only`, (t) => {
    const place = sidesOf(scenario, change);
    const found: Difference[] = [];
    for (const compared of compareSides(place.sides[0], place.sides[1], family))
      if (compared.differs) found.push({ compared, ...place });
    const excused = new Set(
      found.map(
        (each) =>
          reasonOf(each) ?? `a finding: ${each.compared.fates.map((f) => [...f.keys()].join()).join(" against ")}`,
      ),
    );
    t.deepEqual([...excused].filter((id) => !GENERAL.includes(id)).sort(), [...reasons].sort());
    all.push(...found);
  });
}

test.serial("every entry of the list is needed", (t) => {
  for (const { id } of intendedDifferences) {
    const others = intendedDifferences.filter((each) => each.id !== id);
    const findings = all.filter((each) => reasonOf(each) === id && reasonOf(each, others) === undefined);
    t.true(findings.length > 0, id);
  }
});

test("a mode does not differ from itself", (t) => {
  const { sides } = sidesOf("everything-at-once");
  const { sides: again } = sidesOf("everything-at-once");
  for (const i of [0, 1] as const) {
    let classes = 0;
    for (const { differs } of compareSides(sides[i], again[i], "IPv4")) {
      classes++;
      t.false(differs);
    }
    t.true(classes > 100);
  }
});

/** What virtual servers do or leave out explains nothing where there are none. */
test("an entry about virtual servers excuses no difference between two sides of rules alone", (t) => {
  const aboutServers = intendedDifferences.filter(({ reason }) => /virtual server|kube-ipvs0|ip_vs/.test(reason));
  t.true(aboutServers.length > 10);
  const plain = all.map(({ compared, sides: [left], subjectOf }) => ({
    compared,
    left,
    subject: subjectOf(compared.class.packet),
  }));
  t.true(plain.length > 500);
  for (const { compared, left, subject } of plain)
    t.is(intendedOf(compared, left, { ...left, name: "other" }, subject, aboutServers), undefined);
});
