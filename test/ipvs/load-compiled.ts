import type { Interface, InterfaceAddress } from "../../src/kernel/host.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { ipvsInterface } from "../../src/proxy/ipvs.ts";
import { formatLine } from "../../src/rules/iptables/format.ts";
import type { Command } from "../../src/rules/iptables/syntax.ts";
import { hostDifferences } from "../network/real-check.ts";
import { routeLines, sysctlsOf } from "../network/real-plan.ts";
import { addressText } from "../routing/support.ts";
import type { CompiledNode } from "./compiled-node.ts";
import type { Guest } from "./guest.ts";
import { type ReadBack, readBackDifferences } from "./read-back.ts";

/** A program for the guest; it fails with the program's own words. */
interface Program {
  readonly command: readonly string[];
  readonly input?: string;
}

const TOOLS: Readonly<Record<IPFamily, string>> = { IPv4: "iptables-legacy", IPv6: "ip6tables-legacy" };

type Devices = Readonly<Record<string, { readonly addresses: readonly string[]; readonly mtu: number }>>;

/** In the order in which they are added: the kernel lists those of IPv6 newest first. */
const asAdded = (addresses: readonly InterfaceAddress[]): readonly InterfaceAddress[] => [
  ...addresses.filter(({ family }) => family === "IPv4"),
  ...addresses.filter(({ family }) => family === "IPv6").reverse(),
];

/** Interfaces before kube-ipvs0, and those behind it; those are TUN devices, it is made by `-o addresses`. */
function devicesOf({ network: { host } }: CompiledNode): readonly [before: Devices, behind: Devices] {
  const at = host.interfaces.findIndex(({ name }) => name === ipvsInterface);
  const devices = (part: readonly Interface[]): Devices =>
    Object.fromEntries(
      part
        .filter(({ loopback }) => !loopback)
        .map(({ name, mtu, addresses }) => [
          name,
          {
            mtu,
            addresses: asAdded(addresses).map(({ address, prefixLength }) => `${addressText(address)}/${prefixLength}`),
          },
        ]),
    );
  return [devices(host.interfaces.slice(0, at)), devices(host.interfaces.slice(at + 1))];
}

/** Single commands as one text for iptables-restore, which takes them by table. */
function asRestore(commands: readonly Command[]): string {
  const tables = [...new Set(commands.map(({ table }) => table))];
  return tables
    .map((table) => {
      const lines = commands.filter((each) => each.table === table).map(({ line }) => `${formatLine(line)}\n`);
      return `*${table}\n${lines.join("")}COMMIT\n`;
    })
    .join("");
}

/** Texts of single commands that were run one by one already: most nodes have the same. */
export type CommandsRun = Set<string>;

function iptablesPrograms({ results, texts }: CompiledNode, done: CommandsRun): readonly Program[] {
  return texts.families.flatMap(({ family, commands, restore }, i): Program[] => {
    const tool = TOOLS[family];
    const load = [`${tool}-restore`, "--noflush", "--counters"];
    if (done.has(commands)) return [{ command: load, input: asRestore(results[i]?.compiled.commands ?? []) + restore }];
    done.add(commands);
    const script = `${tool.replace("-legacy", "")}() { ${tool} "$@"; }\n${commands}`;
    return [
      { command: ["sh", "-e"], input: script },
      { command: load, input: restore },
    ];
  });
}

function timeoutsOf({
  results,
}: CompiledNode): { readonly tcp: number; readonly tcpFin: number; readonly udp: number } | undefined {
  return results[0]?.compiled.table.timeouts;
}

function loadPrograms(node: CompiledNode, done: CommandsRun): readonly Program[] {
  const { texts } = node;
  const timeouts = timeoutsOf(node);
  const { tcp = 0, tcpFin = 0, udp = 0 } = timeouts ?? {};
  return [
    { command: ["ipset", "restore"], input: texts.ipset },
    ...iptablesPrograms(node, done),
    { command: ["ipvsadm", "-R"], input: texts.ipvsadm },
    ...(timeouts === undefined ? [] : [{ command: ["ipvsadm", "--set", `${tcp}`, `${tcpFin}`, `${udp}`] }]),
  ];
}

