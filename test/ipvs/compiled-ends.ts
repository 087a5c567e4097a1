import type { ClusterNetwork } from "../../src/assembly/cluster-network.ts";
import type { CompiledServer } from "../../src/compile/ipvs/servers.ts";
import { type IPFamily, ipFamilies } from "../../src/net/family.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import { addressOf } from "../../src/network/addresses.ts";
import type { NetworkNode } from "../../src/network/network.ts";
import type { IPVSFamilyResult } from "../../src/view/family-result.ts";
import { addressText } from "../routing/support.ts";
import {
  type ClientPlace,
  type DestinationKind,
  type Frontend,
  familyOf,
  type ProtocolName,
  protocolNames,
} from "./test-node.ts";

const PROTOCOLS: ReadonlyMap<number, ProtocolName> = new Map([
  [6, "tcp"],
  [17, "udp"],
  [132, "sctp"],
]);
const KINDS: Readonly<Record<string, DestinationKind>> = {
  "server-cluster-ip": "cluster-ip",
  "server-external-ip": "external-ip",
  "server-load-balancer": "load-balancer",
  "server-node-port": "node-port",
};
const LOOPBACK: Readonly<Record<IPFamily, string>> = { IPv4: "127.0.0.1", IPv6: "::1" };
/** A port that no Service here has. */
const NO_PORT = 9;
/** Of addresses and Pods that are alike, so many. */
const FEW = 4;
const OUTSIDE: Readonly<Record<IPFamily, readonly string[]>> = {
  IPv4: ["203.0.113.99", "8.8.4.4"],
  IPv6: ["2001:db8:77::9", "2001:4860::88"],
};

function frontendOf({ server, address, origin }: CompiledServer): Frontend[] {
  const { key, scheduler, persistence, realServers } = server;
  if (key.kind !== "address") return [];
  const protocol = PROTOCOLS.get(key.protocol);
  if (protocol === undefined) return [];
  const own = KINDS[origin.kind] ?? "cluster-ip";
  const kind = realServers.length === 0 ? "empty" : persistence === undefined ? own : "sticky";
  const name = typeof scheduler === "string" ? scheduler : scheduler.unknown;
  return [{ kind, protocol, address, port: key.port, scheduler: name }];
}

/** Every virtual server of a node, and ports beside them: of bound addresses, of loopback, and of health checks. */
export function frontendsOf(results: readonly IPVSFamilyResult[]): readonly Frontend[] {
  return results.flatMap(({ state: { family, ipvs }, compiled }) => {
    const served = compiled.servers.flatMap(frontendOf);
    const unserved = (kind: DestinationKind, addresses: readonly string[], port: number): Frontend[] =>
      addresses.flatMap((address) =>
        protocolNames.map((protocol): Frontend => ({ kind, protocol, address, port, scheduler: "-" })),
      );
    const isNodePort = ({ origin }: CompiledServer): boolean => origin.kind === "server-node-port";
    const nodePorts = compiled.servers
      .filter(isNodePort)
      .flatMap(({ server: { key } }) => ("port" in key ? key.port : []));
    const health = compiled.sets.find(({ key }) => key === "healthCheck")?.entries ?? [];
    const own = ipvs.nodeAddresses.slice(0, FEW);
    const known = new Set(served.map(({ address, protocol, port }) => `${address} ${protocol} ${port}`));
    return [
      ...served,
      ...unserved(
        "other-port",
        compiled.addresses.slice(0, FEW).map(({ text }) => text),
        NO_PORT,
      ),
      ...unserved("other-port", own, NO_PORT),
      ...[...new Set(nodePorts)].slice(0, FEW).flatMap((port) => unserved("other-port", [LOOPBACK[family]], port)),
      ...health.flatMap(({ text }) => unserved("health-check", own, Number(text))),
    ].filter(
      ({ kind, address, protocol, port }) =>
        (kind !== "other-port" && kind !== "health-check") || !known.has(`${address} ${protocol} ${port}`),
    );
  });
}

/** One address of each range that a Service lets in. */
function addressesInRanges({ cluster }: ClusterNetwork): readonly string[] {
  const ranges = cluster.services.flatMap(({ value }) => value.spec?.loadBalancerSourceRanges ?? []);
  const found = ranges.flatMap((range) => {
    const ip = parseIP(range.trim().split("/")[0] ?? "");
    if (ip === undefined) return [];
    const { family } = ip;
    return formatIP(
      family === "IPv4"
        ? { family, value: (ip.value | 77) >>> 0 }
        : { family, words: [ip.words[0], ip.words[1], ip.words[2], (ip.words[3] | 0x77) >>> 0] },
    );
  });
  return [...new Set(found)];
}

/** Everybody who may send: Pods here and elsewhere, the node under its own addresses and those bound to it, loopback, and outside. */
export function clientsOf(
  { name, host, pods, overlay, uplinks }: NetworkNode,
  made: ClusterNetwork,
  results: readonly IPVSFamilyResult[],
  strangers: readonly string[],
): readonly ClientPlace[] {
  const owner = (text: string): string | undefined => {
    const ip = parseIP(text);
    const found = ip === undefined ? undefined : made.network.ownerOf(addressOf(ip));
    return found?.kind === "pod" || found?.kind === "pod-network" ? found.node : undefined;
  };
  const reals = results.flatMap(({ compiled }) =>
    compiled.servers.flatMap(({ server }) => server.realServers.map(({ address }) => formatIP(address))),
  );
  const elsewhere = [...new Set([...strangers, ...reals])].filter((text) => ![undefined, name].includes(owner(text)));
  const own = host.interfaces
    .filter(({ loopback, name: device }) => !loopback && device !== "kube-ipvs0")
    .flatMap(({ addresses }) =>
      addresses.filter(({ scope }) => scope === "global").map(({ address }) => addressText(address)),
    );
  const bound = results.flatMap(({ compiled }) => compiled.addresses.slice(0, FEW).map(({ text }) => text));
  const inRanges = addressesInRanges(made).filter(
    (text) => made.network.ownerOf(addressOfText(text)).kind === "outside",
  );
  const clients: ClientPlace[] = [
    ...pods.map((pod): ClientPlace => ({ kind: "pod", device: pod.interface, addresses: pod.addresses.map(formatIP) })),
    { kind: "other-pod", device: overlay, addresses: overlay === undefined ? [] : elsewhere },
    { kind: "node", device: undefined, addresses: [...new Set([...own, ...bound])] },
    { kind: "loopback", device: undefined, addresses: Object.values(LOOPBACK) },
    ...ipFamilies.map((family): ClientPlace => {
      const addresses = [...OUTSIDE[family], ...inRanges.filter((text) => familyOf(text) === family)];
      return { kind: "outside", device: uplinks[family], addresses: uplinks[family] === undefined ? [] : addresses };
    }),
  ];
  return clients.filter(({ addresses }) => addresses.length > 0);
}

function addressOfText(text: string): ReturnType<typeof addressOf> {
  const ip = parseIP(text);
  if (ip === undefined) throw new RangeError(`no address: ${text}`);
  return addressOf(ip);
}

/** The next hop of the default route of each family. */
export function routersOf({ host }: NetworkNode): Readonly<Partial<Record<IPFamily, string>>> {
  const found = host.routes
    .filter(({ table, prefixLength }) => table === 254 && prefixLength === 0)
    .flatMap(({ family, nextHops: [hop] }) =>
      hop?.gateway === undefined ? [] : [[family, addressText(hop.gateway.address)] as const],
    );
  return Object.fromEntries(found);
}
