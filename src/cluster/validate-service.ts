import type { Service, ServiceSpec } from "../manifest/service.ts";
import { syncClusterIPs } from "./defaults.ts";
import { validateServiceCreate } from "./validate-service-create.ts";
import { placeClusterIPs, validateClusterIPFields } from "./validation/cluster-ips.ts";
import { type FieldError, type FieldPath, formatFieldPath, internalError, invalid } from "./validation/field-error.ts";
import { type PortRange, type ValidationOptions, validationTraits } from "./validation/options.ts";
import { needsHealthCheck } from "./validation/service-kind.ts";
import { outOfRangeText } from "./validation/service-ports.ts";

const POLICY: FieldPath = ["spec", "ipFamilyPolicy"];
const ALLOCATED = "provided port is already allocated";

/** The policy `initIPFamilyFields` gives a Service that has none. */
function familyPolicy(spec: ServiceSpec): string {
  const free = spec.clusterIP === "None" && Object.keys(spec.selector ?? {}).length === 0;
  return spec.ipFamilyPolicy ?? (free ? "RequireDualStack" : "SingleStack");
}

/** SingleStack beside two of something (`initIPFamilyFields`). */
function refuseTwo(spec: ServiceSpec): readonly FieldError[] {
  const policy = familyPolicy(spec);
  if (spec.type === "ExternalName" || policy !== "SingleStack") return [];
  const must = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  const two: string[] = [];
  if (spec.clusterIPs?.length === 2) two.push("cluster IPs");
  if (spec.ipFamilies?.length === 2) two.push("IP families");
  return two.map((what) => ({ ...invalid(POLICY, policy, `${must} ${what} are specified`), json: true as const }));
}

/** What the port allocator says of one written port; `taken` holds the ports the same Service has asked for. */
function allocate(port: number, range: PortRange, taken: Set<number>): string | undefined {
  if (port < range.first || port > range.last) return outOfRangeText(range);
  if (taken.has(port)) return ALLOCATED;
  taken.add(port);
  return undefined;
}

/** `initNodePorts` without choosing: entries with the same port number share a node port. */
function refuseNodePorts(spec: ServiceSpec, range: PortRange, taken: Set<number>): readonly FieldError[] {
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  const shared = new Map<number, number | undefined>();
  const chosen = spec.type === "NodePort" || spec.allocateLoadBalancerNodePorts !== false;
  for (const [i, { port = 0, nodePort = 0 }] of ports.entries()) {
    if (nodePort === 0 && !chosen) continue;
    let wanted = nodePort;
    if (!shared.has(port)) {
      wanted = ports.find((other) => (other.port ?? 0) === port && (other.nodePort ?? 0) !== 0)?.nodePort ?? 0;
      shared.set(port, wanted);
    } else if (nodePort === shared.get(port)) continue;
    const refusal = wanted === 0 ? undefined : allocate(wanted, range, taken);
    if (refusal !== undefined) errors.push(invalid(["spec", "ports", i, "nodePort"], wanted, refusal));
  }
  return errors;
}

function refuseHealthCheckPort(spec: ServiceSpec, range: PortRange, taken: Set<number>): readonly FieldError[] {
  const port = spec.healthCheckNodePort ?? 0;
  if (port === 0 || !needsHealthCheck(spec)) return [];
  const refusal = allocate(port, range, taken);
  if (refusal === undefined) return [];
  const detail = `failed to allocate requested HealthCheck NodePort ${port}: ${refusal}`;
  return [internalError(["spec", "healthCheckNodePort"], detail)];
}

/** What the port allocator has against the node ports a Service asks for; it stops at the first of them. */
function refusePorts(spec: ServiceSpec, range: PortRange): readonly FieldError[] {
  if (spec.type !== "NodePort" && spec.type !== "LoadBalancer") return [];
  const taken = new Set<number>();
  return [...refuseNodePorts(spec, range, taken), ...refuseHealthCheckPort(spec, range, taken)];
}

/**
 * What the API server answers to the creation of this one Service (`defaultService` before): the checks of cluster
 * IPs and families alone, or the first port its allocator refuses, or all of `validateServiceCreate` (cluster-model
 * §1.2). Left out is what depends on other Services, on the cluster's address ranges, or on ports the server would
 * choose (two equal ports of a NodePort Service share a chosen one, which is then told as repeated, too). A finding
 * about `healthCheckNodePort` of kind "Internal error" is printed by the server without its path.
 */
export function serviceRefusal(service: Service, options: ValidationOptions = {}): readonly FieldError[] {
  const { strictAddresses, nodePortRange } = validationTraits(options);
  const spec = syncClusterIPs(service).spec ?? {};
  const fields = validateClusterIPFields(spec, strictAddresses);
  if (fields.length > 0) return spec === service.spec ? fields : placeClusterIPs(fields);
  const two = refuseTwo(spec);
  if (two.length > 0) return two;
  const ports = refusePorts(spec, nodePortRange).slice(0, 1);
  return ports.length > 0 ? ports : validateServiceCreate(service, options);
}

/**
 * Everything an API server could have against a Service on its own (`defaultService` before): the findings of
 * `validateServiceCreate` in their order, then those of its earlier steps that are not among them already.
 */
export function validateService(service: Service, options: ValidationOptions = {}): readonly FieldError[] {
  const { nodePortRange } = validationTraits(options);
  const spec = syncClusterIPs(service).spec ?? {};
  const errors = validateServiceCreate(service, options);
  const known = new Set(errors.map((error) => formatFieldPath(error.path)));
  const earlier = [...refuseTwo(spec), ...refusePorts(spec, nodePortRange)];
  return [...errors, ...earlier.filter((error) => !known.has(formatFieldPath(error.path)))];
}
