import { baseJumps, hashedKind, isKube, isOpenByDesign, isPolicyChain, normalChains } from "./chain-names.ts";
import { type LintChain, type LintRule, type LintTable, leadsTo } from "./dump.ts";
import type { FaultReport } from "./finding.ts";

/** From how many endpoints on kube-proxy removes stale chains late (`largeClusterEndpointsThreshold` of proxier.go). */
const LARGE_CLUSTER = 1000;

/** Who leads to each chain, and what is reached from the built-in ones. */
interface Reach {
  /** A rule that leads to the chain, from another chain. */
  readonly callers: ReadonlyMap<string, LintRule>;
  readonly reached: ReadonlySet<string>;
}

/** Chains that are missing, empty, unused or in a circle, and the jumps that kube-proxy's base chains need. */
export function checkChains(table: LintTable, report: FaultReport): void {
  const reach = reachOf(table);
  for (const chain of table.chains.values()) {
    for (const rule of chain.rules) checkMissing(table, rule, report);
    if (chain.builtin) continue;
    if (!table.partial) {
      checkUnused(table, chain, reach, report);
      checkBaseJumps(table, chain, report);
    }
    if (chain.rules.length === 0) checkEmpty(chain, reach, report);
  }
  checkLoops(table, report);
}

function reachOf(table: LintTable): Reach {
  const callers = new Map<string, LintRule>();
  const reached = new Set<string>();
  const open: string[] = [];
  for (const chain of table.chains.values()) {
    if (chain.builtin || (table.partial && normalChains.has(chain.name))) {
      reached.add(chain.name);
      open.push(chain.name);
    }
    for (const rule of chain.rules) {
      const to = leadsTo(rule);
      if (to !== undefined && to !== chain.name && !callers.has(to)) callers.set(to, rule);
    }
  }
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const rule of table.chains.get(name)?.rules ?? []) {
      const to = leadsTo(rule);
      if (to === undefined || reached.has(to)) continue;
      reached.add(to);
      open.push(to);
    }
  }
  return { callers, reached };
}

function checkMissing(table: LintTable, rule: LintRule, report: FaultReport): void {
  const to = leadsTo(rule);
  if (to === undefined || table.chains.has(to)) return;
  const at = { at: rule, chain: rule.chain, word: `${rule.target?.kind === "goto" ? "-g" : "-j"} ${to}` } as const;
  if (table.partial) {
    const message = `chain ${to} is not in this text: iptables-restore --noflush takes the rule only where the node has the chain already`;
    report({ code: "missing-chain", severity: "note", message, ...at });
    return;
  }
  const message = isKube(to)
    ? `there is no chain ${to} in table ${table.name}: the text cannot be loaded; restore the chain or remove the rule`
    : `${to} is neither a chain of table ${table.name} nor a target that is known; restore the chain or remove the rule`;
  const severity = isKube(to) || isKube(rule.chain) ? "error" : "warning";
  report({ code: "missing-chain", severity, message, ...at });
}

/** Only where a piece begins that nothing leads to: what only it leads to has the same cause. */
function checkUnused(table: LintTable, chain: LintChain, { callers, reached }: Reach, report: FaultReport): void {
  const { name, offset } = chain;
  if (reached.has(name) || callers.has(name)) return;
  const why = normalChains.get(name);
  // the jumps of these have a check of their own
  if (Object.hasOwn(baseJumps[table.name] ?? {}, name)) return;
  if (why !== undefined) {
    const message = `nothing leads to chain ${name}, which is normal: ${why}`;
    report({ code: "unused-chain", severity: "note", message, chain: name, at: offset });
    return;
  }
  const normal = unusedNormally(table, name, callers);
  const message = `no packet comes to chain ${name}: no built-in chain leads to it; ${normal ?? "remove it, or restore the jump to it"}`;
  const severity = normal !== undefined || isOpenByDesign(name) ? { severity: "note" as const } : {};
  report({ code: "unused-chain", message, chain: name, at: offset, ...severity });
}

/** Why a chain with a hash in its name may be unused though kube-proxy works as it should. */
function unusedNormally(table: LintTable, name: string, callers: ReadonlyMap<string, LintRule>): string | undefined {
  const kind = hashedKind(name);
  if (kind === undefined) return undefined;
  if (kind === "XLB") return "kube-proxy up to 1.23 writes it for Services without external addresses, too";
  if (kind === "EXT" && table.name === "nat" && !callers.has("KUBE-NODEPORTS"))
    return "kube-proxy 1.24 to 1.26 leaves it where no address of the node takes node ports";
  return isLarge(table) ? "kube-proxy removes stale chains of large clusters late" : undefined;
}

const endpointChains = new WeakMap<LintTable, boolean>();

function isLarge(table: LintTable): boolean {
  let large = endpointChains.get(table);
  if (large === undefined) {
    let count = 0;
    for (const name of table.chains.keys()) if (hashedKind(name) === "SEP") count++;
    large = count > LARGE_CLUSTER;
    endpointChains.set(table, large);
  }
  return large;
}

function checkEmpty(chain: LintChain, { callers }: Reach, report: FaultReport): void {
  const { name } = chain;
  const caller = callers.get(name);
  // chains of endpoints and of marks have checks that say more
  if (caller === undefined || isPolicyChain(name) || hashedKind(name) === "SEP" || name === "KUBE-MARK-MASQ") return;
  const why = normalChains.get(name);
  const open = isOpenByDesign(name);
  const message =
    why === undefined
      ? `chain ${name} is jumped to and has no rules: every packet comes back unchanged; fill it or remove the jump`
      : `chain ${name} has no rules, which is normal: ${why}`;
  const severity = why !== undefined || open ? { severity: "note" as const } : {};
  report({ code: "empty-chain", message, chain: name, at: chain.offset, ...severity });
}

function checkBaseJumps(table: LintTable, { name, offset }: LintChain, report: FaultReport): void {
  const known = baseJumps[table.name] ?? {};
  const from = Object.hasOwn(known, name) ? (known[name] ?? []) : [];
  const missing = from.filter((base) => !table.chains.get(base)?.rules.some((rule) => leadsTo(rule) === name));
  if (missing.length === 0) return;
  const message = `chain ${name} is there, but ${missing.join(" and ")} of table ${table.name} ${missing.length > 1 ? "do" : "does"} not jump to it; something removed the jump: kube-proxy writes it again when it starts`;
  report({ code: "base-jump-missing", message, chain: name, at: offset });
}

/** Each rule that closes a circle of chains, by a walk in depth over all of them. */
function checkLoops(table: LintTable, report: FaultReport): void {
  const state = new Map<string, "open" | "done">();
  for (const start of table.chains.keys()) {
    if (state.has(start)) continue;
    const stack = [{ name: start, next: 0 }];
    state.set(start, "open");
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const rule = table.chains.get(top.name)?.rules[top.next++];
      if (rule === undefined) {
        state.set(top.name, "done");
        stack.pop();
        continue;
      }
      const to = leadsTo(rule);
      if (to === undefined) continue;
      if (state.get(to) === "open") reportLoop(rule, to, report);
      else if (!state.has(to)) {
        state.set(to, "open");
        stack.push({ name: to, next: 0 });
      }
    }
  }
}

function reportLoop(rule: LintRule, to: string, report: FaultReport): void {
  const message = `this rule leads back to chain ${to}, from which packets come here: the kernel refuses a circle of chains; remove one of its jumps`;
  report({
    code: "chain-loop",
    message,
    chain: rule.chain,
    at: rule,
    word: `-${rule.target?.kind === "goto" ? "g" : "j"} ${to}`,
  });
}
