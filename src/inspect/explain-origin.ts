import type { Rule } from "../rules/iptables/model.ts";
import { type HashedKind, hashedKind, isPolicyChain } from "./chain-names.ts";
import { type Dump, type LintChain, type LintTable, leadsTo } from "./dump.ts";
import { commentOf } from "./explain-comments.ts";

/** Minor releases of Kubernetes 1.x that a fact allows: from the first to the last, an end may be open. */
export interface Evidence {
  readonly fact: string;
  readonly from?: number;
  readonly to?: number;
}

/** Which kube-proxy wrote a dump, as far as its shape tells. */
export interface Origin {
  readonly mode: "iptables" | "ipvs" | "userspace" | "none";
  readonly why: string;
  /** Releases that all evidence allows. Missing without evidence, and where the evidence contradicts itself. */
  readonly releases?: { readonly from: number; readonly to: number };
  readonly contradictory: boolean;
  readonly evidence: readonly Evidence[];
}

/** Releases whose rule text is known. */
const FIRST = 10;
const LAST = 37;

/** What the rules show, gathered in one pass; evidence is read off it afterwards. */
class Shape {
  readonly facts = new Map<string, Evidence>();
  readonly kinds = new Set<HashedKind>();

  see(fact: string, from: number | undefined, to?: number): void {
    if (this.facts.has(fact)) return;
    this.facts.set(fact, { fact, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
  }
}

const has = (rule: Rule, kind: string): boolean => rule.matches.some((match) => match.kind === kind);

const FIVE_DIGITS = new Set<number>();
const TEN_DIGITS = new Set<number>();
for (let n = 3; n <= 200; n++) {
  FIVE_DIGITS.add(Math.floor(Number((1 / n).toFixed(5)) * 0x80000000 + 0.5));
  TEN_DIGITS.add(Math.floor(Number((1 / n).toFixed(10)) * 0x80000000 + 0.5));
}

/** Probabilities have five digits up to 1.16 and ten since 1.17; many round to the same number. */
function seeProbability(shape: Shape, { matches }: Rule): void {
  for (const match of matches) {
    if (match.kind !== "statistic" || match.mode !== "random") continue;
    const five = FIVE_DIGITS.has(match.threshold);
    const ten = TEN_DIGITS.has(match.threshold);
    if (five && !ten) shape.see("probabilities are written with five digits", undefined, 16);
    if (ten && !five) shape.see("probabilities are written with ten digits", 17);
  }
}

function seeServiceRule(shape: Shape, chain: string, rule: Rule, comment: string): void {
  const target = leadsTo(rule);
  if (/^\S+\/\S+: /.test(comment)) shape.see("the comment of an unnamed port ends in a colon", undefined, 18);
  if (comment.endsWith(" cluster IP") && target === "KUBE-MARK-MASQ") {
    if (chain === "KUBE-SERVICES") shape.see("cluster IPs are masqueraded in KUBE-SERVICES", undefined, 21);
    else shape.see("cluster IPs are masqueraded in the chain of the Service", 22);
  }
  if (comment.endsWith(" external IP") && has(rule, "physdev"))
    shape.see("rules of external IPs ask for physdev", undefined, 20);
  if (comment.startsWith("Balancing rule ")) shape.see('comments say "Balancing rule"', undefined, 22);
  if (comment.startsWith("other traffic to "))
    shape.see('KUBE-FW- chains end in the note "other traffic … will be dropped"', 27);
  if (target !== undefined && hashedKind(target) === "SEP" && isPolicyChain(chain)) {
    if (comment.includes(" -> ")) shape.see("balancing rules name their endpoint in the comment", 24);
    else shape.see("balancing rules name only the Service in the comment", 18, 23);
  }
}

function seeFixedRule(shape: Shape, table: string, chain: string, rule: Rule, comment: string): void {
  const invalid = rule.matches.some((match) => match.kind === "conntrack" && match.states?.value === 1);
  if (chain === "KUBE-FORWARD" && invalid && rule.target?.kind === "DROP") {
    if (has(rule, "nfacct")) shape.see("dropped INVALID packets are counted with nfacct", 31);
    else shape.see("KUBE-FORWARD drops INVALID packets", 15);
  }
  if (comment === "kubernetes forwarding conntrack rule") shape.see("KUBE-FORWARD has one conntrack rule", 23);
  if (comment === "kubernetes forwarding conntrack pod source rule")
    shape.see("KUBE-FORWARD has a conntrack rule for sources and one for destinations", undefined, 22);
  if (chain === "KUBE-POSTROUTING" && table === "nat") {
    if (rule.target?.kind === "RETURN") shape.see("KUBE-POSTROUTING returns early and takes the mark off", 16);
    if (rule.target?.kind === "MASQUERADE" && has(rule, "mark"))
      shape.see("KUBE-POSTROUTING is one rule that asks for the mark", undefined, 15);
    if (rule.target?.kind === "MASQUERADE" && rule.target.randomFully)
      shape.see("masquerading chooses ports at random (--random-fully)", 16);
  }
  if (chain === "KUBE-NODEPORTS" && has(rule, "nfacct"))
    shape.see("node ports on localhost are counted with nfacct", 31);
  if (chain === "KUBE-SERVICES" && leadsTo(rule) === "KUBE-NODEPORTS" && rule.destination?.negated === true)
    shape.see("the rule to KUBE-NODEPORTS leaves loopback addresses out", 26);
}

function seeBuiltinRule(shape: Shape, table: string, chain: string, rule: Rule): void {
  if (table !== "filter") return;
  const target = leadsTo(rule);
  if (chain === "INPUT" && target === "KUBE-SERVICES") shape.see("filter INPUT jumps to KUBE-SERVICES", undefined, 19);
  if (chain === "FORWARD" && target === "KUBE-EXTERNAL-SERVICES")
    shape.see("filter FORWARD jumps to KUBE-EXTERNAL-SERVICES", 20);
}

function seeChain(shape: Shape, table: LintTable, chain: LintChain): void {
  const kind = hashedKind(chain.name);
  if (kind !== undefined) shape.kinds.add(kind);
  if (kind === "XLB") shape.see("there are KUBE-XLB- chains", undefined, 23);
  if (kind === "EXT") shape.see("there are KUBE-EXT- chains", 24);
  if (kind === "SVL") shape.see("there are KUBE-SVL- chains", 24);
  if (!chain.builtin && !chain.name.startsWith("KUBE-")) return;
  for (const rule of chain.rules) {
    const comment = commentOf(rule) ?? "";
    if (chain.builtin) seeBuiltinRule(shape, table.name, chain.name, rule);
    else {
      if (kind === undefined) seeFixedRule(shape, table.name, chain.name, rule, comment);
      if (comment !== "") seeServiceRule(shape, chain.name, rule, comment);
      if (kind !== undefined && leadsTo(rule) === "KUBE-MARK-DROP")
        shape.see("Services use KUBE-MARK-DROP", undefined, 24);
      if (kind !== undefined) seeProbability(shape, rule);
    }
  }
}

/** What is missing tells something where the chains around it are there. */
function seeMissing(shape: Shape, filter: LintTable | undefined): void {
  const chains = filter?.chains;
  if (chains?.has("KUBE-FORWARD") !== true || !chains.has("KUBE-SERVICES")) return;
  if (chains.has("KUBE-PROXY-FIREWALL")) shape.see("filter has KUBE-PROXY-FIREWALL", 25);
  else shape.see("filter has no KUBE-PROXY-FIREWALL", undefined, 24);
  if (chains.has("KUBE-NODEPORTS")) shape.see("filter has KUBE-NODEPORTS", 21);
  else shape.see("filter has no KUBE-NODEPORTS", undefined, 20);
}

function modeOf(dump: Dump, kinds: ReadonlySet<HashedKind>): Pick<Origin, "mode" | "why"> {
  const nat = dump.tables.get("nat")?.chains;
  const filter = dump.tables.get("filter")?.chains;
  const found = (name: string): boolean => nat?.has(name) === true || filter?.has(name) === true;
  const ipvs = ["KUBE-LOAD-BALANCER", "KUBE-NODE-PORT", "KUBE-IPVS-FILTER"].find(found);
  const userspace = ["KUBE-PORTALS-HOST", "KUBE-PORTALS-CONTAINER"].find(found);
  if (ipvs !== undefined && kinds.size === 0) return { mode: "ipvs", why: `chain ${ipvs} is of ipvs mode` };
  if (kinds.size > 0) {
    const beside = ipvs ?? userspace;
    const leftOver = beside === undefined ? "" : `; ${beside} is of another mode, so one of them is left over`;
    return { mode: "iptables", why: `chains are named by hashes (KUBE-${[...kinds].sort()[0]}-)${leftOver}` };
  }
  if (userspace !== undefined) return { mode: "userspace", why: `chain ${userspace} is of userspace mode` };
  if (found("KUBE-SERVICES") && found("KUBE-FORWARD"))
    return { mode: "iptables", why: "there is KUBE-SERVICES beside KUBE-FORWARD, and nothing of another mode" };
  const why = found("KUBE-FIREWALL")
    ? "there are chains of the kubelet only: nftables mode, another proxy, or none"
    : "there is no chain of kube-proxy: nftables mode, another proxy, none, or not this dump";
  return { mode: "none", why };
}

/** In ipvs mode the fixed chains tell (ipvs-history §5). */
function ipvsEvidence(shape: Shape, filter: LintTable | undefined): void {
  const chains = filter?.chains;
  if (chains?.has("KUBE-IPVS-FILTER") === true) shape.see("filter has KUBE-IPVS-FILTER", 26);
  if (chains?.has("KUBE-IPVS-OUT-FILTER") === true) shape.see("filter has KUBE-IPVS-OUT-FILTER", 29);
  if (chains?.has("KUBE-SOURCE-RANGES-FIREWALL") === true) shape.see("filter has KUBE-SOURCE-RANGES-FIREWALL", 25);
}

/** Guesses mode and release of the kube-proxy that wrote a dump, with the reasons (iptables-history §2). */
export function originOf(dump: Dump): Origin {
  const shape = new Shape();
  for (const table of dump.tables.values()) for (const chain of table.chains.values()) seeChain(shape, table, chain);
  const mode = modeOf(dump, shape.kinds);
  const filter = dump.tables.get("filter");
  if (mode.mode === "iptables") seeMissing(shape, filter);
  else shape.facts.clear();
  if (mode.mode === "ipvs") ipvsEvidence(shape, filter);
  const evidence = [...shape.facts.values()];
  const from = Math.max(FIRST, ...evidence.map((each) => each.from ?? FIRST));
  const to = Math.min(LAST, ...evidence.map((each) => each.to ?? LAST));
  const contradictory = from > to;
  if (evidence.length === 0 || contradictory) return { ...mode, contradictory, evidence };
  return { ...mode, contradictory, evidence, releases: { from, to } };
}
