import type { Chooser } from "../../src/kernel/chooser.ts";
import { formatListing } from "../../src/kernel/conntrack/listing.ts";
import type { Host, HostDescription } from "../../src/kernel/host.ts";
import { listConnections, listServices, secondsLeft } from "../../src/kernel/ipvs/listing.ts";
import { configureIPVS } from "../../src/kernel/ipvs/services.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import type { Packet } from "../../src/kernel/packet.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { receive, send } from "../../src/kernel/run.ts";
import type { IPSet } from "../../src/kernel/sets.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { IPVSTable, VirtualServerKey } from "../../src/rules/ipvs/model.ts";
import { applyCommands } from "./commands.ts";

const NAMES: Readonly<Record<number, string>> = { 6: "TCP", 17: "UDP", 132: "SCTP" };

/** Everything that a packet led to, in any order. */
export function allResults(result: Result): Result[] {
  return [result, ...result.answers.flatMap(allResults)];
}

/** A virtual server as `/proc/net/ip_vs` names it. */
function nameOf(key: VirtualServerKey): readonly [string, string] {
  if (key.kind === "fwmark") return ["FWM", `${key.mark}`];
  const { address, port, protocol } = key;
  return [
    NAMES[protocol] ?? `${protocol}`,
    endpointText(address.family === "IPv4" ? address.value : address.words, port),
  ];
}

/** A host of the emulator with its state, and its tables as /proc lists them. */
export class EmulatedNode {
  readonly state: HostState = new HostState();
  readonly indexed: boolean;
  #description: HostDescription;
  #sets: ReadonlyMap<string, IPSet>;
  #table: IPVSTable;
  #host: Host;

  /** `indexed`: chains are looked up by index, as everywhere else; else every rule is looked at. */
  constructor(description: HostDescription, sets: ReadonlyMap<string, IPSet>, indexed: boolean) {
    this.indexed = indexed;
    this.#description = description;
    this.#sets = sets;
    this.#table = description.ipvs ?? { virtualServers: [] };
    this.#host = makeHost(description, sets);
    this.#configure();
  }

  /** Virtual servers are there from the command on, whether or not a packet asks: a weight that goes before one does was there. */
  #configure(): void {
    configureIPVS(this.#host, this.state);
    listServices(this.#host, this.state);
  }

  get host(): Host {
    return this.#host;
  }

  /** The virtual servers as they are. */
  get table(): IPVSTable {
    return this.#table;
  }

  /** Rules or sets instead of those that were there. */
  replace(change: Partial<HostDescription>, sets: ReadonlyMap<string, IPSet> = this.#sets): void {
    this.#description = { ...this.#description, ...change };
    this.#sets = sets;
    this.#host = makeHost({ ...this.#description, ipvs: this.#table }, sets);
  }

  /** Lines of `ipvsadm -R`, one after the other. */
  balance(lines: string): void {
    for (const table of applyCommands(this.#table, lines)) {
      this.#table = table;
      this.replace({});
      this.#configure();
    }
  }

  /** What becomes of a packet that comes in by an interface, or that the node sends, with all that it led to. */
  results(packet: Packet, from: string | undefined, chooser: Chooser): readonly Result[] {
    const options = { host: this.#host, state: this.state, chooser, indexed: this.indexed };
    return allResults(from === undefined ? send(options, packet) : receive(options, packet, from));
  }

  advance(milliseconds: number): void {
    this.state.advance(milliseconds);
  }

  connections(): readonly (readonly unknown[])[] {
    return listConnections(this.state).map((each) => [
      NAMES[each.protocol] ?? "IP",
      endpointText(each.client, each.clientPort),
      endpointText(each.virtual, each.virtualPort),
      endpointText(each.real, each.realPort),
      each.state,
      secondsLeft(this.state, each),
    ]);
  }

  services(): readonly (readonly unknown[])[] {
    return listServices(this.#host, this.state).map(({ key, description, destinations }) => {
      const { persistence, scheduler } = description;
      const seconds = persistence === undefined ? "" : ` persistent ${persistence.timeout * 100} FFFFFFFF`;
      const reals = destinations.map((each) => [
        endpointText(each.address, each.port),
        "Masq",
        each.weight,
        each.active,
        each.inactive,
      ]);
      return [...nameOf(key), `${typeof scheduler === "string" ? scheduler : ""}${seconds}`, reals];
    });
  }

  conntrack(): readonly string[] {
    return formatListing(this.state, true)
      .split("\n")
      .filter((line) => line !== "");
  }
}
