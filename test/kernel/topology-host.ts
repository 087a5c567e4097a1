import type {
  AddressScope,
  HostDescription,
  Interface,
  InterfaceAddress,
  PolicyRule,
  Route,
} from "../../src/kernel/host.ts";
import type { Address } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";
import { mask32 } from "../../src/net/prefix.ts";
import type { Ruleset } from "../../src/rules/iptables/ruleset.ts";
import type { Topology } from "./topology.ts";

interface Network {
  readonly family: IPFamily;
  readonly address: Address;
  readonly length: number;
}

function network(text: string): Network {
  const [addressText = "", lengthText] = text.split("/");
  const parsed = parseIP(addressText);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  const length = lengthText === undefined ? (parsed.family === "IPv4" ? 32 : 128) : Number(lengthText);
  return parsed.family === "IPv4"
    ? { family: "IPv4", address: parsed.value, length }
    : { family: "IPv6", address: parsed.words, length };
}

const scopeOf = ({ address }: Network): AddressScope => (address === 0x7f000001 ? "host" : "global");

/** The addresses of an interface: a second one of the same network is secondary. */
function addresses(texts: readonly string[]): InterfaceAddress[] {
  const seen = new Set<string>();
  const found = texts.map((text) => {
    const one = network(text);
    const { family, address, length } = one;
    const key = typeof address === "number" ? `${(address & mask32(length)) >>> 0}/${length}` : "";
    const secondary = family === "IPv4" && seen.has(key);
    seen.add(key);
    return {
      family,
      address,
      prefixLength: length,
      scope: scopeOf(one),
      secondary,
      deprecated: false,
      noPrefixRoute: false,
    };
  });
  // the kernel lists an interface's IPv6 addresses newest first
  return [
    ...found.filter(({ family }) => family === "IPv4"),
    ...found.filter(({ family }) => family === "IPv6").reverse(),
  ];
}

function route(
  part: Partial<Route> & Pick<Route, "family" | "destination" | "prefixLength" | "type" | "table">,
  device?: string,
  gateway?: Address,
): Route {
  const hop =
    device === undefined
      ? []
      : [
          {
            device,
            weight: 1,
            usable: true,
            ...(gateway === undefined ? {} : { gateway: { family: part.family, address: gateway } }),
          },
        ];
  return { tos: 0, metric: 0, scope: "global", nextHops: hop, ...part };
}

function routesOf(device: Interface): Route[] {
  return device.addresses.flatMap(({ family, address, prefixLength, secondary, scope }): Route[] => {
    const own = route(
      {
        family,
        table: 255,
        type: "local",
        destination: address,
        prefixLength: family === "IPv4" ? 32 : 128,
        scope: "host",
        preferredSource: address,
      },
      device.name,
    );
    if (family === "IPv6") {
      const connected = route(
        { family, table: 254, type: "unicast", destination: address, prefixLength, metric: 256 },
        device.name,
      );
      if (device.loopback) return [own];
      return prefixLength < 127 ? [own, connected, anycast(device, address, prefixLength)] : [own, connected];
    }
    const value = address as number;
    const mask = mask32(prefixLength);
    const rest: Route[] = [];
    if (device.loopback)
      rest.push(
        route(
          {
            family,
            table: 255,
            type: "local",
            destination: (value & mask) >>> 0,
            prefixLength,
            scope: "host",
            preferredSource: value,
          },
          device.name,
        ),
      );
    else if (!secondary && prefixLength < 32) {
      rest.push(
        route(
          {
            family,
            table: 254,
            type: "unicast",
            destination: (value & mask) >>> 0,
            prefixLength,
            scope: "link",
            preferredSource: value,
          },
          device.name,
        ),
      );
      if (prefixLength < 31)
        rest.push(
          route(
            {
              family,
              table: 255,
              type: "broadcast",
              destination: (value | ~mask) >>> 0,
              prefixLength: 32,
              scope: "link",
              preferredSource: value,
            },
            device.name,
          ),
        );
    }
    return scope === "nowhere" ? [] : [own, ...rest];
  });
}

