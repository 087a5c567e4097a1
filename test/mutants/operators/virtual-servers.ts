import { familyOfKey } from "../../../src/kernel/ipvs/service-index.ts";
import { formatIP } from "../../../src/net/ip.ts";
import type { IPVSTable, RealServer, VirtualServer } from "../../../src/rules/ipvs/model.ts";
import { type Fault, type Operator, withServers } from "./fault.ts";
import { nextTo, otherProtocol } from "./values.ts";

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "TCP", 17: "UDP", 132: "SCTP" };

function serverText({ key, scheduler, persistence }: VirtualServer): string {
  const where =
    key.kind === "address"
      ? `${PROTOCOLS[key.protocol]} ${formatIP(key.address)} port ${key.port}`
      : `mark ${key.mark}`;
  const more = persistence === undefined ? "" : ` persistent ${persistence.timeout}/${persistence.maskLength}`;
  return `${where} ${typeof scheduler === "string" ? scheduler : scheduler.unknown}${more}`;
}

const realText = ({ address, port, method, weight, upper }: RealServer): string =>
  `${formatIP(address)} port ${port} ${method} weight ${weight}${upper === 0 ? "" : ` at most ${upper}`}`;

/** An operator on each virtual server of a family: `change` gives what may stand in its place, which is nothing for one that is dropped. */
function serverOperator(
  name: string,
  change: (server: VirtualServer) => readonly { readonly what: string; readonly now: readonly VirtualServer[] }[],
): Operator {
  return {
    name,
    *faults({ host, family }): Generator<Fault> {
      const table: IPVSTable = host.ipvs ?? { virtualServers: [] };
      for (const [at, server] of table.virtualServers.entries()) {
        if (familyOfKey(server.key) !== family) continue;
        for (const { what, now } of change(server))
          yield {
            operator: name,
            place: `${serverText(server)}: ${what}`,
            host: () => withServers(host, { ...table, virtualServers: table.virtualServers.toSpliced(at, 1, ...now) }),
          };
      }
    },
  };
}

/** Virtual servers in place of one. */
const others = (now: readonly VirtualServer[]) =>
  now.map((each) => ({ what: `became ${serverText(each)}`, now: [each] }));

/** An operator on each real server. */
const realOperator = (name: string, change: (real: RealServer) => readonly (RealServer | undefined)[]): Operator =>
  serverOperator(name, (server) =>
    server.realServers.flatMap((real, at) =>
      change(real).map((other) => {
        const realServers = server.realServers.toSpliced(at, 1, ...(other === undefined ? [] : [other]));
        const what = `${realText(real)} ${other === undefined ? "dropped" : `became ${realText(other)}`}`;
        return { what, now: [{ ...server, realServers }] };
      }),
    ),
  );

/** Faults of virtual servers and their real servers. */
export const serverOperators: readonly Operator[] = [
  serverOperator("drop a virtual server", () => [{ what: "dropped", now: [] }]),
  serverOperator("another address, port or protocol of a virtual server", (server) => {
    const { key } = server;
    if (key.kind !== "address") return [];
    return others([
      { ...server, key: { ...key, address: nextTo(key.address) } },
      { ...server, key: { ...key, port: key.port + 1 } },
      { ...server, key: { ...key, protocol: otherProtocol(key.protocol) } },
    ]);
  }),
  serverOperator("another scheduler", (server) =>
    others((["wrr", "lc", "sh", "fo"] as const).map((scheduler) => ({ ...server, scheduler }))),
  ),
  serverOperator("one packet a connection", (server) => [
    { what: "of one packet", now: [{ ...server, onePacket: !server.onePacket }] },
  ]),
  serverOperator("another persistence", (server) => {
    const { persistence, ...rest } = server;
    const bits = familyOfKey(server.key) === "IPv4" ? 32 : 128;
    if (persistence === undefined) return others([{ ...rest, persistence: { timeout: 10800, maskLength: bits } }]);
    return others([
      rest,
      { ...rest, persistence: { ...persistence, timeout: persistence.timeout >> 1 } },
      { ...rest, persistence: { ...persistence, timeout: persistence.timeout * 2 } },
      { ...rest, persistence: { ...persistence, maskLength: persistence.maskLength - 8 } },
    ]);
  }),
  realOperator("drop a real server", () => [undefined]),
  realOperator("another address or port of a real server", (real) => [
    { ...real, address: nextTo(real.address) },
    { ...real, port: real.port + 1 },
  ]),
  realOperator("another weight", (real) => [
    { ...real, weight: 0 },
    { ...real, weight: real.weight + 1 },
  ]),
  realOperator("another way to a real server", (real) => [
    { ...real, method: "route" },
    { ...real, method: "tunnel" },
  ]),
  realOperator("a limit of connections", (real) => [{ ...real, upper: 1, lower: 0 }]),
];
