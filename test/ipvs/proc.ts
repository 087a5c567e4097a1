import { endpointText } from "../../src/kernel/packet-text.ts";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import type { Lab } from "./lab.ts";

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

/** How the tables of an emulated node differ from a guest's, and how many entries were compared. */
export function listDifferences(lab: Lab, lists: GuestLists): { differences: readonly string[]; compared: number } {
  const connections = lab.connections().map((each) => each.slice(0, 5).join(" "));
  const services = lab
    .services()
    .flatMap(([protocol, virtual, , reals]) =>
      (reals as readonly (readonly unknown[])[]).map(
        ([real, , ...counts]) => `${protocol} ${virtual} ${real} ${counts.join(" ")}`,
      ),
    );
  const entries = lab.conntrack().map(entryOf);
  return {
    differences: [
      ...differ("connections", connections, connectionsOf(lists.connections)),
      ...differ("real servers", services, servicesOf(lists.services)),
      ...differ("conntrack", entries, lists.conntrack.map(entryOf)),
    ],
    compared: connections.length + services.length + entries.length,
  };
}
