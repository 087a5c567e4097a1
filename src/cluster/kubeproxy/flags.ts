import type { FieldPath } from "../validation/field-error.ts";

/** How a flag's text is read: `ip` and `ip:port` are strings that are checked, `map` is `Name=true,Other=false`. */
export type KubeProxyFlagType = "bool" | "int" | "string" | "ip" | "ip:port" | "list" | "duration" | "map";

/** One command-line flag of kube-proxy that sets a field of its configuration. */
export interface KubeProxyFlag {
  readonly flag: string;
  readonly type: KubeProxyFlagType;
  /** The field in the configuration file. */
  readonly path: FieldPath;
  readonly help: string;
  /** The field depends on the mode: `path` holds for iptables. */
  readonly byMode?: true;
}

function flag(name: string, type: KubeProxyFlagType, path: string, help: string): KubeProxyFlag {
  return { flag: `--${name}`, type, path: path.split("."), help };
}

/**
 * The flags of kube-proxy v1.37 (cmd/kube-proxy/app/options.go) as far as the configuration here has their fields, in
 * the order of their names. Not among them: `--healthz-port` and `--metrics-port` (deprecated), flags of logging, of
 * the connection to the API server, and those that are commands (`--cleanup`, `--init-only`).
 */
export const kubeProxyFlags: readonly KubeProxyFlag[] = [
  flag("bind-address", "ip", "bindAddress", "the node's primary IP, instead of the one found on its Node object"),
  flag("bind-address-hard-fail", "bool", "bindAddressHardFail", "exit when a server's port cannot be bound"),
  flag("cluster-cidr", "string", "clusterCIDR", "Pod CIDR of the cluster, or one of each family with a comma between"),
  flag("config-sync-period", "duration", "configSyncPeriod", "how often objects are read anew from the API server"),
  flag("conntrack-max-per-core", "int", "conntrack.maxPerCore", "tracked connections for each CPU core; 0 leaves it"),
  flag("conntrack-min", "int", "conntrack.min", "least number of tracked connections"),
  flag("conntrack-tcp-be-liberal", "bool", "conntrack.tcpBeLiberal", "set nf_conntrack_tcp_be_liberal to 1"),
  flag("conntrack-tcp-timeout-close-wait", "duration", "conntrack.tcpCloseWaitTimeout", "timeout of TCP in CLOSE_WAIT"),
  flag(
    "conntrack-tcp-timeout-established",
    "duration",
    "conntrack.tcpEstablishedTimeout",
    "timeout of idle TCP; 0 leaves it",
  ),
  flag("conntrack-udp-timeout", "duration", "conntrack.udpTimeout", "timeout of unanswered UDP; 0 leaves it"),
  flag(
    "conntrack-udp-timeout-stream",
    "duration",
    "conntrack.udpStreamTimeout",
    "timeout of answered UDP; 0 leaves it",
  ),
  flag("detect-local-mode", "string", "detectLocalMode", "how traffic of local Pods is told from other traffic"),
  flag("feature-gates", "map", "featureGates", "feature gates as Name=true,Other=false"),
  flag("healthz-bind-address", "ip:port", "healthzBindAddress", "address and port of the health check server"),
  flag("hostname-override", "string", "hostnameOverride", "name of the node, instead of the host's name"),
  flag("iptables-localhost-nodeports", "bool", "iptables.localhostNodePorts", "serve node ports on 127.0.0.1, too"),
  flag("iptables-masquerade-bit", "int", "iptables.masqueradeBit", "bit of the mark that means masquerade, 0 to 31"),
  {
    ...flag("iptables-min-sync-period", "duration", "iptables.minSyncPeriod", "least time between two syncs"),
    byMode: true,
  },
  { ...flag("iptables-sync-period", "duration", "iptables.syncPeriod", "time between two clean-ups"), byMode: true },
  flag("ipvs-exclude-cidrs", "list", "ipvs.excludeCIDRs", "virtual servers in these CIDRs are left alone"),
  flag("ipvs-min-sync-period", "duration", "ipvs.minSyncPeriod", "least time between two syncs in ipvs mode"),
  flag("ipvs-scheduler", "string", "ipvs.scheduler", "scheduler of ipvs mode"),
  flag("ipvs-strict-arp", "bool", "ipvs.strictARP", "do not answer ARP for addresses of kube-ipvs0"),
  flag("ipvs-sync-period", "duration", "ipvs.syncPeriod", "time between two clean-ups in ipvs mode"),
  flag("ipvs-tcp-timeout", "duration", "ipvs.tcpTimeout", "timeout of idle TCP in ipvs; 0 leaves it"),
  flag("ipvs-tcpfin-timeout", "duration", "ipvs.tcpFinTimeout", "timeout of TCP after a FIN in ipvs; 0 leaves it"),
  flag("ipvs-udp-timeout", "duration", "ipvs.udpTimeout", "timeout of UDP in ipvs; 0 leaves it"),
  {
    ...flag("masquerade-all", "bool", "iptables.masqueradeAll", "masquerade all traffic to cluster IPs"),
    byMode: true,
  },
  flag("metrics-bind-address", "ip:port", "metricsBindAddress", "address and port of the metrics server"),
  flag("nodeport-addresses", "list", "nodePortAddresses", "node addresses that serve node ports: CIDRs and keywords"),
  flag("oom-score-adj", "int", "oomScoreAdj", "oom_score_adj of the process, -1000 to 1000"),
  flag("pod-bridge-interface", "string", "detectLocal.bridgeInterface", "bridge of the Pods, for BridgeInterface"),
  flag(
    "pod-interface-name-prefix",
    "string",
    "detectLocal.interfaceNamePrefix",
    "prefix of Pod interfaces, for InterfaceNamePrefix",
  ),
  flag("profiling", "bool", "enableProfiling", "serve profiles on the metrics server"),
  flag("proxy-mode", "string", "mode", "iptables, ipvs or nftables"),
  flag(
    "show-hidden-metrics-for-version",
    "string",
    "showHiddenMetricsForVersion",
    "previous release whose hidden metrics are shown",
  ),
];
