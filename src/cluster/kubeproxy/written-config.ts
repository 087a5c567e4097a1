import type { KubeProxyConfiguration } from "../../manifest/kubeproxy.ts";
import { kubeProxyConfigurationOf } from "../../manifest/kubeproxy-configmap.ts";
import { locate } from "../../manifest/locate.ts";
import type { Located } from "../../manifest/object.ts";
import type { Manifests } from "../../manifest/read-manifests.ts";
import type { Report } from "../../text/diagnostic.ts";
import { type FieldError, fieldErrorPlace, formatFieldErrorBody, formatFieldPath } from "../validation/field-error.ts";

/** All configurations among the objects: written as such, or inside the kube-proxy ConfigMap. */
export function configurationsIn(manifests: Manifests, report: Report): Located<KubeProxyConfiguration>[] {
  const ofConfigMaps = manifests.configMaps
    .filter(({ value }) => value.metadata.name === "kube-proxy")
    .flatMap((configMap) => kubeProxyConfigurationOf(configMap, report) ?? []);
  return [...ofConfigMaps, ...manifests.kubeProxyConfigurations];
}

/** Reports what kube-proxy refuses in a configuration, at its places when it was written somewhere. */
export function reportConfigErrors(
  errors: readonly FieldError[],
  config: Located<KubeProxyConfiguration> | undefined,
  report: Report,
): void {
  for (const error of errors) {
    report({
      severity: "error",
      code: "invalid-kubeproxyconfiguration",
      field: formatFieldPath(error.path),
      message: formatFieldErrorBody(error),
      ...(config !== undefined && { place: locate(config.origin, fieldErrorPlace(error)) }),
    });
  }
}
