import { type Release, type Trait, type Traits, traitsOf } from "./release.ts";

type TraitName =
  | "byEvents"
  | "byServing"
  | "comparesPorts"
  | "countsAll"
  | "ipvsByPass"
  | "ipvsVIPs"
  | "nodePortNeedsEndpoints"
  | "nodePortWhenOpened"
  | "nodePortInsteadOfClusterIP"
  | "skipsEmpty"
  | "vipsToo";

/** How releases differ in what they delete (iptables-mode §5.1, iptables-history §8). */
const cleanupTraits: Readonly<Record<TraitName, Trait>> = {
  byEvents: { to: 31, reason: "runs the conntrack tool for what was removed or became active, instead of a listing" },
  byServing: { from: 29, to: 31, reason: "an endpoint is active while it serves, not only while it is ready" },
  comparesPorts: { from: 34, reason: "an entry must lead to a serving endpoint's address and port, not address alone" },
  countsAll: { to: 21, reason: "every endpoint that is known is active, ready or not (ready ones only since 1.22)" },
  ipvsByPass: {
    to: 26,
    reason: "ipvs mode deletes all entries of UDP node ports in every pass, and none of theirs for an endpoint's sake",
  },
  ipvsVIPs: { from: 22, to: 26, reason: "ipvs mode counts load-balancer addresses of newly active service ports" },
  nodePortNeedsEndpoints: { from: 37, reason: "entries of a node port stay while its Service has no serving endpoint" },
  nodePortWhenOpened: { to: 19, reason: "entries of a node port go when the port's socket is opened" },
  nodePortInsteadOfClusterIP: { to: 19, reason: "with a node port, a removed endpoint's entries by ClusterIP stay" },
  skipsEmpty: { from: 32, to: 36, reason: "a service port without serving endpoints is passed over" },
  vipsToo: { from: 20, reason: "load-balancer addresses of newly active service ports count, not only external IPs" },
};

/** The traits of the clean-up in one release. */
export type CleanupTraits = Traits<TraitName>;

export function cleanupTraitsOf(release: Release): CleanupTraits {
  return traitsOf(cleanupTraits, release);
}
