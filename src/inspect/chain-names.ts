import { builtinChains } from "../rules/iptables/ruleset.ts";

/** What kube-proxy's chains with a hash in their name are for (pkg/proxy/iptables/proxier.go, `servicePort…Chain`). */
export type HashedKind = "SVC" | "SVL" | "EXT" | "FW" | "XLB" | "SEP";

const HASHED = /^KUBE-(SVC|SVL|EXT|FW|XLB|SEP)-[A-Z2-7]{16}$/;

/** The kind of a chain with a hash in its name. */
export function hashedKind(name: string): HashedKind | undefined {
  return name.startsWith("KUBE-") ? (HASHED.exec(name)?.[1] as HashedKind | undefined) : undefined;
}

/** True for chains that share connections out among endpoints: one policy each, and the local one of old releases. */
export function isPolicyChain(name: string): boolean {
  const kind = hashedKind(name);
  return kind === "SVC" || kind === "SVL";
}

const builtin: ReadonlySet<string> = new Set([...builtinChains.values()].flat());

/** Beginnings of KUBE- chains that other programs own: kube-router's. */
const notKube = /^KUBE-(?:ROUTER|POD-FW|NWPLCY)/;

/** True for chains of kube-proxy and of the kubelet. */
export function isKube(name: string): boolean {
  return name.startsWith("KUBE-") && !notKube.test(name);
}

/** True for chains that somebody else made. */
export function isForeign(name: string): boolean {
  return !isKube(name) && !builtin.has(name);
}

/** Chains that kube-proxy or the kubelet keeps whether or not anything is in them or leads to them, and why. */
export const normalChains: ReadonlyMap<string, string> = new Map([
  ["KUBE-SERVICES", "there is no Service that needs a rule here"],
  ["KUBE-EXTERNAL-SERVICES", "there is no Service that needs a rule here"],
  ["KUBE-NODEPORTS", "no Service has a node port or a health check port"],
  ["KUBE-PROXY-FIREWALL", "no Service has loadBalancerSourceRanges"],
  ["KUBE-FORWARD", "kube-proxy keeps the chain"],
  ["KUBE-FIREWALL", "the kubelet keeps the chain"],
  ["KUBE-MARK-MASQ", "nothing needs masquerading"],
  ["KUBE-MARK-DROP", "kubelets up to 1.27 keep the chain, and kube-proxy uses it up to 1.25"],
  ["KUBE-PROXY-CANARY", "kube-proxy watches the chain to notice that rules were flushed"],
  ["KUBE-KUBELET-CANARY", "the kubelet watches the chain to notice that rules were flushed"],
  ["KUBE-IPTABLES-HINT", "the kubelet tells by the chain which back end is in use"],
  ["KUBE-NODE-PORT", "ipvs mode keeps the chain"],
  ["KUBE-LOAD-BALANCER", "ipvs mode keeps the chain"],
  ["KUBE-SOURCE-RANGES-FIREWALL", "ipvs mode keeps the chain"],
  ["KUBE-IPVS-FILTER", "ipvs mode keeps the chain"],
  ["KUBE-IPVS-OUT-FILTER", "ipvs mode keeps the chain"],
  ["KUBE-PORTALS-CONTAINER", "userspace mode keeps the chain"],
  ["KUBE-PORTALS-HOST", "userspace mode keeps the chain"],
  ["KUBE-NODEPORT-CONTAINER", "userspace mode keeps the chain"],
  ["KUBE-NODEPORT-HOST", "userspace mode keeps the chain"],
  ["KUBE-NODEPORT-NON-LOCAL", "userspace mode keeps the chain"],
]);

/** Chains that other programs keep empty or unused as places for rules to come. */
const openByDesign =
  /^(?:cali[-f]|CNI-|FLANNEL|DOCKER|CILIUM_|OLD_CILIUM_|ufw6?-|f2b-|LIBVIRT_|LIBVIRT-|NETAVARK|WEAVE|KUBE-ROUTER|KUBE-POD-FW|KUBE-NWPLCY|AWS-|IP-MASQ|(?:PRE|POST|IN|OUT|FWD[IO]?|INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)_)/;

/** True for chains of programs that are known to keep some without rules or without a jump to them. */
export function isOpenByDesign(name: string): boolean {
  return openByDesign.test(name);
}

/**
 * The built-in chains that must jump to a base chain, in every release that has it: `iptablesJumpChains` of
 * pkg/proxy/iptables/proxier.go from 1.18 on, of pkg/proxy/ipvs, and the kubelet's. Later releases have more.
 */
export const baseJumps: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  nat: {
    "KUBE-SERVICES": ["PREROUTING", "OUTPUT"],
    "KUBE-POSTROUTING": ["POSTROUTING"],
    "KUBE-PORTALS-CONTAINER": ["PREROUTING"],
    "KUBE-PORTALS-HOST": ["OUTPUT"],
    "KUBE-NODEPORT-CONTAINER": ["PREROUTING"],
    "KUBE-NODEPORT-HOST": ["OUTPUT"],
  },
  filter: {
    "KUBE-SERVICES": ["FORWARD", "OUTPUT"],
    "KUBE-EXTERNAL-SERVICES": ["INPUT"],
    "KUBE-NODEPORTS": ["INPUT"],
    "KUBE-FORWARD": ["FORWARD"],
    "KUBE-PROXY-FIREWALL": ["INPUT", "FORWARD"],
    "KUBE-FIREWALL": ["INPUT", "OUTPUT"],
    "KUBE-NODE-PORT": ["INPUT"],
    "KUBE-IPVS-FILTER": ["INPUT"],
    "KUBE-IPVS-OUT-FILTER": ["OUTPUT"],
    "KUBE-NODEPORT-NON-LOCAL": ["INPUT"],
  },
};
