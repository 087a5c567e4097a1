import { TextWriter } from "../../text/textwriter.ts";
import type { ForwardingMethod, IPVSTable, RealServer, Tunnel, VirtualServer, VirtualServerKey } from "./model.ts";
import { printedOrder } from "./order.ts";
import {
  familyOfKey,
  formatClientMask,
  formatEnd,
  formatFlags,
  formatKey,
  protocols,
  schedulerName,
} from "./spelling.ts";

const methodOptions: Readonly<Record<ForwardingMethod, string>> = { masquerade: "-m", route: "-g", tunnel: "-i" };

const methodNames: Readonly<Record<ForwardingMethod, string>> = {
  masquerade: "Masq",
  route: "Route",
  tunnel: "Tunnel",
};

function serverCommand(server: VirtualServer, name: string): string {
  const { persistence, persistenceEngine, onePacket, schedulerFlags } = server;
  const mask = persistence === undefined ? undefined : formatClientMask(persistence, familyOfKey(server.key));
  return [
    `-A ${name} -s ${schedulerName(server)}`,
    persistence === undefined ? "" : ` -p ${persistence.timeout}`,
    mask === undefined ? "" : ` -M ${mask}`,
    persistenceEngine === undefined ? "" : ` --pe ${persistenceEngine}`,
    onePacket ? " -o" : "",
    schedulerFlags.length === 0 ? "" : ` -b ${formatFlags(server)}`,
    "\n",
  ].join("");
}

const checksumOptions = { none: "--tun-nocsum", full: "--tun-csum", remote: "--tun-remcsum" } as const;

function tunnelOptions(tunnel: Tunnel | undefined): string {
  if (tunnel === undefined) return " --tun-type ipip";
  const port = tunnel.type === "gue" ? ` --tun-port ${tunnel.port}` : "";
  return ` --tun-type ${tunnel.type}${port} ${checksumOptions[tunnel.checksum]}`;
}

function realServerCommand(real: RealServer, name: string): string {
  const end = formatEnd(real.address, real.port);
  const tunnel = real.method === "tunnel" ? tunnelOptions(real.tunnel) : "";
  return `-a ${name} -r ${end} ${methodOptions[real.method]} -w ${real.weight}${tunnel}\n`;
}

/**
 * What `ipvsadm -Sn` and `ipvsadm-save -n` print (1.31; ipvs-mode §11.2), in their order. As the tool does, it leaves out the
 * thresholds of connections, the counts and the timeouts; `parseIPVSCommands` reads the rest again.
 */
export function formatIPVSCommands(table: IPVSTable): string {
  const out = new TextWriter();
  for (const server of printedOrder(table)) {
    const name = formatKey(server.key);
    out.text(serverCommand(server, name));
    for (const real of server.realServers) out.text(realServerCommand(real, name));
  }
  return out.toString();
}

const LISTING_TITLE = [
  "Prot LocalAddress:Port Scheduler Flags\n",
  "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
].join("");

function keyName(key: VirtualServerKey): string {
  if (key.kind === "fwmark") return `FWM  ${key.mark | 0}${key.family === "IPv6" ? " IPv6" : ""}`;
  const name = protocols.find(({ number }) => number === key.protocol)?.name ?? "";
  return `${name.padEnd(4)} ${formatEnd(key.address, key.port)}`;
}

function serverLine(server: VirtualServer): string {
  const { persistence, persistenceEngine, onePacket, schedulerFlags } = server;
  const mask = persistence === undefined ? undefined : formatClientMask(persistence, familyOfKey(server.key));
  return [
    `${keyName(server.key)} ${schedulerName(server)}`,
    schedulerFlags.length === 0 ? "" : ` (${formatFlags(server)})`,
    persistence === undefined ? "" : ` persistent ${persistence.timeout}`,
    mask === undefined ? "" : ` mask ${mask}`,
    persistence === undefined || persistenceEngine === undefined ? "" : ` pe ${persistenceEngine}`,
    onePacket ? " ops" : "",
    "\n",
  ].join("");
}

function realServerLine(real: RealServer): string {
  const { active, inactive } = real.connections ?? { active: 0, inactive: 0 };
  const end = formatEnd(real.address, real.port).padEnd(28);
  const method = methodNames[real.method].padEnd(7);
  const weight = `${real.weight}`.padEnd(6);
  return `  -> ${end} ${method} ${weight} ${`${active}`.padEnd(10)} ${`${inactive}`.padEnd(10)}\n`;
}

export interface ListingOptions {
  /** Slots of the kernel's connection table, as the first line tells them: 4096 unless said. */
  readonly size?: number;
}

/**
 * What `ipvsadm -Ln` prints (ipvs-mode §11.1), title lines included, in its order; real servers without counts have zeros.
 * Lines of real servers end in blanks, as the tool's do. It shows neither thresholds, tunnel types nor timeouts.
 */
export function formatIPVSListing(table: IPVSTable, options: ListingOptions = {}): string {
  const out = new TextWriter();
  out.text(`IP Virtual Server version 1.2.1 (size=${options.size ?? 4096})\n`);
  out.text(LISTING_TITLE);
  for (const server of printedOrder(table)) {
    out.text(serverLine(server));
    for (const real of server.realServers) out.text(realServerLine(real));
  }
  return out.toString();
}

/** What `ipvsadm -Ln --timeout` prints: the kernel's own values are 900, 120 and 300. */
export function formatIPVSTimeouts({ tcp, tcpFin, udp }: NonNullable<IPVSTable["timeouts"]>): string {
  return `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`;
}
