import type { LoadBalancerIngress, Service } from "../manifest/service.ts";
import { parseIP } from "../net/ip.ts";
import { validateLegacyIP } from "./validation/addresses.ts";
import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  invalidEach,
  notSupported,
  required,
} from "./validation/field-error.ts";
import { dns1123Subdomain } from "./validation/names.ts";
import { type ValidationOptions, validationTraits } from "./validation/options.ts";

const INGRESS: FieldPath = ["status", "loadBalancer", "ingress"];
const MODES: readonly string[] = ["Proxy", "VIP"];

function validateMode(ingress: LoadBalancerIngress, path: FieldPath): readonly FieldError[] {
  const { ip = "", ipMode } = ingress;
  if (ipMode === undefined) return ip === "" ? [] : [required(path, "must be specified when `ip` is set")];
  if (ip === "") return [forbidden(path, "may not be specified when `ip` is not set")];
  return MODES.includes(ipMode) ? [] : [notSupported(path, ipMode, MODES)];
}

function validateHostname(hostname: string, path: FieldPath): readonly FieldError[] {
  const errors = [...invalidEach(path, hostname, dns1123Subdomain(hostname))];
  if (parseIP(hostname) !== undefined) errors.push(invalid(path, hostname, "must be a DNS name, not an IP address"));
  return errors;
}

/**
 * The findings of the API server about `status.loadBalancer` of a Service that went through `defaultService`, when
 * something writes that status (`ValidateLoadBalancerStatus`). On create the status is wiped and never checked.
 */
export function validateServiceStatus(service: Service, options: ValidationOptions = {}): readonly FieldError[] {
  const { strictAddresses } = validationTraits(options);
  const list = service.status?.loadBalancer?.ingress ?? [];
  if (service.spec?.type !== "LoadBalancer") {
    return list.length === 0 ? [] : [forbidden(INGRESS, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return list.flatMap((ingress, i) => {
    const path = [...INGRESS, i];
    const { ip = "", hostname = "" } = ingress;
    return [
      ...(ip === "" ? [] : validateLegacyIP([...path, "ip"], ip, strictAddresses)),
      ...validateMode(ingress, [...path, "ipMode"]),
      ...(hostname === "" ? [] : validateHostname(hostname, [...path, "hostname"])),
    ];
  });
}
