import type { IntOrString } from "../../manifest/meta.ts";
import type { ServicePortSpec, ServiceSpec } from "../../manifest/service.ts";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalidEach,
  notSupported,
  required,
} from "./field-error.ts";
import { dns1123Label, portName, portNumber, qualifiedName } from "./names.ts";

const PORTS: FieldPath = ["spec", "ports"];

/** The protocols of Services and endpoints, in the order in which upstream lists them. */
export const supportedProtocols: readonly string[] = ["SCTP", "TCP", "UDP"];

/** Checks a protocol that defaulting may have left empty. */
export function validateProtocol(path: FieldPath, protocol: string): readonly FieldError[] {
  if (protocol === "") return [required(path)];
  return supportedProtocols.includes(protocol) ? [] : [notSupported(path, protocol, supportedProtocols)];
}

/** `ValidatePortNumOrName`: a number must be a port, a text an IANA service name. */
function validateTargetPort(path: FieldPath, target: IntOrString): readonly FieldError[] {
  return invalidEach(path, target, typeof target === "number" ? portNumber(target) : portName(target));
}

/** `validateServicePort`: one entry of `spec.ports`; `names` collects the names met so far. */
function validateServicePort(
  port: ServicePortSpec,
  path: FieldPath,
  needsName: boolean,
  names: Set<string>,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = port.name ?? "";
  if (name === "") {
    if (needsName) errors.push(required([...path, "name"]));
  } else {
    errors.push(...invalidEach([...path, "name"], name, dns1123Label(name)));
    if (names.has(name)) errors.push(duplicate([...path, "name"], name));
    names.add(name);
  }
  const number = port.port ?? 0;
  errors.push(...invalidEach([...path, "port"], number, portNumber(number)));
  errors.push(...validateProtocol([...path, "protocol"], port.protocol ?? ""));
  errors.push(...validateTargetPort([...path, "targetPort"], port.targetPort ?? 0));
  if (port.appProtocol !== undefined) {
    errors.push(...invalidEach([...path, "appProtocol"], port.appProtocol, qualifiedName(port.appProtocol)));
  }
  return errors;
}

/** Checks 8–15 of cluster-model §1.3, port by port. */
export function validateServicePorts(ports: readonly ServicePortSpec[]): readonly FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => validateServicePort(port, [...PORTS, i], ports.length > 1, names));
}

/** Checks 31–33: node ports where there are none, and pairs (protocol, number) that occur twice. */
export function validatePortPairs(spec: ServiceSpec): readonly FieldError[] {
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  for (const [i, { nodePort = 0 }] of ports.entries()) {
    if (spec.type === "ClusterIP" && nodePort !== 0) {
      errors.push(forbidden([...PORTS, i, "nodePort"], "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const nodePorts = new Set<string>();
  for (const [i, { nodePort = 0, protocol = "" }] of ports.entries()) {
    if (nodePort === 0) continue;
    const pair = `${nodePort}/${protocol}`;
    if (nodePorts.has(pair)) errors.push(duplicate([...PORTS, i, "nodePort"], nodePort));
    nodePorts.add(pair);
  }
  const pairs = new Set<string>();
  for (const [i, { port = 0, protocol = "" }] of ports.entries()) {
    const pair = `${port}/${protocol}`;
    if (pairs.has(pair)) errors.push(duplicate([...PORTS, i], internalServicePort(protocol, port)));
    pairs.add(pair);
  }
  return errors;
}

/** The key upstream reports for a repeated pair: its internal type, in the order of that type's fields. */
function internalServicePort(protocol: string, port: number): Readonly<Record<string, unknown>> {
  return { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
}

/** The port allocator's words for a port outside its range. */
export function outOfRangeText(range: { readonly first: number; readonly last: number }): string {
  return `provided port is not in the valid range. The range of valid ports is ${range.first}-${range.last}`;
}
