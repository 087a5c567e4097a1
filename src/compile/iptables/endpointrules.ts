import type { Endpoint } from "../../proxy/endpoints.ts";
import type { PortDecision } from "../../proxy/state.ts";
import { type Option, option } from "../../rules/iptables/syntax.ts";
import { probabilityText } from "./probability.ts";
import type { RuleKind } from "./provenance.ts";
import type { TableSink } from "./table.ts";
import { jump, type Options, recentCheck } from "./words.ts";

/** An endpoint with the name of its chain and the jump to it. */
export interface EndpointChain {
  readonly endpoint: Endpoint;
  readonly chain: string;
  readonly jump: Option;
}

/** Pairs an endpoint with its chain. */
export function endpointChain(endpoint: Endpoint, chain: string): EndpointChain {
  return { endpoint, chain, jump: jump(chain) };
}

const MATCH_STATISTIC = option("-m", "statistic");
const MODE_RANDOM = option("--mode", "random");
const probabilities: Option[] = [];

/** `-m statistic --mode random --probability 1/n`; nothing for the last of a list. */
export function share(remaining: number): Options {
  if (remaining <= 1) return [];
  let probability = probabilities[remaining];
  if (probability === undefined) {
    probability = option("--probability", probabilityText(remaining));
    probabilities[remaining] = probability;
  }
  return [MATCH_STATISTIC, MODE_RANDOM, probability];
}

/** The comment of the rules of one endpoint in a policy chain; none in large-cluster mode. */
export type PolicyComment = (endpoint: Endpoint, index: number) => Options;

/** A client seen within the affinity time goes to its endpoint again: one rule an endpoint (iptables-mode §3.7). */
export function addAffinityRules(
  nat: TableSink,
  chain: string,
  endpoints: readonly EndpointChain[],
  commentOf: PolicyComment,
  decision: PortDecision,
): void {
  const seconds = option("--seconds", String(decision.port.affinitySeconds));
  endpoints.forEach(({ endpoint, chain: endpointChain, jump }, i) => {
    const options = [...commentOf(endpoint, i), ...recentCheck(endpointChain, seconds), jump];
    nat.rule(chain, options, "affinity", decision, endpoint);
  });
}

/** Each endpoint gets the same share: 1/n, then 1/(n-1) of the rest, … (iptables-mode §3.7). */
export function addBalancingRule(
  nat: TableSink,
  chain: string,
  { endpoint, jump }: EndpointChain,
  comment: Options,
  remaining: number,
  decision: PortDecision,
  kind: RuleKind = "balance",
): void {
  nat.rule(chain, [...comment, ...share(remaining), jump], kind, decision, endpoint);
}
