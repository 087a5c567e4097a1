import type { EndpointAddress, EndpointSubset, Endpoints } from "../manifest/endpoints.ts";
import { validateEndpointIP, validateLegacyIP } from "./validation/addresses.ts";
import { type FieldError, type FieldPath, invalidEach, required, withoutRepeats } from "./validation/field-error.ts";
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from "./validation/names.ts";
import { validateObjectMeta } from "./validation/object-meta.ts";
import { type ValidationOptions, validationTraits } from "./validation/options.ts";
import { validateProtocol } from "./validation/service-ports.ts";

function validateAddress(address: EndpointAddress, path: FieldPath, strict: boolean): readonly FieldError[] {
  const { ip = "", hostname = "", nodeName } = address;
  const ipPath = [...path, "ip"];
  return [
    ...validateLegacyIP(ipPath, ip, strict),
    ...(hostname === "" ? [] : invalidEach([...path, "hostname"], hostname, dns1123Label(hostname))),
    ...(nodeName === undefined ? [] : invalidEach([...path, "nodeName"], nodeName, dns1123Subdomain(nodeName))),
    ...validateEndpointIP(ipPath, ip),
  ];
}

type SubsetPort = NonNullable<EndpointSubset["ports"]>[number];

function validatePort(port: SubsetPort, path: FieldPath, needsName: boolean): readonly FieldError[] {
  const { name = "", port: number = 0, protocol = "", appProtocol } = port;
  const namePath = [...path, "name"];
  const noName = needsName ? [required(namePath)] : [];
  return [
    ...(name === "" ? noName : invalidEach(namePath, name, dns1123Label(name))),
    ...invalidEach([...path, "port"], number, portNumber(number)),
    ...validateProtocol([...path, "protocol"], protocol),
    ...(appProtocol === undefined
      ? []
      : invalidEach([...path, "appProtocol"], appProtocol, qualifiedName(appProtocol))),
  ];
}

function validateSubset(subset: EndpointSubset, path: FieldPath, strict: boolean): readonly FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const empty = addresses.length === 0 && notReadyAddresses.length === 0;
  return [
    ...(empty ? [required(path, "must specify `addresses` or `notReadyAddresses`")] : []),
    ...addresses.flatMap((address, i) => validateAddress(address, [...path, "addresses", i], strict)),
    ...notReadyAddresses.flatMap((address, i) => validateAddress(address, [...path, "notReadyAddresses", i], strict)),
    ...ports.flatMap((port, i) => validatePort(port, [...path, "ports", i], ports.length > 1)),
  ];
}

/**
 * All findings of the API server about an Endpoints object that went through `defaultEndpoints`, in its order
 * (cluster-model §3.6, `ValidateEndpointsCreate`).
 */
export function validateEndpoints(endpoints: Endpoints, options: ValidationOptions = {}): readonly FieldError[] {
  const { strictAddresses } = validationTraits(options);
  return withoutRepeats([
    ...validateObjectMeta(endpoints.metadata, true, dns1123Subdomain),
    ...(endpoints.subsets ?? []).flatMap((subset, i) => validateSubset(subset, ["subsets", i], strictAddresses)),
  ]);
}
