import type { ProxyState } from "../../proxy/state.ts";
import type { RuleKindFacts } from "../iptables/provenance.ts";
import type { IPVSTraits } from "./traits.ts";

/** A setting of the kernel that kube-proxy writes at start when it is not so already. */
export interface Sysctl {
  /** As kube-proxy names it: `net/ipv4/ip_forward`. */
  readonly name: string;
  readonly value: number;
  readonly facts: RuleKindFacts;
}

const own = (reason: string): RuleKindFacts => ({ owner: "kube-proxy", field: "", reason });
const strictARP = (reason: string): RuleKindFacts => ({
  owner: "KubeProxyConfiguration",
  field: "ipvs.strictARP",
  reason,
});

/**
 * The kernel settings of ipvs mode in the order in which they are made (ipvs-mode §1.2). The kernel is taken to be of
 * 5.9 or later, where `conn_reuse_mode` is left alone but by old releases. Both families write the same ones.
 */
export function ipvsSysctls(state: ProxyState, traits: IPVSTraits): readonly Sysctl[] {
  const list: Sysctl[] = [];
  const set = (name: string, value: number, facts: RuleKindFacts): void => {
    list.push({ name, value, facts });
  };
  if (traits.routeLocalnet) set("net/ipv4/conf/all/route_localnet", 1, own("lets packets to 127/8 be routed"));
  set("net/ipv4/vs/conntrack", 1, own("IPVS keeps connection tracking, which masquerading needs"));
  if (traits.connReuseModeZero)
    set("net/ipv4/vs/conn_reuse_mode", 0, own("a reused client port stays with its real server"));
  set("net/ipv4/vs/expire_nodest_conn", 1, own("connections to a real server that went are ended"));
  set("net/ipv4/vs/expire_quiescent_template", 1, own("affinity to a real server of weight 0 is forgotten"));
  set("net/ipv4/ip_forward", 1, own("the node forwards packets"));
  if (state.ipvs.strictARP) {
    set("net/ipv4/conf/all/arp_ignore", 1, strictARP("answers ARP only for addresses of the receiving interface"));
    set("net/ipv4/conf/all/arp_announce", 2, strictARP("announces only addresses of the sending interface"));
  }
  return list;
}
