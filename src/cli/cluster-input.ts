import { type Command, InvalidArgumentError, Option } from "commander";
import { type BuildOptions, buildCluster } from "../cluster/build.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { kubeProxyFlags } from "../cluster/kubeproxy/flags.ts";
import type { ResolvedConfig } from "../cluster/kubeproxy-config.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import { type Manifests, readManifests, type Validation } from "../manifest/read-manifests.ts";
import { type HostFacts, type NodeView, nodeView } from "../proxy/node.ts";
import type { Release } from "../proxy/release.ts";
import { startFindings } from "../proxy/startup.ts";
import type { Report, Source } from "../text/diagnostic.ts";
import { hostFacts, showHost } from "./host.ts";
import { kubeProxyConfig } from "./kubeproxy-input.ts";
import { readSources } from "./read-input.ts";
import { UsageError } from "./terminal.ts";

/** The options that say which cluster, node and configuration a command works with. */
export interface ClusterOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly namespace?: string;
  readonly node?: string;
  readonly validate: Validation;
  readonly config?: string;
  /** The proxy mode instead of the configuration's, where a command has that. */
  readonly mode?: string;
  readonly host?: string;
  readonly showHost?: boolean;
  readonly serviceNodePortRange?: { readonly first: number; readonly last: number };
  readonly verbose?: boolean;
}

/** Everything read and decided before rules are made. */
export interface ClusterInput {
  readonly cluster: Cluster;
  readonly node: NodeView;
  readonly host: HostFacts;
  readonly config: ResolvedConfig;
  /** The configuration as it was written, unless it is kube-proxy's defaults. */
  readonly written: Located<KubeProxyConfiguration> | undefined;
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function portRange(text: string): { first: number; last: number } {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || first < 1 || last > 65535 || first > last) {
    throw new InvalidArgumentError("expected FIRST-LAST, such as 30000-32767");
  }
  return { first, last };
}

/** Adds the options of `ClusterOptions` and kube-proxy's own flags to a command. */
export function addClusterOptions(command: Command): void {
  command
    .option("-f, --filename <path>", "file, folder, or - for standard input; may be repeated", append)
    .option("-R, --recursive", "look into subfolders, too")
    .option("-n, --namespace <name>", "namespace of objects that name none", "default")
    .option("--node <name>", "the node that kube-proxy runs on")
    .addOption(
      new Option("--validate <mode>", "faulty objects: refuse, warn, or take them as a cluster holds them")
        .choices(["strict", "warn", "ignore"])
        .default("strict"),
    )
    .option("--config <file>", "KubeProxyConfiguration, or the kube-proxy ConfigMap")
    .option("--host <file>", "facts of the node that objects do not carry (interfaces, nfacct, …)")
    .option("--show-host", "print the facts of the node that would be used, as a --host file")
    .option("--service-node-port-range <range>", "node ports that the API server accepts", portRange)
    .option("-v, --verbose", "also print what kube-proxy logs about its configuration");
  for (const { flag, type, help } of kubeProxyFlags) {
    const value = type === "bool" ? "[bool]" : "<value>";
    command.addOption(new Option(`${flag} ${value}`, help).helpGroup("kube-proxy's own flags:"));
  }
}

function chooseNode(cluster: Cluster, wanted: string | undefined, report: Report): NodeView {
  const names = cluster.nodes.map(({ value }) => value.metadata.name ?? "");
  if (wanted !== undefined) {
    if (wanted.trim() === "") throw new UsageError("--node: the name is empty");
    const node = cluster.nodes.find(({ value }) => value.metadata.name === wanted);
    if (node !== undefined) return nodeView(node.value);
    if (names.length > 0) throw new UsageError(`--node ${wanted}: no such Node; known are ${names.join(", ")}`);
    const message = `no Node object for ${wanted}: node IPs are taken to be loopback, the zone to be unknown`;
    report({ severity: "note", code: "no-node-object", message });
    return { name: wanted, ips: [], zone: "", podCIDRs: [] };
  }
  const only = cluster.nodes[0];
  if (only !== undefined && names.length === 1) return nodeView(only.value);
  throw new UsageError(
    names.length === 0
      ? "--node NAME is needed: there is no Node among the objects"
      : `--node is needed: rules are made for one node; known are ${names.join(", ")}`,
  );
}

