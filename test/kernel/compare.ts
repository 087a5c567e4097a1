import { hostFromDumps } from "../../src/dump/host-from-dumps.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { makeSets } from "../../src/kernel/sets.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { emptyRuleset } from "../../src/rules/iptables/ruleset.ts";
import type { Diagnostic, Source } from "../../src/text/diagnostic.ts";
import { Double } from "./emulate.ts";
import { entryDifferences } from "./entries.ts";
import type { Oracle } from "./oracle.ts";
import type { Watch } from "./packets.ts";
import type { RuleCase } from "./rule-cases.ts";

/** Batches between two comparisons of the connections. */
const ENTRIES_EVERY = 4;

/** The emulated host is made from what the node's own tools print, as it would be from a stranger's dumps. */
async function hostSources(oracle: Oracle): Promise<Source[]> {
  return Object.entries(await oracle.dumps()).map(([name, text]) => ({ name, text }));
}

/** Counts what was compared and keeps what differs. */
export class Comparisons {
  packets = 0;
  entries = 0;
  readonly mismatches: string[] = [];
  /** Rule sets with a mismatch, and how many. */
  readonly byCase: Map<string, number> = new Map();

  fail(name: string, text: string): void {
    this.mismatches.push(`${name}: ${text}`);
    this.byCase.set(name, (this.byCase.get(name) ?? 0) + 1);
  }

  /** The emulator as a watcher of one sequence: it is given each packet that the kernel was given. */
  async begin(one: RuleCase, oracle: Oracle): Promise<Watch> {
    const { family, backend } = one;
    const report = ({ severity, message }: Diagnostic): void => {
      if (severity === "error") this.fail(one.name, `our reader refuses it: ${message}`);
    };
    const ruleset = loadRuleset({ name: one.name, text: one.rules }, family, report, { backend });
    const sets = makeSets(parseIPSets({ name: `${one.name}.ipset`, text: one.ipset }, report).values());
    const rules = { IPv4: emptyRuleset, IPv6: emptyRuleset, [family]: ruleset };
    const description = hostFromDumps(await hostSources(oracle), report, { name: "node" });
    const double = new Double(makeHost({ ...description, rules, backend }, sets), true);
    let batches = 0;
    let seen = 0;
    return async ({ steps, observations }, oracle) => {
      // what the kernel drew for a connection that nobody saw stands in its table
      const { entries, at } = await oracle.conntrack();
      const theirs = entries.filter((entry) => entry.family === family);
      for (const [i, step] of steps.entries()) {
        const observation = observations[i];
        if (observation === undefined) continue;
        seen++;
        this.packets++;
        const { differences } = double.step(step, observation, theirs);
        if (differences.length === 0) continue;
        const how = step.from === undefined ? `sent, mark ${step.mark}` : `in ${step.from}`;
        const about = `${packetText(step.packet)} ttl ${step.packet.ttl} (${how}; errno ${observation.errno ?? "-"})`;
        this.fail(one.name, `packet ${seen} ${about}\n  ${differences.join("\n  ")}`);
      }
      if (++batches % ENTRIES_EVERY !== 0) return;
      double.advanceTo(at);
      this.entries += theirs.length;
      for (const text of entryDifferences(double.state, theirs, double.slowest))
        this.fail(one.name, `after packet ${seen}: ${text}`);
    };
  }
}
