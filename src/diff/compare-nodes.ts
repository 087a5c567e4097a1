import type { ClusterNetwork } from "../assembly/cluster-network.ts";
import { subjectsAt } from "../assembly/subjects.ts";
import type { Address } from "../kernel/packet.ts";
import { isOwnAddress } from "../kernel/run.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { parseIP } from "../net/ip.ts";
import { parsePrefix, prefixContains } from "../net/prefix.ts";
import { addressOf, ipOf } from "../network/addresses.ts";
import type { Names } from "../trace/names.ts";
import type { AllowedDifference } from "../verify/equivalence/allowed.ts";
import type { IntendedDifference } from "../verify/equivalence/intended.ts";
import { type Comparison, compareAndGroup, type Naming } from "../verify/equivalence/report.ts";

/** One of the two that are compared: a cluster's nodes with their rules. */
export interface DiffSide {
  /** `iptables`, `1.30`, `before` */
  readonly name: string;
  readonly place: ClusterNetwork;
  /** Names of addresses and reasons of rules, for traces. */
  readonly names: Names;
  /** Words for the head of a report: the mode and the release. */
  readonly setting: string;
  /** Arguments of `rulewalk` that make this side. */
  readonly args: readonly string[];
}

/** What is compared, where, and what may differ. */
export interface DiffSetting {
  readonly sides: readonly [DiffSide, DiffSide];
  readonly nodes: readonly string[];
  readonly families: readonly IPFamily[];
  /** Objects differ, not what kube-proxy makes of them. */
  readonly ofObjects: boolean;
  readonly intended: readonly IntendedDifference[];
  readonly allowed: readonly AllowedDifference[];
}

/** A comparison of one node and family. */
export interface NodeComparison {
  readonly node: string;
  readonly found: Comparison;
}

/** All that was compared. */
export interface Diff {
  readonly setting: DiffSetting;
  readonly comparisons: readonly NodeComparison[];
}

/** The sender of what comes from no address. */
export const NODE = "the node itself" as const;

/** Who sends, by whose the address is. */
export const senders = ["Pods", "nodes", "outside", "the node itself"] as const;

/** Is an address in what kube-proxy takes for Pods, though no Node has its network? */
function isInPodNetwork({ proxy }: ClusterNetwork, node: string, address: Address): boolean {
  const ip = ipOf(address);
  const detector = proxy(node, ip.family)?.localDetector;
  const prefix = detector?.kind === "cidr" ? parsePrefix(detector.cidr) : undefined;
  return prefix !== undefined && prefixContains(prefix, ip);
}

const SENDERS: Readonly<Record<string, (typeof senders)[number]>> = {
  pod: "Pods",
  "pod-network": "Pods",
  node: "nodes",
  "node-external": "nodes",
};

function compareNode(setting: DiffSetting, node: string, family: IPFamily): NodeComparison | undefined {
  const [{ place: before, name: left }, { place: after, name: right }] = setting.sides;
  const [a, b] = [before.network.node(node)?.host, after.network.node(node)?.host];
  if (a === undefined || b === undefined) return undefined;
  const isOwn = (text: string): boolean => {
    const ip = parseIP(text);
    return ip !== undefined && isOwnAddress(a, addressOf(ip));
  };
  const [subjectBefore, subjectAfter] = [before, after].map(({ cluster }) => subjectsAt(cluster, node, isOwn));
  const naming: Naming = {
    subjectOf: (packet) => subjectBefore?.(packet) ?? subjectAfter?.(packet),
    senderOf: (source) => {
      if (source === undefined) return NODE;
      const known = SENDERS[before.network.ownerOf(source).kind];
      return known ?? (isInPodNetwork(before, node, source) ? "Pods" : "outside");
    },
  };
  return { node, found: compareAndGroup({ name: left, host: a }, { name: right, host: b }, family, naming, setting) };
}

/** Compares all nodes, in each family that some Service has addresses of: others have no differences to tell. */
export function compareNodes(setting: DiffSetting): Diff {
  const { sides, nodes, families } = setting;
  const used = ipFamilies.filter(
    (family) =>
      families.includes(family) &&
      sides.some(({ place }) => nodes.some((node) => (place.proxy(node, family)?.ports.length ?? 0) > 0)),
  );
  return {
    setting,
    comparisons: nodes.flatMap((node) => used.flatMap((each) => compareNode(setting, node, each) ?? [])),
  };
}
