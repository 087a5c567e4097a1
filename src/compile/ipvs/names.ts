import type { IPFamily } from "../../net/family.ts";
import type { SetType } from "../../rules/ipset/model.ts";
import type { IPVSTraits } from "./traits.ts";

/** Chain names of ipvs mode. */
export const chains = {
  services: "KUBE-SERVICES",
  postrouting: "KUBE-POSTROUTING",
  nodePort: "KUBE-NODE-PORT",
  loadBalancer: "KUBE-LOAD-BALANCER",
  markMasq: "KUBE-MARK-MASQ",
  markDrop: "KUBE-MARK-DROP",
  firewall: "KUBE-FIREWALL",
  forward: "KUBE-FORWARD",
  proxyFirewall: "KUBE-PROXY-FIREWALL",
  sourceRanges: "KUBE-SOURCE-RANGES-FIREWALL",
  filter: "KUBE-IPVS-FILTER",
  outFilter: "KUBE-IPVS-OUT-FILTER",
} as const;

export type SetKey =
  | "loopBack"
  | "clusterIP"
  | "externalIP"
  | "externalIPLocal"
  | "loadBalancer"
  | "loadBalancerFW"
  | "loadBalancerLocal"
  | "sourceIP"
  | "sourceCIDR"
  | "nodePortTCP"
  | "nodePortLocalTCP"
  | "nodePortUDP"
  | "nodePortLocalUDP"
  | "nodePortSCTP"
  | "nodePortLocalSCTP"
  | "healthCheck"
  | "ipvsIPs";

/** A set as kube-proxy defines it; `comment` is that of the rules that use it. */
export interface SetDefinition {
  readonly name: string;
  readonly type: Extract<SetType, "hash:ip" | "hash:ip,port" | "hash:ip,port,ip" | "hash:ip,port,net" | "bitmap:port">;
  readonly comment: string;
  /** Absent: in every release. */
  readonly when?: (traits: IPVSTraits) => boolean;
}

/** All sets in canonical order, with their IPv4 names (ipvs-mode §5.1). */
export const setDefinitions: Readonly<Record<SetKey, SetDefinition>> = {
  loopBack: {
    name: "KUBE-LOOP-BACK",
    type: "hash:ip,port,ip",
    comment: "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
  },
  clusterIP: {
    name: "KUBE-CLUSTER-IP",
    type: "hash:ip,port",
    comment: "Kubernetes service cluster ip + port for masquerade purpose",
  },
  externalIP: {
    name: "KUBE-EXTERNAL-IP",
    type: "hash:ip,port",
    comment: "Kubernetes service external ip + port for masquerade and filter purpose",
  },
  externalIPLocal: {
    name: "KUBE-EXTERNAL-IP-LOCAL",
    type: "hash:ip,port",
    comment: "Kubernetes service external ip + port with externalTrafficPolicy=local",
    when: (traits) => traits.externalLocalAccepted,
  },
  loadBalancer: {
    name: "KUBE-LOAD-BALANCER",
    type: "hash:ip,port",
    comment: "Kubernetes service lb portal",
  },
  loadBalancerFW: {
    name: "KUBE-LOAD-BALANCER-FW",
    type: "hash:ip,port",
    comment: "Kubernetes service load balancer ip + port for load balancer with sourceRange",
  },
  loadBalancerLocal: {
    name: "KUBE-LOAD-BALANCER-LOCAL",
    type: "hash:ip,port",
    comment: "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
  },
  sourceIP: {
    name: "KUBE-LOAD-BALANCER-SOURCE-IP",
    type: "hash:ip,port,ip",
    comment: "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
  },
  sourceCIDR: {
    name: "KUBE-LOAD-BALANCER-SOURCE-CIDR",
    type: "hash:ip,port,net",
    comment: "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
  },
  nodePortTCP: {
    name: "KUBE-NODE-PORT-TCP",
    type: "bitmap:port",
    comment: "Kubernetes nodeport TCP port for masquerade purpose",
  },
  nodePortLocalTCP: {
    name: "KUBE-NODE-PORT-LOCAL-TCP",
    type: "bitmap:port",
    comment: "Kubernetes nodeport TCP port with externalTrafficPolicy=local",
  },
  nodePortUDP: {
    name: "KUBE-NODE-PORT-UDP",
    type: "bitmap:port",
    comment: "Kubernetes nodeport UDP port for masquerade purpose",
  },
  nodePortLocalUDP: {
    name: "KUBE-NODE-PORT-LOCAL-UDP",
    type: "bitmap:port",
    comment: "Kubernetes nodeport UDP port with externalTrafficPolicy=local",
  },
  nodePortSCTP: {
    name: "KUBE-NODE-PORT-SCTP-HASH",
    type: "hash:ip,port",
    comment: "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
  },
  nodePortLocalSCTP: {
    name: "KUBE-NODE-PORT-LOCAL-SCTP-HASH",
    type: "hash:ip,port",
    comment: "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
  },
  healthCheck: {
    name: "KUBE-HEALTH-CHECK-NODE-PORT",
    type: "bitmap:port",
    comment: "Kubernetes health check node port",
    when: (traits) => traits.healthCheckSet,
  },
  ipvsIPs: {
    name: "KUBE-IPVS-IPS",
    type: "hash:ip",
    comment: "Addresses on the ipvs interface",
    when: (traits) => traits.filterChain,
  },
};

/** The longest name that the kernel takes. */
const MAX_NAME = 31;

/** The name of a set in a family: IPv6 sets begin with `KUBE-6-` and are cut to what the kernel takes (ipvs-mode §5.1). */
export function setName(key: SetKey, family: IPFamily): string {
  const { name } = setDefinitions[key];
  return family === "IPv4" ? name : name.replace("KUBE-", "KUBE-6-").slice(0, MAX_NAME);
}
