/** A sentence of the documentation. */
export interface Clause {
  /** Path of the field in its object; `[]` stands for the entry of the packet's port or address. */
  readonly field: string;
  /** In our own words. */
  readonly says: string;
  /** Where it is said: a type of k8s.io/api, a KEP, a page of the user documentation. */
  readonly source: string;
}

const spec = (field: string, says: string, source: string): Clause => ({ field: `spec.${field}`, says, source });

/** The names of the table. */
export type ClauseName =
  | "clusterIP"
  | "insideOnly"
  | "headless"
  | "families"
  | "externalName"
  | "proxyName"
  | "headlessLabel"
  | "otherPort"
  | "severalClaims"
  | "nodePort"
  | "nodePortAddresses"
  | "localhostNodePorts"
  | "externalIPs"
  | "externalIPsOff"
  | "ingress"
  | "ipModeProxy"
  | "otherType"
  | "sourceRanges"
  | "sourceRangesInside"
  | "externalCluster"
  | "externalLocal"
  | "externalInside"
  | "nodePortInside"
  | "unknownPod"
  | "internalCluster"
  | "internalLocal"
  | "ready"
  | "terminating"
  | "contradiction"
  | "noEndpoints"
  | "hints"
  | "affinity"
  | "sourceKept"
  | "masqueradeAll"
  | "healthCheck";

