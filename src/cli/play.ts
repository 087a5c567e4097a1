import { dirname, isAbsolute, join } from "node:path";
import { Argument, Command, Option } from "commander";
import type { EmulatedMode } from "../assembly/node-rules.ts";
import { readManifests } from "../manifest/read-manifests.ts";
import { playJSON } from "../play/json.ts";
import { playMermaid } from "../play/mermaid.ts";
import { type Played, type PlayInput, play } from "../play/play.ts";
import { readScript, type Script } from "../play/script.ts";
import { playText } from "../play/text.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { buildOptions, type ClusterOptions } from "./cluster-input.ts";
import { anyReleaseOf, checkMode, checkRelease, sha256 } from "./compile.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { readSource, readSources } from "./read-input.ts";
import { EXIT_USAGE, findings, paintFor, UsageError } from "./terminal.ts";

interface PlayOptions extends Pick<ClusterOptions, "filename" | "recursive" | "namespace" | "validate" | "config"> {
  readonly kubeVersion?: string;
  readonly mode?: string;
  readonly backend?: "nft" | "legacy";
  readonly seed?: string;
  readonly output: "text" | "json" | "mermaid";
  readonly verbose?: boolean;
}

const EXIT_FAILED = 1;
const DEFAULT_VERSION = "1.37";

const EXAMPLES = `
A script is YAML: the cluster's objects, and steps over a virtual clock.

  cluster: [../shop]                   # files or folders, relative to the script; or -f
  options: { kubeVersion: "1.37", mode: iptables, seed: 1 }
  steps:
    - connect: { name: first, from: 10.244.1.7, to: "svc/shop/cart:grpc" }
      expect: { result: delivered, reply: as-called }
    - endpoint: { terminating: 10.244.1.30, of: shop/cart }
    - send: first                      # the next packet of that connection, and its answer
    - wait: 3h
    - expect: { affinity: { node: worker-1, client: 10.244.1.7, endpoint: none } }

Steps:
  connect   { name, from, to, proto, sport, via, choose }  a new connection: for TCP its handshake, else a first packet and
            its answer. from and to: ADDRESS[:PORT], pod/NS/NAME, svc/NS/NAME:PORT, node/NAME. via: the node that
            a packet from outside enters by. choose: the endpoint that chance is to fall on.
  send      NAME, or { connection: NAME, by: server }: further packets; so are reply (the server speaks first),
  …         reset (RST or ABORT) and close (FIN)
  wait      30s, 5m, 3h: connections and affinity grow old
  endpoint  { add | remove | ready | unready | terminating | failing: ADDRESS or pod/NS/NAME, of: NS/NAME of the Service,
            node (add), pod: stays (remove) }
  apply     a file, a folder, a text of objects, or objects; each takes the place of the one of its kind and name
  delete    KIND/NS/NAME, or a list of them; a Service goes with its EndpointSlices, a Pod with its endpoints
  restart   NODE: its kube-proxy starts anew
  show      { conntrack: NODE }, { affinity: NODE }, in ipvs mode { ipvsadm-ln: NODE } or { ipvsadm-lnc: NODE }
  expect    beside connect, send, reply, reset, close: { result, endpoint, pod, node, sees, reply }
            alone: { conntrack: { node, proto, from, to, endpoint, count } } or { affinity: { node, of, client, endpoint } }
            or in ipvs mode { server: { node, of, to, endpoint, weight, active, inactive, count } }: real servers

Every change of objects reaches kube-proxy on all nodes at once; then it cleans up connections as its release does. In ipvs
mode real servers that are wanted no more go when their last connection has ended, at the next minute of their kube-proxy.

Examples:
  rulewalk play examples/play/rollout.yaml
  rulewalk play examples/play/udp-clean-up.yaml --kube-version 1.36
  rulewalk play examples/play/ipvs-rollout.yaml
  rulewalk play script.yaml -f cluster.yaml -o json
  rulewalk play script.yaml -o mermaid
Exit codes: 0 all as expected, 1 an expect failed, 2 wrong usage or input, or a step that cannot be done.`;

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const beside = (script: string, path: string): string => (isAbsolute(path) ? path : join(dirname(script), path));

/** The objects that the script and the command line name, the script's first. */
function objectSources(path: string, script: Script, options: PlayOptions, report: Report): readonly Source[] {
  const { filename = [], recursive = false } = options;
  const own = script.cluster.map((each) => beside(path, each));
  if (own.length + filename.length === 0)
    throw new UsageError(`${path}: names no cluster; add "cluster: [FILE]" to it, or -f FILE`);
  return readSources([...own, ...filename], recursive, report);
}

