import { makeSets } from "../../src/kernel/sets.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { applyScript } from "../../src/rules/iptables/restore.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { type CellTable } from "./cells.ts";
import { Double } from "./emulate.ts";
import { observe } from "./observe.ts";
import type { CounterMode } from "./oracle.ts";
import type { RuleCase } from "./rule-cases.ts";
import { topologyHost } from "./topology-host.ts";
import type { Topology } from "./topology.ts";

/** What a comparison found. */
export interface CaseReport {
  readonly name: string;
  packets: number;
  translated: number;
  /** In words, the first ones only. */
  readonly mismatches: string[];
  failed: number;
}

const SHOWN = 5;

/** Sends packets through a rule set in the kernel and in the emulator, and compares what becomes of each. */
export async function comparePackets(
  one: RuleCase,
  topology: Topology,
  options: { readonly packets: number; readonly counters: CounterMode; readonly lockFile: string; readonly seed: string },
  cells: CellTable,
): Promise<CaseReport> {
  const source = { name: one.name, text: one.rules };
  const faults: string[] = [];
  const ruleset = applyScript(emptyRuleset, parseScript(source, ({ message }) => faults.push(message)), { family: one.family, backend: one.backend }, ({ message, severity }) => {
    if (severity === "error") faults.push(message);
  });
  const rules = { IPv4: emptyRuleset, IPv6: emptyRuleset, [one.family]: ruleset };
  const sets = makeSets(parseIPSets({ name: `${one.name}.ipset`, text: one.ipset }, ({ message }) => faults.push(message)).values());
  const double = new Double(makeHost(topologyHost(topology, rules, one.sysctls), sets), true);
  const report: CaseReport = { name: one.name, packets: 0, translated: 0, mismatches: [], failed: 0 };
  const fail = (text: string): void => {
    report.failed++;
    if (report.mismatches.length < SHOWN) report.mismatches.push(text);
  };
  for (const fault of faults) fail(`our reader refuses it: ${fault}`);
  const began = Date.now();
  await observe(one, topology, options, ({ observations, rules: hits, steps, places }) => {
    double.state.now = Date.now() - began;
    for (const [i, step] of steps.entries()) {
      const seen = observations[i];
      if (seen === undefined) continue;
      report.packets++;
      cells.add(places, step, seen);
      const { differences, translated } = double.step(step, seen);
      if (translated) report.translated++;
      if (differences.length > 0) {
        const how = step.from === undefined ? `sent, mark ${step.mark}` : `in ${step.from}`;
        fail(`packet ${report.packets} ${packetText(step.packet)} ttl ${step.packet.ttl} (${how}; errno ${seen.errno ?? "-"})\n  ${differences.join("\n  ")}`);
      }
    }
    if (options.counters === "batch") for (const text of double.compareHits(hits)) fail(`rule counters ${text}`);
  });
  return report;
}
