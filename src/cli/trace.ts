import { Command, Option } from "commander";
import { compileIptables } from "../compile/iptables/compile.ts";
import { loadCompiled } from "../compile/iptables/load-compiled.ts";
import { readNodeDumps } from "../dump/node-dumps.ts";
import type { RuleRef } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import { makeHost } from "../kernel/make-host.ts";
import type { Packet } from "../kernel/packet.ts";
import { isOwnAddress, wayTo } from "../kernel/run.ts";
import { HostState } from "../kernel/state.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import type { IPAddress } from "../net/ip.ts";
import { nodeHost } from "../network/node-host.ts";
import { proxyState } from "../proxy/state.ts";
import type { Ruleset } from "../rules/iptables/ruleset.ts";
import type { Report } from "../text/diagnostic.ts";
import { traceJSON } from "../trace/json.ts";
import { kernelLog } from "../trace/kernel-log.ts";
import { traceText } from "../trace/text.ts";
import { type Entrance, type Trace, trace } from "../trace/trace.ts";
import { type RulePlace, type RuleReason, reasonFinder } from "../view/rule-reasons.ts";
import { addClusterOptions, type ClusterOptions, readCluster } from "./cluster-input.ts";
import { checkMode, releaseOf, sha256 } from "./compile.ts";
import { readSource } from "./read-input.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";
import { type PacketOptions, packetOf, parseEndpoint, parseProtocol, parseTCPFlags } from "./trace-packet.ts";

interface TraceOptions extends ClusterOptions, PacketOptions {
  readonly dump?: readonly string[];
  readonly iif?: string;
  readonly mark?: number;
  readonly all?: boolean;
  readonly kubeVersion: string;
  readonly mode?: string;
  readonly backend: "nft" | "legacy";
  readonly output: "text" | "json" | "kernel";
}

const EXIT_NOT_DELIVERED = 1;
const EXIT_UNKNOWN = 3;

const EXAMPLES = `
Examples:
  rulewalk trace -f examples/shop --node worker-1 --from 10.244.1.7 --to 10.96.0.10:53 --proto udp
  rulewalk trace -f examples/shop --node worker-1 --from 203.0.113.9 --to 10.96.20.4:80 --all
  iptables-save | rulewalk trace --dump - --from 10.0.0.5 --to 10.96.0.10:53 --proto udp
  rulewalk trace --dump node.save --dump addr.json --dump route.json --to 10.96.0.1:443 -o json
  rulewalk trace -f examples/shop --node worker-1 --from 10.244.1.7 --to 10.96.0.10:53 --proto udp -o kernel

The packet enters by the interface that leads back to --from, or by --iif; without --from, or from an address of the node
itself, a process on the node sends it. --dump takes what a node's own tools print, each kind told by its content:
iptables-save, ip6tables-save, ipset save, conntrack -L, ip -j addr, ip -j route show table all, ip -j rule, sysctl -a.
-o kernel prints the lines that the iptables TRACE target would write to the node's kernel log.
Exit codes: 0 the packet arrives at a socket of the node or leaves it, on every way; 1 not, or not always; 3 it depends on
something that is not modelled; 2 wrong usage or input.`;

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function markOf(text: string): number {
  const mark = Number(text);
  if (!/^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) || mark > 0xffffffff)
    throw new UsageError(`--mark ${text}: not a 32-bit number`);
  return mark;
}

function numberUpTo(max: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,5}$/.test(text) || Number(text) > max)
      throw new UsageError(`${text}: expected a number of 0 to ${max}`);
    return Number(text);
  };
}

interface TracedNode {
  readonly host: Host;
  readonly state: HostState;
  /** Why a rule is there, where its objects are known. */
  readonly reason?: (rule: RuleRef) => string | undefined;
}

/** `default: a new connection … (Service shop/web, spec.ports[0].port, shop.yaml:14:7)` */
function reasonText({ reason, object, field, place }: RuleReason): string {
  const where = [object, field, place].filter((text) => text !== undefined).join(", ");
  return where === "" ? reason : `${reason} (${where})`;
}

/** The node from dumps of its tools. */
function nodeFromDumps({ dump = [], node }: TraceOptions, report: Report): TracedNode {
  if (dump.filter((path) => path === "-").length > 1)
    throw new UsageError("--dump -: standard input can be read only once");
  const sources = dump.flatMap((path) => readSource(path, report) ?? []);
  return readNodeDumps(sources, node ?? "node", report);
}

function askedFor({ from }: TraceOptions): readonly IPAddress[] {
  if (from === undefined) return [];
  const { address } = from;
  return [typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address }];
}

