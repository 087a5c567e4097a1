import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host, HostDescription } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { type IPSet, makeSets } from "../../src/kernel/sets.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import type { Report } from "../../src/text/diagnostic.ts";
import { foreignCases } from "../kernel/foreign.ts";
import type { RuleTexts } from "../kernel/oracle.ts";
import { counterNames, type RuleCase } from "../kernel/rule-cases.ts";
import type { Backend } from "../kernel/tools.ts";
import { node, type Topology } from "../kernel/topology.ts";
import { topologyHost } from "../kernel/topology-host.ts";
import type { Flow, RuleSource } from "./flow-table.ts";

const GOLDEN = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));

/** `worker-1` of the golden scenarios, with the interfaces of the node of the kernel tests; its gateways are the network's last. */
const worker: Topology = {
  ...node,
  interfaces: node.interfaces.map((device) =>
    device.name === "eth0"
      ? { ...device, addresses: ["192.168.10.11/24", "192.168.10.9/24", "fd00:a::11/64"] }
      : device,
  ),
  routes: node.routes.map((route) => {
    if (route.gateway === "192.168.0.254") return { ...route, gateway: "192.168.10.254" };
    return route.gateway === "fd00:192:168::fffe" ? { ...route, gateway: "fd00:a::fffe" } : route;
  }),
};

/** A node for a flow, as texts for the kernel and as an emulated host. */
export interface FlowNode {
  readonly topology: Topology;
  readonly texts: RuleTexts;
}

let foreign: ReadonlyMap<string, RuleCase> | undefined;

function foreignCase(name: string, backend: Backend): RuleCase {
  foreign ??= new Map(foreignCases().map((one) => [one.name, one]));
  const found = foreign.get(`${name}/${backend}`);
  if (found === undefined) throw new Error(`no rule set ${name} for ${backend}`);
  return found;
}

function textsOf(source: RuleSource, backend: Backend): RuleTexts {
  if (source.kind === "own") return { backend, v4: source.IPv4, v6: source.IPv6, ipset: "" };
  if (source.kind === "foreign") {
    const { family, rules, ipset, sysctls } = foreignCase(source.name, backend);
    return { backend, ...(family === "IPv4" ? { v4: rules, v6: "" } : { v4: "", v6: rules }), ipset, sysctls };
  }
  const folder = join(GOLDEN, source.scenario, "dumps", `${source.release}-iptables`, source.node);
  const [v4, v6] = ["iptables.save", "ip6tables.save"].map((file) => readFileSync(join(folder, file), "utf8"));
  return { backend, v4: v4 ?? "", v6: v6 ?? "", ipset: "" };
}

/** The node that a flow runs on. */
export function flowNode({ rules, sysctls }: Flow, backend: Backend): FlowNode {
  const texts = textsOf(rules, backend);
  const nfacct = [...new Set([...counterNames(texts.v4 ?? ""), ...counterNames(texts.v6 ?? "")])];
  return {
    topology: rules.kind === "foreign" ? node : worker,
    texts: { ...texts, nfacct, sysctls: { ...texts.sysctls, ...sysctls } },
  };
}

const fail: Report = ({ severity, message }) => {
  if (severity === "error") throw new Error(message);
};

/** Switches of single interfaces and timeouts, which a topology does not have. */
function switched(host: HostDescription, sysctls: Readonly<Record<string, number>>): HostDescription {
  const timeouts = new Map(host.sysctls.conntrackTimeouts);
  const ipv4 = new Map(host.sysctls.ipv4);
  for (const [name, value] of Object.entries(sysctls)) {
    const [, timeout] = /^net\.netfilter\.nf_conntrack_(.*timeout.*)$/.exec(name) ?? [];
    if (timeout !== undefined) timeouts.set(timeout, value);
    const [, device = "", key] = /^net\.ipv4\.conf\.(\w+)\.(rp_filter|route_localnet)$/.exec(name) ?? [];
    if (device === "all" || key === undefined) continue;
    const own = key === "rp_filter" ? { rpFilter: value } : { routeLocalnet: value === 1 };
    ipv4.set(device, { ...ipv4.get(device), ...own });
  }
  return { ...host, sysctls: { ...host.sysctls, conntrackTimeouts: timeouts, ipv4 } };
}

const known = new Map<
  string,
  { readonly rules: Readonly<Record<IPFamily, Ruleset>>; readonly sets: ReadonlyMap<string, IPSet> }
>();

/** Rule sets are read once for all flows that name them: the emulator does not change them. */
function rulesOf({ backend, v4 = "", v6 = "", ipset = "" }: RuleTexts): NonNullable<ReturnType<typeof known.get>> {
  const key = `${backend}\0${v4}\0${v6}`;
  let found = known.get(key);
  if (found === undefined) {
    const load = (text: string, family: IPFamily): Ruleset =>
      text === "" ? emptyRuleset : loadRuleset({ name: family, text }, family, fail, { backend });
    const sets = makeSets(parseIPSets({ name: "ipset", text: ipset }, fail).values());
    found = { rules: { IPv4: load(v4, "IPv4"), IPv6: load(v6, "IPv6") }, sets };
    known.set(key, found);
  }
  return found;
}

/** The emulated host of a flow's node. */
export function emulatedHost({ topology, texts }: FlowNode): Host {
  const { rules, sets } = rulesOf(texts);
  const sysctls = { ...topology.sysctls, ...texts.sysctls };
  return makeHost(switched(topologyHost(topology, rules, sysctls), sysctls), sets);
}
