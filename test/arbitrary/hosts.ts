import type { HostDescription, PolicyRule, Route, RouteType } from "../../src/kernel/host.ts";
import type { Address } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import type { Random } from "../../src/net/random.ts";

const TYPES: readonly RouteType[] = [
  ...(["unicast", "local", "broadcast", "multicast", "anycast"] as const),
  ...(["blackhole", "unreachable", "prohibit", "throw"] as const),
];

export function anyAddress(random: Random, family: IPFamily): Address {
  const word = (): number =>
    random.pick([0, 1, 0xffffffff, 0x0a000001, 0xe0000001, 0xff020000, 0x7f000001, 0xfe800000]);
  if (family === "IPv4") return random.chance(0.5) ? word() : random.below(2 ** 32);
  return [word(), word(), random.below(2 ** 32), word()];
}

function oddRoute(random: Random, family: IPFamily): Route {
  const gateway = { family: random.chance(0.8) ? family : "IPv6", address: anyAddress(random, family) } as const;
  const hop = (): Route["nextHops"][number] => ({
    device: random.pick(["eth0", "eth1", "cni0", "lo", "absent0"]),
    weight: random.pick([0, 0, 1, 3]),
    usable: random.chance(0.8),
    ...(random.chance(0.5) ? { gateway } : {}),
  });
  return {
    family,
    table: random.pick([254, 255, 253, 200, 77]),
    type: random.pick(TYPES),
    destination: anyAddress(random, family),
    prefixLength: random.chance(0.5) ? 0 : random.between(0, family === "IPv4" ? 32 : 128),
    tos: random.pick([0, 0, 0x10]),
    metric: random.below(3),
    scope: random.pick(["global", "link", "host", "site", "nowhere"]),
    nextHops: Array.from({ length: random.below(4) }, hop),
    ...(random.chance(0.2) ? { preferredSource: anyAddress(random, family) } : {}),
    ...(random.chance(0.1) ? { mtu: random.pick([0, 68, 576, 1280]) } : {}),
    ...(random.chance(0.1) ? { notModelled: "encap mpls" } : {}),
  };
}

function oddRule(random: Random, family: IPFamily): PolicyRule {
  const actions: readonly PolicyRule["action"][] = [
    { kind: "table", table: random.pick([254, 255, 200, 77, 9999]) },
    { kind: "goto", priority: random.below(400) },
    { kind: random.pick(["blackhole", "unreachable", "prohibit", "nop"]) },
  ];
  const part = { address: anyAddress(random, family), prefixLength: random.between(0, 32) };
  return {
    family,
    priority: random.below(400),
    negated: random.chance(0.2),
    action: random.pick(actions),
    ...(random.chance(0.2) ? { source: part } : {}),
    ...(random.chance(0.2) ? { destination: part } : {}),
    ...(random.chance(0.3) ? { mark: { value: random.below(3), mask: 0xff } } : {}),
    ...(random.chance(0.2) ? { inInterface: random.pick(["lo", "eth0", "absent0"]) } : {}),
    ...(random.chance(0.1) ? { outInterface: "eth1" } : {}),
    ...(random.chance(0.1) ? { destinationPorts: { from: 80, to: 443 } } : {}),
    ...(random.chance(0.1) ? { suppressPrefixLength: random.below(3) } : {}),
    ...(random.chance(0.1) ? { notModelled: "l3mdev" } : {}),
  };
}

const some = <T>(random: Random, list: readonly T[], keep: number): T[] => list.filter(() => random.chance(keep));

/** A host of which things are missing that every host has, and that has things that no host has. */
export function damagedHost(random: Random, host: HostDescription): HostDescription {
  const keep = (): number => random.pick([1, 1, 0.9, 0.5, 0]);
  const odd = random.pick([0, 0, 1, 4, 12]);
  const families = Array.from({ length: odd }, (): IPFamily => random.pick(["IPv4", "IPv6"]));
  const addresses = keep();
  return {
    ...host,
    interfaces: some(random, host.interfaces, keep()).map((device) => ({
      ...device,
      up: !random.chance(0.1),
      mtu: random.chance(0.1) ? random.pick([0, 68, 576, 65536]) : device.mtu,
      addresses: some(random, device.addresses, addresses),
    })),
    routes: [...some(random, host.routes, keep()), ...families.map((family) => oddRoute(random, family))],
    policyRules: [...some(random, host.policyRules, keep()), ...families.map((family) => oddRule(random, family))],
    sysctls: {
      ...host.sysctls,
      ipForward: random.chance(0.7),
      ipv6Forwarding: random.chance(0.7),
      tcpBeLiberal: random.chance(0.3),
      tcpLoose: random.chance(0.7),
      conntrackChecksum: random.chance(0.7),
      ipv4: new Map([
        ["all", { rpFilter: random.below(3), routeLocalnet: random.chance(0.5), acceptLocal: random.chance(0.3) }],
      ]),
    },
  };
}
