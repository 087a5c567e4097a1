import type { Service, ServiceSpec } from "../manifest/service.ts";
import { syncClusterIPs } from "./defaults.ts";
import { validateEndpointIP, validateLegacyCIDR, validateLegacyIP } from "./validation/addresses.ts";
import { placeClusterIPs, validateClusterIPFields } from "./validation/cluster-ips.ts";
import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
  withoutRepeats,
} from "./validation/field-error.ts";
import { goTrimSpace } from "./validation/go-text.ts";
import { dns1035Label, dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from "./validation/names.ts";
import { validateLabels, validateObjectMeta } from "./validation/object-meta.ts";
import { type ValidationOptions, type ValidationTraits, validationTraits } from "./validation/options.ts";
import { isExternallyAccessible, isHeadless, needsHealthCheck } from "./validation/service-kind.ts";
import { validatePortPairs, validateServicePorts } from "./validation/service-ports.ts";

const MODE = "service.kubernetes.io/topology-mode";
const HINTS = "service.kubernetes.io/topology-aware-hints";
const SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

const TYPES: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const AFFINITIES: readonly string[] = ["ClientIP", "None"];
const POLICIES: readonly string[] = ["Cluster", "Local"];

function validateTopologyAnnotations(service: Service): readonly FieldError[] {
  const mode = service.metadata.annotations?.[MODE];
  const hints = service.metadata.annotations?.[HINTS];
  if (mode === undefined || hints === undefined || mode === hints) return [];
  const detail = `must match annotations[${HINTS}] when both are specified`;
  return [invalid(["metadata", "annotations", MODE], mode, detail)];
}

function validateExternalName(spec: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  const unset = "may not be set for ExternalName services";
  if ((spec.clusterIPs ?? []).length > 0) errors.push(forbidden(["spec", "clusterIPs"], unset));
  if ((spec.ipFamilies ?? []).length > 0) errors.push(forbidden(["spec", "ipFamilies"], unset));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden(["spec", "ipFamilyPolicy"], unset));
  const path: FieldPath = ["spec", "externalName"];
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  errors.push(...(name === "" ? [required(path)] : invalidEach(path, name, dns1123Subdomain(name))));
  return errors;
}

