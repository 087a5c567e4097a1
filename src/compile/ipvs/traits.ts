import { type Release, type Trait, type Traits, traitsOf } from "../../proxy/release.ts";

/** Names of what differs between releases in what ipvs mode writes. */
export type IPVSTraitName =
  | "bindsNodeAddresses"
  | "chainLinesRepeated"
  | "connReuseModeZero"
  | "externalLocalAccepted"
  | "externalLocalSet"
  | "filterChain"
  | "filterKnowsExternalLocal"
  | "firewallInFilter"
  | "healthCheckSet"
  | "localFallsBack"
  | "markDropEnsured"
  | "markDropFlushed"
  | "mhPort"
  | "oneForwardingConntrackRule"
  | "outFilterChain"
  | "randomFullyAlways"
  | "readyHairpins"
  | "realServersByText"
  | "resetsWeights"
  | "routeLocalnet"
  | "sctpLocalReturnFirst";

/** The releases that show each trait (ipvs-history §1–§6). */
export const ipvsTraits: Readonly<Record<IPVSTraitName, Trait>> = {
  bindsNodeAddresses: { to: 26, reason: "external and load balancer addresses are bound even if the node has them" },
  chainLinesRepeated: { to: 20, reason: "the line of a chain that is new names KUBE-POSTROUTING, or KUBE-FORWARD" },
  connReuseModeZero: { to: 19, reason: "net/ipv4/vs/conn_reuse_mode is set to 0 on kernels of 5.9 and later, too" },
  externalLocalAccepted: { from: 18, reason: "KUBE-EXTERNAL-IP-LOCAL and its two rules exist" },
  externalLocalSet: {
    from: 19,
    gate: "ExternalPolicyForExternalIP",
    reason: "external IPs of Services with externalTrafficPolicy Local have a set of their own",
  },
  filterChain: { from: 26, reason: "KUBE-IPVS-FILTER guards the bound addresses, sources in 127/8 are left alone" },
  filterKnowsExternalLocal: { from: 28, reason: "KUBE-IPVS-FILTER lets KUBE-EXTERNAL-IP-LOCAL pass" },
  firewallInFilter: { from: 25, reason: "source ranges are enforced in the filter table" },
  healthCheckSet: { from: 21, reason: "health check node ports have a set, which filter KUBE-NODE-PORT accepts" },
  localFallsBack: { from: 24, reason: "a virtual server of policy Local without local endpoints gets all of them" },
  markDropEnsured: { from: 20, to: 24, reason: "nat KUBE-MARK-DROP is created when absent" },
  markDropFlushed: { to: 19, reason: "the restore text names KUBE-MARK-DROP, which kubelet makes, and so empties it" },
  mhPort: { from: 27, reason: "the scheduler mh hashes the source port" },
  oneForwardingConntrackRule: { from: 23, reason: "one rule accepts RELATED,ESTABLISHED instead of two" },
  outFilterChain: { from: 29, reason: "KUBE-IPVS-OUT-FILTER keeps the node itself out of source ranges" },
  randomFullyAlways: { from: 37, reason: "MASQUERADE always carries --random-fully" },
  readyHairpins: { to: 20, reason: "KUBE-LOOP-BACK holds ready endpoints only, as no others are kept" },
  realServersByText: { to: 29, reason: "real servers are added in the order of their texts" },
  resetsWeights: { from: 26, reason: "the first pass gives wanted real servers weight 1 again" },
  routeLocalnet: { to: 20, reason: "net/ipv4/conf/all/route_localnet is set" },
  sctpLocalReturnFirst: { from: 23, reason: "SCTP node ports of policy Local return before they would be marked" },
};

export type IPVSTraits = Traits<IPVSTraitName>;

/** The traits of ipvs mode in one release. */
export function ipvsTraitsOf(release: Release): IPVSTraits {
  return traitsOf(ipvsTraits, release);
}

/** The releases whose ipvs mode is compared in full with kube-proxy's own; others are refused rather than guessed. */
export const verifiedIPVSReleases: readonly Release[] = [
  21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
].map((minor) => ({ minor }));
