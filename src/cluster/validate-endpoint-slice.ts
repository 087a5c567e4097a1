import type { Endpoint, EndpointPort, EndpointSlice } from "../manifest/endpointslice.ts";
import { canonicalIP, familyOf } from "../net/ip.ts";
import { validateEndpointIP, validateLegacyIP } from "./validation/addresses.ts";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooMany,
  withoutRepeats,
} from "./validation/field-error.ts";
import { goQuote } from "./validation/go-text.ts";
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName, type TextCheck } from "./validation/names.ts";
import { validateObjectMeta } from "./validation/object-meta.ts";
import { type ValidationOptions, type ValidationTraits, validationTraits } from "./validation/options.ts";
import { supportedProtocols } from "./validation/service-ports.ts";

const MOST_ADDRESSES = 100;
const MOST_PORTS = 20000;
const MOST_ENDPOINTS = 1000;
const MOST_HINTS = 8;
const ADDRESS_TYPES: readonly string[] = ["FQDN", "IPv4", "IPv6"];

function validatePort(port: EndpointPort, path: FieldPath, names: Set<string>): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = port.name ?? "";
  if (name !== "") errors.push(...invalidEach([...path, "name"], name, dns1123Label(name)));
  if (names.has(name)) errors.push({ ...duplicate([...path, "name"], name), json: true });
  names.add(name);
  if (port.protocol === undefined) errors.push(required([...path, "protocol"]));
  else if (!supportedProtocols.includes(port.protocol)) {
    errors.push(notSupported([...path, "protocol"], port.protocol, supportedProtocols));
  }
  const app = port.appProtocol;
  if (app !== undefined) errors.push(...invalidEach([...path, "appProtocol"], app, qualifiedName(app)));
  return errors;
}

function validatePorts(ports: readonly EndpointPort[]): readonly FieldError[] {
  if (ports.length > MOST_PORTS) return [tooMany(["ports"], ports.length, MOST_PORTS)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => validatePort(port, ["ports", i], names));
}

/** `IsFullyQualifiedDomainName`: at least two labels, one trailing dot allowed. */
function validateDomain(path: FieldPath, text: string): readonly FieldError[] {
  if (text === "") return [required(path)];
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  const messages = dns1123Subdomain(name);
  if (messages.length > 0) return [invalid(path, name, messages.join(","))];
  const labels = name.split(".");
  if (labels.length < 2)
    return [invalid(path, name, "should be a domain with at least two segments separated by dots")];
  const bad = labels.find((label) => dns1123Label(label).length > 0);
  return bad === undefined ? [] : [invalid(path, bad, dns1123Label(bad).join(","))];
}

function validateWritten(path: FieldPath, type: string, text: string, traits: ValidationTraits): readonly FieldError[] {
  if (type === "IPv4") return validateLegacyIP(path, text, traits.strictAddresses);
  const errors = validateLegacyIP(path, text, traits.canonicalIPv6Slices);
  if (errors.length > 0 || !traits.canonicalIPv6Slices) return errors;
  const canonical = canonicalIP(text) ?? text;
  return canonical === text ? [] : [invalid(path, text, `must be in canonical form (${goQuote(canonical)})`)];
}

function validateAddress(path: FieldPath, type: string, text: string, traits: ValidationTraits): readonly FieldError[] {
  if (type === "FQDN") return validateDomain(path, text);
  if (type !== "IPv4" && type !== "IPv6") return [];
  const errors = validateWritten(path, type, text, traits);
  if (errors.length > 0) return errors;
  // upstream names the list here, not its member
  const family = familyOf(text) === type ? [] : [invalid(path.slice(0, -1), text, `must be an ${type} address`, path)];
  return [...family, ...validateEndpointIP(path, text)];
}

function validateHintList(
  path: FieldPath,
  hints: readonly { readonly name?: string }[],
  check: TextCheck,
): readonly FieldError[] {
  const names = new Set<string>();
  return hints.flatMap(({ name = "" }, i) => {
    const namePath = [...path, i, "name"];
    const errors = [
      ...(names.has(name) ? [duplicate(namePath, name)] : []),
      ...invalidEach(namePath, name, check(name)),
    ];
    names.add(name);
    return errors;
  });
}

function validateHints(path: FieldPath, hints: NonNullable<Endpoint["hints"]>): readonly FieldError[] {
  const { forZones = [], forNodes = [] } = hints;
  const zonePath = [...path, "forZones"];
  if (forZones.length > MOST_HINTS) return [tooMany(zonePath, forZones.length, MOST_HINTS)];
  const errors = validateHintList(zonePath, forZones, labelValue);
  const nodePath = [...path, "forNodes"];
  if (forNodes.length > MOST_HINTS) return [...errors, tooMany(nodePath, forNodes.length, MOST_HINTS)];
  return [...errors, ...validateHintList(nodePath, forNodes, dns1123Subdomain)];
}

function validateEndpoint(
  endpoint: Endpoint,
  path: FieldPath,
  type: string,
  traits: ValidationTraits,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, address] of (endpoint.addresses ?? []).entries()) {
    errors.push(...validateAddress([...path, "addresses", i], type, address, traits));
  }
  const { nodeName, hostname, hints } = endpoint;
  if (nodeName !== undefined) errors.push(...invalidEach([...path, "nodeName"], nodeName, dns1123Subdomain(nodeName)));
  if (hostname !== undefined) errors.push(...invalidEach([...path, "hostname"], hostname, dns1123Label(hostname)));
  if (hints !== undefined) errors.push(...validateHints([...path, "hints"], hints));
  return errors;
}

function validateEndpointList(
  endpoints: readonly Endpoint[],
  type: string,
  traits: ValidationTraits,
): readonly FieldError[] {
  if (endpoints.length > MOST_ENDPOINTS) return [tooMany(["endpoints"], endpoints.length, MOST_ENDPOINTS)];
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, ["endpoints", i], type, traits));
}

/** What v1.37 checks by declaration, after everything else (`Validate_EndpointSlice`). */
function validateDeclared(endpoints: readonly Endpoint[], type: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(["addressType"]));
  else if (!ADDRESS_TYPES.includes(type)) errors.push(notSupported(["addressType"], type, ADDRESS_TYPES));
  for (const [i, { addresses = [] }] of endpoints.entries()) {
    const path: FieldPath = ["endpoints", i, "addresses"];
    if (addresses.length === 0) errors.push(required(path));
    if (addresses.length > MOST_ADDRESSES) errors.push(tooMany(path, addresses.length, MOST_ADDRESSES));
  }
  return errors;
}

/**
 * All findings of the API server about an EndpointSlice that went through `defaultEndpointSlice`, in v1.37's order
 * (cluster-model §3.4, `ValidateEndpointSliceCreate` and the declared checks behind it).
 */
export function validateEndpointSlice(slice: EndpointSlice, options: ValidationOptions = {}): readonly FieldError[] {
  const traits = validationTraits(options);
  const { addressType = "", endpoints = [], ports = [] } = slice;
  const written = [
    ...validateObjectMeta(slice.metadata, true, dns1123Subdomain),
    ...validatePorts(ports),
    ...validateEndpointList(endpoints, addressType, traits),
  ];
  return [...withoutRepeats(written), ...validateDeclared(endpoints, addressType)];
}
