import { isDeepStrictEqual } from "node:util";
import test from "ava";
import fc from "fast-check";
import { flowPacket, loadNode, POD_SIDE, Tracer } from "../../bench/node.ts";
import { saveText } from "../../bench/subject.ts";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import { Connections } from "../../src/kernel/conntrack/connections.ts";
import { formatListing } from "../../src/kernel/conntrack/listing.ts";
import { findEntry, flushEntries, newEntry } from "../../src/kernel/conntrack/table.ts";
import { invertTuple } from "../../src/kernel/conntrack/tuple.ts";
import type { ConntrackEntry, Tuple } from "../../src/kernel/entry.ts";
import type { Event } from "../../src/kernel/event.ts";
import { HashTable } from "../../src/kernel/hash-table.ts";
import type { Host } from "../../src/kernel/host.ts";
import { makePacket } from "../../src/kernel/packet.ts";
import { receive } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";

test("law: a hash table holds what a list of pairs holds, whatever clashes and wraps around", (t) => {
  const items = Array.from({ length: 8 }, (_, i) => ({ i }));
  // few home slots, at both ends of the table, and enough items to make it grow
  const hash = fc.constantFrom(0, 1, 62, 63, 127, 64, -1, -2);
  const step = fc.tuple(fc.boolean(), hash, fc.constantFrom(...items));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new HashTable<{ readonly i: number }>();
      let list: (readonly [number, { readonly i: number }])[] = [];
      for (const [adds, of, item] of steps) {
        const known = list.find(([other, each]) => other === of && each === item);
        if (adds) {
          table.add(of, item);
          list.push([of, item]);
        } else if (known !== undefined) {
          table.delete(of, item);
          list = list.filter((pair) => pair !== known);
        } else t.throws(() => table.delete(of, item));
      }
      t.is(table.size, list.length);
      for (const of of new Set(steps.map(([, each]) => each))) {
        const found: number[] = [];
        for (let slot = table.first(of); slot >= 0; slot = table.next(slot, of)) found.push(table.at(slot).i);
        const expected = list.filter(([other]) => other === of).map(([, { i }]) => i);
        t.deepEqual(found.sort(), expected.sort());
      }
    }),
  );
});

test("law: connections are found by tuple, zone and id, and listed by age", (t) => {
  const address = fc.constantFrom(1, 2, 0xffffffff);
  const words = fc.constantFrom([0, 0, 0, 1] as const, [1, 0, 0, 0] as const);
  const port = fc.constantFrom(0, 1, 65535);
  const rest = { protocol: fc.constantFrom(6, 17), sport: port, dport: port };
  const tuple: fc.Arbitrary<Tuple> = fc.oneof(
    fc.record({ family: fc.constant("IPv4" as const), src: address, dst: address, ...rest }),
    fc.record({ family: fc.constant("IPv6" as const), src: words, dst: words, ...rest }),
  );
  const zoned = fc.tuple(tuple, fc.constantFrom(0, 1));
  const text = (of: Tuple, zone: number): string =>
    JSON.stringify([of.family, of.src, of.dst, of.protocol, of.sport, of.dport, zone]);
  fc.assert(
    fc.property(fc.array(zoned, { maxLength: 60 }), fc.array(zoned), (made, asked) => {
      const state = new HostState();
      // ids that go round the table's slots
      state.nextId = 50;
      const table = new Connections();
      const model = new Map<string, ConntrackEntry>();
      for (const [original, zone] of made) {
        const entry = newEntry(state, zone, original, invertTuple(original));
        const keys = [text(original, zone), text(entry.reply, zone)];
        const old = model.get(keys[0] ?? "") ?? model.get(keys[1] ?? "");
        if (old === undefined) {
          table.add(entry);
          for (const key of keys) model.set(key, entry);
        } else {
          table.delete(old);
          for (const [key, each] of model) if (each === old) model.delete(key);
        }
      }
      for (const [each, zone] of [...made, ...asked]) t.is(table.find(each, zone), model.get(text(each, zone)));
      const expected = [...new Set(model.values())].sort((a, b) => a.id - b.id);
      t.deepEqual(
        table.list().map(({ id }) => id),
        expected.map(({ id }) => id),
      );
      t.true(expected.every((entry) => table.get(entry.id) === entry));
    }),
  );
});

