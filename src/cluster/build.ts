import type { EndpointSlice } from "../manifest/endpointslice.ts";
import { locate } from "../manifest/locate.ts";
import type { Node } from "../manifest/node.ts";
import type { Located } from "../manifest/object.ts";
import type { Manifests, Validation } from "../manifest/read-manifests.ts";
import type { Service } from "../manifest/service.ts";
import type { Report, Severity } from "../text/diagnostic.ts";
import { type Cluster, sortedCluster } from "./cluster.ts";
import { defaultEndpointSlice, defaultService } from "./defaults.ts";
import { serviceWarnings } from "./service-warnings.ts";
import { validateEndpointSlice } from "./validate-endpoint-slice.ts";
import { validateNode } from "./validate-node.ts";
import { validateService } from "./validate-service.ts";
import { type FieldError, fieldErrorPlace, formatFieldErrorBody, formatFieldPath } from "./validation/field-error.ts";
import type { ValidationOptions } from "./validation/options.ts";

export interface BuildOptions extends ValidationOptions {
  /** As kubectl's `--validate`: faults are errors, warnings, or not looked for. */
  readonly validate: Validation;
  /** For objects that name no namespace; `default` when absent. */
  readonly namespace?: string;
  /** Leave absent fields absent: for objects that a cluster already holds. */
  readonly keepAbsent?: boolean;
}

type Kind = Service | EndpointSlice | Node;

interface Steps<T extends Kind> {
  readonly namespaced: boolean;
  readonly defaults: (value: T) => T;
  readonly check: (value: T, options: ValidationOptions) => readonly FieldError[];
}

const services: Steps<Service> = { namespaced: true, defaults: defaultService, check: validateService };
const slices: Steps<EndpointSlice> = {
  namespaced: true,
  defaults: defaultEndpointSlice,
  check: validateEndpointSlice,
};
const nodes: Steps<Node> = { namespaced: false, defaults: (node) => node, check: validateNode };

function inNamespace<T extends Kind>(value: T, namespace: string): T {
  return value.metadata.namespace ? value : { ...value, metadata: { ...value.metadata, namespace } };
}

const nameOf = ({ kind, metadata: { namespace, name } }: Kind): string =>
  `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name ?? ""}`;

/** Reports the faults of one object at their places; true when it may go on. */
function isAccepted<T extends Kind>(
  object: Located<T>,
  steps: Steps<T>,
  options: BuildOptions,
  report: Report,
): boolean {
  if (options.validate === "ignore") return true;
  const severity: Severity = options.validate === "strict" ? "error" : "warning";
  const errors = steps.check(object.value, options);
  for (const error of errors) {
    report({
      severity,
      code: `invalid-${object.value.kind.toLowerCase()}`,
      field: formatFieldPath(error.path),
      message: formatFieldErrorBody(error),
      place: locate(object.origin, fieldErrorPlace(error)),
    });
  }
  return errors.length === 0 || severity === "warning";
}

/** Prepares the objects of one kind: namespace, defaults, checks; of two with one name the later one stays. */
function prepare<T extends Kind>(
  objects: readonly Located<T>[],
  steps: Steps<T>,
  options: BuildOptions,
  report: Report,
): Located<T>[] {
  const kept = new Map<string, Located<T>>();
  for (const { value: written, origin } of objects) {
    const placed = steps.namespaced ? inNamespace(written, options.namespace ?? "default") : written;
    const object = { value: options.keepAbsent ? placed : steps.defaults(placed), origin };
    if (!isAccepted(object, steps, options, report)) continue;
    const name = nameOf(object.value);
    if (kept.has(name)) {
      const place = locate(origin, ["metadata", "name"]);
      report({
        severity: "warning",
        code: "duplicate-object",
        message: `${name} was given before; this one counts`,
        place,
      });
    }
    kept.set(name, object);
  }
  return [...kept.values()];
}

/** Says what is known of Services that kube-proxy will pass over, so that nobody wonders. */
function reportServices(cluster: Cluster, options: BuildOptions, report: Report): void {
  if (options.validate === "ignore") return;
  for (const { value, origin } of cluster.services) {
    for (const message of serviceWarnings(value)) {
      report({
        severity: "warning",
        code: "service-warning",
        message: `${nameOf(value)}: ${message}`,
        place: locate(origin, []),
      });
    }
    const { type, clusterIP } = value.spec ?? {};
    if (type !== "ExternalName" && !clusterIP) {
      const message = `${nameOf(value)} has no clusterIP, so kube-proxy writes nothing for it (addresses are not allocated)`;
      report({ severity: "warning", code: "no-cluster-ip", message, place: locate(origin, ["spec", "clusterIP"]) });
    }
  }
}

/** Says which objects were read and have no say in the answer. */
function reportUnused(manifests: Manifests, report: Report): void {
  const { endpoints, pods, endpointSlices } = manifests;
  if (endpoints.length > 0) {
    const message = `${endpoints.length} Endpoints not used: kube-proxy reads EndpointSlices, and slices are not made of them here`;
    report({ severity: "note", code: "endpoints-not-used", message });
  }
  if (pods.length > 0 && endpointSlices.length === 0) {
    const message = `${pods.length} Pods but no EndpointSlice: slices are not made of Pods here, so no Service has endpoints`;
    report({ severity: "warning", code: "no-endpointslices", message });
  }
}

/**
 * Makes the cluster of what was read: defaults, the API server's checks (each fault reported with its place), one
 * object a name, canonical order. Faulty objects are left out under `strict` and kept otherwise.
 */
export function buildCluster(manifests: Manifests, options: BuildOptions, report: Report): Cluster {
  const cluster = sortedCluster({
    services: prepare(manifests.services, services, options, report),
    endpointSlices: prepare(manifests.endpointSlices, slices, options, report),
    nodes: prepare(manifests.nodes, nodes, options, report),
  });
  reportServices(cluster, options, report);
  reportUnused(manifests, report);
  return cluster;
}
