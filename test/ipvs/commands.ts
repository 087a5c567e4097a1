import { parseIP, parseIPv4 } from "../../src/net/ip.ts";
import {
  type ForwardingMethod,
  type IPVSTable,
  type RealServer,
  schedulers,
  type VirtualServer,
  type VirtualServerKey,
} from "../../src/rules/ipvs/model.ts";

const PROTOCOLS: Readonly<Record<string, number>> = { "-t": 6, "-u": 17, "--sctp-service": 132 };

function endpoint(text: string): { address: NonNullable<ReturnType<typeof parseIP>>; port: number } {
  const colon = text.lastIndexOf(":");
  const address = parseIP(text.slice(0, colon).replace(/[[\]]/g, ""));
  if (address === undefined) throw new RangeError(`no address: ${text}`);
  return { address, port: Number(text.slice(colon + 1)) };
}

/** Options of a line with their values. */
function options(words: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const next = words[i + 1];
    const takes =
      /^(?:-t|-u|--sctp-service|-f|-r|-s|-w|-x|-y|-b|-M)$/.test(word) || (word === "-p" && /^\d+$/.test(next ?? ""));
    found.set(word, takes ? (next ?? "") : "");
    if (takes) i++;
  }
  return found;
}

function keyOf(given: ReadonlyMap<string, string>): VirtualServerKey {
  const mark = given.get("-f");
  if (mark !== undefined) return { kind: "fwmark", family: given.has("-6") ? "IPv6" : "IPv4", mark: Number(mark) };
  for (const [option, protocol] of Object.entries(PROTOCOLS)) {
    const text = given.get(option);
    if (text !== undefined) return { kind: "address", protocol, ...endpoint(text) };
  }
  throw new RangeError("no virtual server");
}

/** Prefix length of a netmask. */
function maskLength(text: string): number {
  const value = parseIPv4(text);
  return value === undefined ? Number(text) : 32 - Math.log2(2 ** 32 - value);
}

function serverOf(given: ReadonlyMap<string, string>, realServers: readonly RealServer[]): VirtualServer {
  const name = given.get("-s") ?? "wlc";
  const persistent = given.get("-p");
  const key = keyOf(given);
  const family = key.kind === "fwmark" ? key.family : key.address.family;
  const mask = given.get("-M");
  const whole = family === "IPv4" ? 32 : 128;
  return {
    key,
    scheduler: schedulers.find((each) => each === name) ?? { unknown: name },
    schedulerFlags: (given.get("-b") ?? "").split(",").filter((flag) => flag !== ""),
    onePacket: given.has("-o"),
    realServers,
    ...(persistent === undefined
      ? {}
      : {
          persistence: {
            timeout: persistent === "" ? 300 : Number(persistent),
            maskLength: mask === undefined ? whole : maskLength(mask),
          },
        }),
  };
}

function methodOf(given: ReadonlyMap<string, string>): ForwardingMethod {
  return given.has("-m") ? "masquerade" : given.has("-i") ? "tunnel" : "route";
}

const sameKey = (a: VirtualServerKey, b: VirtualServerKey): boolean => JSON.stringify(a) === JSON.stringify(b);

/** One line of `ipvsadm -R`. */
function applyLine(table: IPVSTable, line: string): IPVSTable {
  const words = line.split(/\s+/).filter((word) => word !== "");
  const [command = "", ...rest] = words;
  const { virtualServers } = table;
  if (command === "-C") return { ...table, virtualServers: [] };
  if (command === "--set") {
    const [tcp = 0, tcpFin = 0, udp = 0] = rest.map(Number);
    const before = table.timeouts;
    const timeouts = {
      tcp: tcp || (before?.tcp ?? 0),
      tcpFin: tcpFin || (before?.tcpFin ?? 0),
      udp: udp || (before?.udp ?? 0),
    };
    return { ...table, timeouts };
  }
  const given = options(rest);
  const key = keyOf(given);
  const change = (to: (server: VirtualServer) => VirtualServer): IPVSTable => ({
    ...table,
    virtualServers: virtualServers.map((server) => (sameKey(server.key, key) ? to(server) : server)),
  });
  switch (command) {
    case "-A":
      return { ...table, virtualServers: [...virtualServers, serverOf(given, [])] };
    case "-E":
      return change(({ realServers }) => serverOf(given, realServers));
    case "-D":
      return { ...table, virtualServers: virtualServers.filter((server) => !sameKey(server.key, key)) };
    default:
  }
  const { address, port } = endpoint(given.get("-r") ?? "");
  const number = (option: string, otherwise: number): number => Number(given.get(option) ?? otherwise);
  const real: RealServer = {
    address,
    port,
    method: methodOf(given),
    weight: number("-w", 1),
    upper: number("-x", 0),
    lower: number("-y", 0),
  };
  const isIt = (each: RealServer): boolean =>
    each.port === port && JSON.stringify(each.address) === JSON.stringify(address);
  switch (command) {
    case "-a":
      return change((server) => ({ ...server, realServers: [...server.realServers, real] }));
    case "-e":
      return change((server) => ({
        ...server,
        realServers: server.realServers.map((each) => (isIt(each) ? real : each)),
      }));
    case "-d":
      return change((server) => ({ ...server, realServers: server.realServers.filter((each) => !isIt(each)) }));
    default:
      throw new RangeError(`no such command: ${line}`);
  }
}

/** The tables after each line of `ipvsadm -R`. */
export function applyCommands(table: IPVSTable, text: string): readonly IPVSTable[] {
  const tables: IPVSTable[] = [];
  let last = table;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    last = applyLine(last, line);
    tables.push(last);
  }
  return tables;
}
