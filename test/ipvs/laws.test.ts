import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import { formatListing } from "../../src/kernel/conntrack/listing.ts";
import { listConnections } from "../../src/kernel/ipvs/listing.ts";
import type { Destination } from "../../src/kernel/ipvs/model.ts";
import { isActive } from "../../src/kernel/ipvs/states.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import { makePacket, type Packet } from "../../src/kernel/packet.ts";
import { receive, send } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { seededRandom } from "../../src/net/random.ts";
import { schedulers } from "../../src/rules/ipvs/model.ts";
import { addressOf } from "../kernel/constants.ts";
import { allResults } from "./emulated-node.ts";
import { type FreshNode, freshNode, kubeNode } from "./fresh-node.ts";
import { Lab } from "./lab.ts";
import { type PlannedStep, Planner } from "./plan.ts";
import { readRecordings } from "./recordings.ts";

/** A made-up node, and packets for it. */
interface Scene {
  readonly node: FreshNode;
  readonly steps: readonly PlannedStep[];
}

const kube = readRecordings().find(({ setup }) => setup === "kube")?.case ?? {};

/** Rules for packets to ports of their own, a few of which are met: chains as short as kube-proxy's are not indexed. */
const FILLERS = Array.from(
  { length: 16 },
  (_, i) =>
    `-A INPUT -d 10.96.10.${20 + 10 * (i % 6)}/32 -p tcp -m tcp --dport ${i % 2 === 0 ? 9000 + i : 80} -j DROP\n`,
).join("");

/** The same with a node of kube-proxy's making, and a chain that is long enough for an index. */
function makeKubeScene(seed: string, packets: number): Scene {
  const random = seededRandom(seed);
  const own = kubeNode(kube, random.pick(schedulers));
  const rules4 = (own.words.rules4 ?? "").replace(/^-A INPUT /m, `${FILLERS}-A INPUT `);
  const node = { ...own, words: { ...own.words, rules4 } };
  return { node, steps: new Planner(new Lab(node.words, true), node, random).plan(packets) };
}

function makeScene(seed: string, packets: number): Scene {
  const random = seededRandom(seed);
  const given = [0, 1, 2, 3].map(() => random.pick(schedulers));
  const node = freshNode(random.pick(ipFamilies), given, random.fork("node"));
  return { node, steps: new Planner(new Lab(node.words, true), node, random.fork("packets")).plan(packets) };
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Everything that a lab remembers, as text; the order of maps is no part of it. */
function remembered(lab: Pick<Lab, "state" | "conntrack">): string {
  const { ipvs, now } = lab.state;
  const memory = [...ipvs.services]
    .sort(byKey)
    .map(([id, { memory: kept }]) => [id, Object.values((kept ?? {}) as object).length]);
  const trash = [...ipvs.trash.keys()].sort();
  const { nextExpiry, flushAt, nextId } = ipvs;
  const destinations = [...ipvs.services]
    .sort(byKey)
    .flatMap(([, { id, destinations: list }]) =>
      list.map((each) => [
        id,
        each.address,
        each.port,
        each.weight,
        each.lastWeight,
        each.active,
        each.inactive,
        each.persistent,
      ]),
    );
  const connections = ipvs.connections
    .all()
    .sort((a, b) => a.id - b.id)
    .map(({ id, client, clientPort, state, expires }) => [id, client, clientPort, state, expires]);
  return JSON.stringify([
    now,
    memory,
    trash,
    `${nextExpiry} ${flushAt}`,
    nextId,
    destinations,
    connections,
    lab.conntrack(),
  ]);
}

const summary = (results: readonly Result[]): string =>
  JSON.stringify(
    results.map(({ outcome, packet, mark }) => [outcome, { ...packet, inner: undefined }, packet.inner, mark]),
  );

/** Plays a scene; `each` is told of every packet. */
function playScene(
  { node, steps }: Scene,
  lab: Lab,
  each: (packet: Packet, from: string | undefined, at: number) => void,
) {
  for (const [at, step] of steps.entries()) {
    if (step.kind === "packet") each(step.packet, step.from, at);
    else if (step.kind === "change") lab.load({ ipvs: `${step.line}\n` });
    else lab.advance(step.ms);
  }
  return node;
}

/** Long texts: where they part is enough. */
function same(t: ExecutionContext, ours: string, theirs: string): void {
  if (ours === theirs) return;
  let at = 0;
  while (ours[at] === theirs[at]) at++;
  t.is(ours.slice(Math.max(0, at - 80), at + 80), theirs.slice(Math.max(0, at - 80), at + 80));
}

const RUNS = 25;
const PACKETS = 120;
const seeds = fc.integer({ min: 0, max: 2 ** 30 });

test("what is done to a host's virtual servers is undone", (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const scene = makeScene(`${seed}`, PACKETS);
      const lab = new Lab(scene.node.words, true);
      playScene(scene, lab, (packet, from) => {
        const before = remembered(lab);
        const mark = lab.state.mark();
        const first = summary(lab.results(packet, from, seededChooser("laws")));
        lab.state.rollback(mark);
        same(t, remembered(lab), before);
        // and what is done again comes out the same
        same(t, summary(lab.results(packet, from, seededChooser("laws"))), first);
      });
    }),
    { numRuns: RUNS },
  );
  t.pass();
});

/** Follows a lab's descriptions and clock with a state of its own, in which a virtual server begins when a packet first asks for it. */
class Follower {
  readonly state = new HostState();
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  results(packet: Packet, from: string | undefined, seed: string): string {
    const { host, state } = this.#lab;
    this.state.advance(state.now - this.state.now);
    const options = { host, state: this.state, chooser: seededChooser(seed) };
    return summary(allResults(from === undefined ? send(options, packet) : receive(options, packet, from)));
  }

