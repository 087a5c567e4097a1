import { formatIP, formatIPv4, type IPAddress } from "../net/ip.ts";
import type { RealServer, VirtualServer } from "../rules/ipvs/model.ts";
import { familyOfKey, formatEnd, formatKey } from "../rules/ipvs/spelling.ts";
import type { Place, Severity } from "../text/diagnostic.ts";
import type { Finding } from "./finding.ts";
import type { ServersDump } from "./read-servers.ts";
import { serverTitle } from "./server-words.ts";

/** The device that kube-proxy binds the addresses of Services to. */
const DEVICE = "kube-ipvs0";

/** How bad each is: a Service without ready endpoints, and one whose endpoints go, are states that are normal. */
const severities = {
  "no-real-servers": "note",
  "no-weight": "warning",
  "draining-real-server": "note",
  "left-over-real-server": "warning",
  "client-mask": "warning",
  "address-not-bound": "error",
  "address-without-server": "warning",
} as const satisfies Readonly<Record<string, Severity>>;

type Say = (code: keyof typeof severities, place: Place, message: string) => void;

/**
 * The faults of virtual servers that can be told without objects: none or no willing real servers, real servers that are
 * drained, masks that group clients oddly; and where the addresses of the node are known, virtual servers whose address is not one
 * of them, and addresses of kube-ipvs0 that no virtual server has.
 */
export function checkServers(
  dump: ServersDump,
  addresses: ReadonlyMap<string, readonly IPAddress[]> | undefined,
  report: (finding: Finding) => void,
): void {
  const say: Say = (code, place, message) => report({ severity: severities[code], code, message, place });
  for (const server of dump.table.virtualServers) {
    checkRealServers(server, dump, say);
    checkMask(server, dump, say);
  }
  if (addresses !== undefined) checkAddresses(dump, addresses, say);
}

function checkRealServers(server: VirtualServer, { placeOf, isWhole }: ServersDump, say: Say): void {
  const { key, realServers } = server;
  const name = formatKey(key);
  const title = serverTitle(key);
  const effect = "new connections are answered with ICMP port unreachable";
  const willing = realServers.filter(({ weight }) => weight > 0);
  // a line that cannot be read may have one
  if (willing.length === 0 && !isWhole) return;
  if (realServers.length === 0) {
    const why = "kube-proxy leaves it so where a Service has no ready endpoint";
    say("no-real-servers", placeOf(name), `${title} has no real servers: ${effect}; ${why}`);
    return;
  }
  if (willing.length === 0) {
    say("no-weight", placeOf(name), `all real servers of ${title} have weight 0: ${effect}`);
    return;
  }
  for (const real of realServers) if (real.weight === 0) checkDrained(real, name, title, placeOf, say);
}

function checkDrained(real: RealServer, name: string, title: string, placeOf: ServersDump["placeOf"], say: Say): void {
  const end = formatEnd(real.address, real.port);
  const place = placeOf(`${name} ${end}`);
  const { connections } = real;
  if (connections === undefined || connections.active + connections.inactive > 0) {
    const left = connections === undefined ? "" : `, ${connections.active + connections.inactive} are left`;
    say("draining-real-server", place, `${end} of ${title} has weight 0: it gets no new connections${left}`);
    return;
  }
  const message = `${end} of ${title} has weight 0 and no connections: kube-proxy takes it away within a minute, if it runs`;
  say("left-over-real-server", place, message);
}

function checkMask({ key, persistence }: VirtualServer, { placeOf }: ServersDump, say: Say): void {
  if (persistence?.mask === undefined || familyOfKey(key) !== "IPv4") return;
  const mask = formatIPv4(persistence.mask);
  const why = "its ones are not all in front; ipvsadm -M takes a dotted mask, a number is no prefix length";
  say("client-mask", placeOf(formatKey(key)), `clients of ${serverTitle(key)} are grouped by the mask ${mask}: ${why}`);
}

function checkAddresses(
  { table, placeOf }: ServersDump,
  addresses: ReadonlyMap<string, readonly IPAddress[]>,
  say: Say,
): void {
  const bound = new Set([...addresses.values()].flatMap((own) => own.map(formatIP)));
  const used = new Set<string>();
  const missing = new Set<string>();
  for (const { key } of table.virtualServers) {
    if (key.kind !== "address") continue;
    const address = formatIP(key.address);
    used.add(address);
    if (bound.has(address) || missing.has(address)) continue;
    missing.add(address);
    const effect = "packets to it from outside are forwarded or dropped and never meet the virtual server";
    say(
      "address-not-bound",
      placeOf(formatKey(key)),
      `${address} is no address of the node: ${effect}; kube-proxy binds it to ${DEVICE}`,
    );
  }
  const idle = (addresses.get(DEVICE) ?? []).map(formatIP).filter((address) => !used.has(address));
  if (idle.length === 0) return;
  const shown = `${idle.slice(0, 5).join(", ")}${idle.length > 5 ? ` and ${idle.length - 5} more` : ""}`;
  const message = `${DEVICE} has ${shown}, which no virtual server has: packets to it end on this node`;
  say("address-without-server", placeOf(""), message);
}
