import test from "ava";
import fc from "fast-check";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import { defaultSysctls, type HostDescription } from "../../src/kernel/host.ts";
import { runIPVSCommands } from "../../src/kernel/ipvs/commands.ts";
import { endConnection, newConnection } from "../../src/kernel/ipvs/connections.ts";
import { countedTable } from "../../src/kernel/ipvs/counted-table.ts";
import { listServices } from "../../src/kernel/ipvs/listing.ts";
import type { Connection } from "../../src/kernel/ipvs/model.ts";
import { schedulerOf } from "../../src/kernel/ipvs/schedulers/registry.ts";
import type { Service } from "../../src/kernel/ipvs/service.ts";
import { configureIPVS, settleIPVS } from "../../src/kernel/ipvs/services.ts";
import { defaultIPVSSwitches } from "../../src/kernel/ipvs/switches.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import type { IPVSCommand } from "../../src/rules/ipvs/command.ts";
import type { IPVSTable, RealServer, Scheduler, VirtualServer } from "../../src/rules/ipvs/model.ts";

const switches = { ...defaultIPVSSwitches, conntrack: true, expireNodestConn: true };
const description: HostDescription = {
  name: "node",
  interfaces: [],
  routes: [],
  policyRules: [],
  sysctls: { ...defaultSysctls, ipvs: switches },
  rules: { IPv4: emptyRuleset, IPv6: emptyRuleset },
};

const SCHEDULERS: readonly Scheduler[] = ["rr", "wrr", "lc", "wlc", "sh", "mh", "sed", "nq"];
const KEY = { kind: "address", protocol: 6, address: { family: "IPv4", value: 0x0a600050 }, port: 80 } as const;
const alone = (scheduler: Scheduler): Omit<VirtualServer, "realServers"> => ({
  key: KEY,
  scheduler,
  schedulerFlags: [],
  onePacket: false,
});
const real = (which: number, weight: number): RealServer => ({
  address: { family: "IPv4", value: 0x0a010100 + which },
  port: 8080,
  method: "masquerade",
  weight,
  upper: 0,
  lower: 0,
});

/** One node whose description is replaced as a whole, which recordings of a kernel hold to the truth. */
class ByDescription {
  readonly state = new HostState();
  table: IPVSTable = { virtualServers: [] };

  apply(change: (server: VirtualServer | undefined) => VirtualServer | undefined): void {
    const server = change(this.table.virtualServers[0]);
    this.table = { virtualServers: server === undefined ? [] : [server] };
    configureIPVS(makeHost({ ...description, ipvs: this.table }), this.state);
    this.service();
  }

  service(): Service | undefined {
    return listServices(makeHost({ ...description, ipvs: this.table }), this.state)[0];
  }
}

/** The same by requests. */
class ByRequest {
  readonly state = new HostState();
  table: IPVSTable = { virtualServers: [] };

  request(...commands: readonly IPVSCommand[]): void {
    this.table = runIPVSCommands(this.state, this.table, switches, commands);
  }

  service(): Service | undefined {
    return [...this.state.ipvs.services.values()][0];
  }
}

/** Asks a virtual server's scheduler for a client; the connection is counted. */
function connected(state: HostState, service: Service | undefined, client: number): Connection | undefined {
  if (service === undefined) return undefined;
  const { scheduler } = service.description;
  const choice = schedulerOf(scheduler)?.choose({
    service,
    packet: { src: client, dst: KEY.address.value, sport: 40000 + client },
    state,
    chooser: seededChooser("none"),
    memory: service.memory,
    remember: (memory) => state.set(service, "memory", memory),
  });
  if (choice === undefined) return undefined;
  const given = { family: "IPv4", protocol: 6, client, clientPort: 40000, virtual: KEY.address.value } as const;
  const { destination } = choice;
  const flags = { isTemplate: false, onePacket: false, keepsConntrack: true };
  return newConnection(
    state,
    { ...given, ...flags, virtualPort: 80, realPort: destination.port, service: service.id, destination },
    "ESTABLISHED",
  );
}

type Deed =
  | { readonly kind: "service"; readonly scheduler: Scheduler }
  | { readonly kind: "no service" }
  | { readonly kind: "real"; readonly which: number; readonly weight: number }
  | { readonly kind: "no real"; readonly which: number }
  | { readonly kind: "connect"; readonly client: number }
  | { readonly kind: "end"; readonly which: number }
  | { readonly kind: "wait"; readonly seconds: number };

const deeds: fc.Arbitrary<readonly Deed[]> = fc.array(
  fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("service" as const), scheduler: fc.constantFrom(...SCHEDULERS) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "no service" as const }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("real" as const), which: fc.nat(4), weight: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("no real" as const), which: fc.nat(4) }) },
    { weight: 9, arbitrary: fc.record({ kind: fc.constant("connect" as const), client: fc.nat(200) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 119, 121) }) },
  ),
  { minLength: 10, maxLength: 60 },
);