/** What kube-proxy complains about when it starts on a node. */
export function reportStart(config: ResolvedConfig, node: NodeView, verbose: boolean, report: Report): void {
  for (const { fatal, code, message } of startFindings(config, node)) {
    if (fatal) report({ severity: "error", code, message: `kube-proxy does not start: ${message}` });
    else if (verbose) report({ severity: "warning", code, message });
  }
}

/** Kinds that nobody reads. */
export function reportSkipped({ skipped }: Manifests, report: Report): void {
  if (skipped.size === 0) return;
  const kinds = [...skipped].map(([kind, count]) => `${kind} (${count})`).join(", ");
  report({
    severity: "note",
    code: "kinds-not-read",
    message: `passed over, without influence on the rules: ${kinds}`,
  });
}

/** An input without any object. */
export function reportEmpty({ skipped, ...lists }: Manifests, report: Report): void {
  if (skipped.size > 0 || Object.values(lists).some((list) => list.length > 0)) return;
  report({ severity: "warning", code: "no-objects", message: "there is no object in the input" });
}

/** The facts of a node; they are printed, and that is all, when the options ask for them. `undefined` after an error. */
export function shownFacts(
  { host: file, showHost: only }: ClusterOptions,
  node: NodeView,
  config: ResolvedConfig,
  report: Report,
): HostFacts | "host shown" | undefined {
  const host = hostFacts(file, node, config, report);
  if (host === undefined || only !== true) return host;
  process.stdout.write(showHost(host));
  return "host shown";
}

/**
 * Reads objects, configuration and host facts as the options say. `undefined` after errors, which are reported;
 * `"host shown"` when only the facts were asked for.
 */
export function readCluster(
  options: ClusterOptions,
  values: Readonly<Record<string, unknown>>,
  release: Release,
  report: Report,
): ClusterInput | "host shown" | undefined {
  return readClusterFrom(clusterSources(options, report), options, values, release, report);
}

/** The texts that `-f` names. */
export function clusterSources({ filename, recursive }: ClusterOptions, report: Report): readonly Source[] {
  if (filename === undefined) throw new UsageError("-f FILE, -f FOLDER or -f - is needed: the objects to compile");
  return readSources(filename, recursive === true, report);
}

/** How the options want a cluster to be built. */
export function buildOptions(options: ClusterOptions, release: Release): BuildOptions {
  return {
    validate: options.validate,
    minor: release.minor,
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    ...(options.serviceNodePortRange !== undefined && { nodePortRange: options.serviceNodePortRange }),
  };
}

/** As `readCluster`, from texts that were read already. */
export function readClusterFrom(
  sources: readonly Source[],
  options: ClusterOptions,
  values: Readonly<Record<string, unknown>>,
  release: Release,
  report: Report,
): ClusterInput | "host shown" | undefined {
  const { validate } = options;
  const manifests = readManifests(sources, { validate }, report);
  reportSkipped(manifests, report);
  reportEmpty(manifests, report);
  const cluster = buildCluster(manifests, buildOptions(options, release), report);
  const configured = kubeProxyConfig(manifests, options, values, release, report);
  if (configured === undefined) return undefined;
  const { config, written } = configured;
  const node = chooseNode(cluster, options.node ?? config.hostnameOverride, report);
  reportStart(config, node, options.verbose === true, report);
  const host = shownFacts(options, node, config, report);
  return host === undefined || host === "host shown" ? host : { cluster, node, host, config, written };
}
