import type { IPVSCommand, RealServerName } from "../rules/ipvs/command.ts";
import { keyOfCommand } from "../rules/ipvs/command.ts";
import type { IPVSTable, VirtualServerKey } from "../rules/ipvs/model.ts";
import { formatEnd, formatKey } from "../rules/ipvs/spelling.ts";

/** What requests to ip_vs mean. */
export type IPVSEvent =
  | {
      readonly kind: "server-added" | "server-changed" | "server-deleted";
      readonly key: VirtualServerKey;
      /** How many real servers came or went with it. */
      readonly realServers: number;
    }
  | {
      /** `terminating`: weight 0; `returned`: deleted and added again, as it was on the list; `reset`: of weight 1 again. */
      readonly kind: "added" | "deleted" | "terminating" | "returned" | "reset";
      readonly key: VirtualServerKey;
      readonly real: RealServerName;
      /** It had so many, active or not. */
      readonly connections: number;
    };

const sameReal = (a: IPVSCommand, b: IPVSCommand): boolean =>
  "real" in a &&
  "real" in b &&
  formatKey(a.key) === formatKey(b.key) &&
  formatEnd(a.real.address, a.real.port) === formatEnd(b.real.address, b.real.port);

type ServerCommand = Extract<IPVSCommand, { readonly real: RealServerName }>;

function kindOf(command: ServerCommand): "added" | "deleted" | "terminating" | "reset" {
  if (command.kind === "add-server") return "added";
  if (command.kind === "delete-server") return "deleted";
  return command.real.weight === 0 ? "terminating" : "reset";
}

/** How many real servers are added right behind a virtual server. */
function addedBehind(commands: readonly IPVSCommand[], at: number, key: VirtualServerKey): number {
  let count = 0;
  for (let next = commands[at + 1]; next?.kind === "add-server"; next = commands[at + 1 + count]) {
    if (formatKey(next.key) !== formatKey(key)) break;
    count++;
  }
  return count;
}

/** Tells requests in the order in which they are made; `present` is the table before them, with its counts. */
export function ipvsEvents(commands: readonly IPVSCommand[], present: IPVSTable): readonly IPVSEvent[] {
  const known = new Map(present.virtualServers.map((server) => [formatKey(server.key), server.realServers]));
  const countOf = (key: VirtualServerKey, { address, port }: RealServerName): number => {
    const name = formatEnd(address, port);
    const real = known.get(formatKey(key))?.find((each) => formatEnd(each.address, each.port) === name);
    return (real?.connections?.active ?? 0) + (real?.connections?.inactive ?? 0);
  };
  const events: IPVSEvent[] = [];
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i] as IPVSCommand;
    const key = keyOfCommand(command);
    switch (command.kind) {
      case "add-service": {
        const count = addedBehind(commands, i, key);
        i += count;
        events.push({ kind: "server-added", key, realServers: count });
        break;
      }
      case "edit-service":
        events.push({ kind: "server-changed", key, realServers: 0 });
        break;
      case "delete-service":
        events.push({ kind: "server-deleted", key, realServers: known.get(formatKey(key))?.length ?? 0 });
        break;
      default: {
        const { real } = command;
        const connections = countOf(key, real);
        const next = commands[i + 1];
        const returns = command.kind === "delete-server" && next?.kind === "add-server" && sameReal(command, next);
        if (returns) i++;
        events.push({ kind: returns ? "returned" : kindOf(command), key, real, connections });
      }
    }
  }
  return events;
}
