import { parseIP } from "../net/ip.ts";
import { addressOf } from "../network/addresses.ts";
import type { Network } from "../network/network.ts";
import type { Endpoint } from "../proxy/endpoints.ts";
import type { PortDecision, ProxyState } from "../proxy/state.ts";
import type { Frontend } from "./frontends.ts";

/**
 * Names what decides about packets to a frontend, up to the names of addresses and the number of endpoints: frontends of one shape
 * have the same letters wherever all ways have one and the same (decision 12 of the design). `undefined` for those that share
 * their address with another one, which are asked each for itself.
 */
export type ShapeOf = (frontend: Frontend) => string | undefined;

/** All node ports by protocol and number: is externalTrafficPolicy Local? */
function nodePortsOf(states: readonly ProxyState[]): ReadonlyMap<string, boolean> {
  const ports = states.flatMap((state) => state.ports.map(({ port }) => port));
  return new Map(ports.map((port) => [`${port.protocol} ${port.nodePort}`, port.externalPolicyLocal]));
}

/** Makes the shapes of a cluster's frontends; `states`: what kube-proxy decides on the nodes. */
export function shapesOf(network: Network, frontends: readonly Frontend[], states: readonly ProxyState[]): ShapeOf {
  const nodePorts = nodePortsOf(states);
  const addresses = new Map<string, number>();
  const frontendKey = ({ text, protocol }: Frontend): string => `${text} ${protocol}`;
  for (const frontend of frontends)
    addresses.set(frontendKey(frontend), (addresses.get(frontendKey(frontend)) ?? 0) + 1);
  const classes = new Map<string, string>();
  /** Where an endpoint is: Pods of one node are alike, all others are each their own kind. */
  const classOf = ({ ip, text }: Endpoint): string => {
    const known = classes.get(ip);
    if (known !== undefined) return known;
    const parsed = parseIP(ip);
    const owner = parsed === undefined ? undefined : network.ownerOf(addressOf(parsed));
    const made = owner?.kind === "pod" ? `pod ${owner.node}` : text;
    classes.set(ip, made);
    return made;
  };
  const setOf = (endpoints: readonly Endpoint[]): string => [...new Set(endpoints.map(classOf))].sort().join();
  const decisionText = ({ usable, firewallAllowsNode }: PortDecision): string =>
    [setOf(usable.cluster), setOf(usable.local), usable.hasEndpoints, firewallAllowsNode].join(";");
  return (frontend) => {
    if (addresses.get(frontendKey(frontend)) !== 1) return undefined;
    const { family, protocol, kind, address, number, usable, decisions } = frontend;
    const [first] = decisions;
    if (first === undefined) return undefined;
    const { internalPolicyLocal, externalPolicyLocal, affinitySeconds, sourceRanges } = first.port;
    const owner = network.ownerOf(address);
    return JSON.stringify([
      kind,
      family,
      protocol,
      // with the node, for node ports
      owner,
      internalPolicyLocal,
      externalPolicyLocal,
      affinitySeconds !== undefined,
      // ipvs mode masquerades what is for the number of a node port, at whatever address, unless that is Local (ipvs-mode §6.4)
      nodePorts.get(`${protocol} ${number}`),
      sourceRanges.map(({ text }) => text),
      // in their order: the first that comes to itself is asked
      [...new Set(usable.map(classOf))],
      decisions.map(decisionText),
    ]);
  };
}
