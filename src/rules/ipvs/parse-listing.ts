import type { Report, Source } from "../../text/diagnostic.ts";
import { readListedRealServer, readListedServer } from "./listing-line.ts";
import type { IPVSTable, RealServer, VirtualServer } from "./model.ts";
import { formatEnd, formatKey } from "./spelling.ts";
import {
  type Fault,
  faultAt,
  isFault,
  type Line,
  linesOf,
  type Noted,
  reportFault,
  shown,
  type Word,
  wordsOf,
} from "./words.ts";

/** What `ipvsadm -Ln` tells. */
export interface IPVSListing {
  readonly table: IPVSTable;
  /** Slots of the kernel's connection table. */
  readonly size?: number;
}

/**
 * Reads what `ipvsadm -Ln` prints (ipvs-mode §11.1), also of one service, without title lines, with `--tun-info`, with the
 * line of `--timeout`, and without `-n` where the names are those of well-known ports. Real servers have the counts of
 * connections, and thresholds of 0, which it does not show. Listings that leave out schedulers or forwarding methods (`--stats`,
 * `--rate`, `--thresholds`, `--persistent-conn`, /proc/net/ip_vs) are refused with a warning that names the one to make. A line
 * with a fault is reported with its place and left out, of a virtual server with its real servers. The order of servers
 * is that of the text, which is not that of their adding.
 */
export function parseIPVSListing(source: Source, report: Report, noted: Noted = () => undefined): IPVSListing {
  const reader = new ListingReader(source, report, noted);
  for (const line of linesOf(source)) reader.line(line);
  return reader.listing();
}

interface OpenServer {
  readonly server: Omit<VirtualServer, "realServers">;
  readonly realServers: Map<string, RealServer>;
}

/** The columns behind real servers. `other`: not those of a configuration. */
type Columns = "plain" | "tunnels" | "other";

const TITLE = /^IP Virtual Server version \S+ \(size=(\d{1,10})\)/;
const TIMEOUT = /^Timeout \(tcp tcpfin udp\): (\d{1,10}) (\d{1,10}) (\d{1,10})\s*$/;

class ListingReader {
  readonly #source: Source;
  readonly #report: Report;
  readonly #noted: Noted;
  readonly #servers = new Map<string, OpenServer>();
  #columns: Columns = "plain";
  #size: number | undefined;
  #timeouts: IPVSTable["timeouts"];
  /** The virtual server that real servers belong to; none behind a line with a fault. */
  #current: OpenServer | "none" | "faulty" = "none";

  constructor(source: Source, report: Report, noted: Noted) {
    this.#source = source;
    this.#report = report;
    this.#noted = noted;
  }

  listing(): IPVSListing {
    const virtualServers = [...this.#servers.values()].map(({ server, realServers }) => ({
      ...server,
      realServers: [...realServers.values()],
    }));
    const table = { virtualServers, ...(this.#timeouts === undefined ? {} : { timeouts: this.#timeouts }) };
    return { table, ...(this.#size === undefined ? {} : { size: this.#size }) };
  }

  line(line: Line): void {
    const words = wordsOf(line);
    const [first, second] = words;
    if (first === undefined || first.text.startsWith("#") || this.#title(line, first, second)) return;
    if (this.#columns === "other") return;
    const fault = first.text === "->" ? this.#realServer(words) : this.#server(words);
    if (fault !== undefined) reportFault(fault, this.#source, this.#report);
  }

  #title({ text, offset }: Line, first: Word, second: Word | undefined): boolean {
    const size = TITLE.exec(text)?.[1];
    if (size !== undefined) {
      this.#size = Number(size);
      return true;
    }
    const times = TIMEOUT.exec(text);
    if (times !== null) {
      this.#timeouts = { tcp: Number(times[1]), tcpFin: Number(times[2]), udp: Number(times[3]) };
      return true;
    }
    const isFirst = first.text === "Prot" && second?.text === "LocalAddress:Port";
    const isSecond = first.text === "->" && second?.text === "RemoteAddress:Port";
    if (isFirst) this.#columns = /^Prot LocalAddress:Port Scheduler Flags\s*$/.test(text) ? "plain" : "other";
    // one blank: the kernel's own list, whose numbers are hexadecimal
    if (isSecond && / TunnelInfo /.test(text)) this.#columns = "tunnels";
    else if (isSecond && /RemoteAddress:Port Forward/.test(text)) this.#columns = "other";
    else if (!isFirst || this.#columns !== "other") return isFirst || isSecond;
    const message = "this listing does not show a whole configuration and is left out: dump with ipvsadm -Sn or -Ln";
    const place = { source: this.#source, offset };
    if (this.#columns === "other") this.#report({ severity: "warning", code: "listing-not-whole", message, place });
    return true;
  }

  #server(words: readonly Word[]): Fault | undefined {
    this.#current = "faulty";
    const server = readListedServer(words);
    if (isFault(server)) return server;
    const name = formatKey(server.key);
    if (this.#servers.has(name))
      return faultAt("server-exists", `there is a virtual server ${name} already`, words[0] as Word);
    if (typeof server.scheduler !== "string") {
      const message = `there is no scheduler ${shown(server.scheduler.unknown)} in the kernel`;
      const place = { source: this.#source, offset: (words[0] as Word).offset };
      this.#report({ severity: "warning", code: "unknown-scheduler", message, place });
    }
    this.#current = { server, realServers: new Map() };
    this.#servers.set(name, this.#current);
    this.#noted(name, (words[0] as Word).offset);
    return undefined;
  }

  #realServer(words: readonly Word[]): Fault | undefined {
    const [arrow] = words as readonly [Word];
    if (this.#current === "faulty") return undefined;
    if (this.#current === "none")
      return faultAt("no-such-server", "a real server without a virtual one above it", arrow);
    const real = readListedRealServer(words, this.#columns === "tunnels");
    if (isFault(real)) return real;
    const { server, realServers } = this.#current;
    const name = formatEnd(real.address, real.port);
    if (realServers.has(name)) return faultAt("real-server-exists", `there is a real server ${name} already`, arrow);
    realServers.set(name, real);
    this.#noted(`${formatKey(server.key)} ${name}`, arrow.offset);
    return undefined;
  }
}
