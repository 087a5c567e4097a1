import { compareText } from "../../net/compare.ts";
import { compareIP } from "../../net/compare-ip.ts";
import { type IPAddress, parseIP } from "../../net/ip.ts";
import type { Endpoint } from "../../proxy/endpoints.ts";
import { type RealServer, type Scheduler, schedulers, type VirtualServer } from "../../rules/ipvs/model.ts";
import type { ItemOrigin } from "./provenance.ts";

/** A virtual server with where it and its real servers come from. */
export interface CompiledServer {
  readonly server: VirtualServer;
  /** Its address as text. */
  readonly address: string;
  readonly origin: ItemOrigin;
  /** Of each real server, in their order. */
  readonly endpoints: readonly Endpoint[];
}

/** An address that is bound to `kube-ipvs0`, with the first virtual server that wants it. */
export interface BoundAddress {
  readonly address: IPAddress;
  readonly text: string;
  readonly origin: ItemOrigin;
}

/** A virtual server that another service port has already made. */
export interface Collision {
  readonly address: string;
  readonly port: number;
  readonly earlier: ItemOrigin;
  readonly later: ItemOrigin;
}

/** Real servers and, in parallel, their endpoints. */
export interface RealServers {
  readonly servers: readonly RealServer[];
  readonly endpoints: readonly Endpoint[];
}

/** Attributes that all virtual servers of a service port share. */
export interface ServerAttributes {
  readonly protocol: number;
  readonly scheduler: string;
  readonly schedulerFlags: readonly string[];
  readonly affinitySeconds: number | undefined;
}

const FULL = { IPv4: 32, IPv6: 128 } as const;

function schedulerOf(name: string): VirtualServer["scheduler"] {
  const known: readonly string[] = schedulers;
  return known.includes(name) ? (name as Scheduler) : { unknown: name };
}

/**
 * The real servers of a list of endpoints in the order in which they are added: by their texts in releases that sort
 * them, else by address and port as numbers (kube-proxy's own order is random then; ipvs-mode §17.1). Endpoints without
 * a usable address become none.
 */
export function realServers(endpoints: readonly Endpoint[], byText: boolean): RealServers {
  const servers: RealServer[] = [];
  const usable: Endpoint[] = [];
  for (const endpoint of endpoints) {
    const address = parseIP(endpoint.ip);
    if (address === undefined) continue;
    servers.push({ address, port: endpoint.port, method: "masquerade", weight: 1, upper: 0, lower: 0 });
    usable.push(endpoint);
  }
  const compare = byText
    ? (a: number, b: number): number => compareText((usable[a] as Endpoint).text, (usable[b] as Endpoint).text)
    : (a: number, b: number): number => compareServers(servers[a] as RealServer, servers[b] as RealServer);
  // most lists are short and in order already: large clusters are spared a copy of each
  if (servers.every((_, i) => i === 0 || compare(i - 1, i) <= 0)) return { servers, endpoints: usable };
  const order = servers.map((_, i) => i).sort(compare);
  return { servers: order.map((i) => servers[i] as RealServer), endpoints: order.map((i) => usable[i] as Endpoint) };
}

function compareServers(a: RealServer, b: RealServer): number {
  return compareIP(a.address, b.address) || a.port - b.port;
}

const keyOf = (server: RealServer, endpoint: Endpoint): string => `${endpoint.ip} ${server.port}`;

/** What is left of a server's list when another service port wants its own: those of both stay, in front. */
function merged(before: CompiledServer, wanted: RealServers): RealServers {
  const wantedKeys = new Set(wanted.servers.map((server, i) => keyOf(server, wanted.endpoints[i] as Endpoint)));
  const keys = new Set<string>();
  const servers: RealServer[] = [];
  const endpoints: Endpoint[] = [];
  const take = (server: RealServer, endpoint: Endpoint): void => {
    keys.add(keyOf(server, endpoint));
    servers.push(server);
    endpoints.push(endpoint);
  };
  before.server.realServers.forEach((server, i) => {
    const endpoint = before.endpoints[i] as Endpoint;
    if (wantedKeys.has(keyOf(server, endpoint))) take(server, endpoint);
  });
  wanted.servers.forEach((server, i) => {
    const endpoint = wanted.endpoints[i] as Endpoint;
    if (!keys.has(keyOf(server, endpoint))) take(server, endpoint);
  });
  return { servers, endpoints };
}

/** The virtual servers of one family and the addresses bound for them, while a sync pass makes them. */
export class ServerCollector {
  readonly #servers = new Map<string, CompiledServer>();
  readonly #bound = new Map<string, BoundAddress>();
  readonly #collisions: Collision[] = [];

  /**
   * Makes a virtual server. One of the same address, port and protocol is changed in place and keeps its position, as
   * in the kernel (two service ports that collide: the later one counts).
   */
  add(address: string, port: number, attributes: ServerAttributes, wanted: RealServers, origin: ItemOrigin): void {
    const parsed = parseIP(address);
    if (parsed === undefined) return;
    const { protocol, scheduler, schedulerFlags, affinitySeconds } = attributes;
    const key = `${protocol} ${port} ${address}`;
    const before = this.#servers.get(key);
    if (before !== undefined && before.origin.decision !== origin.decision) {
      this.#collisions.push({ address, port, earlier: before.origin, later: origin });
    }
    const { servers, endpoints } = before === undefined ? wanted : merged(before, wanted);
    const maskLength = FULL[parsed.family];
    this.#servers.set(key, {
      server: {
        key: { kind: "address", protocol, address: parsed, port },
        scheduler: schedulerOf(scheduler),
        schedulerFlags,
        ...(affinitySeconds === undefined ? {} : { persistence: { timeout: affinitySeconds, maskLength } }),
        onePacket: false,
        realServers: servers,
      },
      address,
      origin,
      endpoints,
    });
  }

  /** Binds an address. */
  bind(text: string, origin: ItemOrigin): void {
    const address = parseIP(text);
    if (address !== undefined && !this.#bound.has(text)) this.#bound.set(text, { address, text, origin });
  }

  /** Virtual servers that two service ports want. */
  collisions(): readonly Collision[] {
    return this.#collisions;
  }

  /** Virtual servers in the order in which they were made. */
  servers(): readonly CompiledServer[] {
    return [...this.#servers.values()];
  }

  /** Bound addresses in the order in which they were bound. */
  bound(): readonly BoundAddress[] {
    return [...this.#bound.values()];
  }
}
