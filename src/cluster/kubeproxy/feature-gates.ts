import { freeGates, gatesLockedOff, gatesLockedOn } from "./known-gates.ts";

type Stage = "alpha" | "beta" | "stable";

interface GateChange {
  /** The first minor release in which this holds. */
  readonly from: number;
  readonly on: boolean;
  readonly stage: Stage;
  readonly locked?: true;
}

/** The gates that change rules or what is accepted, with their defaults by release (pkg/features). */
const RULE_GATES: Readonly<Record<string, readonly GateChange[]>> = {
  AllowServiceExternalIPs: [{ from: 36, on: true, stage: "stable" }],
  KubeProxyIPVS: [{ from: 37, on: true, stage: "stable" }],
  KubeProxyNFTablesLocalhostNodePorts: [{ from: 37, on: false, stage: "alpha" }],
  LoadBalancerIPMode: [
    { from: 29, on: false, stage: "alpha" },
    { from: 30, on: true, stage: "beta" },
    { from: 32, on: true, stage: "stable", locked: true },
  ],
  MultiCIDRServiceAllocator: [
    { from: 27, on: false, stage: "alpha" },
    { from: 31, on: false, stage: "beta" },
    { from: 33, on: true, stage: "stable" },
    { from: 34, on: true, stage: "stable", locked: true },
  ],
  NFTablesProxyMode: [
    { from: 29, on: false, stage: "alpha" },
    { from: 31, on: true, stage: "beta" },
    { from: 33, on: true, stage: "stable", locked: true },
  ],
  PreferSameTrafficDistribution: [
    { from: 33, on: false, stage: "alpha" },
    { from: 34, on: true, stage: "beta" },
    { from: 35, on: true, stage: "stable", locked: true },
  ],
  ProxyTerminatingEndpoints: [
    { from: 22, on: false, stage: "alpha" },
    { from: 26, on: true, stage: "beta" },
    { from: 28, on: true, stage: "stable", locked: true },
  ],
  ServiceInternalTrafficPolicy: [
    { from: 21, on: false, stage: "alpha" },
    { from: 22, on: true, stage: "beta" },
    { from: 26, on: true, stage: "stable", locked: true },
  ],
  ServiceTrafficDistribution: [
    { from: 30, on: false, stage: "alpha" },
    { from: 31, on: true, stage: "beta" },
    { from: 33, on: true, stage: "stable", locked: true },
  ],
  TopologyAwareHints: [
    { from: 21, on: false, stage: "alpha" },
    { from: 23, on: false, stage: "beta" },
    { from: 24, on: true, stage: "beta" },
    { from: 33, on: true, stage: "stable", locked: true },
  ],
};

/** The only release whose whole list of gates is known here. */
const LISTED = 37;

/** A gate, and what about it was not checked. */
export interface UncheckedGate {
  readonly name: string;
  readonly what: string;
}

export interface ResolvedGates {
  /** Each gate of the table that exists by this release (locked ones also after their removal), and each one written. */
  readonly gates: Readonly<Record<string, boolean>>;
  /** What `SetFromMap` says; empty when all is well. */
  readonly error: string;
  /** Written gates of which something is not known here; they are taken as written. */
  readonly unchecked: readonly UncheckedGate[];
}

type Written = Readonly<Record<string, boolean>>;

function changeAt(name: string, minor: number): GateChange | undefined {
  if (!Object.hasOwn(RULE_GATES, name)) return undefined;
  return RULE_GATES[name]?.findLast((change) => change.from <= minor);
}

/** The value a gate is locked to, or `undefined`. */
function lockOf(name: string, minor: number): boolean | undefined {
  if (minor === LISTED && gatesLockedOn.has(name)) return true;
  if (minor === LISTED && gatesLockedOff.has(name)) return false;
  const change = changeAt(name, minor);
  return change?.locked ? change.on : undefined;
}

/** `SetFromMap` in the order of the names; upstream's own order is that of a Go map. */
function refuse(written: Written, minor: number): string {
  const errors: string[] = [];
  for (const name of Object.keys(written).sort()) {
    const known = minor !== LISTED || freeGates.has(name) || gatesLockedOn.has(name) || gatesLockedOff.has(name);
    if (!known) {
      errors.push(`unrecognized feature gate: ${name}`);
      break;
    }
    const lock = lockOf(name, minor);
    if (lock !== undefined && lock !== written[name]) {
      errors.push(`cannot set feature gate ${name} to ${written[name]}, feature is locked to ${lock}`);
    }
  }
  return errors.length > 1 ? `[${errors.join(", ")}]` : (errors[0] ?? "");
}

function effective(name: string, change: GateChange, written: Written): boolean {
  if (change.locked) return change.on;
  const all = change.stage === "alpha" ? written.AllAlpha : change.stage === "beta" ? written.AllBeta : undefined;
  return (Object.hasOwn(written, name) ? written[name] : undefined) ?? all ?? change.on;
}

function unchecked(written: Written, minor: number): readonly UncheckedGate[] {
  const names = Object.keys(written).filter((name) => changeAt(name, minor) === undefined);
  if (minor === LISTED) return names.map((name) => ({ name, what: "whether the gates it depends on are in order" }));
  const special = ["AllAlpha", "AllBeta"];
  const foreign = names.filter((name) => !special.includes(name));
  return foreign.map((name) => ({ name, what: `whether kube-proxy v1.${minor} knows it` }));
}

/** The state of the feature gates of a release with the written ones on top. */
export function resolveFeatureGates(written: Written, minor: number): ResolvedGates {
  const gates: Record<string, boolean> = { ...written };
  for (const name of Object.keys(RULE_GATES)) {
    const change = changeAt(name, minor);
    if (change !== undefined) gates[name] = effective(name, change, written);
  }
  return { gates, error: refuse(written, minor), unchecked: unchecked(written, minor) };
}
