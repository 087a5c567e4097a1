import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCluster } from "../../src/cluster/build.ts";
import { configurationsIn } from "../../src/cluster/kubeproxy/written-config.ts";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { type ScenarioSources, scenarioFiles } from "../../src/golden/scenario.ts";
import { readScenarioFile, type ScenarioMode } from "../../src/golden/scenario-file.ts";
import { readHostFile } from "../../src/manifest/hostfile.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { usualHostFacts } from "../../src/proxy/host-facts.ts";
import { nodeView } from "../../src/proxy/node.ts";
import type { SampleCluster, SampleObject } from "../../src/sample/cluster.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { compareIPVSSample } from "./compare-ipvs-sample.ts";
import { compareSample, MINOR } from "./compare-sample.ts";
import { answerTo } from "./feed.ts";
import { ipvsAnswerTo } from "./ipvs-compare.ts";
import type { Oracle, OracleAnswer } from "./oracle.ts";

const FOLDER = fileURLToPath(new URL("../../../golden/scenarios", import.meta.url));
/** How often kube-proxy is started: the order of its maps may differ. */
const RUNS = 3;

/** A node of a scenario, and where its dumps are. */
interface GoldenNode {
  readonly name: string;
  readonly sample: SampleCluster;
  readonly dumps: string;
}

/** What the tools' files say that a family's answer must say, too. */
type Files = ReadonlyMap<string, string>;

function report({ severity, message }: Diagnostic): void {
  if (severity === "error") throw new Error(message);
}

function sourcesOf(path: string): ScenarioSources {
  const files = scenarioFiles.filter((name) => existsSync(join(path, name)));
  return new Map(files.map((name) => [name, { name, text: readFileSync(join(path, name), "utf8") }]));
}

/** The nodes of a scenario that have dumps of the mode in the reference release, with the objects as the API server holds them. */
function nodesOf(name: string, mode: ScenarioMode): GoldenNode[] {
  const path = join(FOLDER, name);
  const dumps = join(path, `dumps/1.${MINOR}-${mode}`);
  if (!existsSync(dumps)) return [];
  const sources = sourcesOf(path);
  const scenario = sources.get("scenario.yaml");
  const validate = scenario === undefined ? "strict" : readScenarioFile(scenario, report).validate;
  const texts = ["cluster.yaml", "kube-proxy.yaml"].flatMap((file) => sources.get(file) ?? []);
  const manifests = readManifests(texts, { validate }, report);
  const cluster = buildCluster(manifests, { validate, minor: MINOR }, report);
  const config = configurationsIn(manifests, report).at(-1)?.value ?? {};
  const resolved = resolveKubeProxyConfig({ ...config, mode }, { minor: MINOR }).config;
  if (resolved === undefined) throw new Error(`${name}: configuration refused`);
  const given = sources.get("host.yaml");
  const host = given === undefined ? {} : (readHostFile(given, report) ?? {});
  const { services, endpointSlices, nodes } = cluster;
  const objects = [...services, ...endpointSlices, ...nodes].map(({ value }) => value as SampleObject);
  return readdirSync(dumps).map((nodeName) => {
    const own = nodes.find(({ value }) => value.metadata.name === nodeName);
    if (own === undefined) throw new Error(`${name}: no Node ${nodeName}`);
    const { interfaces, conntrackTCPLiberal, randomFully, nfacct } = usualHostFacts(
      host,
      nodeView(own.value),
      resolved,
      report,
    );
    const facts = { interfaces, conntrackTCPLiberal, randomFully, nfacct: nfacct.ctStateInvalidDropped };
    const sample = { objects, config, host: facts, nodeName };
    return { name: `${name} ${nodeName}`, sample, dumps: join(dumps, nodeName) };
  });
}

/** Files of a node's dumps that do not say what was compared with kube-proxy. */
function otherFiles(folder: string, ours: Files): string[] {
  return [...ours].flatMap(([file, text]) =>
    readFileSync(join(folder, file), "utf8") === text ? [] : [`${file} is not what was compared`],
  );
}

function compareNode({ sample, dumps }: GoldenNode, mode: ScenarioMode, theirs: OracleAnswer): readonly string[] {
  const ours = new Map<string, string>();
  const tool = (family: string): string => (family === "ipv4" || family === "IPv4" ? "iptables" : "ip6tables");
  if (mode === "iptables") {
    const { differences } = compareSample(sample, theirs, (question, family) => {
      const answer = answerTo(question, family);
      ours.set(`${tool(family)}.restore`, answer.restore);
      return answer;
    });
    return [...differences, ...otherFiles(dumps, ours)];
  }
  const { differences } = compareIPVSSample(sample, theirs, (question, asked) => {
    const answer = ipvsAnswerTo(question, asked);
    for (const [family, { restore }] of answer.families) ours.set(`${tool(family)}.restore`, restore);
    ours.set("ipvsadm.save", answer.node["ipvsadm-Sn"]);
    return answer;
  });
  return [...differences, ...otherFiles(dumps, ours)];
}

/**
 * Compares the golden dumps of release 1.37 with what kube-proxy's own packages write for the same objects: restore texts, commands,
 * virtual servers, sets, bound addresses and settings. Prints every difference; the number of nodes that passed and failed.
 */
export async function compareGoldens(oracle: Oracle, mode: ScenarioMode): Promise<{ passed: number; failed: number }> {
  const count = { passed: 0, failed: 0 };
  for (const name of readdirSync(FOLDER)) {
    for (const node of nodesOf(name, mode)) {
      const theirs = await oracle.ask(node.sample, RUNS, mode === "ipvs" ? "ipvs" : "");
      const differences = compareNode(node, mode, theirs);
      if (differences.length === 0) count.passed++;
      else {
        count.failed++;
        console.log(`${node.name}:\n  ${differences.join("\n  ")}`);
      }
    }
  }
  return count;
}
