import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Answer } from "./compare-sample.ts";

/** A compiler that is wrong on purpose: one text replaced in one of the built files. */
export interface Fault {
  readonly name: string;
  /** Below `src/`, as built. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Faults that a person could make, in what is decided and in how it is spelled. */
export const faults: readonly Fault[] = [
  {
    name: "the last but one endpoint gets everything that is left",
    file: "compile/iptables/endpointrules.js",
    find: "if (remaining <= 1)",
    replace: "if (remaining <= 2)",
  },
  {
    name: "a probability is cut off instead of rounded",
    file: "compile/iptables/probability.js",
    find: "if (twice > n ||",
    replace: "if (twice > 2 * n ||",
  },
  {
    name: "external traffic ignores the policy Local",
    file: "compile/iptables/modern.js",
    find: "jump(decision.port.externalPolicyLocal ? svl : svc)",
    replace: "jump(svc)",
  },
  {
    name: "the first source range is left out",
    file: "compile/iptables/modern.js",
    find: "of port.sourceRanges)",
    replace: "of port.sourceRanges.slice(1))",
  },
  {
    name: "loopback is excluded from node ports when it should not be",
    file: "compile/iptables/fixed.js",
    find: "state.nodePortsExcludeLoopback ? [not",
    replace: "!state.nodePortsExcludeLoopback ? [not",
  },
  {
    name: "an endpoint without node hint does not switch node hints off",
    file: "proxy/topology.js",
    find: "if (nodeHinted && nodeHit)",
    replace: "if (nodeHit)",
  },
  {
    name: "a terminating endpoint is used though it does not serve",
    file: "proxy/topology.js",
    find: "endpoint.serving && endpoint.terminating",
    replace: "endpoint.terminating",
  },
  {
    name: "an external address is written as the object spells it",
    file: "proxy/serviceport.js",
    find: "text: canonicalIP(written) ?? written",
    replace: "text: written",
  },
  {
    name: "the health check counts endpoints that are not ready",
    file: "proxy/healthcheck.js",
    find: "if (endpoint.local && endpoint.ready)",
    replace: "if (endpoint.local)",
  },
  {
    name: "local traffic is told by the first CIDR of any family",
    file: "proxy/localdetector.js",
    find: "prefix !== undefined && prefixFamily(prefix) === family",
    replace: "prefix !== undefined",
  },
];

const dist = fileURLToPath(new URL("../..", import.meta.url));
const FED = ["feed.js", "records.js"];

/**
 * Builds a copy of the compiler with a fault and gives its answers. Throws when the text to replace is not there exactly
 * once: then the fault must be written anew. `remove` takes the copy away.
 */
export async function faultyAnswer(fault: Fault): Promise<{ readonly answer: Answer; readonly remove: () => void }> {
  const copy = join(dist, "faults", `${faults.indexOf(fault)}-${process.pid}`);
  mkdirSync(join(copy, "test/upstream"), { recursive: true });
  cpSync(join(dist, "src"), join(copy, "src"), { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) });
  for (const name of FED) cpSync(join(dist, "test/upstream", name), join(copy, "test/upstream", name));
  const path = join(copy, "src", fault.file);
  const parts = readFileSync(path, "utf8").split(fault.find);
  if (parts.length !== 2) throw new Error(`${fault.file} has ${parts.length - 1} times: ${fault.find}`);
  writeFileSync(path, parts.join(fault.replace));
  const feed = (await import(pathToFileURL(join(copy, "test/upstream/feed.js")).href)) as { answerTo: Answer };
  return { answer: feed.answerTo, remove: () => rmSync(copy, { recursive: true }) };
}
