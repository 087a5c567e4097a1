import { type RuleKind, ruleKinds } from "../../src/compile/iptables/provenance.ts";
import type { Recorded } from "./records.ts";

/** Configuration fields that influence iptables mode (iptables-mode §1.1), and facts of the host. */
const settings: readonly string[] = [
  "mode",
  "hostnameOverride",
  "bindAddress",
  "iptables.masqueradeBit",
  "iptables.masqueradeAll",
  "iptables.localhostNodePorts",
  "iptables.syncPeriod",
  "iptables.minSyncPeriod",
  "detectLocalMode",
  "clusterCIDR",
  "detectLocal.bridgeInterface",
  "detectLocal.interfaceNamePrefix",
  "nodePortAddresses",
  "conntrack.tcpBeLiberal",
  "healthzBindAddress",
  "metricsBindAddress",
  "bindAddressHardFail",
  "configSyncPeriod",
  "featureGates.AllowServiceExternalIPs",
  "featureGates.PreferSameTrafficDistribution",
  "host.nfacct",
  "host.conntrackTCPLiberal",
  "host.randomFully",
];

function leaves(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([name, child]) => leaves(child, path === "" ? name : `${path}.${name}`));
}

/** Counts what records exercise: rules by kind, and records by setting. */
export class Coverage {
  private readonly counts = new Map<string, number>();

  private add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  record({ request }: Recorded, kinds: readonly string[]): void {
    // what kube-proxy itself hooks in by single commands is compared with every record
    for (const kind of ["jump", ...kinds]) this.add(`rule ${kind}`);
    for (const path of [...leaves(request.config, ""), ...leaves(request.host ?? {}, "host")])
      this.add(`setting ${path}`);
  }

  private lines(prefix: string, names: readonly string[]): string[] {
    return names.map((name) => `  ${String(this.counts.get(`${prefix} ${name}`) ?? 0).padStart(7)}  ${name}`);
  }

  /** Rule kinds and settings that nothing exercised. */
  missing(): string[] {
    const kinds = (Object.keys(ruleKinds) as RuleKind[]).filter((kind) => !this.counts.has(`rule ${kind}`));
    return [
      ...kinds.map((kind) => `rule ${kind}`),
      ...settings.filter((name) => !this.counts.has(`setting ${name}`)).map((name) => `setting ${name}`),
    ];
  }

  /** The whole table as text. */
  table(): string {
    const missing = this.missing();
    return [
      "rules compared, by kind:",
      ...this.lines("rule", Object.keys(ruleKinds)),
      "records by setting that they give:",
      ...this.lines("setting", settings),
      missing.length === 0 ? "exercised by no record: nothing" : `exercised by no record: ${missing.join(", ")}`,
    ].join("\n");
  }
}
