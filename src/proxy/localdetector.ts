import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import type { IPFamily } from "../net/family.ts";
import { formatPrefix, parsePrefix, prefixFamily } from "../net/prefix.ts";
import type { NodeView } from "./node.ts";
import type { ProxyTraits } from "./traits.ts";

/** How kube-proxy tells traffic of Pods on this node from other traffic (iptables-mode §3.5). */
export type LocalDetector =
  | { readonly kind: "cidr"; readonly cidr: string; readonly setting: "clusterCIDR" | "podCIDRs" }
  | { readonly kind: "interface"; readonly name: string }
  | { readonly kind: "interfacePrefix"; readonly prefix: string };

/** The first CIDR of the family, trimmed; masked and written canonically except by old releases. */
function firstCIDR(texts: readonly string[], family: IPFamily, traits: ProxyTraits): string | undefined {
  for (const text of texts) {
    const trimmed = text.trim();
    const prefix = parsePrefix(trimmed);
    if (prefix !== undefined && prefixFamily(prefix) === family) {
      return traits.localCIDRAsWritten ? trimmed : formatPrefix(prefix);
    }
  }
  return undefined;
}

function byCIDR(
  texts: readonly string[],
  setting: "clusterCIDR" | "podCIDRs",
  family: IPFamily,
  traits: ProxyTraits,
): LocalDetector | undefined {
  const cidr = firstCIDR(texts, family, traits);
  return cidr === undefined ? undefined : { kind: "cidr", cidr, setting };
}

/** The detector of one family; `undefined` when none is usable ("no-op detect-local"). */
export function localDetector(
  config: ResolvedConfig,
  node: NodeView,
  family: IPFamily,
  traits: ProxyTraits,
): LocalDetector | undefined {
  switch (config.detectLocalMode) {
    case "ClusterCIDR":
      return byCIDR(config.clusterCIDRs, "clusterCIDR", family, traits);
    case "NodeCIDR":
      return byCIDR(node.podCIDRs, "podCIDRs", family, traits);
    case "BridgeInterface":
      return traits.interfaceLocalDetectors ? { kind: "interface", name: config.bridgeInterface } : undefined;
    case "InterfaceNamePrefix":
      return traits.interfaceLocalDetectors
        ? { kind: "interfacePrefix", prefix: config.interfaceNamePrefix }
        : undefined;
    default:
      return undefined;
  }
}
