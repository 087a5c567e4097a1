import type { ClusterNetwork } from "../assembly/cluster-network.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { NetworkState } from "../network/network-state.ts";
import { type Cell, matrixCell } from "./cell.ts";
import { type Frontend, matrixFrontends } from "./frontends.ts";
import { shapesOf } from "./shape.ts";
import type { Source } from "./sources.ts";

/** A frontend and what becomes of packets of each source. */
export interface MatrixRow {
  readonly frontend: Frontend;
  /** One for each source, in their order. */
  readonly cells: readonly Cell[];
}

/** What the health check port of a Service answers on each node. */
export interface HealthRow {
  readonly service: string;
  readonly port: number;
  readonly answers: readonly { readonly node: string; readonly status: 200 | 503 }[];
}

/** Who reaches which Service, and how. */
export interface Matrix {
  readonly sources: readonly Source[];
  readonly rows: readonly MatrixRow[];
  readonly health: readonly HealthRow[];
}

export interface MatrixOptions {
  /** Chooses Services by `NAMESPACE/NAME`; all when absent. */
  readonly wanted?: (service: string) => boolean;
}

/** kube-proxy's answers by its own count of ready local endpoints, itself being well (iptables-mode §5.3). */
function healthRows(
  { network, proxy }: ClusterNetwork,
  nodes: readonly string[],
  wanted: (service: string) => boolean,
): readonly HealthRow[] {
  const found = new Map<string, { readonly port: number; readonly answers: Map<string, 200 | 503> }>();
  for (const node of network.nodes.filter((name) => nodes.includes(name)))
    for (const family of ipFamilies)
      for (const [service, { port, localEndpoints }] of proxy(node, family)?.health ?? []) {
        if (!wanted(service)) continue;
        const row = found.get(service) ?? { port, answers: new Map<string, 200 | 503>() };
        found.set(service, row);
        // both families are asked at one port: whoever has an endpoint answers
        if (localEndpoints > 0 || !row.answers.has(node)) row.answers.set(node, localEndpoints > 0 ? 200 : 503);
      }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, { port, answers }]) => ({
      service,
      port,
      answers: [...answers].map(([node, status]) => ({ node, status })),
    }));
}

/**
 * Follows a new connection of every source to every frontend, by all ways that it can take, with its reply. The network has to be
 * made with the assumed Pods of the sources (`assumedAddresses`).
 */
export function matrix(place: ClusterNetwork, sources: readonly Source[], options: MatrixOptions = {}): Matrix {
  const { wanted = () => true } = options;
  const { network, cluster, proxy } = place;
  const states = (family: IPFamily) => network.nodes.flatMap((node) => proxy(node, family) ?? []);
  const state = new NetworkState();
  const frontends = matrixFrontends(cluster, states, wanted);
  const shapeOf = shapesOf(network, frontends, ipFamilies.flatMap(states));
  const known = new Map<string, (Cell | undefined)[]>();
  const rows = frontends.map((frontend) => {
    const shape = shapeOf(frontend);
    const row = (shape === undefined ? undefined : known.get(shape)) ?? [];
    const cells = sources.map((source, i) => row[i] ?? matrixCell({ network, state }, frontend, source));
    // where ways differ their shares depend on the number of endpoints, which is no part of the shape
    if (shape !== undefined)
      known.set(
        shape,
        cells.map((cell) => (cell.length > 1 ? undefined : cell)),
      );
    return { frontend, cells };
  });
  const nodes = sources.flatMap(({ node }) => node ?? []);
  return { sources, rows, health: healthRows(place, nodes, wanted) };
}
