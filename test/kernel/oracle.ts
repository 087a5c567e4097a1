import { fileURLToPath } from "node:url";
import type { Packet } from "../../src/kernel/packet.ts";
import { decodePacket } from "./decode.ts";
import { encodePacket } from "./encode.ts";
import { PythonProgram } from "./python-program.ts";
import type { Batch, LoggedPacket, Observation, ObservedEntry, RuleHit, SeenPacket, Step } from "./step.ts";
import type { Backend } from "./tools.ts";
import { ipCommands, type Topology } from "./topology.ts";

const PROGRAM = fileURLToPath(new URL("../../../test/kernel/namespace.py", import.meta.url));

/** Rules for both families, as the restore tools read them. What is absent stays as it is. */
export interface RuleTexts {
  readonly backend: Backend;
  readonly v4?: string;
  readonly v6?: string;
  /** For `ipset restore`, before the rules. */
  readonly ipset?: string;
  /** Counter objects that the rules name. */
  readonly nfacct?: readonly string[];
  readonly sysctls?: Readonly<Record<string, number>>;
}

export type CounterMode = "none" | "packet" | "batch";

/** What the node's own tools print of it: an emulated host can be made from these texts as from a real node's. */
export interface HostDumps {
  readonly addresses: string;
  readonly routes4: string;
  readonly routes6: string;
  readonly rules4: string;
  readonly rules6: string;
  readonly sysctls: string;
}

type SeenRow = readonly [string, number | null, string];
type HitRow = readonly [string, string, string, number, number];
interface SeenRecord {
  /** Milliseconds of a clock that only goes forward. */
  readonly t: number;
  readonly u: number;
  readonly e?: string;
  readonly o?: readonly SeenRow[];
  readonly l?: readonly SeenRow[];
  readonly g?: readonly (readonly [number, string, string | null, string | null, number, string])[];
  readonly c?: readonly HitRow[];
}

function readBytes(hex: string): { readonly bytes: Uint8Array; readonly packet: Packet } {
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  const packet = decodePacket(bytes);
  if (packet === undefined) throw new Error(`the kernel shows bytes that are no IP packet: ${hex}`);
  return { bytes, packet };
}

const seenPacket = ([name, mark, hex]: SeenRow): SeenPacket => ({
  interface: name,
  mark: mark ?? undefined,
  ...readBytes(hex),
});

const ruleHit = ([family, table, chain, number, packets]: HitRow): RuleHit => ({
  family,
  table,
  chain,
  number,
  packets,
});

function observation({ t, u, e, o = [], l = [], g = [], c = [] }: SeenRecord): Observation {
  const logged = g.map(([group, prefix, came, leaves, mark, hex]): LoggedPacket => {
    const packet = hex === "" ? undefined : readBytes(hex).packet;
    return { group, prefix, inInterface: came ?? undefined, outInterface: leaves ?? undefined, mark, packet };
  });
  return { at: t, until: u, errno: e, out: o.map(seenPacket), local: l.map(seenPacket), logged, rules: c.map(ruleHit) };
}

/** A node in the running kernel: a network namespace of its own that ends with `stop` and with this process. */
export class Oracle {
  readonly #program: PythonProgram;

  private constructor(lockFile: string) {
    this.#program = new PythonProgram(PROGRAM, lockFile);
  }

  /** Makes the node. Needs root; `lockFile` stands in for xtables' lock, `logGroups` are the NFLOG groups to show. */
  static async start(topology: Topology, lockFile: string, logGroups: readonly number[] = []): Promise<Oracle> {
    const oracle = new Oracle(lockFile);
    const interfaces = topology.interfaces.map(({ name }) => name);
    const [ip4, ip6] = [ipCommands(topology, "IPv4"), ipCommands(topology, "IPv6")];
    await oracle.#ask({ op: "start", interfaces, ip4, ip6, sysctls: topology.sysctls, logGroups });
    return oracle;
  }

  #ask(request: object): Promise<unknown> {
    return this.#program.ask(request);
  }

  /** Loads rules in place of those of the same tables, and empties the conntrack table. Throws what a tool refused. */
  async load(rules: RuleTexts): Promise<void> {
    await this.#ask({ op: "load", ...rules });
  }

  /** Sends packets one after the other and tells what the kernel did with each. */
  async send(steps: readonly Step[], counters: CounterMode = "none"): Promise<Batch> {
    const items = steps.map(({ packet, from, mark, uid, gid }) => {
      const bytes = encodePacket(packet);
      return [from ?? "", Buffer.from(bytes.buffer).toString("hex"), mark, uid, gid];
    });
    const answer = (await this.#ask({ op: "packets", items, counters })) as {
      readonly seen: readonly SeenRecord[];
      readonly seconds: number;
      readonly late: number;
      readonly c?: readonly HitRow[];
    };
    // whatever arrives after its own packet was done would be taken for the next packet's
    if (answer.late > 0) throw new Error(`${answer.late} packets came late`);
    const rules = (answer.c ?? []).map(ruleHit);
    return { observations: answer.seen.map(observation), rules, seconds: answer.seconds };
  }

  /** The conntrack table of both families, and the time when it was read. */
  async conntrack(): Promise<{ readonly entries: readonly ObservedEntry[]; readonly at: number }> {
    const answer = (await this.#ask({ op: "conntrack" })) as {
      readonly entries: readonly ObservedEntry[];
      readonly t: number;
    };
    return { entries: answer.entries, at: answer.t };
  }

  /** Packets and bytes of the counter objects. */
  async nfacct(): Promise<ReadonlyMap<string, readonly [number, number]>> {
    const { objects } = (await this.#ask({ op: "nfacct" })) as { readonly objects: Record<string, [number, number]> };
    return new Map(Object.entries(objects));
  }

  async flushConntrack(): Promise<void> {
    await this.#ask({ op: "flush" });
  }

  async sleep(milliseconds: number): Promise<void> {
    await this.#ask({ op: "sleep", ms: milliseconds });
  }

  /** Runs a command in the namespace; its output. Throws when it fails. */
  async run(argv: readonly string[], stdin?: string): Promise<string> {
    const request = stdin === undefined ? { op: "run", argv } : { op: "run", argv, stdin };
    const { code, out, err } = (await this.#ask(request)) as { code: number; out: string; err: string };
    if (code !== 0) throw new Error(`${argv.join(" ")}: ${err.trim()}`);
    return out;
  }

  /** What the node's tools tell about it. */
  async dumps(): Promise<HostDumps> {
    const ip = (...words: string[]): Promise<string> => this.run(["ip", "-j", ...words]);
    return {
      addresses: await ip("addr"),
      routes4: await ip("-4", "route", "show", "table", "all"),
      routes6: await ip("-6", "route", "show", "table", "all"),
      rules4: await ip("-4", "rule"),
      rules6: await ip("-6", "rule"),
      sysctls: await this.run(["sysctl", "-a", "--pattern", "^net\\."]),
    };
  }

  /** Ends the namespace with all that is in it. */
  stop(): Promise<void> {
    return this.#program.stop();
  }
}