/** Does a deed on both nodes; says what a scheduler chose on each. */
function both(each: Deed, a: ByDescription, b: ByRequest, open: [Connection, Connection][]): readonly unknown[] {
  const there = b.table.virtualServers[0];
  const has = (which: number): RealServer | undefined =>
    there?.realServers.find(({ address }) => address.family === "IPv4" && address.value === 0x0a010100 + which);
  switch (each.kind) {
    case "service": {
      const server = alone(each.scheduler);
      a.apply((before) => ({ ...server, realServers: before?.realServers ?? [] }));
      b.request({ kind: there === undefined ? "add-service" : "edit-service", server });
      return [];
    }
    case "no service":
      if (there === undefined) return [];
      a.apply(() => undefined);
      b.request({ kind: "delete-service", key: KEY });
      break;
    case "real": {
      const found = has(each.which);
      const given = real(each.which, each.weight);
      // a request that changes nothing is no change of a description: the kernel's wrr and mh begin anew with it
      if (there === undefined || found?.weight === each.weight) return [];
      a.apply((before) => {
        const { realServers = [] } = before ?? {};
        const list =
          found === undefined
            ? [...realServers, given]
            : realServers.map((one) =>
                one.address.family === "IPv4" && one.address.value === 0x0a010100 + each.which ? given : one,
              );
        return before === undefined ? undefined : { ...before, realServers: list };
      });
      b.request({ kind: found === undefined ? "add-server" : "edit-server", key: KEY, real: given });
      return [];
    }
    case "no real": {
      const found = has(each.which);
      if (found === undefined) return [];
      const rest = (server: VirtualServer): readonly RealServer[] =>
        server.realServers.filter(
          ({ address }) => address.family !== "IPv4" || address.value !== 0x0a010100 + each.which,
        );
      a.apply((before) => (before === undefined ? undefined : { ...before, realServers: rest(before) }));
      b.request({ kind: "delete-server", key: KEY, real: found });
      break;
    }
    case "connect": {
      const made = [
        connected(a.state, a.service(), each.client),
        connected(b.state, b.service(), each.client),
      ] as const;
      if (made[0] !== undefined && made[1] !== undefined) open.push([made[0], made[1]]);
      return made.map((one) => (one === undefined ? "nobody" : endpointText(one.real, one.realPort)));
    }
    case "end": {
      const [pair] = open.splice(each.which % Math.max(1, open.length), 1);
      // its time may have come already
      if (pair === undefined || !a.state.ipvs.connections.all().includes(pair[0])) return [];
      endConnection(a.state, pair[0]);
      endConnection(b.state, pair[1]);
      return [];
    }
    case "wait":
      for (const { state } of [a, b]) state.advance(each.seconds * 1000);
      return [];
  }
  // what a deletion left behind has ended
  for (const { state } of [a, b]) settleIPVS(state);
  for (let i = open.length - 1; i >= 0; i--) if (open[i]?.[0].destination.available === false) open.splice(i, 1);
  return [];
}

const FIRST: readonly Deed[] = [
  { kind: "service", scheduler: "rr" },
  { kind: "real", which: 0, weight: 1 },
  { kind: "real", which: 1, weight: 2 },
];

test("law: requests one by one do what a new description does: the same choices, the same counts", (t) => {
  let choices = 0;
  fc.assert(
    fc.property(deeds, (list) => {
      const [a, b] = [new ByDescription(), new ByRequest()];
      const open: [Connection, Connection][] = [];
      for (const each of [...FIRST, ...list]) {
        const [one, other] = both(each, a, b, open);
        t.is(other, one);
        if (one !== undefined && one !== "nobody") choices++;
        t.deepEqual(countedTable(b.table, b.state), countedTable(a.table, a.state));
      }
    }),
    { numRuns: 300 },
  );
  t.true(choices > 1000, `${choices}`);
});

const refused: readonly (readonly [string, IPVSCommand])[] = [
  ["a virtual server that is there", { kind: "add-service", server: alone("rr") }],
  ["a real server that is there", { kind: "add-server", key: KEY, real: real(1, 1) }],
  ["a real server that is not", { kind: "delete-server", key: KEY, real: real(2, 1) }],
  ["another weight of one that is not", { kind: "edit-server", key: KEY, real: real(2, 1) }],
  ["a virtual server that is not", { kind: "delete-service", key: { ...KEY, port: 81 } }],
];
for (const [what, command] of refused)
  test(`a request is refused: ${what}`, (t) => {
    const node = new ByRequest();
    node.request({ kind: "add-service", server: alone("rr") }, { kind: "add-server", key: KEY, real: real(1, 1) });
    t.throws(() => node.request(command), { instanceOf: RangeError });
  });

test("a weight that is set again makes wrr begin anew, as the kernel's does", (t) => {
  const node = new ByRequest();
  const reals = [1, 2, 3].map((which) => ({ kind: "add-server", key: KEY, real: real(which, 1) }) as const);
  node.request({ kind: "add-service", server: alone("wrr") }, ...reals);
  const next = (client: number): number => (connected(node.state, node.service(), client)?.real as number) & 0xff;
  t.deepEqual([next(1), next(2)], [3, 2]);
  node.request({ kind: "edit-server", key: KEY, real: real(1, 1) });
  t.is(next(3), 3);
});
