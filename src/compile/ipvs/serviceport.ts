import type { Endpoint } from "../../proxy/endpoints.ts";
import type { ServiceAddress } from "../../proxy/serviceport.ts";
import type { PortDecision, ProxyState } from "../../proxy/state.ts";
import type { SetKey } from "./names.ts";
import { type IPVSItemKind, type ItemOrigin, ipvsItemKinds } from "./provenance.ts";
import { type RealServers, realServers, type ServerAttributes, type ServerCollector } from "./servers.ts";
import type { EntryParts, WantedSets } from "./sets.ts";
import type { IPVSTraits } from "./traits.ts";

/** A virtual server that the node itself must not call, as it is in none of the source ranges. */
export interface NodeAccess {
  readonly address: string;
  readonly decision: PortDecision;
}

/** What one pass over the service ports fills. */
export interface IPVSContext {
  readonly state: ProxyState;
  readonly traits: IPVSTraits;
  readonly sets: WantedSets;
  readonly servers: ServerCollector;
  /** Addresses of the node, which are not bound again. */
  readonly nodeAddresses: ReadonlySet<string>;
  readonly nodeAccess: NodeAccess[];
}

/** What the steps of one service port share. */
interface Plan {
  readonly decision: PortDecision;
  readonly attributes: ServerAttributes;
  /** Real servers of virtual servers that send to all endpoints, and of those that prefer this node's. */
  readonly everywhere: RealServers;
  readonly here: RealServers;
}

const PROTOCOLS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** Flags of schedulers that kube-proxy sets: of `mh` only (ipvs-mode §4). */
const MH_FLAGS: readonly string[] = ["mh-port"];
const NO_FLAGS: readonly string[] = [];

function originOf(kind: IPVSItemKind, decision: PortDecision, index?: number): ItemOrigin {
  return { kind, facts: ipvsItemKinds[kind], decision, endpoint: undefined, index };
}

/** Where the binding of an address comes from: from the field of the virtual server that wants it. */
function boundOrigin(server: ItemOrigin): ItemOrigin {
  const kind = "entry-bound-address";
  return { ...server, kind, facts: { ...server.facts, reason: ipvsItemKinds[kind].reason } };
}

function planOf(decision: PortDecision, { state, traits }: IPVSContext): Plan {
  const { port, usable } = decision;
  const { scheduler } = state.ipvs;
  const everywhere = realServers(usable.cluster, traits.realServersByText);
  const falls = traits.localFallsBack && usable.local.length === 0;
  return {
    decision,
    attributes: {
      protocol: PROTOCOLS[port.protocol] ?? 0,
      scheduler,
      schedulerFlags: traits.mhPort && scheduler === "mh" ? MH_FLAGS : NO_FLAGS,
      affinitySeconds: port.affinitySeconds,
    },
    everywhere,
    here: falls ? everywhere : realServers(usable.local, traits.realServersByText),
  };
}

/** Endpoints of this node in `KUBE-LOOP-BACK`, whatever their state (ipvs-mode §4, step 4.0). */
function addHairpins({ decision }: Plan, { sets, traits }: IPVSContext): void {
  const { port, known } = decision;
  for (const endpoint of known) {
    if (!endpoint.local || (traits.readyHairpins && !endpoint.ready)) continue;
    const { ip } = endpoint;
    const parts = { ip, protocol: port.protocol, port: endpoint.port, second: ip };
    sets.add("loopBack", parts, hairpinOrigin(decision, endpoint));
  }
}

function hairpinOrigin(decision: PortDecision, endpoint: Endpoint): ItemOrigin {
  const kind = "entry-hairpin";
  return { kind, facts: ipvsItemKinds[kind], decision, endpoint, index: endpoint.index };
}

/** A virtual server of an address of the Service, bound to `kube-ipvs0` unless it is the node's own (ipvs-mode §2.5). */
function addServer(plan: Plan, address: string, local: boolean, origin: ItemOrigin, context: IPVSContext): void {
  const { port } = plan.decision.port;
  const { servers, nodeAddresses, traits } = context;
  servers.add(address, port, plan.attributes, local ? plan.here : plan.everywhere, origin);
  const own = origin.kind !== "server-cluster-ip" && nodeAddresses.has(address);
  if (!own || traits.bindsNodeAddresses) servers.bind(address, boundOrigin(origin));
}

function addClusterIP(plan: Plan, context: IPVSContext): boolean {
  const { decision } = plan;
  const { port } = decision;
  const parts = { ip: port.clusterIP, protocol: port.protocol, port: port.port };
  if (!context.sets.add("clusterIP", parts, originOf("entry-cluster-ip", decision))) return false;
  const origin = originOf("server-cluster-ip", decision);
  addServer(plan, port.clusterIP, port.internalPolicyLocal, origin, context);
  return true;
}

