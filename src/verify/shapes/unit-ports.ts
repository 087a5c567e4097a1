import { exactPort } from "../../kernel/iptables/exact.ts";
import { valuesOfKey } from "../../kernel/set-key.ts";
import type { SideIndex } from "./side-index.ts";
import { portOf, type Unit } from "./unit.ts";

/** The ports that a unit's rules, elements and virtual servers ask for at its own destination. */
export function ownPorts(indexes: readonly SideIndex[], unit: Unit): readonly number[] {
  if (unit.port !== undefined) return [portOf(unit.port)];
  if (unit.destination === undefined || unit.split) return [];
  return [...new Set(portsAt(indexes, unit.destination).map(portOf))];
}

/** Ports with protocols that are asked for at an address. */
export function portsAt(indexes: readonly SideIndex[], destination: bigint): readonly number[] {
  const found = new Set<number>();
  for (const { rulesByDestination, serversByDestination, elementsByDestination } of indexes) {
    for (const { rule } of rulesByDestination.get(destination) ?? []) {
      const port = exactPort(rule);
      if (port !== undefined) found.add(port);
    }
    for (const { key } of serversByDestination.get(destination) ?? [])
      if (key.kind === "address") found.add(key.protocol * 65536 + key.port);
    for (const { set, element } of elementsByDestination.get(destination) ?? [])
      for (const value of valuesOfKey(set.dimensions, element.key))
        if (value.kind === "port") found.add((value.protocol ?? 0) * 65536 + value.port);
  }
  return [...found];
}