function inputOf(
  path: string,
  script: Script,
  options: PlayOptions,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): PlayInput | undefined {
  const { options: said } = script;
  const release = anyReleaseOf(options.kubeVersion ?? said.kubeVersion ?? DEFAULT_VERSION);
  const { validate } = options;
  const manifests = readManifests(objectSources(path, script, options, report), { validate }, report);
  const ownConfig = said.config === undefined ? undefined : beside(path, said.config);
  const config = options.config ?? ownConfig;
  const namespace = options.namespace ?? said.namespace;
  const asked = options.mode ?? said.mode;
  const cluster: ClusterOptions = {
    validate,
    ...(asked === undefined ? {} : { mode: asked }),
    ...(config === undefined ? {} : { config }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  const configured = kubeProxyConfig(manifests, cluster, values, release, report);
  if (configured === undefined) return undefined;
  const mode = asked ?? configured.config.mode;
  checkMode(mode, ["iptables", "ipvs"]);
  checkRelease(release, mode);
  const emulated: EmulatedMode = mode === "ipvs" ? "ipvs" : "iptables";
  const files = new Map(
    script.files.map(({ file }) => [file, readSources([beside(path, file)], false, report)] as const),
  );
  const { outsideRoutesPods } = said;
  const settings = {
    release,
    ...configured,
    config: { ...configured.config, mode: emulated },
    mode: emulated,
    build: buildOptions(cluster, release),
    backend: options.backend ?? said.backend ?? "nft",
    sha256,
    seed: options.seed ?? said.seed ?? 1,
    ...(outsideRoutesPods === undefined ? {} : { outsideRoutesPods }),
  };
  return { manifests, settings, files };
}

function printed(played: Played, { output }: PlayOptions): Iterable<string> {
  if (output === "mermaid") return [playMermaid(played)];
  return output === "json" ? [playJSON(played)] : playText(played, paintFor(process.stdout));
}

function run(path: string, options: PlayOptions, values: Readonly<Record<string, unknown>>): number {
  const found = findings();
  const report: Report = (diagnostic) => {
    if (diagnostic.severity !== "note" || options.verbose === true) found.report(diagnostic);
  };
  try {
    const source = readSource(path, report);
    const script = source === undefined ? undefined : readScript(source, report);
    if (script === undefined) return EXIT_USAGE;
    const input = inputOf(path, script, options, values, report);
    if (input === undefined || found.hasErrors()) return EXIT_USAGE;
    const played = play(script, input, report);
    found.print();
    for (const piece of printed(played, options)) process.stdout.write(piece);
    if (played.fault !== undefined) {
      found.report(played.fault);
      return EXIT_USAGE;
    }
    return played.failures === 0 ? 0 : EXIT_FAILED;
  } finally {
    found.print();
  }
}

/** `rulewalk play SCRIPT`: packets and changes over a virtual clock. */
export function playCommand(exit: (code: number) => void): Command {
  const command = new Command("play")
    .description("Play packets and changes of a cluster over a virtual clock: affinity, rollouts, stale connections.")
    .addArgument(new Argument("<script>", "the script, or - for standard input"))
    .option("-f, --filename <path>", "objects beside those that the script names; may be repeated", append)
    .option("-R, --recursive", "look into subfolders, too")
    .option("-n, --namespace <name>", "namespace of objects that name none")
    .addOption(
      new Option("--validate <mode>", "faulty objects: refuse, warn, or take them as a cluster holds them")
        .choices(["strict", "warn", "ignore"])
        .default("strict"),
    )
    .option("--config <file>", "KubeProxyConfiguration, or the kube-proxy ConfigMap")
    .option("--kube-version <release>", `release of kube-proxy, instead of the script's (${DEFAULT_VERSION})`)
    .option("--mode <mode>", "proxy mode, iptables or ipvs, instead of the script's or the configuration's")
    .addOption(new Option("--backend <backend>", "back end of iptables (nft)").choices(["nft", "legacy"]))
    .option("--seed <seed>", "what the kernels draw by, instead of the script's (1)")
    .addOption(new Option("-o, --output <form>", "what to print").choices(["text", "json", "mermaid"]).default("text"))
    .option("-v, --verbose", "also print what is assumed about nodes");
  return command.addHelpText("after", EXAMPLES).action((path: string, options: PlayOptions) => {
    exit(run(path, options, command.opts()));
  });
}
