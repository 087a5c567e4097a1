import { firstIPVS, type NodeIPVS } from "../assembly/ipvs-node.ts";
import { withVirtualServers } from "../kernel/make-host.ts";
import type { Network, NetworkNode } from "../network/network.ts";
import type { Scene } from "./scene.ts";

/** A node's kube-proxy in ipvs mode: what it has made so far, and what its own clock goes by. */
export interface ProxyIPVS {
  readonly node: NodeIPVS;
  /** Milliseconds of the play: when it started, and when objects last made it sync. */
  readonly started: number;
  readonly synced: number;
}

/** What lives on from scene to scene in ipvs mode. */
export interface LivingIPVS {
  /** By the node's name. */
  readonly proxies: Map<string, ProxyIPVS>;
  /** When each node's kube-proxy started, by the node's name. */
  readonly started: Map<string, number>;
}

/** The kube-proxy of a node; one that nobody has asked for yet started by making what this scene wants. */
export function proxyOn({ proxies, started }: LivingIPVS, scene: Pick<Scene, "ipvs">, node: string): ProxyIPVS {
  const known = proxies.get(node);
  if (known !== undefined) return known;
  const at = started.get(node) ?? 0;
  const first = { node: firstIPVS(scene.ipvs(node)), started: at, synced: at };
  proxies.set(node, first);
  return first;
}

/** The network whose nodes have the virtual servers of the moment, which their kube-proxies made bit by bit. */
export function livingNetwork(network: Network, tableOf: (node: string) => NodeIPVS["table"]): Network {
  const living = new Map<string, NetworkNode>();
  return {
    ...network,
    node: (name) => {
      const node = network.node(name);
      if (node === undefined) return undefined;
      const table = tableOf(name);
      const known = living.get(name);
      if (known?.host.ipvs === table) return known;
      const made = { ...node, host: withVirtualServers(node.host, table) };
      living.set(name, made);
      return made;
    },
  };
}