const SAVED = [
  "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]",
  "-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.128.0.1:8080",
  "-A PREROUTING -d 10.96.0.1/32 -j DNAT --to-destination 10.128.0.2",
  "-A POSTROUTING -s 10.100.0.0/24 -j MASQUERADE\nCOMMIT",
  "*filter\n:FORWARD ACCEPT [0:0]",
  "-A FORWARD -m recent --name seen --update --seconds 60 --hitcount 5 -j DROP",
  "-A FORWARD -m recent --name seen --set",
  "-A FORWARD -m limit --limit 5/minute --limit-burst 2 -j MARK --set-xmark 0x1/0x1",
  "-A FORWARD -m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name h -j RETURN",
  "-A FORWARD -d 10.96.0.3/32 -j REJECT\nCOMMIT\n",
].join("\n");

/** One thing that happens on a host: a packet comes in, time goes by, the table is emptied. */
const happening = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      host: fc.integer({ min: 0, max: 3 }),
      service: fc.integer({ min: 1, max: 3 }),
      sport: fc.integer({ min: 1000, max: 1001 }),
      protocol: fc.constantFrom(6, 17, 1),
      flags: fc.constantFrom(2, 16, 17, 4),
      piece: fc.constantFrom(0, 0, 0, 1, 2),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom(100, 31_000, 130_000) },
  { weight: 1, arbitrary: fc.constant("flush" as const) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function play(host: Host, state: HostState, what: Happening): void {
  if (what === "flush") flushEntries(state, {});
  else if (typeof what === "number") state.advance(what);
  else {
    const { host: from, service, sport, protocol, flags, piece } = what;
    const place = { family: "IPv4", src: 0x0a640002 + from, dst: 0x0a600000 + service } as const;
    const fragment = {
      moreFragments: piece === 1,
      fragmentOffset: piece === 2 ? 1 : 0,
      identification: sport,
      payload: 8,
    };
    const packet = makePacket({ ...place, protocol, sport, dport: 80, flags, ...(piece === 0 ? {} : fragment) });
    receive({ host, state, chooser: seededChooser(sport) }, packet, POD_SIDE);
  }
}

/** Everything a state tells, in the order in which it tells it. */
function snapshot(host: Host, state: HostState): unknown {
  const matches = [...host.rules.IPv4.tables.values()].flatMap(({ chains }) =>
    [...chains.values()].flatMap(({ rules }) => rules.flatMap((rule) => rule.matches)),
  );
  return structuredClone({
    now: state.now,
    nextId: state.nextId,
    listing: formatListing(state),
    entries: state.entries.list(),
    found: state.entries
      .list()
      .map(({ original, reply, zone }) => [
        state.entries.find(original, zone)?.id,
        state.entries.find(reply, zone)?.id,
        state.bySource.get({ ...original, zone }),
      ]),
    size: state.entries.size,
    ofRule: matches.map((match) => state.ofRule.get(match)),
    ofName: [...state.ofName].sort(([a], [b]) => (a < b ? -1 : 1)),
  });
}

test("law: rollback takes a host back to what it was, bit for bit and in its order", (t) => {
  const host = loadNode({ rules: SAVED });
  let undone = 0;
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 25 }),
      fc.array(happening, { maxLength: 15 }),
      fc.array(happening, { maxLength: 10 }),
      (before, after, within) => {
        const state = new HostState();
        for (const each of before) play(host, state, each);
        const seen = snapshot(host, state);
        const mark = state.mark();
        for (const each of after) play(host, state, each);
        const middle = snapshot(host, state);
        const inner = state.mark();
        for (const each of within) play(host, state, each);
        state.rollback(inner);
        t.deepEqual(snapshot(host, state), middle);
        state.rollback(mark);
        t.deepEqual(snapshot(host, state), seen);
        if (!isDeepStrictEqual(middle, seen)) undone++;
      },
    ),
    { numRuns: 300 },
  );
  t.true(undone > 100, `${undone} runs changed anything`);
});

test("an entry that comes back by rollback stands where it stood, and is found", (t) => {
  const host = loadNode({ rules: SAVED });
  const state = new HostState();
  for (const sport of [1000, 1001] as const)
    play(host, state, { host: 0, service: 2, sport, protocol: 17, flags: 2, piece: 0 });
  const listed = formatListing(state);
  const [first] = state.entries.list();
  const mark = state.mark();
  state.advance(31_000);
  t.is(first === undefined ? first : findEntry(state, first.original, 0), undefined);
  t.is(state.entries.size, 1);
  state.rollback(mark);
  t.is(formatListing(state), listed);
});

