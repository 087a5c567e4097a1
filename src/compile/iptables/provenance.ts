import type { Endpoint } from "../../proxy/endpoints.ts";
import type { PortDecision } from "../../proxy/state.ts";

/** What one rule is for. The field is the one that a user would change to change the rule. */
export interface RuleKindFacts {
  /** Field of the Service, with `#` for the port's index and `@` for the address's index; or a setting of kube-proxy. */
  readonly field: string;
  readonly owner: "Service" | "EndpointSlice" | "KubeProxyConfiguration" | "kube-proxy";
  readonly reason: string;
}

/** Every kind of rule that iptables mode writes (iptables-mode §3, iptables-history §4.2). */
export type RuleKind =
  | "jump"
  | "unmarked-return"
  | "unmark"
  | "masquerade"
  | "mark-for-masquerade"
  | "localnet-drop"
  | "invalid-drop"
  | "forward-marked"
  | "forward-established"
  | "node-ports-tail"
  | "cluster-ip"
  | "cluster-ip-reject"
  | "cluster-ip-drop"
  | "cluster-ip-masquerade"
  | "cluster-ip-masquerade-all"
  | "external-ip"
  | "external-ip-masquerade"
  | "external-ip-reject"
  | "external-ip-drop"
  | "load-balancer-ip"
  | "load-balancer-ip-reject"
  | "load-balancer-ip-drop"
  | "load-balancer-firewall-drop"
  | "node-port"
  | "node-port-localhost"
  | "node-port-masquerade"
  | "node-port-loopback-masquerade"
  | "node-port-reject"
  | "node-port-drop"
  | "health-check-accept"
  | "external-masquerade"
  | "external-pod-shortcut"
  | "external-local-masquerade"
  | "external-local-shortcut"
  | "external-policy"
  | "no-local-endpoint-drop"
  | "firewall-range"
  | "firewall-node"
  | "firewall-open"
  | "firewall-masquerade"
  | "firewall-drop"
  | "firewall-note"
  | "affinity"
  | "balance"
  | "hairpin"
  | "dnat";

