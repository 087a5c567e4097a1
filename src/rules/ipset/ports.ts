import type { IPFamily } from "../../net/family.ts";
import { formatProtocol, parseProtocol } from "../iptables/protocols.ts";
import { parseNumber } from "../iptables/values.ts";
import type { Port } from "./model.ts";

/** Names that ipset 7.17 prints for ICMP types with codes (`lib/icmp.c`), `name:type/code`. */
const icmpNames = `echo-reply:0/0 network-unreachable:3/0 host-unreachable:3/1 protocol-unreachable:3/2
  port-unreachable:3/3 fragmentation-needed:3/4 source-route-failed:3/5 network-unknown:3/6 host-unknown:3/7
  network-prohibited:3/9 host-prohibited:3/10 TOS-network-unreachable:3/11 TOS-host-unreachable:3/12
  communication-prohibited:3/13 host-precedence-violation:3/14 precedence-cutoff:3/15 source-quench:4/0
  network-redirect:5/0 host-redirect:5/1 TOS-network-redirect:5/2 TOS-host-redirect:5/3 echo-request:8/0
  router-advertisement:9/0 router-solicitation:10/0 ttl-zero-during-transit:11/0 ttl-zero-during-reassembly:11/1
  ip-header-bad:12/0 required-option-missing:12/1 timestamp-request:13/0 timestamp-reply:14/0
  address-mask-request:17/0 address-mask-reply:18/0`;

/** The same for ICMPv6 (`lib/icmpv6.c`). */
const icmpv6Names = `address-unreachable:1/3 communication-prohibited:1/1 no-route:1/0 port-unreachable:1/4
  packet-too-big:2/0 ttl-zero-during-reassembly:3/1 ttl-zero-during-transit:3/0 bad-header:4/0
  unknown-header-type:4/1 unknown-option:4/2 echo-request:128/0 echo-reply:129/0
  router-solicitation:133/0 router-advertisement:134/0 neighbour-solicitation:135/0
  neighbour-advertisement:136/0 redirect:137/0`;

interface Names {
  readonly byName: ReadonlyMap<string, number>;
  readonly byNumber: ReadonlyMap<number, string>;
}

function nameTable(text: string): Names {
  const pairs = text.split(/\s+/).map((each): [string, number] => {
    const [name, type, code] = each.split(/[:/]/) as [string, string, string];
    return [name, (Number(type) << 8) | Number(code)];
  });
  return {
    byName: new Map(pairs.map(([name, number]) => [name.toLowerCase(), number])),
    byNumber: new Map(pairs.map(([name, number]) => [number, name])),
  };
}

const ICMP = 1;
const ICMPV6 = 58;
const tables: ReadonlyMap<number, Names> = new Map([
  [ICMP, nameTable(icmpNames)],
  [ICMPV6, nameTable(icmpv6Names)],
]);
/** tcp, udp, sctp, udplite */
const withPorts: readonly number[] = [6, 17, 132, 136];
const MAX_PORT = 65535;

function parseIcmp(text: string, names: Names): number | undefined {
  const named = names.byName.get(text.toLowerCase());
  if (named !== undefined) return named;
  const [type = "", code = "", rest] = text.split("/");
  const high = parseNumber(type, 255);
  const low = parseNumber(code, 255);
  return rest !== undefined || high === undefined || low === undefined ? undefined : (high << 8) | low;
}

/** `PROTOCOL:PORT`, or `PORT` alone, which is TCP's. ICMP has `type/code` or a name, protocols without ports 0. */
export function parsePort(text: string, family: IPFamily): Port | undefined {
  const colon = text.indexOf(":");
  const protocol = colon < 0 ? 6 : parseProtocol(text.slice(0, colon));
  const rest = text.slice(colon + 1);
  if (protocol === undefined || protocol === 0 || protocol === (family === "IPv4" ? ICMPV6 : ICMP)) return undefined;
  const names = tables.get(protocol);
  const port =
    names === undefined ? parseNumber(rest, withPorts.includes(protocol) ? MAX_PORT : 0) : parseIcmp(rest, names);
  return port === undefined ? undefined : { kind: "port", protocol, port };
}

/** As `ipset save` prints it. */
export function formatPort({ protocol, port }: Port): string {
  if (protocol === undefined) return `${port}`;
  const names = tables.get(protocol);
  const text = names === undefined ? `${port}` : (names.byNumber.get(port) ?? `${port >>> 8}/${port & 0xff}`);
  return `${formatProtocol(protocol)}:${text}`;
}
