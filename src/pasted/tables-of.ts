import { tablesOfTarget } from "../rules/iptables/checks.ts";
import { targetFlags } from "../rules/iptables/options.ts";
import { builtinChains } from "../rules/iptables/ruleset.ts";

/** Tables as bits, in the order of `TABLES`: what a line of a dump can be in. */
export type TableMask = number;

const TABLES = ["raw", "mangle", "nat", "filter", "security"] as const;
export const EVERY_TABLE: TableMask = 31;

export function maskOf(...tables: readonly string[]): TableMask {
  return TABLES.reduce((mask, table, i) => (tables.includes(table) ? mask | (1 << i) : mask), 0);
}

/** The tables of a mask. */
export function tablesIn(mask: TableMask): readonly string[] {
  return TABLES.filter((_, i) => (mask & (1 << i)) !== 0);
}

const NAT = maskOf("nat");
const FILTER = maskOf("filter");
const EITHER = NAT | FILTER;

const BUILTIN: ReadonlyMap<string, TableMask> = new Map(
  [...new Set([...builtinChains.values()].flat())].map((chain) => [
    chain,
    maskOf(...[...builtinChains].filter(([, chains]) => chains.includes(chain)).map(([table]) => table)),
  ]),
);

/** Where programs make chains of these names: kube-proxy (iptables-mode §3, ipvs-mode §6), the kubelet, and others by their habit. */
const NAMES: readonly (readonly [RegExp, TableMask])[] = [
  [/^KUBE-(?:SVC|SVL|EXT|FW|XLB|SEP)-[A-Z2-7]*$/, NAT],
  [/^KUBE-(?:POSTROUTING|MARK-MASQ|MARK-DROP|LOAD-BALANCER|PORTALS-.*|NODEPORT-(?:CONTAINER|HOST))$/, NAT],
  [
    /^KUBE-(?:FORWARD|EXTERNAL-SERVICES|PROXY-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER|SOURCE-RANGES-FIREWALL|NODEPORT-NON-LOCAL)$/,
    FILTER,
  ],
  [/^KUBE-(?:SERVICES|NODEPORTS|NODE-PORT|FIREWALL)$/, EITHER],
  [/^KUBE-IPTABLES-HINT$/, maskOf("mangle")],
  [/^KUBE-(?:PROXY|KUBELET)-CANARY$/, maskOf("mangle", "nat", "filter")],
  [
    /^(?:CNI-(?:HOSTPORT|DN|SN)-|IP-MASQ|KIND-MASQ-AGENT|AWS-(?:SNAT|CONNMARK)|FLANNEL-POSTRTG|KUBE-ROUTER-(?:SNAT|HAIRPIN))/,
    NAT,
  ],
  [
    /^(?:FLANNEL-FWD|DOCKER-(?:USER|ISOLATION|FORWARD|CT|INTERNAL|BRIDGE)|WEAVE-NPC|KUBE-(?:POD-FW|NWPLCY)-|AZURE-NPM|CNI-(?:FORWARD|ADMIN))/,
    FILTER,
  ],
  [/^(?:LIBVIRT_(?:FW|INP|OUT)|f2b-|ufw6?-)/, FILTER],
  [/^LIBVIRT_PRT$/, maskOf("nat", "mangle")],
  [/^DOCKER$/, EITHER],
];

/** The tables in which a chain of this name can be. */
export function tablesOfChain(name: string): TableMask {
  return BUILTIN.get(name) ?? NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? EVERY_TABLE;
}

/** Which table has exactly these built-in chains (dump-formats §1.6). */
export function tablesWithBuiltins(chains: ReadonlySet<string>): TableMask {
  return maskOf(
    ...[...builtinChains]
      .filter(([, own]) => own.length === chains.size && own.every((chain) => chains.has(chain)))
      .map(([table]) => table),
  );
}

/** What a line `-A CHAIN …` shows: its chain, where it jumps to, and the tables it can be in. */
export interface RuleSketch {
  readonly chain: string;
  /** A chain, not a target of its own. */
  readonly jump: string | undefined;
  readonly tables: TableMask;
}

const RULE = /^(?:\[\d+:\d+\] )?(?:-[AIDRC]|--append|--insert) (\S+)/;
const TARGET = / (?:-[jg]|--jump|--goto) (\S+)/;

/** Reads what a rule's line shows without its options; quoted words say nothing. */
export function sketchOf(line: string): RuleSketch {
  const text = line.includes('"') ? line.replace(/"(?:[^"\\]|\\.)*"?/g, '""') : line;
  const chain = RULE.exec(text)?.[1] ?? "";
  const target = TARGET.exec(text)?.[1];
  let tables = tablesOfChain(chain);
  if (/ -m rpfilter\b/.test(text)) tables &= maskOf("raw", "mangle");
  if (target === undefined) return { chain, jump: undefined, tables };
  if (targetFlags.has(target)) {
    const own = tablesOfTarget(target);
    if (own !== undefined) tables &= maskOf(...own);
    if (target === "DROP") tables &= ~NAT;
    return { chain, jump: undefined, tables };
  }
  tables &= tablesOfChain(target);
  // both tables have this jump, filter's with a condition (iptables-mode §3.1)
  if (chain === "OUTPUT" && target === "KUBE-SERVICES") tables &= text.includes("--ctstate NEW") ? FILTER : NAT;
  return { chain, jump: target, tables };
}
