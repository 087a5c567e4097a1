import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostFromDumps } from "../../src/dump/host-from-dumps.ts";
import type { Host, HostDescription } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { type IPSet, makeSets } from "../../src/kernel/sets.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { loadRuleset } from "../../src/rules/iptables/load.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import type { Report } from "../../src/text/diagnostic.ts";
import { foreignCases } from "../kernel/foreign.ts";
import type { HostDumps, RuleTexts } from "../kernel/oracle.ts";
import { counterNames, type RuleCase } from "../kernel/rule-cases.ts";
import type { Backend } from "../kernel/tools.ts";
import { node, type Topology } from "../kernel/topology.ts";
import type { Flow, RuleSource } from "./flow-table.ts";

const DUMP_FOLDER = fileURLToPath(new URL("../../../test/flows/nodes", import.meta.url));
const GOLDEN = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));

/** Of worker-1's networks; eth1 has two, and its gateway is in the second. */
const OWN_ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  eth0: ["192.168.10.11/24", "192.168.10.9/24", "fd00:a::11/64"],
  eth1: ["10.50.0.1/16", "172.20.0.4/16", "fd00:172:20::4/64"],
};

/** `worker-1` of the golden scenarios, with the interfaces of the node of the kernel tests; its gateways are the network's last. */
const worker: Topology = {
  ...node,
  interfaces: node.interfaces.map((device) => {
    const addresses = OWN_ADDRESSES[device.name];
    return addresses === undefined ? device : { ...device, addresses };
  }),
  routes: node.routes.map((route) => {
    if (route.gateway === "192.168.0.254") return { ...route, gateway: "192.168.10.254" };
    return route.gateway === "fd00:192:168::fffe" ? { ...route, gateway: "fd00:a::fffe" } : route;
  }),
};

/** The nodes that flows run on. */
export const topologies: readonly Topology[] = [node, worker];

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

/** What a node's own tools say of it, each in a file; the sysctls without those that nobody reads. */
const DUMPS: readonly (keyof HostDumps)[] = ["addresses", "routes4", "routes6", "rules4", "rules6", "sysctls"];
const SWITCHES =
  /^net\.(?:ipv4\.ip_forward|ipv4\.conf\.[^.]+\.(?:rp_filter|route_localnet|accept_local|forwarding|src_valid_mark|send_redirects)|ipv6\.conf\.all\.forwarding|netfilter\.nf_conntrack_(?:tcp_be_liberal|tcp_loose|checksum|\w*timeout\w*)) = /;

const dumpFile = (topology: Topology, name: string): string =>
  join(DUMP_FOLDER, `${topologyName(topology)}.${name}.dump`);

const topologyName = (topology: Topology): string => (topology === worker ? "worker" : "node");

function wanted(name: keyof HostDumps, text: string): string {
  if (name !== "sysctls") return text;
  return `${text
    .split("\n")
    .filter((line) => SWITCHES.test(line))
    .join("\n")}\n`;
}

/** Writes what the tools of a real node of this topology say. */
export function writeDumps(topology: Topology, dumps: HostDumps): void {
  for (const name of DUMPS) writeFileSync(dumpFile(topology, name), wanted(name, dumps[name]));
}

/** The names of the stored dumps that a real node of this topology does not print. */
export function otherDumps(topology: Topology, dumps: HostDumps): string[] {
  return DUMPS.filter((name) => readFileSync(dumpFile(topology, name), "utf8") !== wanted(name, dumps[name]));
}

/** `ip_forward` is every interface's switch, too (`inet_forward_change`). */
function newValue(name: string, sysctls: ReadonlyMap<string, number>): number | undefined {
  const all = /^net\.ipv4\.conf\.[^.]+\.forwarding$/.test(name) ? "net.ipv4.ip_forward" : name;
  return sysctls.get(name) ?? sysctls.get(all);
}

/** The sysctls of a dump, some of them with another value. */
function withSysctls(text: string, sysctls: Readonly<Record<string, number>>): string {
  const wanted = new Map(Object.entries(sysctls));
  const found = new Set<string>();
  const lines = text.split("\n").map((line) => {
    const name = line.split(" = ")[0] ?? "";
    found.add(name);
    const value = newValue(name, wanted);
    return value === undefined ? line : `${name} = ${value}`;
  });
  const missing = [...wanted.keys()].find((name) => !found.has(name));
  if (missing !== undefined) throw new Error(`no sysctl ${missing} in the node's dump`);
  return lines.join("\n");
}

const described = new Map<string, HostDescription>();

/** A host as its dumps tell it; the same one for the same switches. */
function describe(topology: Topology, sysctls: Readonly<Record<string, number>>): HostDescription {
  const key = `${topologyName(topology)} ${JSON.stringify(sysctls)}`;
  let found = described.get(key);
  if (found === undefined) {
    const sources = DUMPS.map((name) => {
      const text = readFileSync(dumpFile(topology, name), "utf8");
      return { name, text: name === "sysctls" ? withSysctls(text, sysctls) : text };
    });
    found = hostFromDumps(sources, fail, { name: topologyName(topology) });
    described.set(key, found);
  }
  return found;
}

interface Loaded {
  readonly rules: Readonly<Record<IPFamily, Ruleset>>;
  readonly sets: ReadonlyMap<string, IPSet>;
}

const loaded = new Map<string, Loaded>();

/** Rule sets are read once for all flows that name them: the emulator does not change them. */
function rulesOf({ backend, v4 = "", v6 = "", ipset = "" }: RuleTexts): Loaded {
  const key = `${backend}\0${v4}\0${v6}`;
  let found = loaded.get(key);
  if (found === undefined) {
    const load = (text: string, family: IPFamily): Ruleset =>
      text === "" ? emptyRuleset : loadRuleset({ name: family, text }, family, fail, { backend });
    const sets = makeSets(parseIPSets({ name: "ipset", text: ipset }, fail).values());
    found = { rules: { IPv4: load(v4, "IPv4"), IPv6: load(v6, "IPv6") }, sets };
    loaded.set(key, found);
  }
  return found;
}

/** The emulated host of a flow's node. */
export function emulatedHost({ topology, texts }: FlowNode): Host {
  const { rules, sets } = rulesOf(texts);
  return makeHost({ ...describe(topology, texts.sysctls ?? {}), rules, backend: texts.backend }, sets);
}
