import type { Diagnostic, Report, Source } from "../text/diagnostic.ts";
import type { ConfigMap } from "./configmap.ts";
import type { KubeProxyConfiguration } from "./kubeproxy.ts";
import { locate } from "./locate.ts";
import type { Located } from "./object.ts";
import { readManifests } from "./read-manifests.ts";

/** The keys under which installers put the file: kubeadm, kOps and others, and Cluster API's hosted variants. */
const KEYS: readonly string[] = ["config.conf", "config", "kube-proxy-config", "config.yaml", "kube-proxy-config.yaml"];

/** The data key that holds a KubeProxyConfiguration: one of the usual names, or any whose text declares that kind. */
function configurationKey(data: Readonly<Record<string, string>>): string | undefined {
  const declares = (key: string): boolean => /["']?kind["']?\s*:\s*["']?KubeProxyConfiguration\b/.test(data[key] ?? "");
  const keys = Object.keys(data);
  return KEYS.find((key) => keys.includes(key) && declares(key)) ?? keys.find(declares);
}

/**
 * The KubeProxyConfiguration that a ConfigMap such as kube-system/kube-proxy carries as text, or `undefined` when it
 * has none or it cannot be read. Its places are lines of that text, under a source named after the ConfigMap and its
 * key; faults are reported. Unknown fields are warnings, as for kube-proxy itself.
 */
export function kubeProxyConfigurationOf(
  configMap: Located<ConfigMap>,
  report: Report,
): Located<KubeProxyConfiguration> | undefined {
  const { data, metadata } = configMap.value;
  const key = data === undefined ? undefined : configurationKey(data);
  if (data === undefined || key === undefined) return undefined;
  const owner = `${metadata.namespace ?? "default"}/${metadata.name ?? ""}`;
  const source: Source = { name: `${configMap.origin.source.name}(configmap/${owner}:${key})`, text: data[key] ?? "" };
  const found = readManifests([source], { validate: "strict" }, report).kubeProxyConfigurations;
  const [first] = found;
  const about = { field: `data[${key}]`, place: locate(configMap.origin, ["data", key]) } as const;
  const say = (severity: Diagnostic["severity"], code: string, message: string): void =>
    report({ severity, code, message, ...about });
  if (first === undefined) say("error", "no-configuration", "no KubeProxyConfiguration could be read from this text");
  else if (found.length > 1) say("warning", "several-configurations", "kube-proxy reads the first document only");
  return first;
}
