import type { Rule } from "../rules/iptables/model.ts";

/** What a rule of kube-proxy is for. */
export type Role =
  | "cluster IP"
  | "external IP"
  | "load balancer IP"
  | "node port"
  | "health check"
  | "no endpoints"
  | "no local endpoints"
  | "outside the source ranges"
  | "masquerade"
  | "short cut of Pods"
  | "short cut of the node"
  | "source range"
  | "note"
  | "affinity"
  | "balancing"
  | "hairpin"
  | "endpoint";

/** What a comment of kube-proxy says. */
export interface KubeComment {
  /** `namespace/name` or `namespace/name:port`, as kube-proxy writes service ports. */
  readonly service: string;
  readonly role?: Role;
  /** `ADDRESS:PORT` of an endpoint. */
  readonly endpoint?: string;
}

const NAME = "([a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9]*(?::[-a-z0-9]*)?)";
const form = (text: string): RegExp => new RegExp(`^${text.replace("N", NAME)}$`);

/** The comments of all releases (iptables-mode §3.6, iptables-history §3). */
const forms: readonly (readonly [RegExp, Role | undefined])[] = [
  [form("N cluster IP"), "cluster IP"],
  [form("N external IP"), "external IP"],
  [form("N loadbalancer IP"), "load balancer IP"],
  [form("N has no endpoints"), "no endpoints"],
  [form("N has no local endpoints"), "no local endpoints"],
  [form("N health check node port"), "health check"],
  [form("N traffic not accepted by \\S+"), "outside the source ranges"],
  [form("other traffic to N will be dropped by KUBE-PROXY-FIREWALL"), "note"],
  [form("masquerade (?:LOCAL )?traffic for N (?:external destinations|LB IP)"), "masquerade"],
  [form("pod traffic for N external destinations"), "short cut of Pods"],
  [form("route LOCAL traffic for N (?:external destinations|LB IP to service chain)"), "short cut of the node"],
  [form("Balancing rule \\d+ for N"), "balancing"],
];
const ENDPOINT = new RegExp(`^${NAME} -> (\\S+)$`);
const PLAIN = form("N");

/** The text of a rule's first comment. */
export function commentOf({ matches }: Rule): string | undefined {
  for (const match of matches) if (match.kind === "comment") return match.comment;
  return undefined;
}

/** Reads a comment in a chain of kube-proxy; `undefined` when it names no Service. */
export function readKubeComment(comment: string): KubeComment | undefined {
  if (!comment.includes("/")) return undefined;
  const [, owner, endpoint] = ENDPOINT.exec(comment) ?? [];
  if (owner !== undefined && endpoint !== undefined) return { service: owner, role: "balancing", endpoint };
  const plain = PLAIN.exec(comment)?.[1];
  if (plain !== undefined) return { service: plain };
  for (const [pattern, role] of forms) {
    const service = pattern.exec(comment)?.[1];
    if (service !== undefined) return role === undefined ? { service } : { service, role };
  }
  return undefined;
}
