import { type RuleKindFacts, type RuleOrigin, ruleKinds } from "../iptables/provenance.ts";

/** Kinds of the iptables rules of ipvs mode (ipvs-mode §6.4). */
export type IPVSRuleKind =
  | "jump"
  | "unmarked-return"
  | "unmark"
  | "masquerade"
  | "mark-for-masquerade"
  | "forward-marked"
  | "forward-established"
  | "loopback-return"
  | "hairpin"
  | "load-balancer"
  | "load-balancer-local"
  | "load-balancer-masquerade"
  | "load-balancer-accept"
  | "node-port-local"
  | "node-port-masquerade"
  | "node-ports"
  | "firewall"
  | "firewall-range"
  | "firewall-node"
  | "firewall-drop"
  | "node-access-drop"
  | "cluster-ip-masquerade"
  | "cluster-ip-masquerade-all"
  | "cluster-ip-own-source"
  | "cluster-ip-accept"
  | "external-ip-masquerade"
  | "external-ip-accept"
  | "external-ip-local-accept"
  | "health-check-accept"
  | "service-return"
  | "other-port-reject";

/** Kinds of entries of sets, of virtual servers and real servers. */
export type IPVSItemKind =
  | "entry-hairpin"
  | "entry-cluster-ip"
  | "entry-external-ip"
  | "entry-external-ip-local"
  | "entry-load-balancer"
  | "entry-load-balancer-local"
  | "entry-firewall"
  | "entry-source-range"
  | "entry-source-node"
  | "entry-node-port"
  | "entry-node-port-local"
  | "entry-health-check"
  | "entry-bound-address"
  | "server-cluster-ip"
  | "server-external-ip"
  | "server-load-balancer"
  | "server-node-port"
  | "real-server";

const service = (field: string, reason: string): RuleKindFacts => ({ owner: "Service", field, reason });
const setting = (field: string, reason: string): RuleKindFacts => ({ owner: "KubeProxyConfiguration", field, reason });
const own = (reason: string): RuleKindFacts => ({ owner: "kube-proxy", field: "", reason });

const VIP = "status.loadBalancer.ingress[@].ip";
const EXTERNAL_IP = "spec.externalIPs[@]";
const NODE_PORT = "spec.ports[#].nodePort";

/** Owner, field and reason of each kind of rule. Most rules stand for a whole set; its entries name the Services. */
export const ipvsRuleKinds: Readonly<Record<IPVSRuleKind, RuleKindFacts>> = {
  jump: ruleKinds.jump,
  "unmarked-return": ruleKinds["unmarked-return"],
  unmark: ruleKinds.unmark,
  masquerade: ruleKinds.masquerade,
  "mark-for-masquerade": ruleKinds["mark-for-masquerade"],
  "forward-marked": ruleKinds["forward-marked"],
  "forward-established": ruleKinds["forward-established"],
  "loopback-return": own("leaves what comes from a loopback address alone"),
  hairpin: own("an endpoint of this node that calls itself through a Service is masqueraded"),
  "load-balancer": own("sends addresses of load balancers on"),
  "load-balancer-local": own("external policy Local keeps the client's address"),
  "load-balancer-masquerade": own("policy Cluster may cross nodes, so replies must come back through this one"),
  "load-balancer-accept": own("packets to addresses of load balancers need no further rules"),
  "node-port-local": own("external policy Local keeps the client's address"),
  "node-port-masquerade": own("policy Cluster may cross nodes, so replies must come back through this one"),
  "node-ports": own("sends packets to the node's own addresses to the node ports; bound addresses are such, too"),
  firewall: own("sends addresses of load balancers that have source ranges to them"),
  "firewall-range": own("lets the source ranges in"),
  "firewall-node": own("lets in the nodes that are in a source range, whose own calls to the VIP come from the VIP"),
  "firewall-drop": own("drops what no source range let in"),
  "node-access-drop": service(
    "spec.loadBalancerSourceRanges",
    "no range contains this node, whose own calls to the VIP come from the VIP",
  ),
  "cluster-ip-masquerade": ruleKinds["cluster-ip-masquerade"],
  "cluster-ip-masquerade-all": ruleKinds["cluster-ip-masquerade-all"],
  "cluster-ip-own-source": setting(
    "detectLocalMode",
    "without a way to tell local Pods only packets are masqueraded that come from a cluster IP, as the node's own do",
  ),
  "cluster-ip-accept": own("packets to cluster IPs need no further rules"),
  "external-ip-masquerade": own("policy Cluster may cross nodes, so replies must come back through this one"),
  "external-ip-accept": own("packets to external IPs need no further rules"),
  "external-ip-local-accept": own("external policy Local keeps the client's address"),
  "health-check-accept": own("lets load balancers' health checks in"),
  "service-return": own("packets to a port of a Service are IPVS's to take"),
  "other-port-reject": own("a bound address answers on its Services' ports only"),
};

/** Owner, field and reason of each kind of entry and server. */
export const ipvsItemKinds: Readonly<Record<IPVSItemKind, RuleKindFacts>> = {
  "entry-hairpin": {
    owner: "EndpointSlice",
    field: "endpoints[@]",
    reason: "an endpoint of this node that calls itself through a Service is masqueraded",
  },
  "entry-cluster-ip": service("spec.clusterIPs", "a cluster IP with its port"),
  "entry-external-ip": service(EXTERNAL_IP, "an external IP with its port; external policy Cluster"),
  "entry-external-ip-local": service(EXTERNAL_IP, "an external IP with its port; external policy Local"),
  "entry-load-balancer": service(VIP, "an address of the load balancer with its port"),
  "entry-load-balancer-local": service(
    "spec.externalTrafficPolicy",
    "external policy Local keeps the client's address",
  ),
  "entry-firewall": service("spec.loadBalancerSourceRanges", "the address lets only source ranges in"),
  "entry-source-range": service("spec.loadBalancerSourceRanges[@]", "lets a source range in"),
  "entry-source-node": service(
    "spec.loadBalancerSourceRanges",
    "a range contains this node, whose own calls to the VIP come from the VIP",
  ),
  "entry-node-port": service(NODE_PORT, "a node port"),
  "entry-node-port-local": service("spec.externalTrafficPolicy", "external policy Local keeps the client's address"),
  "entry-health-check": service("spec.healthCheckNodePort", "lets the load balancer's health check in"),
  "entry-bound-address": service("spec.clusterIPs", "the address is bound to kube-ipvs0"),
  "server-cluster-ip": service("spec.clusterIPs", "takes connections to the cluster IP"),
  "server-external-ip": service(EXTERNAL_IP, "takes connections to the external IP"),
  "server-load-balancer": service(VIP, "takes connections to the load balancer's address"),
  "server-node-port": service(NODE_PORT, "takes connections to the node port"),
  "real-server": { owner: "EndpointSlice", field: "endpoints[@]", reason: "a usable endpoint" },
};

/** Where an entry, a virtual server or a real server comes from. */
export type ItemOrigin = RuleOrigin<IPVSItemKind>;