/** Checks 2–7: what the type asks of ports, cluster IPs and the external name. */
function validateTypeNeeds(spec: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  const headless = isHeadless(spec);
  if ((spec.ports ?? []).length === 0 && !headless && spec.type !== "ExternalName") {
    errors.push(required(["spec", "ports"]));
  }
  if (headless && (spec.type === "LoadBalancer" || spec.type === "NodePort")) {
    errors.push(invalid(["spec", "clusterIPs", 0], "None", `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type === "ExternalName") errors.push(...validateExternalName(spec));
  return errors;
}

/** Checks 17–20. */
function validateAffinity(spec: ServiceSpec): readonly FieldError[] {
  const affinity = spec.sessionAffinity ?? "";
  const path: FieldPath = ["spec", "sessionAffinity"];
  const config: FieldPath = ["spec", "sessionAffinityConfig"];
  if (affinity === "") return [required(path)];
  if (!AFFINITIES.includes(affinity)) return [notSupported(path, affinity, AFFINITIES)];
  const given = spec.sessionAffinityConfig;
  if (affinity === "None") {
    return given === undefined ? [] : [forbidden(config, "must not be set when session affinity is None")];
  }
  const missing = "when session affinity type is ClientIP";
  if (given === undefined) return [required(config, missing)];
  if (given.clientIP === undefined) return [required([...config, "clientIP"], missing)];
  const seconds = given.clientIP.timeoutSeconds;
  const timeout = [...config, "clientIP", "timeoutSeconds"];
  if (seconds === undefined) return [required(timeout, missing)];
  if (seconds > 0 && seconds <= 86400) return [];
  return [invalid(timeout, seconds, "must be greater than 0 and less than 86400")];
}

function validateExternalIPs(externalIPs: readonly string[], strict: boolean): readonly FieldError[] {
  return externalIPs.flatMap((ip, i) => {
    const path: FieldPath = ["spec", "externalIPs", i];
    const errors = validateLegacyIP(path, ip, strict);
    return errors.length > 0 ? errors : validateEndpointIP(path, ip);
  });
}

function validateType(type: string): readonly FieldError[] {
  if (type === "") return [required(["spec", "type"])];
  return TYPES.includes(type) ? [] : [notSupported(["spec", "type"], type, TYPES)];
}

/** Checks 34 and 35. The field's printed name begins with a capital letter; the annotation counts only without it. */
function validateSourceRanges(service: Service, spec: ServiceSpec, strict: boolean): readonly FieldError[] {
  const wrongType = spec.type !== "LoadBalancer";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) {
    const printed: FieldPath = ["spec", "LoadBalancerSourceRanges"];
    const real: FieldPath = ["spec", "loadBalancerSourceRanges"];
    return [
      ...(wrongType ? [forbidden(printed, ONLY_LOAD_BALANCER, real)] : []),
      ...ranges.flatMap((range, i) => validateLegacyCIDR([...printed, i], goTrimSpace(range), strict, [...real, i])),
    ];
  }
  const annotation = service.metadata.annotations?.[SOURCE_RANGES];
  if (annotation === undefined) return [];
  const path: FieldPath = ["metadata", "annotations", SOURCE_RANGES];
  const text = goTrimSpace(annotation);
  return [
    ...(wrongType ? [forbidden(path, ONLY_LOAD_BALANCER)] : []),
    ...(text === "" ? [] : text.split(",").flatMap((range) => validateLegacyCIDR(path, goTrimSpace(range), strict))),
  ];
}

/** Checks 36 and 37. */
function validateLoadBalancerFields(spec: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  const balanced = spec.type === "LoadBalancer";
  if (!balanced && spec.allocateLoadBalancerNodePorts !== undefined) {
    errors.push(forbidden(["spec", "allocateLoadBalancerNodePorts"], ONLY_LOAD_BALANCER));
  }
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) {
    // upstream forgets "spec" here; defaulting keeps this from being seen
    errors.push({ ...required(["allocateLoadBalancerNodePorts"]), at: ["spec", "allocateLoadBalancerNodePorts"] });
  }
  const path: FieldPath = ["spec", "loadBalancerClass"];
  const name = spec.loadBalancerClass;
  if (name !== undefined) {
    errors.push(...(balanced ? invalidEach(path, name, qualifiedName(name)) : [forbidden(path, ONLY_LOAD_BALANCER)]));
  }
  return errors;
}

function validateExternalPolicy(spec: ServiceSpec): readonly FieldError[] {
  const path: FieldPath = ["spec", "externalTrafficPolicy"];
  const policy = spec.externalTrafficPolicy ?? "";
  if (isExternallyAccessible(spec)) {
    if (policy === "") return [required(path)];
    return POLICIES.includes(policy) ? [] : [notSupported(path, policy, POLICIES)];
  }
  if (policy === "") return [];
  return [{ ...invalid(path, policy, "may only be set for externally-accessible services"), json: true }];
}

// a Service that needs the port and has none gets one allocated before it is checked
function validateHealthCheckPort(spec: ServiceSpec): readonly FieldError[] {
  const path: FieldPath = ["spec", "healthCheckNodePort"];
  const port = spec.healthCheckNodePort ?? 0;
  if (port === 0) return [];
  if (needsHealthCheck(spec)) return invalidEach(path, port, portNumber(port));
  const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [invalid(path, port, detail)];
}

/** Checks 38–42. */
function validatePolicies(spec: ServiceSpec, traits: ValidationTraits): readonly FieldError[] {
  const errors: FieldError[] = [...validateExternalPolicy(spec), ...validateHealthCheckPort(spec)];
  const internal = spec.internalTrafficPolicy;
  const path: FieldPath = ["spec", "internalTrafficPolicy"];
  if (internal === undefined && spec.type !== "ExternalName" && TYPES.includes(spec.type ?? "")) {
    errors.push(required(path));
  }
  if (internal !== undefined && !POLICIES.includes(internal)) errors.push(notSupported(path, internal, POLICIES));
  const distribution = spec.trafficDistribution;
  const known = traits.trafficDistributions;
  if (distribution !== undefined && known !== undefined && !known.includes(distribution)) {
    errors.push(notSupported(["spec", "trafficDistribution"], distribution, known, true));
  }
  return errors;
}

/**
 * All findings of `ValidateServiceCreate` about a Service that went through `defaultService`, in upstream's order
 * (cluster-model §1.3; the order of the table but for #43, which stands behind the metadata). A lone `clusterIP` is
 * copied to `clusterIPs` first. Addresses and ports that are yet to be allocated are no findings.
 */
export function validateServiceCreate(service: Service, options: ValidationOptions = {}): readonly FieldError[] {
  const traits = validationTraits(options);
  const strict = traits.strictAddresses;
  const spec = syncClusterIPs(service).spec ?? {};
  const errors = withoutRepeats([
    ...validateObjectMeta(service.metadata, true, traits.relaxedServiceNames ? dns1123Label : dns1035Label),
    ...validateTopologyAnnotations(service),
    ...validateTypeNeeds(spec),
    ...validateServicePorts(spec.ports ?? []),
    ...(spec.selector === undefined ? [] : validateLabels(["spec", "selector"], spec.selector)),
    ...validateAffinity(spec),
    ...validateClusterIPFields(spec, strict),
    ...validateExternalIPs(spec.externalIPs ?? [], strict),
    ...validateType(spec.type ?? ""),
    ...validatePortPairs(spec),
    ...validateSourceRanges(service, spec, strict),
    ...validateLoadBalancerFields(spec),
    ...validatePolicies(spec, traits),
  ]);
  return spec === service.spec ? errors : placeClusterIPs(errors);
}