/** The node from objects: its interfaces and routes, and the rules that kube-proxy writes on it. */
function nodeFromObjects(
  options: TraceOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): TracedNode | "host shown" | undefined {
  const release = releaseOf(options.kubeVersion);
  const input = readCluster(options, values, release, report);
  if (input === undefined || input === "host shown") return input;
  const { cluster, node, host: facts, config } = input;
  checkMode(options.mode ?? config.mode);
  const description = nodeHost(cluster, node.name, { config, release, askedFor: askedFor(options) }, report);
  if (description === undefined) return undefined;
  const finders = new Map<IPFamily, (place: RulePlace) => RuleReason | undefined>();
  const rulesOf = (family: IPFamily): Ruleset => {
    const state = proxyState(cluster, { release, family, node, host: facts, config });
    const compiled = compileIptables(state, { sha256 });
    finders.set(family, reasonFinder(compiled, input.written));
    return loadCompiled(compiled, { family, backend: options.backend }, report);
  };
  const reason = (rule: RuleRef): string | undefined => {
    const found = finders.get(rule.family)?.(rule);
    return found === undefined ? undefined : reasonText(found);
  };
  const [v4, v6] = ipFamilies.map(rulesOf) as [Ruleset, Ruleset];
  const host = makeHost({ ...description, rules: { IPv4: v4, IPv6: v6 }, backend: options.backend });
  return { host, state: new HostState(), reason };
}

/** Where the packet enters: by an interface, or from a process of the node. */
function entranceOf({ host, state }: TracedNode, packet: Packet, options: TraceOptions): Entrance {
  const { iif, from, mark } = options;
  if (iif !== undefined) {
    if (!host.byName.has(iif)) throw new UsageError(`--iif ${iif}: known are ${[...host.byName.keys()].join(", ")}`);
    if (from === undefined) throw new UsageError("--iif needs --from: a received packet has a source");
    return { kind: "received", inInterface: iif };
  }
  if (from === undefined || isOwnAddress(host, from.address)) {
    return { kind: "sent", options: { ...(mark === undefined ? {} : { mark }), anySource: from === undefined } };
  }
  const way = wayTo(host, state, packet.family, from.address);
  if (way.kind === "unicast") return { kind: "received", inInterface: way.device.name };
  throw new UsageError("--from: no interface of the node leads there; --iif names the one that the packet comes in by");
}

function exitCode({ verdict, branches, complete }: Trace): number {
  if (verdict.some(({ unknown }) => unknown !== undefined) || !complete) return EXIT_UNKNOWN;
  const arrives = verdict.every(({ branch }) => {
    const kind = branches[branch]?.result.outcome.kind;
    return kind === "delivered" || kind === "transmitted";
  });
  return arrives ? 0 : EXIT_NOT_DELIVERED;
}

function printed(traced: Trace, { reason }: TracedNode, { output, all = false }: TraceOptions): Generator<string> {
  if (output === "json") return traceJSON(traced);
  if (output === "kernel") return kernelLog(traced, { all });
  const { strong } = paintFor(process.stdout);
  return traceText(traced, { all, strong, ...(reason === undefined ? {} : { reason }) });
}

function run(options: TraceOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  try {
    const packet = packetOf(options);
    if (options.dump !== undefined && options.filename !== undefined)
      throw new UsageError("--dump and -f: the rules come from one or the other");
    if (options.dump === undefined && options.filename === undefined)
      throw new UsageError("-f FILE (objects) or --dump FILE (what a node's tools print) is needed");
    const node =
      options.dump === undefined
        ? nodeFromObjects(options, values, found.report)
        : nodeFromDumps(options, found.report);
    if (node === "host shown") return 0;
    if (node === undefined || found.hasErrors()) return EXIT_USAGE;
    found.print();
    const traced = trace(node.host, node.state, packet, entranceOf(node, packet, options));
    for (const piece of printed(traced, node, options)) process.stdout.write(piece);
    return exitCode(traced);
  } finally {
    found.print();
  }
}

/** `rulewalk trace`: one packet's way through one node. */
export function traceCommand(exit: (code: number) => void): Command {
  const command = new Command("trace")
    .description("Walk a packet through one node's rules, hook by hook, as its kernel would.")
    .addOption(new Option("--from <address>", "source, with a port if it matters").argParser(parseEndpoint))
    .addOption(new Option("--to <address:port>", "destination").argParser(parseEndpoint).makeOptionMandatory())
    .addOption(
      new Option("--proto <protocol>", "tcp, udp, sctp, icmp or a number").argParser(parseProtocol).default(6, "tcp"),
    )
    .addOption(new Option("--sport <port>", "source port (40000)").argParser(numberUpTo(65535)))
    .addOption(new Option("--flags <flags>", "TCP flags, such as SYN or SYN,ACK (SYN)").argParser(parseTCPFlags))
    .addOption(new Option("--icmp-type <type>", "type of an ICMP message (echo request)").argParser(numberUpTo(255)))
    .addOption(new Option("--ttl <ttl>", "time to live (64)").argParser(numberUpTo(255)))
    .addOption(new Option("--length <bytes>", "payload behind the headers (0)").argParser(numberUpTo(65000)))
    .option("--iif <interface>", "interface that the packet comes in by")
    .addOption(new Option("--mark <mark>", "mark of the sending socket").argParser(markOf))
    .option("--dump <file>", "what a node's tools print, or - for standard input; may be repeated", append)
    .option("--all", "print every way that the packet can take, with exact chances")
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json", "kernel"]).default("text"))
    .option("--kube-version <release>", "release of kube-proxy", "1.37")
    .option("--mode <mode>", "proxy mode, instead of the configuration's")
    .addOption(new Option("--backend <backend>", "back end of iptables").choices(["nft", "legacy"]).default("nft"));
  addClusterOptions(command);
  return command.addHelpText("after", EXAMPLES).action((options: TraceOptions) => {
    exit(run(options, command.opts()));
  });
}
