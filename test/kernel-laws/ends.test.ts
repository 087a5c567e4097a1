import test from "ava";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { makePacket } from "../../src/kernel/packet.ts";
import { send } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import { foreignCases } from "../kernel/foreign.ts";
import { node } from "../kernel/topology.ts";
import { topologyHost } from "../kernel/topology-host.ts";
import { fuzz } from "./fuzz-run.ts";

/** `npm run fuzz:kernel` does more. */
const RUNS = 12_000;

test("slow: the walk never throws and always ends, on any packet and any rule set", (t) => {
  const { runs, failures, outcomes } = fuzz(RUNS, "test", foreignCases());
  t.deepEqual(failures, []);
  t.true(runs >= RUNS);
  for (const kind of ["transmitted", "delivered", "dropped", "rejected", "no-route", "stuck"])
    t.true((outcomes.get(kind) ?? 0) > 0, kind);
});

test("next hops without weight share equally", (t) => {
  const host = topologyHost(node, { IPv4: emptyRuleset, IPv6: emptyRuleset }, {});
  const nextHops = ["eth0", "eth1"].map((device) => ({ device, weight: 0, usable: true }));
  const route = { family: "IPv4", table: 254, type: "unicast", destination: 0x01000000, prefixLength: 8 } as const;
  const multipath = { ...route, tos: 0, metric: 0, scope: "global", nextHops } as const;
  const state = new HostState();
  const packet = makePacket({ family: "IPv4", src: 0xc0a80001, dst: 0x01020304, protocol: 17 });
  const described = makeHost({ ...host, routes: [...host.routes, multipath] });
  const { branches } = explore(state, (chooser) =>
    send({ host: described, state, chooser }, packet, { anySource: true }),
  );
  t.deepEqual(
    branches.map(({ probability }) => probability),
    [
      { numerator: 1n, exponent: 1 },
      { numerator: 1n, exponent: 1 },
    ],
  );
});
