import type { ServiceSpec } from "../../manifest/service.ts";
import { familyOf } from "../../net/ip.ts";
import { validateLegacyIP } from "./addresses.ts";
import { duplicate, type FieldError, type FieldPath, invalid, notSupported } from "./field-error.ts";
import { isHeadless } from "./service-kind.ts";

const CLUSTER_IPS: FieldPath = ["spec", "clusterIPs"];
const FAMILIES: readonly string[] = ["IPv4", "IPv6"];
const POLICIES: readonly string[] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

function validateAgreement(clusterIP: string, clusterIPs: readonly string[]): readonly FieldError[] {
  if (clusterIP === "") {
    if (clusterIPs.length === 0) return [];
    return [invalid(CLUSTER_IPS, clusterIPs, "must be empty when `clusterIP` is not specified")];
  }
  // an empty list beside a clusterIP does not occur: it was filled from it
  return clusterIPs[0] === clusterIP ? [] : [invalid(CLUSTER_IPS, clusterIPs, "first value must match `clusterIP`")];
}

function validateFamilies(families: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, family] of families.entries()) {
    const path: FieldPath = ["spec", "ipFamilies", i];
    if (!FAMILIES.includes(family)) errors.push(notSupported(path, family, FAMILIES));
    if (seen.has(family)) errors.push({ ...duplicate(path, family), json: true });
    seen.add(family);
  }
  return errors;
}

function validateAddresses(clusterIPs: readonly string[], strict: boolean): readonly FieldError[] {
  return clusterIPs.flatMap((ip, i) => {
    if (i > 0 || ip !== "None") return validateLegacyIP([...CLUSTER_IPS, i], ip, strict);
    return clusterIPs.length > 1 ? [invalid(CLUSTER_IPS, clusterIPs, "'None' must be the first and only value")] : [];
  });
}

function validateFamilyMatch(spec: ServiceSpec, clusterIPs: readonly string[]): readonly FieldError[] {
  const { ipFamilies = [] } = spec;
  if (isHeadless(spec)) return [];
  return clusterIPs.flatMap((ip, i) => {
    const family = ipFamilies[i];
    if (family === undefined || !FAMILIES.includes(family) || familyOf(ip) === family) return [];
    const detail = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    return [invalid([...CLUSTER_IPS, i], ip, detail)];
  });
}

/**
 * `ValidateServiceClusterIPsRelatedFields` (checks 21–27 of cluster-model §1.3) of a Service that went through
 * `syncClusterIPs`. The API server runs it twice, the first time alone before it allocates.
 */
export function validateClusterIPFields(spec: ServiceSpec, strict: boolean): readonly FieldError[] {
  if (spec.type === "ExternalName") return [];
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const errors: FieldError[] = [...validateAgreement(clusterIP, clusterIPs), ...validateFamilies(ipFamilies)];
  if (ipFamilyPolicy !== undefined && !POLICIES.includes(ipFamilyPolicy)) {
    errors.push(notSupported(["spec", "ipFamilyPolicy"], ipFamilyPolicy, POLICIES));
  }
  const bad = validateAddresses(clusterIPs, strict);
  errors.push(...bad);
  if (clusterIPs.length > 2) errors.push(invalid(CLUSTER_IPS, clusterIPs, "may only hold up to 2 values"));
  if (bad.length > 0) return errors;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size < 2) {
    errors.push(invalid(CLUSTER_IPS, clusterIPs, "may specify no more than one IP for each IP family"));
  }
  errors.push(...validateFamilyMatch(spec, clusterIPs));
  return errors;
}

/** Of a Service with a lone `clusterIP`: findings about the list that was made of it belong there. */
export function placeClusterIPs(errors: readonly FieldError[]): readonly FieldError[] {
  return errors.map((error) => {
    const [first, second] = error.path;
    return first === "spec" && second === "clusterIPs" ? { ...error, at: ["spec", "clusterIP"] } : error;
  });
}