/** Owner, field and reason of each kind of rule. */
export const ruleKinds: Readonly<Record<RuleKind, RuleKindFacts>> = {
  jump: { owner: "kube-proxy", field: "", reason: "hooks kube-proxy's chain into a built-in chain" },
  "unmarked-return": {
    owner: "KubeProxyConfiguration",
    field: "iptables.masqueradeBit",
    reason: "leaves packets without the masquerade mark alone",
  },
  unmark: {
    owner: "KubeProxyConfiguration",
    field: "iptables.masqueradeBit",
    reason: "clears the mark, so that the packet is not masqueraded twice",
  },
  masquerade: {
    owner: "KubeProxyConfiguration",
    field: "iptables.masqueradeBit",
    reason: "rewrites the source of marked packets to the node's",
  },
  "mark-for-masquerade": {
    owner: "KubeProxyConfiguration",
    field: "iptables.masqueradeBit",
    reason: "sets the masquerade mark",
  },
  "localnet-drop": {
    owner: "KubeProxyConfiguration",
    field: "iptables.localhostNodePorts",
    reason: "drops packets to 127.0.0.0/8 from elsewhere, which route_localnet would let in",
  },
  "invalid-drop": {
    owner: "KubeProxyConfiguration",
    field: "conntrack.tcpBeLiberal",
    reason: "drops packets conntrack calls INVALID, whose translation would be missing",
  },
  "forward-marked": {
    owner: "KubeProxyConfiguration",
    field: "iptables.masqueradeBit",
    reason: "accepts marked packets whatever the FORWARD policy is",
  },
  "forward-established": { owner: "kube-proxy", field: "", reason: "accepts later packets of known connections" },
  "node-ports-tail": {
    owner: "KubeProxyConfiguration",
    field: "nodePortAddresses",
    reason: "sends packets to the node's own addresses to the node ports",
  },
  "cluster-ip": { owner: "Service", field: "spec.clusterIPs", reason: "sends the cluster IP to the policy chain" },
  "cluster-ip-reject": { owner: "Service", field: "spec.clusterIPs", reason: "no usable endpoint anywhere" },
  "cluster-ip-drop": {
    owner: "Service",
    field: "spec.internalTrafficPolicy",
    reason: "internal policy Local, and no usable endpoint on this node",
  },
  "cluster-ip-masquerade": {
    owner: "KubeProxyConfiguration",
    field: "detectLocalMode",
    reason:
      "traffic to the cluster IP that does not come from what counts as local Pods must come back through this node",
  },
  "cluster-ip-masquerade-all": {
    owner: "KubeProxyConfiguration",
    field: "iptables.masqueradeAll",
    reason: "all traffic to cluster IPs is masqueraded",
  },
  "external-ip": { owner: "Service", field: "spec.externalIPs[@]", reason: "sends the external IP on" },
  "external-ip-masquerade": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "policy Cluster may cross nodes, so replies must come back through this one",
  },
  "external-ip-reject": { owner: "Service", field: "spec.externalIPs[@]", reason: "no usable endpoint anywhere" },
  "external-ip-drop": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "external policy Local, and no usable endpoint on this node",
  },
  "load-balancer-ip": {
    owner: "Service",
    field: "status.loadBalancer.ingress[@].ip",
    reason: "sends the load balancer's address on",
  },
  "load-balancer-ip-reject": {
    owner: "Service",
    field: "status.loadBalancer.ingress[@].ip",
    reason: "no usable endpoint anywhere",
  },
  "load-balancer-ip-drop": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "external policy Local, and no usable endpoint on this node",
  },
  "load-balancer-firewall-drop": {
    owner: "Service",
    field: "spec.loadBalancerSourceRanges",
    reason: "the source is in none of the ranges",
  },
  "node-port": { owner: "Service", field: "spec.ports[#].nodePort", reason: "sends the node port on" },
  "node-port-localhost": {
    owner: "Service",
    field: "spec.ports[#].nodePort",
    reason: "as the rule after it, and counts node-port packets on loopback",
  },
  "node-port-masquerade": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "policy Cluster may cross nodes, so replies must come back through this one",
  },
  "node-port-loopback-masquerade": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "a loopback source cannot leave the node",
  },
  "node-port-reject": { owner: "Service", field: "spec.ports[#].nodePort", reason: "no usable endpoint anywhere" },
  "node-port-drop": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "external policy Local, and no usable endpoint on this node",
  },
  "health-check-accept": {
    owner: "Service",
    field: "spec.healthCheckNodePort",
    reason: "lets the load balancer's health check in",
  },
  "external-masquerade": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "policy Cluster may cross nodes, so replies must come back through this one",
  },
  "external-pod-shortcut": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "what counts as local Pods gets any endpoint by external addresses, too, as through the cluster IP",
  },
  "external-local-masquerade": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "the node calls an external address from a local address",
  },
  "external-local-shortcut": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "the node itself that calls an external address gets any endpoint",
  },
  "external-policy": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "everything else follows the external policy",
  },
  "no-local-endpoint-drop": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "external policy Local, and no usable endpoint on this node",
  },
  "firewall-range": {
    owner: "Service",
    field: "spec.loadBalancerSourceRanges[@]",
    reason: "lets a source range in",
  },
  "firewall-node": {
    owner: "Service",
    field: "spec.loadBalancerSourceRanges",
    reason: "a range contains this node, whose own calls to the VIP come from the VIP",
  },
  "firewall-open": { owner: "Service", field: "spec.loadBalancerSourceRanges", reason: "no ranges: everyone may in" },
  "firewall-masquerade": {
    owner: "Service",
    field: "spec.externalTrafficPolicy",
    reason: "policy Cluster may cross nodes, so replies must come back through this one",
  },
  "firewall-drop": {
    owner: "Service",
    field: "spec.loadBalancerSourceRanges",
    reason: "marks what no rule let in for the drop",
  },
  "firewall-note": {
    owner: "Service",
    field: "spec.loadBalancerSourceRanges",
    reason: "does nothing; tells a reader where the drop is",
  },
  affinity: {
    owner: "Service",
    field: "spec.sessionAffinity",
    reason: "a client seen before goes to its endpoint again",
  },
  balance: { owner: "EndpointSlice", field: "endpoints[@]", reason: "gives the endpoint its equal share" },
  hairpin: {
    owner: "EndpointSlice",
    field: "endpoints[@]",
    reason: "an endpoint that calls itself through the Service is masqueraded",
  },
  dnat: { owner: "EndpointSlice", field: "endpoints[@]", reason: "rewrites the destination to the endpoint" },
};

/** Where one rule comes from, of this mode's kinds or another's. `index` is that of the address, range or endpoint in its list. */
export interface RuleOrigin<Kind extends string = RuleKind> {
  readonly kind: Kind;
  readonly facts: RuleKindFacts;
  readonly decision: PortDecision | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly index: number | undefined;
}

/** The field behind a rule in Kubernetes' spelling; empty when it is no field's doing. */
export function originField({ facts, decision, index }: Omit<RuleOrigin<string>, "kind">): string {
  return facts.field.replace("#", String(decision?.port.portIndex ?? 0)).replace("@", String(index ?? 0));
}

/** The same field as steps into the object. */
export function originPath(origin: Omit<RuleOrigin<string>, "kind">): readonly (string | number)[] {
  const steps = originField(origin).match(/[^.[\]]+/g) ?? [];
  return steps.map((step) => (/^[0-9]+$/.test(step) ? Number(step) : step));
}
