import { fileURLToPath } from "node:url";
import type { IPVSSwitches } from "../../src/kernel/ipvs/switches.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { formatIPSets } from "../../src/rules/ipset/format.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import { formatIPVSCommands } from "../../src/rules/ipvs/format.ts";
import type { IPVSTable, VirtualServer } from "../../src/rules/ipvs/model.ts";
import { decodePacket } from "../kernel/decode.ts";
import { encodePacket } from "../kernel/encode.ts";
import type { Backend } from "../kernel/tools.ts";
import { OUTSIDE } from "./real-names.ts";
import { planNetwork } from "./real-plan.ts";
import type { Place } from "./support.ts";

/** The program that makes the namespaces. */
export const networkProgram: string = fileURLToPath(new URL("../../../test/network/real_network.py", import.meta.url));

/** Whoever runs it. */
export interface NetworkProgram {
  readonly ask: (request: object) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

/** How its taps are made: by rules of nf_tables, or by raw sockets where these know no IP. */
export type TapMeans = "nft" | "raw";

/** A packet where a tap saw it. */
export interface Sighting {
  readonly host: string;
  /** `came`: a node received it from another host, before any rule. `got`: a host's own stack has it. */
  readonly what: "came" | "got";
  readonly interface: string;
  readonly packet: Packet;
}

/** A rule that counted. */
export interface Hit {
  readonly table: string;
  readonly chain: string;
}

interface SendAnswer {
  readonly late: number;
  readonly seen: readonly (readonly [string, Sighting["what"], string, string])[];
}

function sighting([host, what, name, hex]: SendAnswer["seen"][number]): Sighting {
  const packet = decodePacket(Uint8Array.from(Buffer.from(hex, "hex")));
  if (packet === undefined) throw new Error(`the kernel shows bytes that are no IP packet: ${hex}`);
  return { host, what, interface: name, packet };
}

/** The rules of a node as texts; `shorten`: divides the seconds that `recent` rules remember. */
function ruleTexts({ rules }: Place, node: string, backend: Backend, shorten: number): { v4: string; v6: string } {
  const text = (family: "IPv4" | "IPv6"): string =>
    formatSave(rules(node, family), family, { backend }).replace(
      /--seconds (\d+)/g,
      (_, seconds) => `--seconds ${Math.max(1, Math.round(Number(seconds) / shorten))}`,
    );
  return { v4: text("IPv4"), v6: text("IPv6") };
}

/** A virtual server as lines of `ipvsadm -R`, real servers in the order in which they are added. */
function serverLines(server: VirtualServer): string {
  const lines = (realServers: VirtualServer["realServers"]): readonly string[] =>
    formatIPVSCommands({ virtualServers: [{ ...server, realServers }] }).split("\n");
  return [lines([])[0], ...server.realServers.map((real) => lines([real])[1])].map((line) => `${line}\n`).join("");
}

function tableText({ virtualServers, timeouts }: IPVSTable): string {
  const set = timeouts === undefined ? "" : `--set ${timeouts.tcp} ${timeouts.tcpFin} ${timeouts.udp}\n`;
  return `${set}${virtualServers.map(serverLines).join("")}`;
}

function switchSysctls(switches: IPVSSwitches): Record<string, number> {
  const { conntrack, connReuseMode, expireNodestConn, expireQuiescentTemplate } = switches;
  return {
    "net.ipv4.vs.conntrack": Number(conntrack),
    "net.ipv4.vs.conn_reuse_mode": connReuseMode,
    "net.ipv4.vs.expire_nodest_conn": Number(expireNodestConn),
    "net.ipv4.vs.expire_quiescent_template": Number(expireQuiescentTemplate),
  };
}

/** What ipvs mode has on a node beside rules, as `load` takes it. */
function extrasOf({ extras }: Place, node: string): object {
  const found = extras?.(node);
  if (found === undefined) return {};
  const ipset = formatIPSets(new Map(found.sets.map((set) => [set.name, set])));
  return { ipset, sysctls: switchSysctls(found.switches) };
}

/** A place's network in the running kernel: namespaces that end with `stop` and with this process. */
export class RealNetwork {
  readonly #program: NetworkProgram;
  /** Packets that were sent. */
  packets = 0;
  /** Packets that were seen later than they were waited for. */
  late = 0;

  private constructor(program: NetworkProgram) {
    this.#program = program;
  }

  /** Makes the namespaces, joins them, and loads each node's rules. Needs root. */
  static async start(
    place: Place,
    backend: Backend,
    addresses: readonly string[],
    given: { readonly program: NetworkProgram; readonly means: TapMeans; readonly shorten: number },
  ): Promise<RealNetwork> {
    const { program, means, shorten } = given;
    const network = new RealNetwork(program);
    try {
      await network.#program.ask({ op: "start", means, ...planNetwork(place, addresses) });
      for (const host of place.network.nodes) {
        const texts = ruleTexts(place, host, backend, shorten);
        const counters = [...`${texts.v4}${texts.v6}`.matchAll(/--nfacct-name +(\S+)/g)].map((match) => match[1] ?? "");
        await network.#program.ask({
          op: "load",
          host,
          backend,
          ...texts,
          nfacct: [...new Set(counters)],
          ...extrasOf(place, host),
        });
      }
    } catch (error) {
      await network.stop();
      throw error;
    }
    return network;
  }

  /** Lines for `ip -batch` in the routers outside. */
  async routeOutside(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#program.ask({ op: "ip", host: OUTSIDE, lines });
  }

  /** Sends a packet as a process of a host; what the taps saw until nothing more came for `quiet` ms. */
  async send(host: string, packet: Packet, quiet: number): Promise<readonly Sighting[]> {
    const hex = Buffer.from(encodePacket(packet).buffer).toString("hex");
    const answer = (await this.#program.ask({ op: "send", host, hex, quiet })) as SendAnswer;
    this.packets++;
    this.late += answer.late;
    return answer.seen.map(sighting);
  }

  /** Rules of a node that counted since the last time. */
  async hits(host: string): Promise<readonly Hit[]> {
    const { rules } = (await this.#program.ask({ op: "hits", host })) as {
      readonly rules: readonly (readonly [string, string, string, number])[];
    };
    return rules.map(([, table, chain]) => ({ table, chain }));
  }

  /** Nodes get the virtual servers of a place that is this one but for their order, as if they had seen nothing. */
  async balance({ network, extras }: Place): Promise<void> {
    if (extras === undefined) return;
    const hosts = Object.fromEntries(network.nodes.map((name) => [name, tableText(extras(name).ipvs)]));
    await this.#program.ask({ op: "balance", hosts });
  }

  /** Forgets all connections and `recent` lists. */
  async flush(): Promise<void> {
    await this.#program.ask({ op: "flush" });
  }

  async sleep(milliseconds: number): Promise<void> {
    await this.#program.ask({ op: "sleep", ms: milliseconds });
  }

  /** Runs a command in a host's namespace; its output. */
  async run(host: string, argv: readonly string[]): Promise<string> {
    const { out, err } = (await this.#program.ask({ op: "run", host, argv })) as { out: string; err: string };
    return `${out}${err}`;
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}
