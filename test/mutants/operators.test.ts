import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import test from "ava";
import type { Host } from "../../src/kernel/host.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { seededRandom } from "../../src/net/random.ts";
import type { Mode } from "../intent/place.ts";
import { argued, argumentsFor, uncovered } from "./judges/argued.ts";
import { type Court, courtOf } from "./judges/court.ts";
import { judge } from "./judges/judge.ts";
import { pageText } from "./judges/page.ts";
import { type Fate, type Judge, judges } from "./judges/record.ts";
import { sceneOf } from "./judges/scene.ts";
import { type RunRecord, survivorsOf } from "./judges/table.ts";
import type { Fault } from "./operators/fault.ts";
import { isLoadable } from "./operators/loadable.ts";
import { operators } from "./operators/operators.ts";
import { withChains } from "./operators/rule-sites.ts";

const root = new URL("../../../", import.meta.url);
const record = JSON.parse(readFileSync(new URL("test/mutants/run.json", root), "utf8")) as RunRecord;

const made = new Map<string, Court>();

/** Courts take seconds to prepare. */
function court(scenario: string, mode: Mode, family: IPFamily): Court {
  const key = `${scenario} ${mode} ${family}`;
  const known = made.get(key) ?? courtOf(scenario, mode, family);
  made.set(key, known);
  return known;
}

function faultsOf({ scene, family }: Court): readonly Fault[] {
  const subject = { host: scene.host, family, sets: scene.sets };
  return operators.flatMap((operator) => [...operator.faults(subject)]);
}

function fateOf(at: Court, fault: Fault, whole = false): Fate {
  const { scenario, mode } = at.scene;
  const { by, differences } = judge(at, fault, whole);
  return { scenario, mode, family: at.family, ...fault, by: [...by], differences };
}

type Sample = readonly [scenario: string, mode: Mode, family: IPFamily];

/** One scenario a mode; more: npm run mutants. */
const samples: readonly Sample[] = [
  ["internal-local-none-here", "iptables", "IPv4"],
  ["three-protocols", "ipvs", "IPv4"],
];
const SAMPLE = 16;
const SEED = "mutants";

for (const [scenario, mode, family] of samples) {
  test(`slow: of a sample of faults of ${scenario}, ${mode}, ${family}, none survives (seed ${SEED})`, (t) => {
    const at = court(scenario, mode, family);
    const random = seededRandom(`${SEED} ${scenario} ${mode}`);
    const all = faultsOf(at);
    const fates = Array.from({ length: SAMPLE }, () => random.pick(all)).map((fault) => {
      const fate = fateOf(at, fault);
      // nobody found it: the comparison of the whole space says the same as that of the classes which the fault can touch
      if (fate.by.length === 0) {
        const whole = fateOf(at, fault, true);
        t.deepEqual(
          [...new Set(whole.differences.map(({ kind }) => kind))],
          [...new Set(fate.differences.map(({ kind }) => kind))],
          `${fault.operator}: ${fault.place}`,
        );
      }
      return fate;
    });
    t.deepEqual(
      survivorsOf(fates).map(({ operator, place, ...fate }) => [operator, place, uncovered(fate as Fate)[0]]),
      [],
    );
    t.true(fates.some(({ by }) => by.length > 0));
  });

  test(`slow: nobody finds fault with ${scenario}, ${mode}, ${family}, as it is`, (t) => {
    const at = court(scenario, mode, family);
    const none: Fault = { operator: "none", place: "nowhere", host: () => at.scene.host };
    const { by, differences } = judge(at, none);
    t.deepEqual([...by], []);
    t.deepEqual(differences, []);
  });
}

const NONE_HERE = ["internal-local-none-here", "iptables", "IPv4"] as const;
const THREE_PROTOCOLS = ["three-protocols", "ipvs", "IPv4"] as const;

