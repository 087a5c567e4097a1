import { endpointText } from "../../src/kernel/packet-text.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import type { EmulatedNode } from "./emulated-node.ts";

/** Lines of /proc/net/ip_vs_conn, /proc/net/ip_vs and /proc/net/nf_conntrack. */
export interface GuestLists {
  readonly connections: readonly string[];
  readonly services: readonly string[];
  readonly conntrack: readonly string[];
  /** Since the node was made. */
  readonly seconds: number;
}

/** `0A600001` and `0050`, or an IPv6 address in groups (in brackets, where it is a server's). */
function endpoint(address: string, port: string): string {
  const plain = address.replace(/[[\]]/g, "");
  const parsed = plain.includes(":") ? parseIP(plain) : { family: "IPv4" as const, value: Number.parseInt(plain, 16) };
  if (parsed === undefined) throw new RangeError(`no address: ${address}`);
  return endpointText(parsed.family === "IPv4" ? parsed.value : parsed.words, Number.parseInt(port, 16));
}

/** `0A600001:0050` */
function server(text: string): string {
  const colon = text.lastIndexOf(":");
  return endpoint(text.slice(0, colon), text.slice(colon + 1));
}

/** Without the seconds left, which pass while the guest works. */
function connectionsOf(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const [protocol = "", client = "", cport = "", virtual = "", vport = "", real = "", rport = "", state = ""] =
      line.split(/\s+/);
    return [protocol, endpoint(client, cport), endpoint(virtual, vport), endpoint(real, rport), state].join(" ");
  });
}

/** Each real server with its virtual server, its weight and counts. */
function servicesOf(lines: readonly string[]): string[] {
  const found: string[] = [];
  let virtual = "";
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "->") found.push(`${virtual} ${server(words[1] ?? "")} ${words.slice(3).join(" ")}`);
    else virtual = `${words[0]} ${server(words[1] ?? "")}`;
  }
  return found;
}

/** Without the seconds left and how many refer to it. */
const entryOf = (line: string): string =>
  line
    .replace(/(src|dst)=(\S+)/g, (_, end: string, text: string) => {
      const address = parseIP(text);
      return `${end}=${address === undefined ? text : formatIP(address)}`;
    })
    // a UDP flow is assured once its replies go on for two seconds of the guest's own time
    .replace(/^(\S+ +\d+ udp .*) \[ASSURED\]/, "$1")
    .replace(/\s+/g, " ")
    .replace(/^(\S+ \d+ \S+ \d+) \d+ /, "$1 ")
    .replace(/ (?:zone=\d+ )?use=\d+.*$/, "")
    .trim();

function differ(what: string, ours: readonly string[], theirs: readonly string[]): string[] {
  const [mine, kernels] = [new Set(ours), new Set(theirs)];
  return [
    ...ours.filter((each) => !kernels.has(each)).map((each) => `${what}: only in the emulator: ${each}`),
    ...theirs.filter((each) => !mine.has(each)).map((each) => `${what}: only in the kernel: ${each}`),
    ...(ours.length === theirs.length
      ? []
      : [`${what}: ${ours.length} in the emulator, ${theirs.length} in the kernel`]),
  ];
}

/** An emulated node's connections, real servers with their counts, and conntrack entries. */
interface Tables {
  readonly connections: readonly string[];
  readonly services: readonly string[];
  readonly conntrack: readonly string[];
}

export function tablesOf(lab: EmulatedNode): Tables {
  return {
    connections: lab.connections().map((each) => each.slice(0, 5).join(" ")),
    services: lab
      .services()
      .flatMap(([protocol, virtual, , reals]) =>
        (reals as readonly (readonly unknown[])[]).map(
          ([real, , ...counts]) => `${protocol} ${virtual} ${real} ${counts.join(" ")}`,
        ),
      ),
    conntrack: lab.conntrack().map(entryOf),
  };
}

/** The same of a guest. */
export function guestTables({ connections, services, conntrack }: GuestLists): Tables {
  return {
    connections: connectionsOf(connections),
    services: servicesOf(services),
    conntrack: conntrack.map(entryOf),
  };
}

/** Ports and identifiers of connections and conntrack entries. */
export function portsIn({ connections, conntrack }: Tables): readonly number[] {
  const found = [
    ...connections.flatMap((line) => [...line.matchAll(/:(\d+)(?= )/g)]),
    ...conntrack.flatMap((line) => [...line.matchAll(/ (?:sport|dport|id)=(\d+)/g)]),
  ];
  return [...new Set(found.map(([, port]) => Number(port)))];
}

/** How the tables of an emulated node differ from a guest's, and how many entries were compared. */
export function listDifferences(
  lab: EmulatedNode,
  lists: GuestLists,
): { differences: readonly string[]; compared: number } {
  const [ours, theirs] = [tablesOf(lab), guestTables(lists)];
  return {
    differences: [
      ...differ("connections", ours.connections, theirs.connections),
      ...differ("real servers", ours.services, theirs.services),
      ...differ("conntrack", ours.conntrack, theirs.conntrack),
    ],
    compared: ours.connections.length + ours.services.length + ours.conntrack.length,
  };
}
