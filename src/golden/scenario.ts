import { buildCluster } from "../cluster/build.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { configurationsIn, reportConfigErrors } from "../cluster/kubeproxy/written-config.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../cluster/kubeproxy-config.ts";
import { type HostFile, readHostFile } from "../manifest/hostfile.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import type { IPFamily } from "../net/family.ts";
import { usualHostFacts } from "../proxy/host-facts.ts";
import { type NodeView, nodeView } from "../proxy/node.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import { startFindings } from "../proxy/startup.ts";
import { type ProxyState, proxyState } from "../proxy/state.ts";
import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import { comparisonIn, type ScenarioComparison } from "./comparison.ts";
import { defaultSettings, readScenarioFile, type ScenarioMode, type ScenarioSettings } from "./scenario-file.ts";

/** The files of a scenario folder that are read; only `cluster.yaml` must be there. */
export const scenarioFiles = ["cluster.yaml", "kube-proxy.yaml", "host.yaml", "scenario.yaml"] as const;

/** Their contents by file name; the name of a source is the path that messages show. */
export type ScenarioSources = ReadonlyMap<string, Source>;

/** One thing to be computed: a release, mode, node and family. */
export interface ScenarioCase {
  readonly mode: ScenarioMode;
  readonly release: Release;
  readonly node: NodeView;
  readonly family: IPFamily;
  /** Folder of its dumps below the scenario: `dumps/RELEASE-MODE/NODE`. */
  readonly folder: string;
  readonly state: ProxyState;
}

/** A scenario that was read without errors. */
export interface Scenario {
  readonly settings: ScenarioSettings;
  /** Release by release, in each mode by mode, then node by node, IPv4 before IPv6 unless the scenario says otherwise. */
  readonly cases: readonly ScenarioCase[];
  /** Release by release, where the scenario asks for them. */
  readonly comparisons: readonly ScenarioComparison[];
}

/** What was read of a folder before anything is decided for a release. */
interface Inputs {
  readonly settings: ScenarioSettings;
  readonly manifests: Manifests;
  readonly configuration: Manifests["kubeProxyConfigurations"][number] | undefined;
  readonly host: HostFile;
  readonly sources: ScenarioSources;
}

/** Names that can be one part of a path (RFC 1123 subdomains, as Node names are). */
const PATH_PART = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/**
 * The same finding of several releases or nodes is told once. Notes and the API server's advice to authors (deprecated
 * fields) are not told: a scenario is written as it is meant.
 */
function once(report: Report): Report {
  const told = new Set<string>();
  return (diagnostic) => {
    const { severity, code, field = "", message, place } = diagnostic;
    const key = JSON.stringify([code, field, message, place?.source.name, place?.offset]);
    if (severity === "note" || code === "service-warning" || told.has(key)) return;
    told.add(key);
    report(diagnostic);
  };
}

function readInputs(sources: ScenarioSources, report: Report): Inputs {
  const [clusterFile, configFile, hostFile, scenarioFile] = scenarioFiles.map((name) => sources.get(name));
  const settings = scenarioFile === undefined ? defaultSettings : readScenarioFile(scenarioFile, report);
  const { validate } = settings;
  const manifests = readManifests(clusterFile === undefined ? [] : [clusterFile], { validate }, report);
  const configured = configFile === undefined ? undefined : readManifests([configFile], { validate }, report);
  const configuration = configurationsIn(configured ?? manifests, report).at(-1);
  const faultOf = (source: Source, code: string, message: string): void =>
    report({ severity: "error", code, message, place: { source, offset: 0 } });
  if (configFile !== undefined && configuration === undefined) {
    faultOf(configFile, "no-configuration", "no KubeProxyConfiguration and no kube-proxy ConfigMap could be read here");
  }
  const host = hostFile === undefined ? {} : (readHostFile(hostFile, report) ?? {});
  return { settings, manifests, configuration, host, sources };
}