/** How many rules a walk looks at: of each, `protocol` is asked for once. */
function countRules(host: Host): { readonly host: Host; readonly looked: () => number } {
  let count = 0;
  for (const { chains } of host.rules.IPv4.tables.values())
    for (const { rules } of chains.values())
      for (const rule of rules) {
        const { protocol } = rule;
        const get = () => {
          count++;
          return protocol;
        };
        Object.defineProperty(rule, "protocol", { get });
      }
  const looked = (): number => {
    const all = count;
    count = 0;
    return all;
  };
  return { host, looked };
}

function lookedAt(services: number, indexed: boolean): number {
  const { host, looked } = countRules(loadNode({ rules: saveText(services, 5) }));
  const flows = Array.from({ length: 50 }, (_, i) => flowPacket(i, services));
  looked();
  new Tracer(host, indexed).trace(flows);
  return looked() / flows.length;
}

test("rules looked at for a new flow: as many with 3,000 Services as with 100 by index, in proportion without", (t) => {
  const [few, many] = [lookedAt(100, true), lookedAt(3000, true)];
  t.true(few > 5 && few < 40 && Math.abs(many - few) < 3, `${few} and ${many}`);
  const [linearFew, linearMany] = [lookedAt(100, false), lookedAt(3000, false)];
  t.true(linearFew > few && linearMany > 10 * linearFew, `${linearFew} and ${linearMany}`);
});

test("rules looked at in a chain of ports without addresses: one of a thousand", (t) => {
  const ports = Array.from(
    { length: 1000 },
    (_, i) => `-A PREROUTING -p tcp -m comment --comment c -m tcp --dport ${i + 1} -j RETURN`,
  );
  const { host, looked } = countRules(loadNode({ rules: ["*raw", ...ports, "COMMIT\n"].join("\n") }));
  for (const indexed of [true, false]) {
    looked();
    const { outcome } = receive(
      { host, state: new HostState(), chooser: seededChooser(1), indexed },
      flowPacket(0, 1),
      POD_SIDE,
    );
    t.is(outcome.kind, "transmitted");
    t.is(looked(), indexed ? 1 : 80);
  }
});

test("law: events are the same by index and rule by rule, for rules of every kind mixed", (t) => {
  const condition = fc.constantFrom(
    "-d 10.96.0.1/32 -p tcp -m tcp --dport 80",
    "-d 10.96.0.1/32 -p udp -m udp --dport 80",
    "-d 10.96.0.2/32",
    "-d 10.96.0.0/24",
    "! -d 10.96.0.1/32",
    "! -d 10.96.0.1/32 -p tcp -m tcp --dport 80",
    "-p tcp -m tcp --dport 80",
    "-p tcp -m tcp ! --dport 80",
    "-p udp -m udp --dport 80:90",
    "-p tcp -m statistic --mode nth --every 2 --packet 0 -m tcp --dport 80",
    "-s 10.100.0.2/32",
  );
  const packet = fc.record({
    src: fc.integer({ min: 0x0a640002, max: 0x0a640003 }),
    dst: fc.integer({ min: 0x0a600001, max: 0x0a600002 }),
    protocol: fc.constantFrom(6, 17, 1),
    dport: fc.integer({ min: 79, max: 81 }),
  });
  fc.assert(
    fc.property(
      fc.array(condition, { minLength: 12, maxLength: 30 }),
      fc.array(packet, { maxLength: 8 }),
      (rules, packets) => {
        const lines = rules.map(
          (rule, i) => `-A PREROUTING ${rule} -j MARK --set-xmark 0x${(1 + i).toString(16)}/0xff`,
        );
        const host = loadNode({ rules: ["*raw", ...lines, "COMMIT\n"].join("\n") });
        const [byIndex, ruleByRule] = [true, false].map((indexed) => {
          const events: Event[] = [];
          const options = { host, state: new HostState(), chooser: seededChooser(7), indexed };
          for (const fields of packets)
            receive(
              { ...options, record: (event) => events.push(event) },
              makePacket({ family: "IPv4", ...fields }),
              POD_SIDE,
            );
          return events;
        });
        t.deepEqual(byIndex, ruleByRule);
      },
    ),
  );
});

test("events are the same by index and rule by rule", (t) => {
  const host = loadNode({ rules: saveText(100, 5) });
  const eventsOf = (indexed: boolean): readonly Event[] => {
    const events: Event[] = [];
    const options = { host, state: new HostState(), chooser: seededChooser(7), indexed };
    for (let i = 0; i < 300; i++)
      receive({ ...options, record: (event) => events.push(event) }, flowPacket(i, 150), POD_SIDE);
    return events;
  };
  t.deepEqual(eventsOf(true), eventsOf(false));
});
