import { applyFlags } from "../cluster/kubeproxy/apply-flags.ts";
import { kubeProxyFlags } from "../cluster/kubeproxy/flags.ts";
import { configurationsIn, reportConfigErrors } from "../cluster/kubeproxy/written-config.ts";
import { type ResolvedConfig, resolveKubeProxyConfig } from "../cluster/kubeproxy-config.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Located } from "../manifest/object.ts";
import { type Manifests, readManifests } from "../manifest/read-manifests.ts";
import { formatRelease, type Release } from "../proxy/release.ts";
import { unmodelledGates } from "../proxy/traits.ts";
import type { Report } from "../text/diagnostic.ts";
import type { ClusterOptions } from "./cluster-input.ts";
import { readSource } from "./read-input.ts";
import { UsageError } from "./terminal.ts";

/** kube-proxy's flags as given, by name with dashes. */
type Flags = Readonly<Record<string, string | boolean>>;

function fromFile(file: string, report: Report): Located<KubeProxyConfiguration> | undefined {
  const source = readSource(file, report);
  if (source === undefined) return undefined;
  const found = configurationsIn(readManifests([source], { validate: "strict" }, report), report);
  if (found.length === 0)
    throw new UsageError(`--config ${file}: no KubeProxyConfiguration and no kube-proxy ConfigMap in it`);
  return found.at(-1);
}

/** The configuration to use: that of `--config`, else the last one among the objects. */
function written(
  manifests: Manifests,
  options: ClusterOptions,
  flags: Flags,
  report: Report,
): Located<KubeProxyConfiguration> | undefined {
  if (options.config !== undefined) return fromFile(options.config, report);
  const found = configurationsIn(manifests, report);
  if (found.length > 1) {
    const message = `${found.length} kube-proxy configurations among the objects; the last one counts (--config chooses)`;
    report({ severity: "warning", code: "several-configurations", message });
  }
  if (found.length === 0 && Object.keys(flags).length === 0) {
    report({
      severity: "note",
      code: "default-configuration",
      message: "no kube-proxy configuration given: kube-proxy's defaults apply",
    });
  }
  return found.at(-1);
}

const camelCase = (flag: string): string =>
  flag.slice(2).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** kube-proxy's flags on our command line, by their own names. */
function givenFlags(values: Readonly<Record<string, unknown>>): Flags {
  const given: Record<string, string | boolean> = {};
  for (const { flag } of kubeProxyFlags) {
    const value = values[camelCase(flag)];
    if (typeof value === "string" || typeof value === "boolean") given[flag] = value;
  }
  return given;
}

/** The configuration that kube-proxy would run with, and where it was written, if it was. */
export interface ConfigInput {
  readonly config: ResolvedConfig;
  readonly written: Located<KubeProxyConfiguration> | undefined;
}

/** Gates in a state that changes rules in a way nobody modelled: no answer is better than a wrong one. */
function reportGates(config: ResolvedConfig, release: Release, report: Report): void {
  for (const gate of unmodelledGates(release, config.featureGates)) {
    const message = `what the rules of ${formatRelease(release)} are with ${gate}=${config.featureGates[gate]} is not modelled`;
    report({ severity: "error", code: "gate-not-modelled", field: `featureGates.${gate}`, message });
  }
}

/** The configuration that kube-proxy would run with; `undefined` after errors, which are reported. */
export function kubeProxyConfig(
  manifests: Manifests,
  options: ClusterOptions,
  values: Readonly<Record<string, unknown>>,
  release: Release,
  report: Report,
): ConfigInput | undefined {
  const flags = givenFlags(values);
  const config = written(manifests, options, flags, report);
  if (options.config !== undefined && config === undefined) return undefined;
  const names = Object.keys(flags).filter((flag) => flag !== "--hostname-override");
  if (config !== undefined && names.length > 0) {
    const message = `kube-proxy itself ignores ${names.join(", ")} when it has a configuration file; applied here on top of it`;
    report({ severity: "note", code: "flags-over-configuration", message });
  }
  const applied = applyFlags(config?.value ?? {}, flags);
  reportConfigErrors(applied.errors, undefined, report);
  // the mode decides which section's settings count, so that it must be known here
  const { mode } = options;
  const asked = mode === "iptables" || mode === "ipvs" ? { ...applied.written, mode } : applied.written;
  const resolved = resolveKubeProxyConfig(asked, { minor: release.minor });
  reportConfigErrors(resolved.errors, config, report);
  if (options.verbose === true) {
    for (const { severity, code, message } of resolved.messages) report({ severity, code, message });
  }
  if (applied.errors.length > 0 || resolved.config === undefined) return undefined;
  reportGates(resolved.config, release, report);
  return { config: resolved.config, written: config };
}