/** Faults that survived until a judge was made to see them. */
const once: readonly (readonly [at: Sample, operator: string, place: string, by: Judge])[] = [
  // the list excused any endpoint that calls itself
  [THREE_PROTOCOLS, "drop a rule", "nat KUBE-POSTROUTING 1:", "modes"],
  [THREE_PROTOCOLS, "drop a set element", "KUBE-LOOP-BACK 10.244.1.10,17:53,10.244.1.10", "modes"],
  // the list excused whatever becomes of a Service's address at other ports
  [THREE_PROTOCOLS, "drop a rule", "filter KUBE-IPVS-FILTER 6:", "modes"],
  [THREE_PROTOCOLS, "another refusal", "filter KUBE-IPVS-FILTER 6:", "modes"],
  // modes and promises look at ways, not at whose turn it is
  [THREE_PROTOCOLS, "another scheduler", "TCP 10.96.0.53 port 53 rr: became TCP 10.96.0.53 port 53 sh", "shares"],
  // the space of packets holds none to loopback addresses that come in
  [NONE_HERE, "drop a rule", "filter KUBE-FIREWALL 1:", "loopback"],
];

for (const [at, operator, place, by] of once) {
  test(`slow: ${by} find it: ${operator}: ${place}`, (t) => {
    const here = court(...at);
    const fault = faultsOf(here).find((each) => each.operator === operator && each.place.includes(place));
    t.truthy(fault);
    if (fault !== undefined) t.true(judge(here, fault).by.has(by));
  });
}

for (const [scenario, mode, family] of samples)
  test(`every fault of ${scenario}, ${mode}, ${family}, changes the node, at a place of its own`, (t) => {
    const { host, sets } = sceneOf(scenario, mode);
    const parts = ({ rules, sets: loaded, ipvs, interfaces, sysctls }: Host) => ({
      rules,
      loaded,
      ipvs,
      interfaces,
      sysctls,
    });
    const places = new Set<string>();
    for (const { name, faults } of operators) {
      for (const { operator, place, host: made } of faults.call({ name, faults }, { host, family, sets })) {
        t.is(operator, name);
        t.false(isDeepStrictEqual(parts(made()), parts(host)), `${operator}: ${place}`);
        t.false(places.has(`${operator}: ${place}`), `${operator}: ${place}`);
        places.add(`${operator}: ${place}`);
      }
    }
    t.true(places.size > 100);
  });

test("a kernel takes no table whose chains lead back to themselves, nor DNAT behind POSTROUTING", (t) => {
  const { host } = sceneOf("three-protocols", "iptables");
  const nat = host.rules.IPv4.tables.get("nat");
  if (nat === undefined) throw new Error("no table nat");
  const jump = (from: string, to: string) =>
    withChains(nat, { [from]: [{ chain: from, matches: [], target: { kind: "jump", chain: to } }] });
  t.true(isLoadable(nat));
  t.false(isLoadable(jump("KUBE-MARK-MASQ", "KUBE-SERVICES")));
  t.false(isLoadable(jump("KUBE-POSTROUTING", "KUBE-SERVICES")));
  t.true(isLoadable(jump("KUBE-POSTROUTING", "KUBE-MARK-MASQ")));
});

test("the page shows the run that is kept", (t) => {
  t.is(
    readFileSync(new URL("docs/mutants.md", root), "utf8"),
    pageText(record),
    "npm run mutants -- --record writes both",
  );
});

test("the run that is kept had all kinds of faults and left none over", (t) => {
  t.deepEqual(
    record.rows.map(({ operator }) => operator),
    operators.map(({ name }) => name),
  );
  for (const { operator, faults, dead, equivalent, argued: covered, survivors } of record.rows) {
    t.true(faults > 0, operator);
    t.is(survivors, 0, operator);
    t.is(dead + equivalent + covered, faults, operator);
  }
});

test("every argument and every judge is needed", (t) => {
  t.deepEqual(Object.keys(record.argued).sort(), argued.map(({ id }) => id).sort());
  for (const name of judges)
    t.true(
      record.rows.some(({ by }) => by[name] > 0),
      name,
    );
});

test("an argument covers a difference, not a fault", (t) => {
  const fate: Fate = {
    scenario: "",
    mode: "ipvs",
    family: "IPv4",
    operator: "drop a rule",
    place: "",
    by: [],
    differences: [{ kind: "strays", text: "" }],
  };
  t.is(argumentsFor(fate)?.length, 1);
  t.is(argumentsFor({ ...fate, differences: [...fate.differences, { kind: "first", text: "tcp" }] }), undefined);
  t.deepEqual(argumentsFor({ ...fate, differences: [] }), []);
});