function addExternalIPs(plan: Plan, context: IPVSContext): void {
  const { decision } = plan;
  const { port } = decision;
  const local = port.externalPolicyLocal;
  for (const { text, index } of port.externalIPs) {
    const parts = { ip: text, protocol: port.protocol, port: port.port };
    const kept = local && context.traits.externalLocalSet;
    const added = kept
      ? context.sets.add("externalIPLocal", parts, originOf("entry-external-ip-local", decision, index))
      : context.sets.add("externalIP", parts, originOf("entry-external-ip", decision, index));
    if (!added) continue;
    addServer(plan, text, kept, originOf("server-external-ip", decision, index), context);
  }
}

/** The sets that enforce source ranges of one address (ipvs-mode §4, step 4.4). */
function addSourceRanges({ decision }: Plan, { text, index }: ServiceAddress, context: IPVSContext): void {
  const { port } = decision;
  const { sets, nodeAccess } = context;
  const parts: EntryParts = { ip: text, protocol: port.protocol, port: port.port };
  sets.add("loadBalancerFW", parts, originOf("entry-firewall", decision, index));
  for (const range of port.sourceRanges) {
    const origin = originOf("entry-source-range", decision, range.index);
    sets.add("sourceCIDR", { ...parts, second: range.text }, origin);
  }
  if (decision.firewallAllowsNode) {
    sets.add("sourceIP", { ...parts, second: text }, originOf("entry-source-node", decision, index));
  } else {
    nodeAccess.push({ address: text, decision });
  }
}

function addLoadBalancerVIPs(plan: Plan, context: IPVSContext): void {
  const { decision } = plan;
  const { port } = decision;
  const { sets } = context;
  const local = port.externalPolicyLocal;
  for (const vip of port.loadBalancerVIPs) {
    const { text, index } = vip;
    const parts = { ip: text, protocol: port.protocol, port: port.port };
    if (!sets.add("loadBalancer", parts, originOf("entry-load-balancer", decision, index))) continue;
    if (local) sets.add("loadBalancerLocal", parts, originOf("entry-load-balancer-local", decision, index));
    if (port.sourceRanges.length > 0) addSourceRanges(plan, vip, context);
    addServer(plan, text, local, originOf("server-load-balancer", decision, index), context);
  }
}

const NODE_PORT_SETS: Readonly<Record<string, { readonly all: SetKey; readonly local: SetKey }>> = {
  TCP: { all: "nodePortTCP", local: "nodePortLocalTCP" },
  UDP: { all: "nodePortUDP", local: "nodePortLocalUDP" },
  SCTP: { all: "nodePortSCTP", local: "nodePortLocalSCTP" },
};

function addNodePort(plan: Plan, context: IPVSContext): void {
  const { decision, attributes } = plan;
  const { port } = decision;
  const { sets, servers, state } = context;
  const local = port.externalPolicyLocal;
  const keys = NODE_PORT_SETS[port.protocol];
  if (keys === undefined) return;
  const addresses = state.ipvs.nodePortAddresses;
  // a bitmap has no addresses: one entry stands for all of them
  const targets: readonly EntryParts[] =
    port.protocol === "SCTP"
      ? addresses.map((ip) => ({ ip, protocol: port.protocol, port: port.nodePort }))
      : [{ port: port.nodePort }];
  for (const parts of targets) {
    sets.add(keys.all, parts, originOf("entry-node-port", decision));
    if (local) sets.add(keys.local, parts, originOf("entry-node-port-local", decision));
  }
  const origin = originOf("server-node-port", decision);
  for (const address of addresses) {
    servers.add(address, port.nodePort, attributes, local ? plan.here : plan.everywhere, origin);
  }
}

/** Does everything of one service port in kube-proxy's order (ipvs-mode §4). */
export function addServicePort(decision: PortDecision, context: IPVSContext): void {
  const { port } = decision;
  const plan = planOf(decision, context);
  addHairpins(plan, context);
  if (!addClusterIP(plan, context)) return;
  addExternalIPs(plan, context);
  addLoadBalancerVIPs(plan, context);
  if (port.nodePort !== 0) {
    // without any address for its node port kube-proxy goes on with the next service port
    if (context.state.ipvs.nodePortAddresses.length === 0) return;
    addNodePort(plan, context);
  }
  if (port.healthCheckNodePort !== 0) {
    context.sets.add("healthCheck", { port: port.healthCheckNodePort }, originOf("entry-health-check", decision));
  }
}
