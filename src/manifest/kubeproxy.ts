/**
 * A KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) as written in a file: nothing is defaulted here.
 * Durations are Go duration texts (`30s`, `1h0m0s`).
 */
export interface KubeProxyConfiguration {
  readonly apiVersion?: string;
  readonly kind?: "KubeProxyConfiguration";
  readonly mode?: string;
  readonly hostnameOverride?: string;
  readonly bindAddress?: string;
  readonly bindAddressHardFail?: boolean;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly clusterCIDR?: string;
  readonly detectLocalMode?: string;
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string };
  readonly nodePortAddresses?: readonly string[];
  readonly featureGates?: Readonly<Record<string, boolean>>;
  readonly configSyncPeriod?: string;
  readonly iptables?: {
    readonly masqueradeBit?: number;
    readonly masqueradeAll?: boolean;
    readonly localhostNodePorts?: boolean;
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
  };
  readonly ipvs?: {
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
    readonly scheduler?: string;
    readonly excludeCIDRs?: readonly string[];
    readonly strictARP?: boolean;
    readonly tcpTimeout?: string;
    readonly tcpFinTimeout?: string;
    readonly udpTimeout?: string;
  };
  readonly nftables?: {
    readonly masqueradeBit?: number;
    readonly masqueradeAll?: boolean;
    readonly syncPeriod?: string;
    readonly minSyncPeriod?: string;
  };
  readonly conntrack?: {
    readonly maxPerCore?: number;
    readonly min?: number;
    readonly tcpEstablishedTimeout?: string;
    readonly tcpCloseWaitTimeout?: string;
    readonly tcpBeLiberal?: boolean;
    readonly udpTimeout?: string;
    readonly udpStreamTimeout?: string;
  };
  readonly oomScoreAdj?: number;
  readonly enableProfiling?: boolean;
  readonly showHiddenMetricsForVersion?: string;
}
