import { conntrackStates } from "../rules/iptables/matches/conntrack.ts";
import { hashedKind } from "./chain-names.ts";
import type { ReportOf } from "./check-marks.ts";
import type { Dump, LintChain, LintTable } from "./dump.ts";

/** Who wrote a chain, where that can be told from its name. */
type Mode = "iptables" | "ipvs" | "userspace";

/** Chains of one mode only (pkg/proxy/ipvs/proxier.go; pkg/proxy/userspace/proxier.go up to 1.25). */
const modeOfChain: ReadonlyMap<string, Mode> = new Map([
  ["KUBE-LOAD-BALANCER", "ipvs"],
  ["KUBE-NODE-PORT", "ipvs"],
  ["KUBE-IPVS-FILTER", "ipvs"],
  ["KUBE-IPVS-OUT-FILTER", "ipvs"],
  ["KUBE-SOURCE-RANGES-FIREWALL", "ipvs"],
  ["KUBE-PORTALS-CONTAINER", "userspace"],
  ["KUBE-PORTALS-HOST", "userspace"],
  ["KUBE-NODEPORT-CONTAINER", "userspace"],
  ["KUBE-NODEPORT-HOST", "userspace"],
  ["KUBE-NODEPORT-NON-LOCAL", "userspace"],
]);

function modeOf(name: string): Mode | undefined {
  return modeOfChain.get(name) ?? (hashedKind(name) === undefined ? undefined : "iptables");
}

/** Chains that no single kube-proxy writes together: of two modes, of two releases; and the guard against invalid packets. */
export function checkOrigin(dump: Dump, reportOf: ReportOf): void {
  for (const table of dump.tables.values()) {
    checkModes(table, reportOf);
    checkReleases(table, reportOf);
  }
  const filter = dump.tables.get("filter");
  const forward = filter?.chains.get("KUBE-FORWARD");
  if (filter !== undefined && forward !== undefined) checkInvalid(filter, forward, reportOf);
}

/** Every mode but iptables' is told by a few fixed names; the fault stands at the first of them beside another mode. */
function checkModes(table: LintTable, reportOf: ReportOf): void {
  const first = new Map<Mode, LintChain>();
  for (const chain of table.chains.values()) {
    const mode = modeOf(chain.name);
    if (mode !== undefined && !first.has(mode)) first.set(mode, chain);
  }
  if (first.size < 2) return;
  const [one, two] = [...first].sort(([a], [b]) => (a === "iptables" ? 1 : b === "iptables" ? -1 : 0));
  if (one === undefined || two === undefined) return;
  const [[oldMode, chain], [mode, other]] = [one, two];
  const message = `chain ${chain.name} is of ${oldMode} mode and ${other.name} of ${mode} mode: one of them is left over; run kube-proxy --cleanup on the node and start kube-proxy again`;
  reportOf(table)({ code: "two-modes", message, chain: chain.name, at: chain.offset });
}

/** KUBE-XLB- chains became KUBE-EXT- in 1.24 (iptables-history). */
function checkReleases(table: LintTable, reportOf: ReportOf): void {
  let old: LintChain | undefined;
  let recent: LintChain | undefined;
  for (const chain of table.chains.values()) {
    const kind = hashedKind(chain.name);
    if (kind === "XLB") old ??= chain;
    if (kind === "EXT") recent ??= chain;
  }
  if (old === undefined || recent === undefined) return;
  const message = `chain ${old.name} is of a release before 1.24 and ${recent.name} of a later one: the old one is left over; run kube-proxy --cleanup on the node and start kube-proxy again`;
  reportOf(table)({ code: "two-releases", message, chain: old.name, at: old.offset });
}

/** Packets that conntrack calls invalid reset connections when they are forwarded (kubernetes issue 74839). */
function checkInvalid(filter: LintTable, forward: LintChain, reportOf: ReportOf): void {
  let accepts = false;
  for (const rule of forward.rules) {
    for (const match of rule.matches) {
      if (match.kind !== "conntrack" || match.states === undefined || match.states.negated) continue;
      if (rule.target?.kind === "DROP" && (match.states.value & conntrackStates.INVALID) !== 0) return;
      if (rule.target?.kind === "ACCEPT") accepts = true;
    }
  }
  if (!accepts) return;
  const message =
    "KUBE-FORWARD lets packets of known connections through and has no rule that drops INVALID ones: normal in ipvs mode and where nf_conntrack_tcp_be_liberal is set, otherwise connections may be reset";
  reportOf(filter)({ code: "invalid-drop-missing", message, chain: forward.name, at: forward.offset });
}