function anycast(device: Interface, address: Address, length: number): Route {
  if (typeof address === "number") throw new Error("only IPv6 has anycast routes");
  const word = (i: 0 | 1 | 2 | 3): number => (address[i] & mask32(length - 32 * i)) >>> 0;
  return route(
    {
      family: "IPv6",
      table: 255,
      type: "anycast",
      destination: [word(0), word(1), word(2), word(3)],
      prefixLength: 128,
    },
    device.name,
  );
}

const TABLES = { local: 255, main: 254, default: 253 };

function rule(family: IPFamily, priority: number, table: number): PolicyRule {
  return { family, priority, negated: false, action: { kind: "table", table } };
}

/** The route for IPv6 multicast that every interface has. */
function multicast(device: Interface): Route[] {
  if (device.loopback) return [];
  return [
    route(
      {
        family: "IPv6",
        table: 255,
        type: "multicast",
        destination: [0xff000000, 0, 0, 0],
        prefixLength: 8,
        metric: 256,
      },
      device.name,
    ),
  ];
}

/** The emulated host of a topology. */
export function topologyHost(
  topology: Topology,
  rules: Readonly<Record<IPFamily, Ruleset>>,
  sysctls: Readonly<Record<string, number>>,
): HostDescription {
  const lo: Interface = {
    index: 1,
    name: "lo",
    up: true,
    loopback: true,
    mtu: 65536,
    addresses: addresses(["127.0.0.1/8", "::1/128"]),
  };
  const interfaces = [
    lo,
    ...topology.interfaces.map(
      (each, i): Interface => ({
        index: i + 2,
        name: each.name,
        up: true,
        loopback: false,
        mtu: each.mtu,
        addresses: addresses(each.addresses),
      }),
    ),
  ];
  const given = topology.routes.map(({ type, destination, device, gateway, table }): Route => {
    const { family, address, length } = network(destination);
    const onLink = gateway === undefined && device !== undefined;
    return route(
      {
        family,
        table: table ?? TABLES.main,
        type: type ?? "unicast",
        destination: address,
        prefixLength: length,
        scope: family === "IPv4" && onLink ? "link" : "global",
        metric: family === "IPv6" ? 1024 : 0,
      },
      device,
      gateway === undefined ? undefined : network(gateway).address,
    );
  });
  const all = { ...topology.sysctls, ...sysctls };
  const own = topology.rules.map((each): PolicyRule => {
    const source = each.source === undefined ? undefined : network(each.source);
    return {
      ...rule(each.family, each.priority, each.table),
      ...(each.mark === undefined ? {} : { mark: each.mark }),
      ...(source === undefined ? {} : { source: { address: source.address, prefixLength: source.length } }),
    };
  });
  return {
    name: "node",
    interfaces,
    routes: [...interfaces.flatMap(routesOf), ...interfaces.flatMap(multicast), ...given],
    policyRules: [
      rule("IPv4", 0, TABLES.local),
      rule("IPv4", 32766, TABLES.main),
      rule("IPv4", 32767, TABLES.default),
      rule("IPv6", 0, TABLES.local),
      rule("IPv6", 32766, TABLES.main),
      ...own,
    ],
    sysctls: {
      ipForward: all["net.ipv4.ip_forward"] === 1,
      ipv6Forwarding: all["net.ipv6.conf.all.forwarding"] === 1,
      tcpBeLiberal: all["net.netfilter.nf_conntrack_tcp_be_liberal"] === 1,
      tcpLoose: all["net.netfilter.nf_conntrack_tcp_loose"] !== 0,
      conntrackChecksum: true,
      conntrackTimeouts: new Map(),
      ipv4: new Map([
        [
          "all",
          {
            rpFilter: all["net.ipv4.conf.all.rp_filter"] ?? 0,
            routeLocalnet: all["net.ipv4.conf.all.route_localnet"] === 1,
          },
        ],
      ]),
      notModelled: [],
    },
    rules,
  };
}
