import type { Address } from "../../src/kernel/packet.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIP } from "../../src/net/ip.ts";

/** A frontend that rules name: packets to it are likely to be translated. */
export interface Frontend {
  /** Absent when any address of the node will do. */
  readonly address: Address | undefined;
  /** Absent when any protocol will do. */
  readonly protocol: number | undefined;
  readonly port: number | undefined;
}

/** What a rule set speaks of, so that packets can be made that its rules look at. */
export interface RuleConstants {
  readonly addresses: readonly Address[];
  /** Those of the nat table, or all when it has none. */
  readonly frontends: readonly Frontend[];
  readonly ports: readonly number[];
  readonly marks: readonly number[];
  readonly uids: readonly number[];
}

/** The address of a text in the form of `Packet`; `undefined` when it is of the other family. */
export function addressOf(text: string, family: IPFamily): Address | undefined {
  const ip = parseIP(text);
  if (ip === undefined || ip.family !== family) return undefined;
  return ip.family === "IPv4" ? ip.value : ip.words;
}

/** The addresses of a family among texts that may have a prefix length. (`flatMap` would take the words of IPv6 addresses apart.) */
export function addressesOf(texts: readonly string[], family: IPFamily): Address[] {
  return texts.map((text) => addressOf(text.split("/")[0] ?? "", family)).filter((address) => address !== undefined);
}

export function addressKey(address: Address): string {
  return typeof address === "number" ? String(address) : address.join(":");
}

const WORD = /(?<![\w.:])(?:\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:]+)(?:\/(\d+))?/g;
const PORTS = /--(?:dports?|sports?|ports|to-ports|ctorigdstport|ctorigsrcport) ([\d,:-]+)/g;
const DESTINATION_PORTS = /--dports? ([\d,:]+)/;
const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132, udplite: 136, icmp: 1 };

/** A network stands for a machine in it; a single address for itself. */
function oneAddress(text: string, length: string | undefined, family: IPFamily): Address | undefined {
  const address = addressOf(text, family);
  const whole = family === "IPv4" ? 32 : 128;
  if (address === undefined || length === undefined || Number(length) === whole) return address;
  if (Number(length) === 0) return undefined;
  return typeof address === "number"
    ? (address | 5) >>> 0
    : [address[0], address[1], address[2], (address[3] | 5) >>> 0];
}

/** Single ports and the ends of ranges. */
const portsIn = (list: string): number[] =>
  list
    .split(/[,:-]/)
    .map(Number)
    .filter((port) => port >= 0 && port <= 0xffff);

/** What a rule takes apart by destination; a rule that translates needs no port for it. */
function frontendsOf(line: string, family: IPFamily): Frontend[] {
  const ports = DESTINATION_PORTS.exec(line)?.[1];
  const protocol = PROTOCOL_NUMBERS[/ -p (\w+)/.exec(line)?.[1] ?? ""];
  const destination = /(?<!! )-d ([^\s/]+)(?:\/(\d+))?/.exec(line);
  const address = destination === null ? undefined : oneAddress(destination[1] ?? "", destination[2], family);
  if (line.includes("! -p") || (ports !== undefined && protocol === undefined)) return [];
  if (ports !== undefined) return portsIn(ports).map((port) => ({ address, protocol, port }));
  return address !== undefined && /-j (?:DNAT|NETMAP|REDIRECT)/.test(line)
    ? [{ address, protocol, port: undefined }]
    : [];
}

/** Members of sets that hold an address, a protocol and a port: kube-router's and Calico's frontends. */
function setFrontends(ipset: string, family: IPFamily): Frontend[] {
  const members = [...ipset.matchAll(/^add \S+ ([^\s,]+),(tcp|udp|sctp):(\d+)/gm)];
  return members.flatMap(([, text = "", protocol = "", port]) => {
    const address = addressOf(text, family);
    return address === undefined ? [] : [{ address, protocol: PROTOCOL_NUMBERS[protocol] ?? 6, port: Number(port) }];
  });
}

const unique = <T>(list: readonly T[], key: (value: T) => unknown = (value) => value): T[] => [
  ...new Map(list.map((value) => [key(value), value])).values(),
];

function numbersIn(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map((match) => Number(match[1]) >>> 0);
}

/** Reads the constants out of restore texts and sets by their form alone: what the project's own reader knows plays no part. */
export function readConstants(rules: string, ipset: string, family: IPFamily): RuleConstants {
  const lines = rules.split("\n").filter((line) => line.startsWith("-A"));
  const spoken = [...lines, ...ipset.split("\n")].map((line) => line.replace(/"[^"]*"/g, ""));
  const addresses = spoken
    .flatMap((line) => [...line.matchAll(WORD)])
    .map(([text, length]) => oneAddress(text.split("/")[0] ?? "", length, family))
    .filter((address) => address !== undefined);
  const nat =
    /^\*nat$[\s\S]*?^COMMIT$/m
      .exec(rules)?.[0]
      .split("\n")
      .filter((line) => line.startsWith("-A")) ?? [];
  const translated = [...nat.flatMap((line) => frontendsOf(line, family)), ...setFrontends(ipset, family)];
  const frontends = translated.length > 0 ? translated : lines.flatMap((line) => frontendsOf(line, family));
  const ports = lines.flatMap((line) => [...line.matchAll(PORTS)].flatMap((match) => portsIn(match[1] ?? "")));
  return {
    addresses: unique(addresses, addressKey),
    frontends: unique(frontends, (one) => JSON.stringify(one)),
    ports: unique(ports),
    marks: unique(numbersIn(rules, /--(?:mark|set-xmark|set-mark) (0x[0-9a-f]+|\d+)/g)),
    uids: unique(numbersIn(rules, /--uid-owner (\d+)/g)),
  };
}
