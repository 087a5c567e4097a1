import { isDeepStrictEqual } from "node:util";
import test from "ava";
import fc from "fast-check";
import { endHash } from "../../src/kernel/hash.ts";
import { ConnectionTable } from "../../src/kernel/ipvs/connection-table.ts";
import { newConnection } from "../../src/kernel/ipvs/connections.ts";
import { newDestination } from "../../src/kernel/ipvs/destinations.ts";
import type { Connection } from "../../src/kernel/ipvs/model.ts";
import { findService, indexServices } from "../../src/kernel/ipvs/service-index.ts";
import { type Address, protocols } from "../../src/kernel/packet.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { VirtualServer } from "../../src/rules/ipvs/model.ts";

/** Two ends of one hash, found by search: whoever looks for one must not take the other for it. */
const ONE = { address: 0x0a6003be, port: 34 } as const;
const OTHER = { address: 0x0a60075b, port: 1 } as const;

test("the two ends have one hash", (t) => {
  t.is(endHash(protocols.tcp, ONE.address, ONE.port), endHash(protocols.tcp, OTHER.address, OTHER.port));
});

const anyConnection = newConnection(
  new HostState(),
  {
    family: "IPv4",
    protocol: 6,
    client: 1,
    clientPort: 1,
    virtual: 2,
    virtualPort: 80,
    realPort: 8080,
    isTemplate: false,
    onePacket: false,
    service: "",
    destination: newDestination({
      address: { family: "IPv4", value: 3 },
      port: 8080,
      method: "masquerade",
      weight: 1,
      upper: 0,
      lower: 0,
    }),
    keepsConntrack: true,
  },
  "NONE",
);

test("connections are found by their client, the newest first, whatever was taken out and put back", (t) => {
  const client = fc.constantFrom<Address>(ONE.address, OTHER.address, 0xc0a80001, [0, 0, 0, 1], [1, 0, 0, 0]);
  const end = fc.record({
    client,
    clientPort: fc.constantFrom(0, ONE.port, OTHER.port, 65535),
    protocol: fc.constantFrom(6, 17),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(end, fc.boolean()), { maxLength: 40 }), (given) => {
      const table = new ConnectionTable();
      const all = given.map(([fields], i): Connection => {
        const family = typeof fields.client === "number" ? "IPv4" : "IPv6";
        return { ...anyConnection, ...fields, family, id: i + 1 };
      });
      for (const each of all) table.add(each);
      const moved = all.filter((_, i) => given[i]?.[1]);
      for (const each of moved) table.delete(each);
      for (const each of moved.toReversed()) table.add(each);
      t.is(table.size, all.length);
      for (const { family, protocol, client: of, clientPort } of all) {
        const own = all.filter(
          (each) => each.protocol === protocol && each.clientPort === clientPort && isDeepStrictEqual(each.client, of),
        );
        t.deepEqual(
          table.ofClient(family, protocol, of, clientPort).map(({ id }) => id),
          own.map(({ id }) => id).toReversed(),
        );
      }
      t.is(table.ofClient("IPv4", 132, 0xc0a80001, 0).length, 0);
    }),
  );
});

test("a virtual server is found by its own address, protocol and port", (t) => {
  const servers = [ONE, OTHER].map(({ address, port }): VirtualServer => {
    const key = {
      kind: "address",
      protocol: protocols.tcp,
      address: { family: "IPv4", value: address },
      port,
    } as const;
    return { key, scheduler: "rr", schedulerFlags: [], onePacket: false, realServers: [] };
  });
  const query = { family: "IPv4", protocol: protocols.tcp, mark: 0 } as const;
  for (const given of [servers, servers.slice(0, 1), servers.slice(1)]) {
    const index = indexServices({ virtualServers: given });
    for (const [i, { address, port }] of [ONE, OTHER].entries()) {
      const wanted = given.find((each) => each === servers[i]);
      t.is(findService(index, { ...query, dst: address, dport: port })?.description, wanted);
      t.is(findService(index, { ...query, protocol: protocols.udp, dst: address, dport: port }), undefined);
    }
  }
});
