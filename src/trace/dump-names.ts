import { type DumpNames, dumpNames } from "../inspect/dump-names.ts";
import { vocabularyOf } from "../inspect/explain.ts";
import { actionWords, conditionWords, type Vocabulary } from "../inspect/explain-words.ts";
import { ruleOwner } from "../inspect/rule-owner.ts";
import type { RuleRef } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import { type Address, sameAddress } from "../kernel/packet.ts";
import { addressText, protocolText } from "../kernel/packet-text.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import type { Network } from "../network/network.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { builtinChains } from "../rules/iptables/ruleset.ts";
import { decidingRule, type Names, type RuleWhy } from "./names.ts";
import { ruleAt, ruleName } from "./rule-text.ts";

/** What is recovered from the rules of one node. */
interface Told {
  readonly host: Host;
  readonly names: DumpNames;
  readonly vocabularies: Readonly<Record<IPFamily, Vocabulary>>;
}

function tellNode(host: Host): Told {
  const [v4, v6] = ipFamilies.map((family) => vocabularyOf(host.rules[family])) as [Vocabulary, Vocabulary];
  return {
    host,
    names: dumpNames(ipFamilies.map((family) => host.rules[family])),
    vocabularies: { IPv4: v4, IPv6: v6 },
  };
}

const isBuiltin = ({ table, chain }: RuleRef): boolean =>
  builtinChains.get(table.replace("legacy:", ""))?.includes(chain) === true;

/** What a trace leaves out or tells in words of its own. */
function kindOf(rule: RuleRef, { target, matches }: Rule): string | undefined {
  const plain = matches.every(({ kind }) => kind === "comment" || kind === "conntrack");
  if (target?.kind === "jump" && plain && isBuiltin(rule) && target.chain.startsWith("KUBE-")) return "jump";
  return target?.kind === "RETURN" && rule.chain === "KUBE-POSTROUTING" ? "unmarked-return" : undefined;
}

function whyOf({ host, vocabularies }: Told, rule: RuleRef): RuleWhy | undefined {
  const found = ruleAt(host, rule);
  if (found === undefined) return undefined;
  const vocabulary = vocabularies[rule.family];
  const owner = ruleOwner(host.rules[rule.family], rule);
  const kind = kindOf(rule, found);
  return {
    reason: `${conditionWords(found, vocabulary)}: ${actionWords(found, vocabulary)}`,
    ...(kind === undefined ? {} : { kind }),
    ...(owner === undefined || owner === "kube-proxy" ? {} : { owner }),
  };
}

const commentOf = ({ matches }: Rule): string | undefined => {
  for (const match of matches) if (match.kind === "comment") return match.comment;
  return undefined;
};

/** What kube-proxy's comments say of rules that turn packets away. */
const SAID: readonly (readonly [comment: RegExp, lines: readonly string[]])[] = [
  [
    /has no local endpoints/,
    [
      "by design: a traffic policy Local never sends to another node's endpoint, and this node has none that is usable",
      "change: send to a node that has one, or set the Service's traffic policy to Cluster",
    ],
  ],
  [
    /has no endpoints/,
    [
      "by design: kube-proxy refuses connections to a Service port that has no usable endpoint",
      "change: the Service needs a ready Pod (kubectl get endpointslices shows what it has)",
    ],
  ],
  [
    /traffic not accepted by/,
    [
      "by design: spec.loadBalancerSourceRanges of the Service does not hold the source",
      "change: add a range that holds it, or call the Service by its ClusterIP from inside the cluster",
    ],
  ],
  [
    /block incoming localnet connections/,
    [
      "by design: 127.0.0.0/8 is open to routing for node ports on localhost, and other hosts are kept out",
      "change: call the node's own address",
    ],
  ],
];

function ruleWhy(told: Told, rule: RuleRef): readonly string[] {
  const found = ruleAt(told.host, rule);
  if (found === undefined) return [];
  const owner = ruleOwner(told.host.rules[rule.family], rule);
  const why = whyOf(told, rule);
  const comment = commentOf(found);
  const whose = owner === undefined ? "of nobody that is known" : `${owner}'s`;
  const said = comment === undefined ? "" : `; its comment: ${JSON.stringify(comment)}`;
  const advice =
    owner === "kube-proxy" && comment !== undefined ? SAID.find(([pattern]) => pattern.test(comment)) : undefined;
  return [
    `${ruleName(rule)} is ${whose}: ${why?.reason ?? ""}${said}`,
    ...(advice?.[1] ?? []),
    ...(owner === "kube-proxy" ? [] : ["change: kube-proxy has no part in this rule; look at who wrote it"]),
  ];
}

/** Who may have set a policy. */
function policyWhy({ host }: Told, family: IPFamily, table: string, chain: string): readonly string[] {
  const chains = host.rules[family].tables.get(table)?.chains.keys() ?? [];
  const docker = [...chains].some((name) => name.startsWith("DOCKER"));
  const who = docker && chain === "FORWARD" ? "; Docker sets it when it starts" : "";
  return [
    `no rule of ${chain} accepted the packet, and its policy drops the rest${who}`,
    `change: a rule that accepts it, or iptables -t ${table.replace("legacy:", "")} -P ${chain} ACCEPT`,
  ];
}

function ownerOf(nodes: readonly Told[], address: Address): string | undefined {
  const node = nodes.find(({ host }) =>
    host.interfaces.some(({ addresses }) => addresses.some((own) => sameAddress(own.address, address))),
  );
  return node === undefined ? undefined : `node ${node.host.name}`;
}

/** The first name that a node's rules tell. */
function firstOf(nodes: readonly Told[], tell: (names: DumpNames) => string | undefined): string | undefined {
  for (const { names } of nodes) {
    const found = tell(names);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What the dumps of nodes tell of names: their own addresses, and Services by comments and hashes. */
export function namesOfDumps(network: Network): Names {
  const nodes = network.nodes.flatMap((name) => {
    const host = network.node(name)?.host;
    return host === undefined ? [] : [tellNode(host)];
  });
  const byName = new Map(nodes.map((told) => [told.host.name, told]));
  return {
    holder: (address, port) => {
      const own = ownerOf(nodes, address);
      if (own !== undefined) return own;
      const service =
        port === undefined ? undefined : firstOf(nodes, ({ endpoint }) => endpoint(addressText(address), port));
      return service === undefined ? undefined : `an endpoint of Service ${service}`;
    },
    frontend: ({ dst, dport, protocol }) => {
      const [address, name] = [addressText(dst), protocolText(protocol, "IPv4")];
      const own = ownerOf(nodes, dst) !== undefined || address.startsWith("127.");
      const service =
        firstOf(nodes, ({ frontend }) => frontend(address, dport, name)) ??
        (own ? firstOf(nodes, ({ nodePort }) => nodePort(dport, name)) : undefined);
      return service === undefined ? undefined : `Service ${service}`;
    },
    why: (node, rule) => {
      const told = byName.get(node);
      return told === undefined ? undefined : whyOf(told, rule);
    },
    endWhy: ({ end }) => {
      const told = "node" in end && end.node !== undefined ? byName.get(end.node) : undefined;
      if (told === undefined) return [];
      const rule = decidingRule(end);
      if (rule !== undefined) return ruleWhy(told, rule);
      if (end.kind !== "dropped" || end.cause.kind !== "policy") return [];
      const { family, table, chain } = end.cause;
      return policyWhy(told, family, table, chain);
    },
  };
}
