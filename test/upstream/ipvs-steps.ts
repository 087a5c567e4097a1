import { compileIPVS } from "../../src/compile/ipvs/compile.ts";
import { emptyGracefulList, type GracefulList, planSync, planTick } from "../../src/compile/ipvs/sync-plan.ts";
import { formatIP } from "../../src/net/ip.ts";
import { type IPVSCommand, keyOfCommand, type RealServerName } from "../../src/rules/ipvs/command.ts";
import { formatIPVSListing } from "../../src/rules/ipvs/format.ts";
import type { IPVSTable, RealServer, VirtualServer, VirtualServerKey } from "../../src/rules/ipvs/model.ts";
import { families } from "./compare.ts";
import { questionOf, readState } from "./feed.ts";
import type { Recorded } from "./records.ts";

/** What records of several steps tell of ip_vs. */
interface RecordedIPVS {
  readonly operations: readonly string[];
  readonly "ipvsadm-Ln": string;
}

interface StepWords {
  readonly elapsedSeconds?: number;
  readonly failWrites?: boolean;
  readonly ipvsConnections?: readonly {
    readonly vs: string;
    readonly rs: string;
    readonly active: number;
    readonly inactive: number;
  }[];
}

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "TCP", 17: "UDP", 132: "SCTP" };

function endText({ address, port }: RealServerName): string {
  return address.family === "IPv4" ? `${formatIP(address)}:${port}` : `[${formatIP(address)}]:${port}`;
}

/** `10.96.0.10:80/TCP` */
function serverText(key: VirtualServerKey): string {
  return key.kind === "fwmark" ? `mark ${key.mark}` : `${endText(key)}/${PROTOCOLS[key.protocol]}`;
}

/** A request as the records tell it. */
function operationText(command: IPVSCommand): string {
  const server = serverText(keyOfCommand(command));
  switch (command.kind) {
    case "add-service":
      return `add vs ${server}`;
    case "edit-service":
      return `update vs ${server}`;
    case "delete-service":
      return `delete vs ${server}`;
    case "add-server":
      return `add rs ${server} ${endText(command.real)}`;
    case "edit-server":
      return `update rs ${server} ${endText(command.real)} weight ${command.real.weight}`;
    case "delete-server":
      return `delete rs ${server} ${endText(command.real)}`;
  }
}

/** A stand-in for the kernel, as simple as that of the records: maps, and counts that somebody sets. */
class FakeIPVS {
  readonly #servers = new Map<string, { server: Omit<VirtualServer, "realServers">; reals: Map<string, RealServer> }>();
  readonly #counts = new Map<string, { active: number; inactive: number }>();

  count(server: string, real: string, active: number, inactive: number): void {
    this.#counts.set(`${server} ${real}`, { active, inactive });
  }

  apply(command: IPVSCommand): void {
    const name = serverText(keyOfCommand(command));
    const found = this.#servers.get(name);
    switch (command.kind) {
      case "add-service":
        if (found !== undefined) throw new Error(`${name} is there already`);
        this.#servers.set(name, { server: command.server, reals: new Map() });
        return;
      case "edit-service":
        if (found === undefined) throw new Error(`no ${name}`);
        found.server = command.server;
        return;
      case "delete-service":
        if (!this.#servers.delete(name)) throw new Error(`no ${name}`);
        return;
      default: {
        const real = endText(command.real);
        if (found === undefined || found.reals.has(real) === (command.kind === "add-server"))
          throw new Error(operationText(command));
        if (command.kind === "delete-server") found.reals.delete(real);
        else found.reals.set(real, command.real);
      }
    }
  }

  table(): IPVSTable {
    return {
      virtualServers: [...this.#servers].map(([name, { server, reals }]) => ({
        ...server,
        realServers: [...reals].map(([real, each]) => {
          const connections = this.#counts.get(`${name} ${real}`);
          return connections === undefined ? each : { ...each, connections };
        }),
      })),
    };
  }
}

/** Lines of a listing, a virtual server's real servers in any order. */
function canonicalListing(text: string): string {
  const [title = "", head = "", columns = "", ...lines] = text.split("\n");
  const blocks: string[][] = [];
  for (const line of lines.filter((each) => each !== "")) {
    if (line.startsWith("  ->")) blocks.at(-1)?.push(line);
    else blocks.push([line]);
  }
  const sorted = blocks.map(([server = "", ...reals]) => [server, ...reals.sort()].join("\n")).sort();
  return [title, head, columns, ...sorted].join("\n");
}

/** The planner's two functions, or ones that are wrong on purpose. */
export interface Planner {
  readonly sync: typeof planSync;
  readonly tick: typeof planTick;
}

const AN_INTERVAL = 60;

/**
 * Plays the steps of a record with the planner on a stand-in for the kernel, and compares requests and listing with what the real
 * kube-proxy asked for and made. One family after the other, in each step first the minute's try, then the pass, as the records do.
 */
export function compareIPVSSteps(
  record: Recorded,
  planner: Planner = { sync: planSync, tick: planTick },
): { readonly steps: number; readonly operations: readonly string[]; readonly failures: readonly string[] } {
  const kernel = new FakeIPVS();
  const lists = new Map<string, GracefulList>();
  const failures: string[] = [];
  const seen: string[] = [];
  record.request.steps.forEach((words, number) => {
    const {
      elapsedSeconds = 0,
      failWrites = false,
      ipvsConnections = [],
    } = (Array.isArray(words) ? {} : words) as StepWords;
    for (const { vs, rs, active, inactive } of ipvsConnections) kernel.count(vs, rs, active, inactive);
    const operations: string[] = [];
    const run = (commands: readonly IPVSCommand[]): void => {
      for (const command of commands) {
        // a pass that cannot write its rules ends before it deletes what is stale
        if (failWrites && command.kind === "delete-service") continue;
        kernel.apply(command);
        operations.push(operationText(command));
      }
    };
    for (const [family] of families) {
      const state = readState(
        { ...questionOf(record, number), config: { ...record.request.config, mode: "ipvs" } },
        family,
      );
      let list = lists.get(family) ?? emptyGracefulList;
      if (elapsedSeconds >= AN_INTERVAL) {
        const { commands, graceful } = planner.tick(kernel.table(), list);
        run(commands);
        list = graceful;
      }
      const wanted = { family, virtualServers: compileIPVS(state).table.virtualServers, ...state.ipvs };
      const { commands, graceful } = planner.sync(kernel.table(), list, wanted);
      run(commands);
      lists.set(family, graceful);
    }
    seen.push(...operations);
    const theirs = (record.answer.steps[number] as unknown as { readonly ipvs: RecordedIPVS }).ipvs;
    const ours = operations.sort().join("\n");
    const want = [...theirs.operations].sort().join("\n");
    if (ours !== want) failures.push(`${record.name} step ${number}: theirs\n${want}\nours\n${ours}`);
    const [listed, recorded] = [formatIPVSListing(kernel.table()), theirs["ipvsadm-Ln"]].map(canonicalListing);
    if (listed !== recorded) failures.push(`${record.name} step ${number}: theirs\n${recorded}\nours\n${listed}`);
  });
  return { steps: record.request.steps.length, operations: seen, failures };
}