/** The nodes to compute, in the scenario's order. */
function nodesOf(cluster: Cluster, { settings, sources }: Inputs, report: Report): NodeView[] {
  const known = cluster.nodes.map(({ value }) => nodeView(value));
  const refuse = (code: string, message: string): void => {
    const source = sources.get("scenario.yaml") ?? sources.get("cluster.yaml");
    report({ severity: "error", code, message, ...(source !== undefined && { place: { source, offset: 0 } }) });
  };
  if (known.length === 0) refuse("no-node", "there is no Node among the objects: nothing can be computed for one");
  const names = known.map(({ name }) => name);
  for (const name of names) {
    if (PATH_PART.test(name)) continue;
    refuse("node-name", `the Node name ${JSON.stringify(name)} cannot be the name of a folder`);
  }
  for (const name of settings.nodes ?? []) {
    if (!names.includes(name)) refuse("unknown-node", `nodes: there is no Node ${name}; known are ${names.join(", ")}`);
  }
  const wanted = settings.nodes ?? names;
  return wanted.flatMap((name) => known.find((node) => node.name === name) ?? []);
}

function reportStart(config: ResolvedConfig, node: NodeView, report: Report): void {
  for (const { fatal, code, message } of startFindings(config, node)) {
    if (fatal) report({ severity: "error", code, message: `kube-proxy does not start on ${node.name}: ${message}` });
  }
}

/** The cases of one release and mode; none after errors, which are reported. */
function modeCases(
  inputs: Inputs,
  release: Release,
  mode: ScenarioMode,
  { cluster, nodes }: { readonly cluster: Cluster; readonly nodes: readonly NodeView[] },
  report: Report,
): ScenarioCase[] {
  const { settings, configuration, host } = inputs;
  // in ipvs mode the configuration is that of a kube-proxy which is told so
  const written = { ...configuration?.value, ...(mode === "ipvs" && { mode }) };
  const { config, errors } = resolveKubeProxyConfig(written, { minor: release.minor });
  reportConfigErrors(errors, configuration, report);
  if (config === undefined) return [];
  return nodes.flatMap((node): ScenarioCase[] => {
    reportStart(config, node, report);
    const facts = usualHostFacts(host, node, config, report);
    return settings.families.map((family) => ({
      mode,
      release,
      node,
      family,
      folder: `dumps/${formatRelease(release)}-${mode}/${node.name}`,
      state: proxyState(cluster, { release, family, node, host: facts, config }),
    }));
  });
}

function releaseCases(inputs: Inputs, release: Release, report: Report): Omit<Scenario, "settings"> {
  const { settings, manifests } = inputs;
  const cluster = buildCluster(manifests, { validate: settings.validate, minor: release.minor }, report);
  const nodes = nodesOf(cluster, inputs, report);
  const modes = settings.modes.filter((mode) => mode !== "ipvs" || settings.ipvsReleases.includes(release));
  const cases = modes.flatMap((mode) => modeCases(inputs, release, mode, { cluster, nodes }, report));
  const names = nodes.map(({ name }) => name);
  const files = scenarioFiles.slice(0, 2).filter((name) => inputs.sources.has(name));
  return { cases, comparisons: comparisonIn({ ...inputs, cluster, nodes: names, files }, release, report) };
}

/**
 * Reads a scenario folder given as sources and decides everything its dumps are written from. `undefined` after
 * errors; all of them are reported, each once, with their places.
 */
export function readScenario(sources: ScenarioSources, report: Report): Scenario | undefined {
  let faulty = false;
  const tell = once((diagnostic: Diagnostic) => {
    faulty ||= diagnostic.severity === "error";
    report(diagnostic);
  });
  if (!sources.has("cluster.yaml")) {
    tell({ severity: "error", code: "no-cluster", message: "a scenario needs a file cluster.yaml with its objects" });
    return undefined;
  }
  const inputs = readInputs(sources, tell);
  const found = inputs.settings.releases.map((release) => releaseCases(inputs, release, tell));
  if (faulty) return undefined;
  return {
    settings: inputs.settings,
    cases: found.flatMap(({ cases }) => cases),
    comparisons: found.flatMap(({ comparisons }) => comparisons),
  };
}
