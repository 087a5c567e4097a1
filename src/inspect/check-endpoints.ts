import type { IPAddress } from "../net/ip.ts";
import { parseProbability, type StatisticMatch } from "../rules/iptables/matches/statistic.ts";
import { formatAddress, type MaskedAddress, maskLength } from "../rules/iptables/values.ts";
import { hashedKind, isPolicyChain } from "./chain-names.ts";
import { type LintChain, type LintRule, type LintTable, leadsTo } from "./dump.ts";
import type { FaultReport } from "./finding.ts";
import { isUnconditional } from "./rule-key.ts";

/** The chains that share connections out, and those of single endpoints (`writeServiceToEndpointRules` of proxier.go). */
export function checkEndpoints(table: LintTable, report: FaultReport): void {
  if (table.name !== "nat") return;
  const used = usedChains(table);
  for (const chain of table.chains.values()) {
    const kind = hashedKind(chain.name);
    if (kind === undefined) continue;
    if (kind === "SEP") {
      if (used.has(chain.name)) checkEndpoint(chain, report);
      continue;
    }
    const balanced = chain.rules.filter(isBalanced);
    if (balanced.length > 0) checkBalance(chain, balanced, report);
    else if (isPolicyChain(chain.name) && used.has(chain.name)) checkNone(chain, report);
  }
}

function usedChains(table: LintTable): ReadonlySet<string> {
  const used = new Set<string>();
  for (const chain of table.chains.values()) {
    for (const rule of chain.rules) {
      const to = leadsTo(rule);
      if (to !== undefined) used.add(to);
    }
  }
  return used;
}

function leadsToEndpoint(rule: LintRule): boolean {
  const to = leadsTo(rule);
  return to !== undefined && hashedKind(to) === "SEP";
}

/** A rule that takes part in the random choice: session affinity comes before it. */
function isBalanced(rule: LintRule): boolean {
  return leadsToEndpoint(rule) && !rule.matches.some(({ kind }) => kind === "recent");
}

function checkNone(chain: LintChain, report: FaultReport): void {
  // 1.24: a local chain without local endpoints drops
  if (chain.rules.some((rule) => leadsTo(rule) === "KUBE-MARK-DROP")) return;
  if (chain.rules.some(leadsToEndpoint)) {
    const message = `chain ${chain.name} chooses endpoints by affinity only: new clients pass it unchanged; restore its random choice`;
    report({ code: "balance-incomplete", message, chain: chain.name, at: chain.rules.at(-1) ?? chain.offset });
    return;
  }
  const message = `chain ${chain.name} is jumped to and leads to no endpoint: connections to its Service go on unchanged and get no answer; restart kube-proxy to have the chain written again`;
  report({ code: "no-endpoints", message, chain: chain.name, at: chain.offset });
}

function statisticOf(rule: LintRule): StatisticMatch | undefined {
  for (const match of rule.matches) if (match.kind === "statistic") return match;
  return undefined;
}

/** The kernel's threshold of 1/n as kube-proxy writes it, `%0.10f` (`computeProbability` of proxier.go). */
function expectedThreshold(n: number): number | undefined {
  return parseProbability((1 / n).toFixed(10));
}

/** The n rules must have 1/n, 1/(n-1), …, 1/2 and nothing; the first fault of the chain is told. */
function checkBalance(chain: LintChain, rules: readonly LintRule[], report: FaultReport): void {
  const last = rules.at(-1) as LintRule;
  const { name } = chain;
  if (statisticOf(last) !== undefined) {
    const share = rules.reduce((rest, rule) => rest * (1 - probability(rule)), 1);
    const message = `the last choice of ${name} is a random one: ${percent(share)} of new connections pass the chain unchanged; restore the rule for its last endpoint, which has no probability`;
    report({ code: "balance-incomplete", message, chain: name, at: last, word: "-m statistic" });
    return;
  }
  if (!isUnconditional(last)) return;
  for (const [i, rule] of rules.slice(0, -1).entries()) {
    const left = rules.length - i;
    const statistic = statisticOf(rule);
    const right = statistic?.mode === "random" && !statistic.negated && statistic.threshold === expectedThreshold(left);
    if (right) continue;
    const message = `choice ${i + 1} of ${rules.length} must have probability ${(1 / left).toFixed(10)} (1/${left}), so that all endpoints of ${name} get the same; restart kube-proxy to have the chain written again`;
    report({ code: "wrong-probability", message, chain: name, at: rule, word: "--probability" });
    return;
  }
}

function probability(rule: LintRule): number {
  const statistic = statisticOf(rule);
  if (statistic === undefined) return 1;
  if (statistic.mode === "nth") return 1 / statistic.every;
  const share = statistic.threshold / 0x80000000;
  return statistic.negated ? 1 - share : share;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.001 ? 4 : 1)} %`;
}

/** A connection of an endpoint to itself must be masqueraded, or its answer never leaves the endpoint. */
function checkEndpoint(chain: LintChain, report: FaultReport): void {
  const { name } = chain;
  const i = chain.rules.findIndex(({ target }) => target?.kind === "DNAT");
  const rule = chain.rules[i];
  if (rule === undefined || rule.target?.kind !== "DNAT") {
    const message = `endpoint chain ${name} has no DNAT rule: connections it gets go on unchanged; restart kube-proxy to have the chain written again`;
    report({ code: "endpoint-without-dnat", message, chain: name, at: chain.offset });
    return;
  }
  const address = rule.target.range.addresses?.from;
  const hairpin = chain.rules.find((each, k) => k < i && leadsTo(each) === "KUBE-MARK-MASQ");
  if (hairpin === undefined) {
    const message = `nothing before this rule masquerades connections that the endpoint makes to itself (-s ${address === undefined ? "ADDRESS" : formatAddress(address)} -j KUBE-MARK-MASQ): their answers are lost; restore the rule`;
    report({ code: "hairpin-missing", message, chain: name, at: rule, word: "-j DNAT" });
    return;
  }
  // a rule for every source masquerades the endpoint's own connections, too
  if (address === undefined || isUnconditional(hairpin)) return;
  if (hairpin.source?.negated === false && isAddress(hairpin.source.value, address)) return;
  const message = `this rule must have -s ${formatAddress(address)}, the address that the endpoint's DNAT rule gives: connections of the endpoint to itself are lost; correct one of the two`;
  report({ code: "hairpin-address", message, chain: name, at: hairpin, word: "-s " });
}

/** True for the network that is this one address. */
function isAddress(network: MaskedAddress, address: IPAddress): boolean {
  const length = address.family === "IPv4" ? 32 : 128;
  return sameAddress(network.address, address) && maskLength(network.mask) === length;
}

function sameAddress(a: IPAddress, b: IPAddress): boolean {
  if (a.family === "IPv4") return b.family === "IPv4" && a.value === b.value;
  return b.family === "IPv6" && a.words.every((word, i) => word === b.words[i]);
}
