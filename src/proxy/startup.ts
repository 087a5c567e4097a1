import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import { type IPFamily, otherFamily } from "../net/family.ts";
import { parsePrefix, prefixFamily } from "../net/prefix.ts";
import { detectNodeIPs, type NodeView } from "./node.ts";

/** Something kube-proxy says about the configuration once it knows its node; a fatal one keeps it from starting. */
export interface StartFinding {
  readonly fatal: boolean;
  readonly code: string;
  readonly message: string;
}

const familyOfCIDR = (text: string): IPFamily | undefined => {
  const prefix = parsePrefix(text.trim());
  return prefix === undefined ? undefined : prefixFamily(prefix);
};

const isAll = (cidrs: readonly string[], family: IPFamily): boolean =>
  cidrs.length > 0 && cidrs.every((cidr) => familyOfCIDR(cidr) === family);

const isDual = (cidrs: readonly string[]): boolean => new Set(cidrs.map(familyOfCIDR)).size > 1;

function detectorFindings(config: ResolvedConfig, node: NodeView, primary: IPFamily): StartFinding[] {
  const has = (cidrs: readonly string[]): boolean => cidrs.some((cidr) => familyOfCIDR(cidr) === primary);
  if (config.detectLocalMode === "ClusterCIDR" && !has(config.clusterCIDRs)) {
    const message = "Detect-local-mode set to ClusterCIDR, but no cluster CIDR specified for primary IP family";
    return [{ fatal: false, code: "no-cluster-cidr", message }];
  }
  if (config.detectLocalMode === "NodeCIDR" && node.podCIDRs.length === 0) {
    const message = `timeout waiting for PodCIDR allocation on node "${node.name}"`;
    return [{ fatal: true, code: "no-pod-cidr", message }];
  }
  if (config.detectLocalMode === "NodeCIDR" && !has(node.podCIDRs)) {
    const message = "Detect-local-mode set to NodeCIDR, but no PodCIDR defined at node for primary IP family";
    return [{ fatal: false, code: "no-pod-cidr", message }];
  }
  return [];
}

function familyFindings(config: ResolvedConfig, node: NodeView, primary: IPFamily): StartFinding[] {
  const other = otherFamily(primary);
  const findings: StartFinding[] = [];
  const maybe = `Kube-proxy configuration may be incomplete or incorrect: cluster is ${primary}-primary but`;
  if (isAll(config.clusterCIDRs, other)) {
    const message = `${maybe} clusterCIDRs contains only ${other} addresses`;
    findings.push({ fatal: false, code: "cluster-cidr-family", message });
  }
  if (isAll(node.podCIDRs, other)) {
    const what = `cluster is ${primary}-primary but node.spec.podCIDRs contains only ${other} addresses`;
    const fatal = config.detectLocalMode === "NodeCIDR";
    const message = fatal
      ? `kube-proxy configuration is incorrect: ${what}`
      : `Kube-proxy configuration may be incomplete or incorrect: ${what}`;
    findings.push({ fatal, code: "pod-cidr-family", message });
  }
  return findings;
}

function nodePortFindings(config: ResolvedConfig, node: NodeView, primary: IPFamily): StartFinding[] {
  const { nodePortAddresses: addresses, clusterCIDRs } = config;
  if (addresses.length === 0) return [];
  const other = otherFamily(primary);
  const ofPrimary = addresses.filter((cidr) => familyOfCIDR(cidr) === primary).length;
  const dual = [clusterCIDRs, addresses, config.ipvs.excludeCIDRs, node.podCIDRs].some(isDual);
  const report = (code: string, text: string): StartFinding[] => [
    { fatal: false, code, message: `Kube-proxy configuration may be incomplete or incorrect: ${text}` },
  ];
  if (dual && ofPrimary === addresses.length) {
    const open = `NodePort connections will be accepted on all local ${other} IPs`;
    return report(
      "node-port-family",
      `cluster appears to be dual-stack but nodePortAddresses contains only ${primary} addresses; ${open}`,
    );
  }
  const keywords = addresses.some((entry) => familyOfCIDR(entry) === undefined);
  if (ofPrimary > 0 || keywords) return [];
  const open = `NodePort connections will be accepted on all local ${primary} IPs`;
  return report(
    "node-port-family",
    `cluster appears to be ${primary}-primary but nodePortAddresses contains only ${other} addresses; ${open}`,
  );
}

/**
 * What kube-proxy finds wrong when it starts on a node of a host with both families (`checkBadConfig`,
 * `checkBadIPConfig`, `getLocalDetectors`; iptables-mode §3.5, §3.8). An empty `nodePortAddresses` is the
 * configuration's own finding and not repeated here.
 */
export function startFindings(config: ResolvedConfig, node: NodeView): readonly StartFinding[] {
  const { primary } = detectNodeIPs(node, config.bindAddress);
  return [
    ...detectorFindings(config, node, primary),
    ...familyFindings(config, node, primary),
    ...nodePortFindings(config, node, primary),
  ];
}
