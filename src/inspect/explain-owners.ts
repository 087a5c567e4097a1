import { hashedKind } from "./chain-names.ts";

/** A program that writes chains of its own. */
interface OwnerPattern {
  readonly owner: string;
  readonly pattern: RegExp;
}

/** Chains by their names. The first pattern that fits decides. */
const chains: readonly OwnerPattern[] = [
  { owner: "kube-router", pattern: /^KUBE-(?:ROUTER|POD-FW|NWPLCY)/ },
  { owner: "the kubelet", pattern: /^KUBE-(?:KUBELET-CANARY|IPTABLES-HINT)$/ },
  { owner: "kube-proxy", pattern: /^KUBE-/ },
  { owner: "kind's masquerade agent (kindnet)", pattern: /^KIND-MASQ-AGENT/ },
  { owner: "ip-masq-agent", pattern: /^IP-MASQ/ },
  { owner: "the Amazon VPC CNI", pattern: /^AWS-/ },
  { owner: "the CNI plugin portmap", pattern: /^CNI-(?:HOSTPORT|DN|SN)-/ },
  { owner: "the CNI plugin firewall", pattern: /^CNI-(?:FORWARD|ADMIN)/ },
  { owner: "a CNI plugin", pattern: /^CNI-/ },
  { owner: "flannel", pattern: /^FLANNEL-/ },
  { owner: "Calico", pattern: /^cali-/ },
  { owner: "Weave Net", pattern: /^WEAVE/ },
  { owner: "Azure Network Policy Manager", pattern: /^AZURE-NPM/ },
  { owner: "Cilium", pattern: /^(?:OLD_)?CILIUM_/ },
  { owner: "OVN-Kubernetes", pattern: /^OVN-KUBE-/ },
  { owner: "Antrea", pattern: /^ANTREA-/ },
  { owner: "Istio", pattern: /^ISTIO_/ },
  { owner: "Linkerd", pattern: /^PROXY_INIT_/ },
  { owner: "Docker", pattern: /^DOCKER/ },
  { owner: "netavark (Podman)", pattern: /^NETAVARK/ },
  { owner: "libvirt", pattern: /^LIBVIRT[_-]/ },
  { owner: "fail2ban", pattern: /^f2b-/ },
  { owner: "ufw", pattern: /^ufw6?-/ },
  { owner: "Tailscale", pattern: /^ts-/ },
  {
    owner: "firewalld",
    pattern:
      /^(?:(?:PRE|POST|IN|OUT|FWD[IO]?|FWD)_[A-Za-z0-9-]+(?:_(?:allow|deny|log|pre|post))?|(?:INPUT|OUTPUT|FORWARD|FORWARD_IN|FORWARD_OUT|PREROUTING|POSTROUTING)_(?:ZONES(?:_SOURCE)?|direct|POLICIES_(?:pre|post)))$/,
  },
];

/** Rules of others in chains that are nobody's: by what they write into comments. */
const comments: readonly OwnerPattern[] = [
  { owner: "NodeLocal DNS", pattern: /^NodeLocal DNS Cache/ },
  { owner: "ip-masq-agent", pattern: /^ip-masq-agent/ },
  { owner: "kind's masquerade agent (kindnet)", pattern: /^kind-masq-agent/ },
  { owner: "the Amazon VPC CNI", pattern: /^AWS[, ]/ },
  { owner: "flannel", pattern: /^flanneld / },
  { owner: "Calico", pattern: /^cali:/ },
  { owner: "Cilium", pattern: /^cilium/i },
  { owner: "kube-router", pattern: /^kube-router / },
  { owner: "the CNI plugin portmap", pattern: /^CNI portfwd/ },
  { owner: "the CNI plugin firewall", pattern: /^CNI firewall plugin/ },
  { owner: "Weave Net", pattern: /^NOTE: this must go before the jump to KUBE-FORWARD$/ },
  { owner: "kube-proxy", pattern: /^kubernetes (?:service|postrouting|forwarding|load balancer|externally|health)/ },
];

/** Sets of others that rules in built-in chains ask. */
const sets: readonly OwnerPattern[] = [
  {
    owner: "kube-proxy",
    pattern: /^KUBE-(?:6-)?(?:CLUSTER-IP|LOOP-BACK|EXTERNAL-IP|LOAD-BALANCER|NODE-PORT|HEALTH-CHECK)/,
  },
  { owner: "kube-router", pattern: /^(?:inet6:)?(?:kube-router-|KUBE-(?:SRC|DST)-)/ },
  { owner: "Calico", pattern: /^cali[46]0/ },
  { owner: "Weave Net", pattern: /^weaver?-/ },
  { owner: "fail2ban", pattern: /^f2b-/ },
  { owner: "Azure Network Policy Manager", pattern: /^azure-npm-/ },
  { owner: "Cilium", pattern: /^cilium_/ },
];

/** Who makes chains of this name; `undefined` when that is not known. */
export function chainOwner(name: string): string | undefined {
  if (hashedKind(name) !== undefined) return "kube-proxy";
  return chains.find(({ pattern }) => pattern.test(name))?.owner;
}

/** Who writes rules with this comment. */
export function commentOwner(comment: string): string | undefined {
  return comments.find(({ pattern }) => pattern.test(comment))?.owner;
}

/** Who makes sets of this name. */
export function setOwner(name: string): string | undefined {
  return sets.find(({ pattern }) => pattern.test(name))?.owner;
}
