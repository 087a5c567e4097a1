import { Command, InvalidArgumentError, Option } from "commander";
import type { IPAddress } from "../net/ip.ts";
import { verdictWord } from "../trace/arrival.ts";
import type { Counts } from "../trace/count.ts";
import { clientText, endText } from "../trace/end-text.ts";
import { traceJSON } from "../trace/json.ts";
import { kernelLog } from "../trace/kernel-log.ts";
import { traceMermaid } from "../trace/mermaid.ts";
import type { Names } from "../trace/names.ts";
import { traceReport } from "../trace/report.ts";
import { addClusterOptions } from "./cluster-input.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";
import { adviceJSON, adviceLines, adviceOf, classJSON, classLines, classOf } from "./trace-class.ts";
import { countLines, type Traced, type TraceItOptions, traceIt } from "./trace-it.ts";
import { type NetworkOptions, placeFromDumps, placeFromObjects, type TracedPlace } from "./trace-network.ts";
import {
  type Endpoint,
  endsOf,
  type PacketOptions,
  packetOf,
  parseAddress,
  parseProtocol,
  parseTCPFlags,
} from "./trace-packet.ts";
import { senderFor } from "./trace-sender.ts";

interface TraceOptions extends NetworkOptions, PacketOptions, Omit<TraceItOptions, "node"> {
  readonly from?: string;
  readonly to: string;
  readonly iif?: string;
  readonly mark?: number;
  readonly whyNot?: boolean;
  readonly all?: boolean;
  readonly output: "text" | "json" | "mermaid" | "kernel";
}

const EXIT_NOT_DELIVERED = 1;
const EXIT_UNKNOWN = 3;

const EXAMPLES = `
Examples:
  rulewalk trace -f examples/shop --from 10.244.1.10 --to svc/shop/api:http
  rulewalk trace -f examples/shop --from 203.0.113.9 --to node/worker-1:30080
  rulewalk trace -f examples/shop --node worker-1 --to svc/kube-system/kube-dns:dns --count 1000
  iptables-save | rulewalk trace --dump - --from 10.0.0.5 --to 10.96.0.10:53 --proto udp
  rulewalk trace --dump node.save --dump addr.json --dump route.json --to 10.96.0.1:443 -o json

--from and --to take an address, or a name: pod/NAMESPACE/NAME, svc/NAMESPACE/NAME:PORT, node/NAME; --to wants a port.
Without --from, a process on --node sends. A packet from outside goes to the node that has its destination; for the address
of a Service, --node says which node it is handed to. --dump takes what a node's own tools print, each kind told by its
content: iptables-save, ip6tables-save, ipset save, ipvsadm -Sn, -Ln and -Lnc, conntrack -L, ip -j addr, ip -j route show table all, ip -j rule,
sysctl -a; NODE=FILE tells several nodes apart. Who is behind a node's interface is then taken to reply by it.
-o kernel prints the lines that the iptables TRACE target would write to each node's kernel log.
Exit codes: 0 the packet arrives, and the reply comes back, on every way; 1 not, or not always; 3 it depends on something
that is not known; 2 wrong usage or input.`;

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function markOf(text: string): number {
  const mark = Number(text);
  if (!/^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) || mark > 0xffffffff)
    throw new InvalidArgumentError("not a 32-bit number");
  return mark;
}

function numberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d{1,9}$/.test(text) || number < min || number > max)
      throw new InvalidArgumentError(`expected a number of ${min} to ${max}`);
    return number;
  };
}

const ipOf = ({ address }: Endpoint): IPAddress =>
  typeof address === "number" ? { family: "IPv4", value: address } : { family: "IPv6", words: address };

function placeOf(
  options: TraceOptions,
  values: Readonly<Record<string, unknown>>,
  report: ReturnType<typeof findings>["report"],
): TracedPlace | "host shown" | undefined {
  if (options.dump !== undefined && options.filename !== undefined)
    throw new UsageError("--dump and -f: the rules come from one or the other");
  if (options.dump === undefined && options.filename === undefined)
    throw new UsageError("-f FILE (objects) or --dump FILE (what a node's tools print) is needed");
  if (options.dump !== undefined) return placeFromDumps(options, report);
  return placeFromObjects(
    options,
    values,
    (book) => {
      const { from } = endsOf(options, book);
      return from === undefined ? [] : [ipOf(from)];
    },
    report,
  );
}

function printed(
  { traced, chosen, counts, balancer }: Traced,
  place: TracedPlace,
  options: TraceOptions,
): Iterable<string> {
  const { names } = place;
  const { output, all = false, verbose = false } = options;
  const found = output === "kernel" || output === "mermaid" ? undefined : classOf(place, traced, chosen);
  const advice = options.whyNot === true ? adviceOf(place, traced) : undefined;
  if (output === "json")
    return traceJSON(traced, names, {
      ...(advice === undefined ? {} : { whyNot: adviceJSON(advice, names) }),
      ...(found === undefined || typeof found === "string" ? {} : { class: classJSON(found) }),
      ...(balancer.length === 0 ? {} : { balancer }),
      ...(counts === undefined ? {} : { counts: countsJSON(counts, names) }),
    });
  if (output === "kernel") return kernelLog(traced, { all, chosen });
  if (output === "mermaid") return [traceMermaid(traced, names, chosen)];
  const { strong, faint } = paintFor(process.stdout);
  const blocks = [
    ["CLASS", found === undefined ? [] : classLines(found, names)] as const,
    ["WHY-NOT", advice === undefined ? [] : adviceLines(advice, names)] as const,
    ...(counts === undefined ? [] : [["COUNT", countLines(counts, names)] as const]),
  ];
  return traceReport(traced, {
    names,
    all,
    chosen,
    everything: verbose,
    strong,
    faint,
    setting: place.setting,
    blocks,
    heads: balancer,
  });
}

