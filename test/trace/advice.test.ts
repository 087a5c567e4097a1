import test from "ava";
import { ruleAdvice } from "../../src/assembly/advice.ts";
import { compileIptables } from "../../src/compile/iptables/compile.ts";
import { loadCompiled } from "../../src/compile/iptables/load-compiled.ts";
import type { TableName } from "../../src/kernel/event.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { scenarios, tracePlace } from "./support.ts";

/** Asks for every rule of every node of a scenario that ends a packet's way. */
function endingRules(folder: string): ReadonlyMap<string, readonly string[]> {
  const { made } = tracePlace(folder);
  const found = new Map<string, readonly string[]>();
  for (const node of made.network.nodes)
    for (const family of ipFamilies) {
      const state = made.proxy(node, family);
      if (state === undefined) continue;
      const rules = loadCompiled(compileIptables(state, {}), { family, backend: "nft" }, () => undefined);
      for (const [table, { chains }] of rules.tables)
        for (const chain of chains.values())
          for (const [i, { target }] of chain.rules.entries()) {
            if (target?.kind !== "DROP" && target?.kind !== "REJECT") continue;
            const rule = { family, table: table as TableName, chain: chain.name, number: i + 1 };
            const reason = made.reason(node, rule);
            if (reason === undefined) throw new Error(`${folder}: ${chain.name} ${i + 1} has no reason`);
            found.set(reason.kind, ruleAdvice(reason.origin, { node, source: "203.0.113.9" }));
          }
    }
  return found;
}

test("slow: every rule that drops or rejects says whether it is meant, and what would change it", (t) => {
  const seen = new Set<string>();
  for (const name of scenarios)
    for (const [kind, lines] of endingRules(`golden/scenarios/${name}`)) {
      seen.add(kind);
      t.true(
        lines.some((line) => line.startsWith("by design: ")),
        `${name} ${kind}`,
      );
      t.true(
        lines.some((line) => line.startsWith("change: ")),
        `${name} ${kind}`,
      );
    }
  t.deepEqual([...seen].sort(), [
    "cluster-ip-drop",
    "cluster-ip-reject",
    "external-ip-reject",
    "invalid-drop",
    "load-balancer-firewall-drop",
    "load-balancer-ip-drop",
    "load-balancer-ip-reject",
    "localnet-drop",
    "node-port-drop",
    "node-port-reject",
  ]);
});
