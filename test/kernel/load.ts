import { firstDifference } from "../upstream/compare.ts";
import { runInNamespace } from "./namespace.ts";
import type { RuleSet } from "./rule-sets.ts";

const END = "END-OF-RESTORE-TEXT";

/** The shell script that loads a rule set as kube-proxy does and prints what the kernel holds then. */
function script({ tool, backend, commands, restore, counters }: RuleSet): string {
  const real = `${tool}-${backend}`;
  return [
    ...counters.map((name) => `nfacct add ${name}`),
    `${tool}() { ${real} "$@"; }`,
    commands,
    `${real}-restore --noflush --counters <<'${END}'`,
    `${restore}${END}`,
    `${real}-save`,
    "",
  ].join("\n");
}

/** Counters are what packets made them, comment lines tell version and date; everything else must be equal. */
const comparable = (text: string): string =>
  text.replace(/^(:\S+ \S+) \[\d+:\d+\]$/gm, "$1 [0:0]").replace(/^#.*\n/gm, "");

/** Loads a rule set in a namespace of its own; how what iptables-save prints differs from our text, "" when it does not. */
export async function loadAndCompare(rules: RuleSet, lockFile: string): Promise<string> {
  const { code, out, err } = await runInNamespace(script(rules), lockFile);
  if (code !== 0) return `the tools refused it (exit code ${code}): ${err.trim()}`;
  return firstDifference(comparable(out), comparable(rules.save));
}
