/**
 * rulewalk as a library: each stage a plain function. Runs wherever JavaScript runs; nothing in here needs Node.
 */
export { type ClusterNetwork, type ClusterNetworkOptions, clusterNetwork } from "./assembly/cluster-network.ts";
export { type AddressBook, type FoundAddress, findAddress } from "./assembly/find-address.ts";
export { type BuildOptions, buildCluster } from "./cluster/build.ts";
export type { Cluster } from "./cluster/cluster.ts";
export {
  type ResolvedConfig,
  type ResolvedKubeProxyConfig,
  resolveKubeProxyConfig,
} from "./cluster/kubeproxy-config.ts";
export {
  type CompiledIptables,
  compileIptables,
  compileIptablesText,
  iptablesCommands,
} from "./compile/iptables/compile.ts";
export { type IptablesSteps, loadCompiled } from "./compile/iptables/load-compiled.ts";
export { originField, type RuleKind, type RuleOrigin, ruleKinds } from "./compile/iptables/provenance.ts";
export { verifiedReleases } from "./compile/iptables/traits.ts";
export { type CompiledIPVS, compileIPVS } from "./compile/ipvs/compile.ts";
export type { IPVSFinding } from "./compile/ipvs/findings.ts";
export {
  type IPVSItemKind,
  type IPVSRuleKind,
  type ItemOrigin,
  ipvsItemKinds,
  ipvsRuleKinds,
} from "./compile/ipvs/provenance.ts";
export type { BoundAddress, CompiledServer } from "./compile/ipvs/servers.ts";
export { type CompiledSet, loadSet, type SetEntry } from "./compile/ipvs/sets.ts";
export type { Sysctl } from "./compile/ipvs/sysctls.ts";
export { verifiedIPVSReleases } from "./compile/ipvs/traits.ts";
export { type NodeDumps, readNodeDumps } from "./dump/node-dumps.ts";
export { compareDumps, type DumpDifference, formatDifference } from "./golden/compare.ts";
export { type DumpOptions, type Dumps, scenarioDumps } from "./golden/dumps.ts";
export { readScenario, type Scenario, type ScenarioSources } from "./golden/scenario.ts";
export type { Finding } from "./inspect/finding.ts";
export { type LintOptions, lint } from "./inspect/lint.ts";
export { lintJSON, lintText } from "./inspect/lint-report.ts";
export { type Branch, type Exploration, explore } from "./kernel/chooser/explore.ts";
export { scriptedChooser } from "./kernel/chooser/scripted.ts";
export { seededChooser } from "./kernel/chooser/seeded.ts";
export type { Chooser } from "./kernel/chooser.ts";
export type { Event } from "./kernel/event.ts";
export type { Host, HostDescription } from "./kernel/host.ts";
export { makeHost } from "./kernel/make-host.ts";
export type { Outcome, Result } from "./kernel/outcome.ts";
export { makePacket, type Packet } from "./kernel/packet.ts";
export { packetText } from "./kernel/packet-text.ts";
export { type RunOptions, receive, type SendOptions, send } from "./kernel/run.ts";
export { HostState } from "./kernel/state.ts";
export { decodeSource } from "./manifest/decode-source.ts";
export { kubeProxyConfigurationOf } from "./manifest/kubeproxy-configmap.ts";
export { locate } from "./manifest/locate.ts";
export type { Located, Origin } from "./manifest/object.ts";
export { type Manifests, readManifests } from "./manifest/read-manifests.ts";
export { matrixJSON } from "./matrix/json.ts";
export { type Matrix, matrix } from "./matrix/matrix.ts";
export { assumedAddresses, matrixSources } from "./matrix/sources.ts";
export { matrixMarkdown, matrixText } from "./matrix/text.ts";
export { type IPFamily, ipFamilies } from "./net/family.ts";
export { portableSHA256, type SHA256Hex } from "./net/sha256.ts";
export { nodeHost } from "./network/node-host.ts";
export { playJSON } from "./play/json.ts";
export { playMermaid } from "./play/mermaid.ts";
export { type Played, type PlayedStep, type PlayInput, play } from "./play/play.ts";
export type { PlaySettings } from "./play/scene.ts";
export { readScript, type Script } from "./play/script.ts";
export { playText } from "./play/text.ts";
export { type HostFacts, type NodeView, nodeView } from "./proxy/node.ts";
export { parseRelease, type Release } from "./proxy/release.ts";
export { startFindings } from "./proxy/startup.ts";
export { type ProxyState, proxyState } from "./proxy/state.ts";
export { formatCommand, formatScript } from "./rules/iptables/format.ts";
export { parseScript } from "./rules/iptables/parse.ts";
export type { Diagnostic, Report, Source } from "./text/diagnostic.ts";
export { renderDiagnostic } from "./text/render.ts";
export { type JourneyTrace, traceJourneys } from "./trace/journey-trace.ts";
export { traceJSON } from "./trace/json.ts";
export { traceReport } from "./trace/report.ts";
export { type Trace, trace } from "./trace/trace.ts";
export { compiledJSON } from "./view/compiled-json.ts";
export { compiledIPVSJSON } from "./view/ipvs-json.ts";
export { ipvsSummary } from "./view/ipvs-summary.ts";
export {
  addressesText,
  ipsetText,
  ipvsadmListing,
  ipvsadmText,
  nodeSets,
  nodeTable,
  sysctlText,
} from "./view/ipvs-text.ts";
export { summary } from "./view/summary.ts";
