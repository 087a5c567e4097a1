import { formatPrefix, prefixContains } from "../../net/prefix.ts";
import type { ServicePort } from "../../proxy/serviceport.ts";
import type { ProxyState } from "../../proxy/state.ts";
import type { BoundAddress, Collision } from "./servers.ts";

/** Something about what ipvs mode makes that a person should know. */
export interface IPVSFinding {
  /** A warning where kube-proxy itself may do otherwise, or traffic is treated as nobody asked for. */
  readonly severity: "warning" | "note";
  readonly code: string;
  readonly message: string;
}

const SHOWN = 3;

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `${names.slice(0, SHOWN).join(", ")}${more}`;
}

/** Two service ports with one virtual server: upstream's order is random, so either may win (ipvs-mode §4). */
function collisionFinding({ address, port, earlier, later }: Collision): IPVSFinding {
  const [first, second] = [earlier, later].map(({ decision }) => decision?.port.nameString ?? "");
  const message = `${first} and ${second} want the same virtual server ${address} port ${port}: which one kube-proxy lets have it changes from sync to sync; here it is ${second}`;
  return { severity: "warning", code: "virtual-server-collision", message };
}

/** Node ports on addresses of `kube-ipvs0`, which the first sync does not see yet (ipvs-mode §2.3). */
function boundNodePorts({ ipvs, ports }: ProxyState, bound: readonly BoundAddress[]): readonly IPVSFinding[] {
  if (!ports.some(({ port }) => port.nodePort !== 0)) return [];
  const inside = bound.filter(({ address }) =>
    ipvs.nodePortNetworks.some((network) => prefixContains(network, address)),
  );
  if (inside.length === 0) return [];
  const message = `nodePortAddresses cover ${listed(inside.map(({ text }) => text))} on kube-ipvs0: from the second sync on kube-proxy makes virtual servers for node ports there, too, which are not shown`;
  return [{ severity: "warning", code: "node-ports-on-bound-addresses", message }];
}

/** A service port of a node port's number: the sets of node ports know no addresses (ipvs-mode §6.4). */
function masqueradedPorts({ ports }: ProxyState): readonly IPVSFinding[] {
  const nodePorts = new Map<string, ServicePort>();
  const keyOf = (protocol: string, number: number): string => `${protocol} ${number}`;
  for (const { port } of ports) if (port.nodePort !== 0) nodePorts.set(keyOf(port.protocol, port.nodePort), port);
  return ports.flatMap(({ port }): IPVSFinding[] => {
    // the set of SCTP node ports has addresses
    const owner = port.protocol === "SCTP" ? undefined : nodePorts.get(keyOf(port.protocol, port.port));
    if (owner === undefined || owner.externalPolicyLocal) return [];
    const message = `port ${port.port} of ${port.nameString} is the number of a node port of ${owner.nameString}: connections to any address of ${port.nameString} are masqueraded as if they came to that node port`;
    return [{ severity: "warning", code: "port-is-node-port", message }];
  });
}

/** Ranges that ipset lists in another spelling, so that kube-proxy never finds its own (ipvs-mode §5.3). */
function churningRanges({ ports }: ProxyState): readonly IPVSFinding[] {
  const found = new Set<string>();
  for (const { port } of ports) {
    if (port.loadBalancerVIPs.length === 0) continue;
    for (const { text, prefix } of port.sourceRanges) {
      const full = prefix.address.family === "IPv4" ? 32 : 128;
      const listedSo = text === formatPrefix(prefix) && prefix.length < full;
      if (!listedSo) found.add(`${text} of ${port.namespace}/${port.name}`);
    }
  }
  if (found.size === 0) return [];
  const message = `source ranges that ipset lists without their length or host bits (${listed([...found])}) are deleted and added again in every sync: for a moment they let nobody in`;
  return [{ severity: "note", code: "source-range-churn", message }];
}

/** What there is to say of one family (ipvs-mode §17.6). */
export function ipvsFindings(
  state: ProxyState,
  collisions: readonly Collision[],
  bound: readonly BoundAddress[],
): readonly IPVSFinding[] {
  return [
    ...collisions.map(collisionFinding),
    ...boundNodePorts(state, bound),
    ...masqueradedPorts(state),
    ...churningRanges(state),
  ];
}
