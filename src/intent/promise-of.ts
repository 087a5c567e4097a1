import { formatIP, isLoopback } from "../net/ip.ts";
import { type Clause, clauses } from "./clauses.ts";
import type { Frontend } from "./frontends.ts";
import { type HealthCheck, healthOutcome } from "./health-check.ts";
import type { Intent } from "./intent.ts";
import { hasNodePorts } from "./node-ports.ts";
import { nobodysBusiness, type Ruling, unsaid } from "./outcomes.ts";
import { addressKey, type PacketAtNode, portKey } from "./packet.ts";
import type { Whereabouts } from "./preference.ts";
import type { KubernetesPromise } from "./promise.ts";
import { isPromisedBy } from "./releases.ts";
import { rulingOf } from "./rulings.ts";
import { sourceRuling } from "./source-address.ts";

/** A promise that is no Service's alone. */
function plain({ outcome, clauses: said }: Ruling, at: string): KubernetesPromise {
  return { outcome, source: "free", affinity: { kind: "None" }, at, clauses: said };
}

const noService = (at: string, why: string): KubernetesPromise =>
  plain({ outcome: { kind: "none", why }, clauses: [] }, at);

/** A promise about a frontend, with the Service that has it. */
function about({ port }: Frontend, { outcome, clauses: said }: Ruling, at: string): KubernetesPromise {
  const { service, index, affinity } = port;
  return { outcome, source: "free", affinity, at, service, port: index, clauses: said };
}

/** What the frontend is worth decides first; then its kind, the policies and the endpoints. */
function frontendPromise(intent: Intent, frontend: Frontend, packet: PacketAtNode, at: Whereabouts): KubernetesPromise {
  const { standing, port } = frontend;
  if (standing.kind === "none") return about(frontend, nobodysBusiness(standing.clause), at.node);
  if (standing.kind === "unpromised") return about(frontend, unsaid(standing.clause), at.node);
  const { outcome, clauses: said } = rulingOf(frontend, {
    packet,
    port,
    at,
    release: intent.release,
    sources: intent.sources,
  });
  const found = about(frontend, { outcome, clauses: [frontend.clause, ...said] }, at.node);
  if (outcome.kind !== "endpoints") return found;
  const { source, clause } = sourceRuling(frontend, packet, intent.sources);
  const more: readonly (Clause | undefined)[] = [
    port.affinity.kind === "ClientIP" ? clauses.affinity : undefined,
    clause,
  ];
  return { ...found, source, clauses: [...found.clauses, ...more.flatMap((each) => each ?? [])] };
}

/** The frontends that an address and port belong to: those that nobody has do not stand in the way of others. */
function claims(frontends: readonly Frontend[]): readonly Frontend[] {
  const real = frontends.filter(({ standing }) => standing.kind !== "none");
  return real.length > 0 ? real : frontends.slice(0, 1);
}

function healthPromise(checks: readonly HealthCheck[], at: Whereabouts): KubernetesPromise | undefined {
  const [check, another] = checks;
  if (check === undefined) return undefined;
  if (another !== undefined) return plain(unsaid(clauses.severalClaims), at.node);
  const outcome = healthOutcome(check, at.node);
  return { ...plain({ outcome, clauses: [clauses.healthCheck] }, at.node), service: check.service };
}

/** A node's own address: its node ports where they are open, its health checks, and otherwise the node alone. */
function nodePromise(intent: Intent, packet: PacketAtNode, at: Whereabouts): KubernetesPromise {
  const { destination, protocol, port } = packet;
  if (port === undefined) return noService(at.node, "it is for the node");
  const found = claims(intent.nodePorts[destination.family].get(portKey(protocol, port)) ?? []);
  const [frontend, another] = found;
  const checks = protocol === "TCP" && !isLoopback(destination) ? (intent.healthChecks.get(port) ?? []) : [];
  if (frontend === undefined)
    return healthPromise(checks, at) ?? noService(at.node, "it is for the node, on a port of no Service");
  if (another !== undefined) return plain(unsaid(clauses.severalClaims), at.node);
  const clause = isLoopback(destination) ? clauses.localhostNodePorts : clauses.nodePortAddresses;
  const primary = intent.nodes.get(at.node)?.primary ?? [];
  if (isLoopback(destination) && !isPromisedBy(intent.release, "localhostNodePorts"))
    return about(frontend, unsaid(clause), at.node);
  if (!hasNodePorts(intent.places, destination, primary)) return about(frontend, nobodysBusiness(clause), at.node);
  // one address of the block is every host's own; of the others nothing is said
  if (isLoopback(destination) && formatIP(destination) !== "127.0.0.1") return about(frontend, unsaid(clause), at.node);
  return frontendPromise(intent, frontend, packet, at);
}

/** An address of Services: its port, or another one, of which the documentation says nothing. */
function addressPromise(intent: Intent, packet: PacketAtNode, at: Whereabouts): KubernetesPromise | undefined {
  const { destination, protocol, port } = packet;
  const ports = intent.byAddress.get(addressKey(destination));
  if (ports === undefined) return undefined;
  const found = claims(port === undefined ? [] : (ports.get(portKey(protocol, port)) ?? []));
  const [frontend, another] = found;
  if (another !== undefined) return plain(unsaid(clauses.severalClaims), at.node);
  if (frontend !== undefined) return frontendPromise(intent, frontend, packet, at);
  const others = [...ports.values()].flat();
  const real = others.find(({ standing }) => standing.kind !== "none");
  return real === undefined ? undefined : about(real, unsaid(clauses.otherPort), at.node);
}

/**
 * What Kubernetes promises about the first packet of a connection that comes to a node, from the API's documentation alone. Constant
 * time but for the endpoints of its Service, which are looked through when the Service is first asked for, and once a node.
 */
export function promiseOf(intent: Intent, packet: PacketAtNode): KubernetesPromise {
  const whereabouts = (node: string): Whereabouts => ({ node, zone: intent.nodes.get(node)?.zone });
  const { destination, node } = packet;
  if (isLoopback(destination)) return nodePromise(intent, packet, whereabouts(node));
  const owner = intent.owners.get(addressKey(destination));
  const ofService = addressPromise(intent, packet, whereabouts(node));
  if (owner === undefined) return ofService ?? noService(node, "no Service has the address");
  // where a Service names a node's own address it claims its ports there, and leaves the others to the node
  const claimed = ofService?.outcome.kind !== "none" && ofService?.clauses.includes(clauses.otherPort) === false;
  return claimed ? ofService : nodePromise(intent, packet, whereabouts(owner));
}