function countsJSON({ total, seed, fates }: Counts, names: Names): object {
  const text = (there: Counts["fates"][number]["there"]): string =>
    `${endText(there, names)}, seen as ${clientText(there)}`;
  return { total, seed, fates: fates.map(({ count, there }) => ({ count, end: there.end.kind, text: text(there) })) };
}

function run(options: TraceOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  try {
    const place = placeOf(options, values, found.report);
    if (place === "host shown") return 0;
    if (place === undefined || found.hasErrors()) return EXIT_USAGE;
    const ends = endsOf(options, place.book);
    const packet = packetOf(ends, options);
    const sender = senderFor(place, packet, ends.from, options);
    const result = traceIt(place, packet, sender, options);
    found.print();
    for (const piece of printed(result, place, options)) process.stdout.write(piece);
    const works = verdictWord(result.traced);
    return works === "yes" ? 0 : works === "no" ? EXIT_NOT_DELIVERED : EXIT_UNKNOWN;
  } finally {
    found.print();
  }
}

/** `rulewalk trace`: one packet's way through a network of nodes, and its reply's. */
export function traceCommand(exit: (code: number) => void): Command {
  const command = new Command("trace")
    .description("Follow a packet over nodes to its receiver, and the reply back, as their kernels would take them.")
    .option("--from <end>", "source: an address or a name, with a port if it matters")
    .addOption(new Option("--to <end>", "destination: an address or a name, with its port").makeOptionMandatory())
    .addOption(
      new Option(
        "--proto <protocol>",
        "tcp, udp, sctp, icmp or a number (that of the Service's port, else tcp)",
      ).argParser(parseProtocol),
    )
    .addOption(new Option("--sport <port>", "source port (40000)").argParser(numberBetween(0, 65535)))
    .addOption(new Option("--flags <flags>", "TCP flags, such as SYN or SYN,ACK (SYN)").argParser(parseTCPFlags))
    .addOption(
      new Option("--icmp-type <type>", "type of an ICMP message (echo request)").argParser(numberBetween(0, 255)),
    )
    .addOption(new Option("--ttl <ttl>", "time to live (64)").argParser(numberBetween(0, 255)))
    .addOption(new Option("--length <bytes>", "payload behind the headers (0)").argParser(numberBetween(0, 65000)))
    .addOption(
      new Option(
        "--ct <state>",
        "what conntrack knows: nothing yet, the connection, or this packet lies outside its window",
      )
        .choices(["new", "established", "invalid"])
        .default("new"),
    )
    .option("--iif <interface>", "interface of --node that the packet comes in by")
    .addOption(new Option("--mark <mark>", "mark of the sending socket, on a node").argParser(markOf))
    .option(
      "--dump <file>",
      "what a node's tools print, as [NODE=]FILE, or - for standard input; may be repeated",
      append,
    )
    .option("--all", "tell every way that the packet can take, with exact chances")
    .option("--why-not", "tell which single change would let the packet arrive, or keep it from arriving")
    .option("--choose <way>", "tell this way: its number, or the address or Pod that it ends at")
    .addOption(
      new Option("--count <n>", "make n connections, and count where they end").argParser(numberBetween(1, 1000000)),
    )
    .addOption(new Option("--seed <n>", "seed of --count").argParser(numberBetween(0, 999999999)).default(1))
    .addOption(
      new Option(
        "--proxy <address>",
        "a load balancer such as HAProxy, which ends --from's connection and calls node ports",
      ).argParser(parseAddress),
    )
    .addOption(
      new Option(
        "--balancer <check>",
        "which nodes a load balancer hands packets to: those whose health check says 200, or all",
      )
        .choices(["health", "none"])
        .default("health"),
    )
    .option("--no-reply", "leave the reply out")
    .addOption(
      new Option(
        "--pod-network <kind>",
        "how nodes reach each other's Pods: by an overlay device, or straight by routes",
      )
        .choices(["overlay", "direct"])
        .default("overlay"),
    )
    .option("--routed-pods", "routers outside lead to Pod addresses")
    .option("--no-routed-pods", "they do not")
    .addOption(
      new Option("-o, --output <form>", "what to print").choices(["text", "json", "mermaid", "kernel"]).default("text"),
    )
    .option("--kube-version <release>", "release of kube-proxy", "1.37")
    .option("--mode <mode>", "proxy mode, instead of the configuration's")
    .addOption(new Option("--backend <backend>", "back end of iptables").choices(["nft", "legacy"]).default("nft"));
  addClusterOptions(command);
  return command.addHelpText("after", EXAMPLES).action((options: TraceOptions) => {
    exit(run(options, command.opts()));
  });
}