/** Everything that this folder holds Kubernetes to. The sources are those of v1.37. */
export const clauses: Readonly<Record<ClauseName, Clause>> = {
  clusterIP: spec(
    "clusterIPs[]",
    "Inside the cluster the address stands for the Service: its ports lead to the Service's endpoints.",
    "core/v1 ServiceSpec.clusterIPs, ServiceSpec.type",
  ),
  insideOnly: spec(
    "type",
    "A cluster IP is for clients inside the cluster; nothing is said of others.",
    "core/v1 ServiceTypeClusterIP",
  ),
  headless: spec(
    "clusterIP",
    "None: there is no virtual address and nothing to proxy; external addresses are ignored.",
    "core/v1 ServiceSpec.clusterIP, ClusterIPNone; the API server's warning on externalIPs",
  ),
  families: spec(
    "ipFamilies",
    "The families that the Service has; its addresses are of these.",
    "core/v1 ServiceSpec.ipFamilies, IPFamilyPolicySingleStack",
  ),
  externalName: spec(
    "externalName",
    "An alias in DNS: nothing is exposed and nothing proxied.",
    "core/v1 ServiceTypeExternalName",
  ),
  proxyName: {
    field: "metadata.labels[service.kubernetes.io/service-proxy-name]",
    says: "Another proxy than the cluster's usual one implements this Service.",
    source: "kubernetes pkg/proxy/apis LabelServiceProxyName",
  },
  headlessLabel: {
    field: "metadata.labels[service.kubernetes.io/headless]",
    says: "Controllers put it on the endpoints of headless Services; on a Service with a cluster IP it says nothing.",
    source: "core/v1 IsHeadlessService",
  },
  otherPort: spec(
    "ports",
    "The ports that the Service exposes; nothing is said of other ports and protocols of its addresses.",
    "core/v1 ServiceSpec.ports",
  ),
  severalClaims: spec(
    "ports",
    "Several Services have the same address and port; nothing says whose it is.",
    "core/v1 ServiceSpec.externalIPs: these are not managed by Kubernetes",
  ),
  nodePort: spec(
    "ports[].nodePort",
    "Every node has this port open for the Service, which is of type NodePort or LoadBalancer.",
    "core/v1 ServicePort.nodePort, ServiceTypeNodePort",
  ),
  nodePortAddresses: {
    field: "nodePortAddresses",
    says: "Node ports are open on those addresses of a node that the list covers, and on no others.",
    source: "kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration.nodePortAddresses",
  },
  localhostNodePorts: {
    field: "iptables.localhostNodePorts",
    says: "Node ports are open on the node's IPv4 loopback addresses where this is on, and never on IPv6's.",
    source: "kubeproxy.config.k8s.io/v1alpha1 KubeProxyIPTablesConfiguration.localhostNodePorts",
  },
  externalIPs: spec(
    "externalIPs[]",
    "Nodes take in traffic to these addresses for the Service; how it comes there is not Kubernetes' business.",
    "core/v1 ServiceSpec.externalIPs",
  ),
  externalIPsOff: {
    field: "featureGates.AllowServiceExternalIPs",
    says: "Off: external IPs are without effect.",
    source: "kubernetes pkg/features AllowServiceExternalIPs",
  },
  ingress: {
    field: "status.loadBalancer.ingress[].ip",
    says: "Traffic for the Service is to be sent here; it comes to nodes with this destination.",
    source: "core/v1 LoadBalancerIngress.ip, .ipMode VIP",
  },
  ipModeProxy: {
    field: "status.loadBalancer.ingress[].ipMode",
    says: "Proxy: the load balancer has to see the traffic, and sends it on to node ports or Pods itself.",
    source: "core/v1 LoadBalancerIngress.ipMode; KEP-1860",
  },
  otherType: spec(
    "type",
    "The field is one of another type of Service; nothing is said of what it does here.",
    "core/v1 ServicePort.nodePort, ServiceSpec.loadBalancerSourceRanges, LoadBalancerStatus",
  ),
  sourceRanges: spec(
    "loadBalancerSourceRanges",
    "Only clients with these addresses come through the load balancer.",
    "core/v1 ServiceSpec.loadBalancerSourceRanges",
  ),
  sourceRangesInside: spec(
    "loadBalancerSourceRanges",
    "Nothing is said of clients inside the cluster, whose traffic need not pass the load balancer.",
    "core/v1 ServiceSpec.loadBalancerSourceRanges",
  ),
  externalCluster: spec(
    "externalTrafficPolicy",
    "Cluster: traffic to external addresses comes to any endpoint, and its source need not be kept.",
    "core/v1 ServiceSpec.externalTrafficPolicy",
  ),
  externalLocal: spec(
    "externalTrafficPolicy",
    "Local: a node hands traffic to its own endpoints only, with the client's source; where it has none, it drops it.",
    "core/v1 ServiceSpec.externalTrafficPolicy, ServiceExternalTrafficPolicyLocal",
  ),
  externalInside: spec(
    "externalTrafficPolicy",
    "Clients inside the cluster that call an external IP or load balancer address are always treated as under Cluster.",
    "core/v1 ServiceSpec.externalTrafficPolicy",
  ),
  nodePortInside: spec(
    "externalTrafficPolicy",
    "Local: clients inside the cluster that call a node port may be held to the policy or not.",
    "core/v1 ServiceSpec.externalTrafficPolicy",
  ),
  unknownPod: {
    field: "detectLocalMode",
    says: "Traffic is of Pods where the operator's way of telling says so; this Pod's is taken for traffic from outside.",
    source: "kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration.detectLocalMode, .clusterCIDR",
  },
  internalCluster: spec(
    "internalTrafficPolicy",
    "Cluster: traffic to the cluster IP comes to any endpoint.",
    "core/v1 ServiceSpec.internalTrafficPolicy",
  ),
  internalLocal: spec(
    "internalTrafficPolicy",
    "Local: traffic to the cluster IP comes to endpoints on the client's own node; where there are none, to nobody.",
    "core/v1 ServiceSpec.internalTrafficPolicy drops it; the user documentation says the Service is as without endpoints",
  ),
  ready: {
    field: "endpoints[].conditions.ready",
    says: "Ready endpoints get the traffic.",
    source: "discovery/v1 EndpointConditions.ready",
  },
  terminating: {
    field: "endpoints[].conditions.terminating",
    says: "Where no endpoint is ready, those that terminate and still serve get the traffic.",
    source: "KEP-1669; user documentation, traffic to terminating endpoints",
  },
  contradiction: {
    field: "endpoints[]",
    says: "Objects contradict each other about an endpoint; it may count or not.",
    source:
      "user documentation of EndpointSlices, on duplicate endpoints; core/v1 ServiceSpec.publishNotReadyAddresses",
  },
  noEndpoints: {
    field: "endpoints",
    says: "Connections to a Service without endpoints are refused.",
    source: "kubernetes test/e2e/network/service.go: should be rejected when no endpoints exist",
  },
  hints: {
    field: "endpoints[].hints",
    says: "Endpoints meant for this node or zone are preferred; nobody is held to it.",
    source: "discovery/v1 EndpointHints; core/v1 ServiceSpec.trafficDistribution",
  },
  affinity: spec(
    "sessionAffinity",
    "ClientIP: connections of one client address come to the same endpoint.",
    "core/v1 ServiceSpec.sessionAffinity, ClientIPConfig.timeoutSeconds",
  ),
  sourceKept: spec(
    "clusterIPs[]",
    "What a Pod sends to a cluster IP comes to the endpoint with the Pod's own source.",
    "user documentation, Using Source IP",
  ),
  masqueradeAll: {
    field: "masqueradeAll",
    says: "Everything that is sent to cluster IPs comes from the node.",
    source: "kubeproxy.config.k8s.io/v1alpha1 KubeProxyIPTablesConfiguration.masqueradeAll",
  },
  healthCheck: spec(
    "healthCheckNodePort",
    "Every node answers here whether it has endpoints of the Service.",
    "core/v1 ServiceSpec.healthCheckNodePort",
  ),
};
