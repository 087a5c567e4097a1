import type { Host, HostDescription, Interface } from "./host.ts";
import { usesConntrack } from "./iptables/uses-conntrack.ts";
import { makeFib } from "./routing/fib.ts";
import type { IPSet } from "./sets.ts";

/** What every host has, also when it is not described. */
const LO: Interface = { index: 1, name: "lo", up: true, loopback: true, mtu: 65536, addresses: [] };

/** A host from its description, with the structures that look-ups are made in. */
export function makeHost(description: HostDescription, sets: ReadonlyMap<string, IPSet> = new Map()): Host {
  const loopback = description.interfaces.find((device) => device.loopback) ?? LO;
  const { rules } = description;
  return {
    ...description,
    byName: new Map([loopback, ...description.interfaces].map((device) => [device.name, device])),
    loopback,
    fib: makeFib(description),
    tracks: { IPv4: usesConntrack(rules.IPv4), IPv6: usesConntrack(rules.IPv6) },
    sets,
  };
}
