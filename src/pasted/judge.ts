import { ipFamilies } from "../net/family.ts";
import { targetFlags } from "../rules/iptables/options.ts";
import { parseScript } from "../rules/iptables/parse.ts";
import { readRule } from "../rules/iptables/read-rule.ts";
import { expandAddresses } from "../rules/iptables/restore.ts";
import type { RuleLine } from "../rules/iptables/syntax.ts";

/** Is a quotation open at the end of a line? */
export function hasOpenQuote(text: string): boolean {
  let open = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c && open) i++;
    else if (code === 0x22) open = !open;
  }
  return open;
}

/** What a jump to a chain that nothing else shows counts. */
export const UNSURE = 0.5;

const LONGEST = 100_000;

/** Names of kube-proxy's chains that end in a hash (iptables-mode §2.2): one that is shorter has been cut. */
const HASHED = /^KUBE-(?:SVC|SVL|EXT|FW|XLB|SEP)-/;
const WHOLE = /^KUBE-[A-Z]{2,3}-[A-Z2-7]{16}$/;

function jumpProblems(chain: string, chains: ReadonlySet<string>): number {
  if (chains.has(chain)) return 0;
  if (targetFlags.has(chain)) return 1;
  return HASHED.test(chain) ? (WHOLE.test(chain) ? 0 : 1) : UNSURE;
}

function ruleProblems(line: RuleLine, chains: ReadonlySet<string>): number {
  const lines = expandAddresses(line);
  const each = "code" in lines ? undefined : lines[0];
  if (each === undefined) return 1;
  let least = Number.POSITIVE_INFINITY;
  for (const family of ipFamilies) {
    let count = 0;
    const { target } = readRule(each, family, ({ severity, code }) => {
      if (severity === "error" || /^unknown-/.test(code) || code === "host-name") count++;
    });
    if (target !== undefined && (target.kind === "jump" || target.kind === "goto")) {
      count += jumpProblems(target.chain, chains);
    }
    least = Math.min(least, count);
    if (least === 0) break;
  }
  return least;
}

/**
 * How much is wrong with a line of iptables-save: 0 for one that every tool reads, a half for a jump to a chain that is not
 * among `chains`, one for each fault.
 */
export function problemsOf(text: string, chains: ReadonlySet<string>): number {
  if (text.length > LONGEST) return 1;
  let count = 0;
  const { lines } = parseScript(text, ({ code }) => {
    if (code !== "outside-table" && code !== "missing-policy") count++;
  });
  const line = lines[0];
  if (line === undefined || lines.length > 1) return 1;
  return line.kind === "rule" && count === 0 ? ruleProblems(line, chains) : count;
}
