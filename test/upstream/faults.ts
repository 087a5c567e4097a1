import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Answer } from "./compare-sample.ts";
import type { ipvsAnswerTo } from "./ipvs-compare.ts";

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

/** The same for ipvs mode. */
export const ipvsFaults: readonly Fault[] = [
  {
    name: "policy Local without local endpoints leaves a virtual server empty",
    file: "compile/ipvs/serviceport.js",
    find: "traits.localFallsBack && usable.local.length === 0",
    replace: "false",
  },
  {
    name: "a cluster IP ignores the internal policy Local",
    file: "compile/ipvs/serviceport.js",
    find: "port.clusterIP, port.internalPolicyLocal,",
    replace: "port.clusterIP, false,",
  },
  {
    name: "addresses of the node are bound again",
    file: "compile/ipvs/serviceport.js",
    find: "if (!own || traits.bindsNodeAddresses)",
    replace: "if (true)",
  },
  {
    name: "only ready endpoints get their hairpin entry",
    file: "compile/ipvs/serviceport.js",
    find: "(traits.readyHairpins && !endpoint.ready)",
    replace: "!endpoint.ready",
  },
  {
    name: "the node is let in whatever the source ranges are",
    file: "compile/ipvs/serviceport.js",
    find: "if (decision.firewallAllowsNode)",
    replace: "if (true)",
  },
  {
    name: "SCTP node ports are put into the set of one address only",
    file: "compile/ipvs/serviceport.js",
    find: "? addresses.map(",
    replace: "? addresses.slice(0, 1).map(",
  },
  {
    name: "a node port without an address keeps the health check",
    file: "compile/ipvs/serviceport.js",
    find: "if (context.state.ipvs.nodePortAddresses.length === 0)",
    replace: "if (false)",
  },
  {
    name: "the source port is hashed by sh, too",
    file: "compile/ipvs/serviceport.js",
    find: 'scheduler === "mh"',
    replace: 'scheduler.endsWith("h")',
  },
  {
    name: "names of IPv6 sets are not cut",
    file: "compile/ipvs/names.js",
    find: "const MAX_NAME = 31",
    replace: "const MAX_NAME = 64",
  },
  {
    name: "the rule of an empty set is written",
    file: "compile/ipvs/rules.js",
    find: "if (context.sets.isEmpty(set))",
    replace: "if (false)",
  },
  {
    name: "without a detector everything to cluster IPs is masqueraded",
    file: "compile/ipvs/rules.js",
    find: '"src,dst"',
    replace: '"dst,dst"',
  },
  {
    name: "source ranges are asked for the node before the ranges",
    file: "compile/ipvs/rules.js",
    find: '{ table, chain, set: "sourceCIDR", flags: "dst,dst,src", target: "RETURN", kind: "firewall-range" },',
    replace: "",
  },
  {
    name: "link-local addresses of the node get node ports",
    file: "proxy/ipvs.js",
    find: "!prefixContains(LINK_LOCAL, address) &&",
    replace: "",
  },
  {
    name: "strictARP is forgotten",
    file: "compile/ipvs/sysctls.js",
    find: "if (state.ipvs.strictARP)",
    replace: "if (false)",
  },
];

const dist = fileURLToPath(new URL("../..", import.meta.url));
const FED = ["feed.js", "records.js", "canonical.js", "compare.js", "ipvs-compare.js"];

/**
 * Builds a copy of the compiler with a fault and loads a test's module from it. Throws when the text to replace is not there
 * exactly once: then the fault must be written anew. `remove` takes the copy away.
 */
async function faultyModule(
  fault: Fault,
  name: string,
): Promise<{ readonly module: unknown; readonly remove: () => void }> {
  const copy = join(dist, "faults", `${[...faults, ...ipvsFaults].indexOf(fault)}-${process.pid}`);
  mkdirSync(join(copy, "test/upstream"), { recursive: true });
  cpSync(join(dist, "src"), join(copy, "src"), { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) });
  for (const fed of FED) cpSync(join(dist, "test/upstream", fed), join(copy, "test/upstream", fed));
  const path = join(copy, "src", fault.file);
  const parts = readFileSync(path, "utf8").split(fault.find);
  if (parts.length !== 2) throw new Error(`${fault.file} has ${parts.length - 1} times: ${fault.find}`);
  writeFileSync(path, parts.join(fault.replace));
  const module: unknown = await import(pathToFileURL(join(copy, "test/upstream", name)).href);
  return { module, remove: () => rmSync(copy, { recursive: true }) };
}

/** The answers of a compiler with a fault. */
export async function faultyAnswer(fault: Fault): Promise<{ readonly answer: Answer; readonly remove: () => void }> {
  const { module, remove } = await faultyModule(fault, "feed.js");
  return { answer: (module as { answerTo: Answer }).answerTo, remove };
}

/** The answers of a compiler with a fault in ipvs mode. */
export async function faultyIPVSAnswer(
  fault: Fault,
): Promise<{ readonly answer: typeof ipvsAnswerTo; readonly remove: () => void }> {
  const { module, remove } = await faultyModule(fault, "ipvs-compare.js");
  return { answer: (module as { ipvsAnswerTo: typeof ipvsAnswerTo }).ipvsAnswerTo, remove };
}