  conntrack(): readonly string[] {
    return formatListing(this.state, true).split("\n");
  }
}

test("real servers that are made when they are asked for are those that were made at once, also after a way back", (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const scene = makeScene(`asked ${seed}`, PACKETS);
      const lab = new Lab(scene.node.words, true);
      const [atOnce, whenAsked] = [new Follower(lab), new Follower(lab)];
      playScene(scene, lab, (packet, from) => {
        const expected = atOnce.results(packet, from, "laws");
        for (const service of atOnce.state.ipvs.services.values()) t.is(service.destinations.length, service.size);
        const mark = whenAsked.state.mark();
        whenAsked.results(packet, from, "another way");
        whenAsked.state.rollback(mark);
        same(t, whenAsked.results(packet, from, "laws"), expected);
      });
      same(t, remembered(whenAsked), remembered(atOnce));
    }),
    { numRuns: RUNS },
  );
  t.pass();
});

test("every rule looked at, or by index: packets fare alike", (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const scene = (seed % 2 === 0 ? makeScene : makeKubeScene)(`index ${seed}`, PACKETS);
      const [indexed, linear] = [new Lab(scene.node.words, true), new Lab(scene.node.words, false)];
      const seen: string[] = [];
      playScene(scene, indexed, (packet, from) =>
        seen.push(summary(indexed.results(packet, from, seededChooser("laws")))),
      );
      let n = 0;
      playScene(scene, linear, (packet, from) => {
        same(t, summary(linear.results(packet, from, seededChooser("laws"))), seen[n++] ?? "");
      });
      same(t, remembered(indexed), remembered(linear));
    }),
    { numRuns: RUNS },
  );
  t.pass();
});

test("counts are those of the connections", (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const scene = makeScene(`counts ${seed}`, PACKETS);
      const lab = new Lab(scene.node.words, true);
      playScene(scene, lab, (packet, from) => void lab.results(packet, from, seededChooser("laws")));
      const counts = new Map<Destination, [active: number, inactive: number, persistent: number]>();
      for (const { destination, isTemplate, protocol, state } of listConnections(lab.state)) {
        const count = counts.get(destination) ?? [0, 0, 0];
        counts.set(destination, count);
        count[isTemplate ? 2 : isActive(protocol, state) ? 0 : 1]++;
      }
      for (const service of lab.state.ipvs.services.values())
        for (const each of service.destinations)
          t.deepEqual([each.active, each.inactive, each.persistent], counts.get(each) ?? [0, 0, 0], service.id);
    }),
    { numRuns: RUNS },
  );
});

test("when all time is up nothing is left, and nobody has a connection", (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const scene = makeScene(`end ${seed}`, PACKETS);
      const lab = new Lab(scene.node.words, true);
      playScene(scene, lab, (packet, from) => void lab.results(packet, from, seededChooser("laws")));
      t.true(listConnections(lab.state).length > 0);
      lab.advance(86_400_000);
      t.is(listConnections(lab.state).length, 0);
      for (const service of lab.state.ipvs.services.values())
        for (const { active, inactive, persistent } of service.destinations) t.is(active + inactive + persistent, 0);
      t.is(lab.state.ipvs.nextExpiry, Number.POSITIVE_INFINITY);
    }),
    { numRuns: 10 },
  );
});

/** Packets of any kind, whole or not, with ports of virtual servers or others. */
const oddFields = fc.record({
  protocol: fc.constantFrom(0, 1, 2, 4, 6, 17, 33, 47, 50, 51, 58, 132, 136, 255),
  sport: fc.integer({ min: 0, max: 65535 }),
  dport: fc.constantFrom(0, 20, 21, 53, 80, 81, 82, 443, 30080, 65535),
  flags: fc.integer({ min: 0, max: 255 }),
  ttl: fc.constantFrom(0, 1, 2, 64, 255),
  df: fc.boolean(),
  fragmentOffset: fc.constantFrom(0, 0, 0, 1, 185),
  moreFragments: fc.boolean(),
  payload: fc.constantFrom(0, 1, 7, 1480, 65000),
  chunks: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 3 }),
  icmpType: fc.integer({ min: 0, max: 255 }),
  badChecksum: fc.boolean(),
});

test("no packet makes ip_vs throw", (t) => {
  fc.assert(
    fc.property(
      seeds,
      fc.array(fc.tuple(oddFields, seeds, fc.boolean()), { minLength: 5, maxLength: 40 }),
      (seed, odd) => {
        const scene = makeScene(`odd ${seed}`, 10);
        const { node } = scene;
        const lab = new Lab(node.words, true);
        const random = seededRandom(seed);
        for (const [fields, port, quotes] of odd) {
          const client = random.pick(node.clients);
          const [src, dst] = [random.pick(client.addresses), random.pick(node.frontends).address].map((text) =>
            addressOf(text, node.family),
          );
          if (src === undefined || dst === undefined) throw new Error("no address");
          const inner = quotes
            ? makePacket({
                family: node.family,
                src: dst,
                dst: src,
                protocol: fields.protocol,
                sport: fields.dport,
                dport: port % 65536,
              })
            : undefined;
          const packet = makePacket({ family: node.family, src, dst, ...fields, inner });
          t.notThrows(() => lab.results(packet, client.device, seededChooser(seed)));
        }
      },
    ),
    { numRuns: 60 },
  );
});