/** `NAME = VALUE` by name. */
const sysctlsIn = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" = "))
      .map(([name = "", value]) => [name, Number(value)]),
  );

type Printing = Partial<Record<keyof ReadBack, readonly string[]>>;

/** What is printed back, by what it is compared with. The node's making is asked of the first of a cluster. */
function printingOf(node: CompiledNode): Printing {
  return {
    ipvsadm: ["ipvsadm", "-Sn"],
    listing: ["ipvsadm", "-Ln"],
    ipset: ["ipset", "-sorted", "save"],
    addresses: ["ip", "-d", "addr", "show", "dev", ipvsInterface],
    IPv4: ["iptables-legacy-save"],
    IPv6: ["ip6tables-legacy-save"],
    ...(timeoutsOf(node) === undefined ? {} : { timeouts: ["ipvsadm", "-Ln", "--timeout"] }),
    ...(node.first
      ? {
          links: ["ip", "-j", "addr"],
          routes4: ["ip", "-j", "-4", "route", "show", "table", "all"],
          routes6: ["ip", "-j", "-6", "route", "show", "table", "all"],
        }
      : {}),
  };
}

/** Lets the node's own stack answer at once, and as often as it is asked. */
const UNLIMITED = { "net.ipv4.icmp_ratemask": 0, "net.ipv6.icmp.ratelimit": 0 };

/** What came of loading a node: how what the tools print differs from our texts, in words. */
export interface Loaded {
  readonly differences: readonly string[];
  /** Virtual servers that were compared without their order, which the kernel's hash decides there. */
  readonly unordered: boolean;
  readonly compared: number;
}

/** Makes a node in the guest of what rulewalk prints for it, and has it printed back. Refusals come as errors with the tool's words. */
export async function loadCompiledNode(guest: Guest, node: CompiledNode, done: CommandsRun): Promise<Loaded> {
  const [before, behind] = devicesOf(node);
  const { host } = node.network;
  const nothing = { dummies: {}, routes: [], ipset: "", rules4: "", rules6: "", ipvs: "" };
  const printing = printingOf(node);
  const names = Object.keys(printing) as (keyof ReadBack)[];
  const forwarding = { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 };
  const answers = await guest.ask([
    { do: "node", interfaces: before, sysctls: forwarding, ...nothing },
    { do: "run", programs: [{ command: ["ip", "-batch", "-"], input: node.texts.addresses }] },
    { do: "attach", interfaces: behind, lines: routeLines(host) },
    { do: "sysctls", sysctls: sysctlsIn(node.texts.sysctl) },
    { do: "run", programs: loadPrograms(node, done) },
    { do: "run", programs: names.map((name) => ({ command: printing[name] })) },
    { do: "sysctls", sysctls: { ...sysctlsOf(node.network), ...UNLIMITED } },
    { do: "begin" },
  ]);
  const { values } = answers[3] as { readonly values: Readonly<Record<string, number>> };
  const { outputs } = answers[5] as { readonly outputs: readonly string[] };
  const sysctl = Object.entries(values).map(([name, value]) => `${name} = ${value}\n`);
  const printed: ReadBack = {
    ...Object.fromEntries(names.map((name, i) => [name, outputs[i] ?? ""])),
    sysctl: sysctl.join(""),
  };
  const sources = (["links", "routes4", "routes6"] as const).map((name) => ({ name, text: printed[name] ?? "" }));
  const found = readBackDifferences(node, printed, timeoutsOf(node));
  const made = node.first ? hostDifferences(sources, host).map((line) => `made otherwise than assumed: ${line}`) : [];
  return { ...found, differences: [...found.differences, ...made] };
}
