import { countedTable } from "../kernel/ipvs/counted-table.ts";
import { int32, object, type Schema, string } from "../manifest/schema.ts";
import type { VirtualServerKey } from "../rules/ipvs/model.ts";
import { formatEnd, formatKey } from "../rules/ipvs/spelling.ts";
import { serviceIn } from "./addresses.ts";
import { namesOn } from "./ipvs-names.ts";
import { serverText } from "./ipvs-story.ts";
import { ipvsTableOf } from "./ipvs-table.ts";
import type { ScriptPath } from "./step.ts";
import type { World } from "./world.ts";

/** What is expected of real servers in a node's ip_vs; what is absent is not looked at. */
export interface ServerWish {
  readonly node?: string;
  /** `NAMESPACE/NAME` of the Service. */
  readonly of?: string;
  /** `ADDRESS:PORT` of the virtual server. */
  readonly to?: string;
  /** `ADDRESS:PORT` of the real server, or `none`. */
  readonly endpoint?: string;
  readonly weight?: number;
  /** Connections as `ipvsadm -Ln` counts them. */
  readonly active?: number;
  readonly inactive?: number;
  /** So many real servers are like that; at least one unless it is said. */
  readonly count?: number;
}

export const serverWishSchema: Schema = object({
  node: string,
  of: string,
  to: string,
  endpoint: string,
  weight: int32,
  active: int32,
  inactive: int32,
  count: int32,
});

const fits = <T>(wish: T | undefined, actual: T): boolean => wish === undefined || wish === actual;

const endOf = (key: VirtualServerKey): string => (key.kind === "address" ? formatEnd(key.address, key.port) : "");

/** What is not as expected of the real servers of a node. */
export function checkServer(world: World, node: string, wish: ServerWish, at: ScriptPath): readonly string[] {
  const service = wish.of === undefined ? undefined : serviceIn(world, wish.of, [...at, "of"]);
  const names = namesOn(node, world.scene);
  const isOf = (key: VirtualServerKey): boolean => {
    const name = names.get(formatKey(key));
    const isService = service === undefined || name === service || name?.startsWith(`${service}:`) === true;
    return isService && fits(wish.to, endOf(key));
  };
  const { virtualServers } = countedTable(ipvsTableOf(world, node, at), world.state.of(node));
  const all = virtualServers
    .filter(({ key }) => isOf(key))
    .flatMap(({ key, realServers }) =>
      realServers.map(({ address, port, weight, connections }) => ({
        end: formatEnd(address, port),
        weight,
        active: connections?.active ?? 0,
        inactive: connections?.inactive ?? 0,
        server: serverText(key),
      })),
    );
  const isAsked = wish.endpoint !== undefined && wish.endpoint !== "none";
  const found = all.filter(
    ({ end, weight, active, inactive }) =>
      (!isAsked || end === wish.endpoint) &&
      fits(wish.weight, weight) &&
      fits(wish.active, active) &&
      fits(wish.inactive, inactive),
  );
  const count = wish.count ?? (wish.endpoint === "none" ? 0 : undefined);
  if (count === undefined ? found.length > 0 : found.length === count) return [];
  const wanted = count === undefined ? "at least one real server like that" : `${count} real servers like that`;
  const there = all.map(
    ({ end, weight, active, inactive, server }) =>
      `${end} of ${server}, weight ${weight}, ${active} active, ${inactive} inactive`,
  );
  return [`expected ${wanted} on ${node}, found ${found.length}; there are: ${there.join("; ") || "none"}`];
}
