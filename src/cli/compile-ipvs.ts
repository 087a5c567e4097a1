import { compileIPVS } from "../compile/ipvs/compile.ts";
import type { ProxyState } from "../proxy/state.ts";
import { formatScript } from "../rules/iptables/format.ts";
import type { Backend } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import type { IPVSFamilyResult } from "../view/family-result.ts";
import { commandLines, saveText } from "../view/iptables-text.ts";
import { compiledIPVSJSON } from "../view/ipvs-json.ts";
import { ipvsSummary } from "../view/ipvs-summary.ts";
import { addressesText, ipsetText, ipvsadmListing, ipvsadmText } from "../view/ipvs-text.ts";
import type { Paint } from "../view/summary.ts";
import type { ClusterInput } from "./cluster-input.ts";

/** Outputs that tell of the whole node, not of one family's iptables. */
export const nodeOutputs = ["ipvsadm", "ipvsadm-ln", "ipset", "addresses"] as const;
export type NodeOutput = (typeof nodeOutputs)[number];

/** Compiles the families of a node in ipvs mode, and tells what is remarkable about it. */
export function ipvsResults(states: readonly ProxyState[], report: Report): readonly IPVSFamilyResult[] {
  return states.map((state) => {
    const compiled = compileIPVS(state);
    for (const finding of compiled.findings) report(finding);
    return { state, compiled };
  });
}

/** One of the node's texts, both families together. */
export function nodeText(results: readonly IPVSFamilyResult[], output: NodeOutput, report: Report): string {
  switch (output) {
    case "ipvsadm":
      return ipvsadmText(results, report);
    case "ipvsadm-ln":
      return ipvsadmListing(results, report);
    case "ipset":
      return ipsetText(results, report);
    case "addresses":
      return addressesText(results);
  }
}

/** One iptables text of one family. */
export function ipvsFamilyText(
  { state, compiled }: IPVSFamilyResult,
  output: "restore" | "save" | "commands",
  backend: Backend,
  report: Report,
): string {
  switch (output) {
    case "restore":
      return formatScript(compiled.restore);
    case "save":
      return saveText(state, compiled, backend, report);
    case "commands":
      return commandLines(compiled.commands, state.family);
  }
}

/** The JSON form or the page in words. */
export function ipvsReport(
  results: readonly IPVSFamilyResult[],
  output: "json" | "summary",
  input: ClusterInput,
  paint?: Paint,
): string {
  return output === "json" ? compiledIPVSJSON(results, input.written) : ipvsSummary(input.cluster, results, paint);
}
