import { type Release, type Trait, type Traits, traitsOf } from "../../proxy/release.ts";

/** Names of what differs between releases in the text of iptables mode. */
export type IptablesTraitName =
  | "classicLayout"
  | "externalServicesFromForward"
  | "firewallNote"
  | "invalidUnlessLiberal"
  | "jumpsToKubeletFirewall"
  | "localnetRule"
  | "markDropEnsured"
  | "postroutingJumpLast"
  | "nfacct"
  | "oneForwardingConntrackRule"
  | "proxyFirewallChain"
  | "randomFullyAlways"
  | "healthCheckAccept";

/** The releases that show each trait of the text (iptables-history §2). */
export const iptablesTraits: Readonly<Record<IptablesTraitName, Trait>> = {
  classicLayout: { to: 21, reason: "two rules a Service in KUBE-SERVICES, KUBE-FW for every VIP, KUBE-XLB (§4.2)" },
  externalServicesFromForward: { from: 20, reason: "FORWARD jumps to KUBE-EXTERNAL-SERVICES" },
  firewallNote: { from: 27, reason: "a KUBE-FW chain ends with a rule that only carries a comment" },
  invalidUnlessLiberal: { from: 29, reason: "no INVALID rule when conntrack is liberal about TCP" },
  jumpsToKubeletFirewall: { from: 27, reason: "KUBE-FIREWALL is created and jumped to by kube-proxy as well" },
  localnetRule: { from: 27, reason: "kube-proxy writes the rule against packets to 127/8 from elsewhere itself" },
  markDropEnsured: { from: 20, to: 24, reason: "nat KUBE-MARK-DROP is created when absent, and left empty" },
  postroutingJumpLast: { from: 27, to: 27, reason: "the jump from POSTROUTING is made after those to KUBE-FIREWALL" },
  nfacct: { from: 31, reason: "nfacct matches count dropped INVALID packets and localhost node-port packets" },
  oneForwardingConntrackRule: { from: 23, reason: "one rule accepts RELATED,ESTABLISHED instead of two" },
  proxyFirewallChain: { from: 25, reason: "source ranges are enforced by filter KUBE-PROXY-FIREWALL" },
  randomFullyAlways: { from: 37, reason: "MASQUERADE always carries --random-fully" },
  healthCheckAccept: { from: 21, reason: "health check node ports are accepted in filter KUBE-NODEPORTS" },
};

export type IptablesTraits = Traits<IptablesTraitName>;

/** The traits of iptables mode's text in one release. */
export function iptablesTraitsOf(release: Release): IptablesTraits {
  return traitsOf(iptablesTraits, release);
}

/** The releases whose text is compared in full with kube-proxy's own; others are refused rather than guessed. */
export const verifiedReleases: readonly Release[] = [21, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37].map(
  (minor) => ({ minor }),
);
