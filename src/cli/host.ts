import { stringify } from "yaml";
import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import { readHostFile } from "../manifest/hostfile.ts";
import { usualHostFacts } from "../proxy/host-facts.ts";
import type { HostFacts, NodeView } from "../proxy/node.ts";
import type { Report } from "../text/diagnostic.ts";
import { readSource } from "./read-input.ts";

/**
 * The facts of the node: what the `--host` file says, and defaults of a usual node for the rest. `undefined` when the
 * file cannot be read, which is reported.
 */
export function hostFacts(
  path: string | undefined,
  node: NodeView,
  config: ResolvedConfig,
  report: Report,
): HostFacts | undefined {
  if (path === undefined) return usualHostFacts({}, node, config, report);
  const source = readSource(path, report);
  const file = source === undefined ? undefined : readHostFile(source, report);
  return file === undefined ? undefined : usualHostFacts(file, node, config, report);
}

/** The facts as a `--host` file. */
export function showHost(host: HostFacts): string {
  const { interfaces, nfacct, conntrackTCPLiberal, randomFully } = host;
  return stringify({ interfaces, nfacct: nfacct.ctStateInvalidDropped, conntrackTCPLiberal, randomFully });
}
