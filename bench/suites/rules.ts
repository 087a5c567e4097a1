import { compileIptables, iptablesCommands } from "../../src/compile/iptables/compile.ts";
import { proxyState } from "../../src/proxy/state.ts";
import { formatScript } from "../../src/rules/iptables/format.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { readRule } from "../../src/rules/iptables/read-rule.ts";
import { applyCommand, applyScript } from "../../src/rules/iptables/restore.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import { formatSave } from "../../src/rules/iptables/save.ts";
import { writeRule } from "../../src/rules/iptables/write-rule.ts";
import type { Case, Suite } from "../measure.ts";
import { clusterOf, options, refuse, sha256 } from "../subject.ts";

const SERVICES = 300;
const ENDPOINTS = 10;
const how = { family: "IPv4", backend: "nft", noflush: true, counters: true } as const;

function cases(): readonly Case[] {
  const state = proxyState(clusterOf(SERVICES, ENDPOINTS), options);
  const script = compileIptables(state, { sha256 }).restore;
  let before: Ruleset = emptyRuleset;
  for (const command of iptablesCommands(state)) before = applyCommand(before, command, how, refuse);
  const load = (): Ruleset => applyScript(before, script, how, refuse);
  const ruleset = load();
  const save = formatSave(ruleset, "IPv4", how);
  const rules = script.lines.filter((line) => line.kind === "rule");
  const models = rules.map((rule) => readRule(rule, "IPv4", refuse));
  const lines = { count: save.split("\n").length - 1, of: "line" };
  const work = { count: rules.length, of: "rule" };
  return [
    { name: "parse save text", work: lines, run: () => parseScript(save, refuse) },
    { name: "format a script", work: { count: script.lines.length, of: "line" }, run: () => formatScript(script) },
    { name: "rule: words to meaning", work, run: () => rules.map((rule) => readRule(rule, "IPv4", refuse)) },
    { name: "rule: meaning to words", work, run: () => models.map(writeRule) },
    { name: "load a restore script", work, run: load },
    { name: "print as iptables-save", work, run: () => formatSave(ruleset, "IPv4", how) },
  ];
}

/** Rules as text, as trees and as what they mean. */
export const rules: Suite = { title: "The language of rules", cases };
