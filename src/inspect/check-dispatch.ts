import { addressTypes } from "../rules/iptables/matches/addrtype.ts";
import { formatProtocol } from "../rules/iptables/protocols.ts";
import { formatAddress, fullMask } from "../rules/iptables/values.ts";
import { hashedKind } from "./chain-names.ts";
import type { ReportOf } from "./check-marks.ts";
import { type Dump, type LintChain, type LintRule, type LintTable, leadsTo } from "./dump.ts";
import type { FaultReport } from "./finding.ts";

/** What a dispatch rule is for: an address, or "node" for all of the node's own; a protocol; a port. */
type Frontend = string;

/** How rules find a Service by address, protocol and port, in KUBE-SERVICES, KUBE-NODEPORTS and KUBE-EXTERNAL-SERVICES. */
export function checkDispatch(dump: Dump, reportOf: ReportOf): void {
  const nat = dump.tables.get("nat");
  if (nat === undefined) return;
  const report = reportOf(nat);
  const dispatched = new Map<Frontend, LintRule>();
  const services = nat.chains.get("KUBE-SERVICES");
  if (services !== undefined) {
    checkTwice(services, dispatched, report);
    checkNodePortsLast(services, report);
  }
  const nodePorts = nat.chains.get("KUBE-NODEPORTS");
  if (nodePorts !== undefined) checkTwice(nodePorts, dispatched, report);
  const filter = dump.tables.get("filter");
  if (filter !== undefined) checkRejected(filter, dispatched, reportOf(filter));
}

/** The frontend of a rule whose conditions are these and no others. */
function frontendOf(rule: LintRule): Frontend | undefined {
  const { protocol, source, fragment, inInterface, outInterface } = rule;
  if (protocol === undefined || protocol.negated) return undefined;
  if (source ?? fragment ?? inInterface ?? outInterface) return undefined;
  const port = onlyPort(rule);
  const address = addressOf(rule);
  return port === undefined || address === undefined
    ? undefined
    : `${address} ${formatProtocol(protocol.value)} ${port}`;
}

/** One address, or "node" where the rule stands in KUBE-NODEPORTS or asks for a local address. */
function addressOf({ destination, chain, matches }: LintRule): string | undefined {
  const local = matches.some((match) => match.kind === "addrtype");
  if (destination === undefined) return local || chain === "KUBE-NODEPORTS" ? "node" : undefined;
  if (local || destination.negated) return undefined;
  const { address, mask } = destination.value;
  return JSON.stringify(mask) === JSON.stringify(fullMask(address.family)) ? formatAddress(address) : undefined;
}

/** The one destination port, when the rule has no other matches than comments and a local destination. */
function onlyPort({ matches }: LintRule): number | undefined {
  let port: number | undefined;
  for (const match of matches) {
    switch (match.kind) {
      case "comment":
        break;
      case "addrtype":
        if (match.source !== undefined || match.limitInterface !== undefined) return undefined;
        if (match.destination?.negated !== false || match.destination.value !== addressTypes.LOCAL) return undefined;
        break;
      case "tcp":
      case "udp":
      case "sctp": {
        const range = match.destination;
        if (match.source !== undefined || range === undefined || range.negated || range.value.from !== range.value.to)
          return undefined;
        port = range.value.from;
        break;
      }
      default:
        return undefined;
    }
  }
  return port;
}

function isDispatch(rule: LintRule): boolean {
  const to = leadsTo(rule);
  const kind = to === undefined ? undefined : hashedKind(to);
  return kind !== undefined && kind !== "SEP";
}

/** Two rules for one frontend: the later one is never reached. The same chain twice is for `duplicate-rule` to say. */
function checkTwice(chain: LintChain, dispatched: Map<Frontend, LintRule>, report: FaultReport): void {
  for (const rule of chain.rules) {
    const frontend = isDispatch(rule) ? frontendOf(rule) : undefined;
    if (frontend === undefined) continue;
    const first = dispatched.get(frontend);
    if (first === undefined) {
      dispatched.set(frontend, rule);
      continue;
    }
    if (leadsTo(first) === leadsTo(rule)) continue;
    const [one = "", two = ""] = [leadsTo(first), leadsTo(rule)];
    const cause =
      one.slice(-16) === two.slice(-16)
        ? "the Service names the address twice: remove it from externalIPs"
        : "two Services share the address and the port: change one of them";
    const message = `${frontend} is taken to ${one} by an earlier rule already, so that no connection comes to this one; ${cause}`;
    report({ code: "dispatch-twice", message, chain: chain.name, at: rule, word: "-j " });
  }
}

/** "NOTE: this must be the last rule in this chain" (`syncProxyRules`): it takes every local address. */
function checkNodePortsLast(chain: LintChain, report: FaultReport): void {
  const first = chain.rules.findIndex((rule) => leadsTo(rule) === "KUBE-NODEPORTS");
  if (first < 0) return;
  const behind = chain.rules.slice(first).filter((rule) => leadsTo(rule) !== "KUBE-NODEPORTS");
  if (behind.length === 0) return;
  const message = `the jump to KUBE-NODEPORTS must be the last rule of the chain, and ${behind.length} of another kind ${behind.length > 1 ? "stand" : "stands"} behind it: node ports get connections to Services first where an address is the node's own; restart kube-proxy to have the chain written again`;
  report({
    code: "node-ports-not-last",
    message,
    chain: chain.name,
    at: chain.rules[first] ?? chain.offset,
    word: "-j ",
  });
}

function checkRejected(filter: LintTable, dispatched: ReadonlyMap<Frontend, LintRule>, report: FaultReport): void {
  for (const name of ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES"]) {
    for (const rule of filter.chains.get(name)?.rules ?? []) {
      const frontend = rule.target?.kind === "REJECT" ? frontendOf(rule) : undefined;
      const to = frontend === undefined ? undefined : dispatched.get(frontend);
      if (to === undefined) continue;
      const message = `connections to ${frontend} are rejected here as of a Service without endpoints, but table nat takes them to ${leadsTo(to)}; two Services share the address and the port: change one of them`;
      report({ code: "dispatched-and-rejected", message, chain: name, at: rule, word: "-j REJECT" });
    }
  }
}
