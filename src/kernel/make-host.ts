import type { IPVSTable } from "../rules/ipvs/model.ts";
import type { Host, HostDescription, Interface } from "./host.ts";
import { pairTables } from "./iptables/tables.ts";
import { usesConntrack } from "./iptables/uses-conntrack.ts";
import { indexServices } from "./ipvs/service-index.ts";
import { makeFib } from "./routing/fib.ts";
import type { IPSet } from "./sets.ts";

/** What every host has, also where it is not described. */
const LO: Interface = { index: 1, name: "lo", up: true, loopback: true, mtu: 65536, addresses: [] };

const noSets: ReadonlyMap<string, IPSet> = new Map();

/**
 * A host ready to walk packets through: the description with its look-up structures. Of interfaces with one name the
 * first counts; without policy rules of a family those that every namespace begins with are there.
 */
export function makeHost(description: HostDescription, sets: ReadonlyMap<string, IPSet> = noSets): Host {
  const byName: Map<string, Interface> = new Map();
  for (const device of description.interfaces) if (!byName.has(device.name)) byName.set(device.name, device);
  const { name, interfaces, routes, policyRules, sysctls, rules, backend, ipvs, ipvsPast } = description;
  // one literal with every property: hosts of one shape are read fast
  return {
    name,
    interfaces,
    routes,
    policyRules,
    sysctls,
    rules,
    backend,
    ipvs,
    ipvsPast,
    byName,
    loopback: byName.get("lo") ?? LO,
    fib: makeFib(description, byName),
    ...ofRules(rules),
    sets,
    services: indexServices(ipvs),
  };
}

/** The same host with other rules. */
export function withRules(host: Host, rules: HostDescription["rules"]): Host {
  return { ...host, rules, ...ofRules(rules) };
}

/** What is made once from rules. */
function ofRules(rules: HostDescription["rules"]): Pick<Host, "tracks" | "tables"> {
  return {
    tracks: { IPv4: usesConntrack(rules.IPv4), IPv6: usesConntrack(rules.IPv6) },
    tables: { IPv4: pairTables(rules.IPv4), IPv6: pairTables(rules.IPv6) },
  };
}

/** The same host with other virtual servers. */
export function withVirtualServers(host: Host, ipvs: IPVSTable): Host {
  return { ...host, ipvs, services: indexServices(ipvs) };
}
