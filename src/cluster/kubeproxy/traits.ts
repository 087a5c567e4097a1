/** What start-up does differently from release to release. */
export interface ConfigTraits {
  /** What `nodePortAddresses` may hold: CIDRs; CIDRs or `primary` alone; CIDRs and keywords in any mixture. */
  readonly nodePortKeywords: "none" | "primary alone" | "mixed";
  /** nftables mode fills an empty `nodePortAddresses` with `primary` (v1.29 and v1.30 do something of their own). */
  readonly primaryByDefault: boolean;
  /** nftables mode exists (with its gate on). */
  readonly nftables: boolean;
  /** ipvs mode can be switched off (gate KubeProxyIPVS). */
  readonly ipvsGate: boolean;
  /** ipvs mode takes these schedulers only; newer releases ask the kernel. */
  readonly ipvsSchedulers: readonly string[] | undefined;
  /** `clusterCIDR` is looked at in every mode, as one text; newer releases look only in ClusterCIDR mode. */
  readonly clusterCIDRAlways: boolean;
  /** An empty mode is reported as an error line and an event. */
  readonly warnsDefaultMode: boolean;
  readonly warnsAllAddresses: boolean;
  readonly ipvsDeprecation: string | undefined;
}

const IPVS_ENDS =
  "The ipvs proxier has been deprecated and will be disabled by default in Kubernetes 1.40 and removed in Kubernetes 1.43. Migrate to the 'nftables' proxier instead.";
const IPVS_DEPRECATED =
  "The ipvs proxier is now deprecated and may be removed in a future release. Please use 'nftables' instead.";

const IPVS_SCHEDULERS: readonly string[] = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq"];

// v1.34.9 has no such line, v1.35.4 and v1.35.6 have it (ipvs-history §6)
function ipvsDeprecation(minor: number): string | undefined {
  if (minor >= 37) return IPVS_ENDS;
  return minor >= 35 ? IPVS_DEPRECATED : undefined;
}

/** The traits of a minor release (read from the sources of v1.28, 1.30, 1.32, 1.34, 1.36, 1.37). */
export function configTraits(minor: number): ConfigTraits {
  return {
    nodePortKeywords: minor >= 37 ? "mixed" : minor >= 31 ? "primary alone" : "none",
    primaryByDefault: minor >= 31,
    nftables: minor >= 29,
    ipvsGate: minor >= 37,
    ipvsSchedulers: minor <= 26 ? IPVS_SCHEDULERS : undefined,
    clusterCIDRAlways: minor <= 30,
    warnsDefaultMode: minor >= 37,
    warnsAllAddresses: minor >= 31,
    ipvsDeprecation: ipvsDeprecation(minor),
  };
}
