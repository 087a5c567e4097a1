import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { counterNames, type RuleCase } from "./rule-cases.ts";
import { type Backend, backends } from "./tools.ts";

const FOLDER = fileURLToPath(new URL("../../../test/kernel/rulesets", import.meta.url));

/** `# backends legacy` and `# sysctl NAME=VALUE` among the comments at the head say what else a rule set needs. */
function directives(text: string): Pick<RuleCase, "sysctls"> & { readonly only: readonly Backend[] } {
  const sysctls = [...text.matchAll(/^# sysctl (\S+)=(\d+)$/gm)].map(([, name = "", value]) => [name, Number(value)]);
  const wanted = /^# backends (.+)$/m.exec(text)?.[1]?.split(" ");
  return { sysctls: Object.fromEntries(sysctls), only: backends.filter((name) => wanted?.includes(name) ?? true) };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readCases(file: string): RuleCase[] {
  const stem = file.slice(0, -".save".length);
  const rules = readFileSync(join(FOLDER, file), "utf8");
  const { sysctls, only } = directives(rules);
  const about = /^# (.*)$/m.exec(rules)?.[1] ?? "";
  const ipset = readIfThere(join(FOLDER, `${stem}.ipset`));
  return only.map((backend) => ({
    name: `${stem}/${backend}`,
    about,
    family: stem.endsWith(".v6") ? "IPv6" : "IPv4",
    backend,
    rules,
    ipset,
    nfacct: counterNames(rules),
    sysctls,
  }));
}

/**
 * The rule sets of the folder `rulesets`, written by hand after what other programs usually write: `NAME.save` for IPv4,
 * `NAME.v6.save` for IPv6, each for every back end that can load it, with the sets of `NAME.ipset`.
 */
export function foreignCases(): RuleCase[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".save"));
  return files.sort().flatMap(readCases);
}
