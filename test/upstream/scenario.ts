import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { SampleCluster } from "../../src/sample/cluster.ts";

/** A sample as the files of a scenario folder. */
export function scenarioFiles(sample: SampleCluster, title: string): ReadonlyMap<string, string> {
  const { objects, config, host, nodeName } = sample;
  const written = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration", ...config };
  // a fact that is left out would become a default there, and what was seen here would not be
  const facts = { interfaces: [], nfacct: false, conntrackTCPLiberal: false, randomFully: true, ...host };
  return new Map([
    ["cluster.yaml", objects.map((object) => stringify(object)).join("---\n")],
    ["kube-proxy.yaml", stringify(written)],
    ["host.yaml", stringify(facts)],
    ["scenario.yaml", stringify({ title, nodes: [nodeName], validate: "ignore" })],
  ]);
}

/** Writes a scenario folder and gives its text as it is shown. */
export function writeScenario(folder: string, sample: SampleCluster, title: string): string {
  mkdirSync(folder, { recursive: true });
  const shown: string[] = [];
  for (const [name, text] of scenarioFiles(sample, title)) {
    writeFileSync(join(folder, name), text);
    shown.push(`==> ${join(folder, name)}`, text.trimEnd());
  }
  return shown.join("\n");
}
