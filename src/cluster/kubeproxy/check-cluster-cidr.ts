import { parsePrefix, prefixFamily } from "../../net/prefix.ts";
import { type FieldError, invalid } from "../validation/field-error.ts";
import { type ConfigField, field, ROOT, refuse } from "./config-field.ts";
import type { DefaultedConfig } from "./default-config.ts";

const PAIR = "must be a either a single CIDR or dual-stack pair of CIDRs (e.g. [10.100.0.0/16, fde4:8dba:82e1::/48]";

function isPair(cidrs: readonly string[]): boolean {
  return new Set(cidrs.map((cidr) => parsePrefix(cidr)).map((prefix) => prefix && prefixFamily(prefix))).size === 2;
}

/** `validateDualStackCIDRStrings`, since v1.31: at most one CIDR of each family. */
export function checkClusterCIDRs(cidrs: readonly string[]): readonly FieldError[] {
  const path = [ROOT, "DetectLocalConfiguration", "ClusterCIDRs"];
  const where: ConfigField = { path, at: ["clusterCIDR"] };
  if (cidrs.length > 2) return [refuse(where, cidrs, PAIR)];
  const bad = "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)";
  const errors = cidrs.flatMap((cidr, i) =>
    parsePrefix(cidr) === undefined ? [invalid([...path, i], cidr, bad, where.at)] : [],
  );
  if (cidrs.length === 2 && errors.length === 0 && !isPair(cidrs)) errors.push(refuse(where, cidrs, PAIR));
  return errors;
}

/** Up to v1.30: looked at in every mode, with texts of its own. */
export function checkClusterCIDRText({ clusterCIDR, clusterCIDRs }: DefaultedConfig): readonly FieldError[] {
  const where = field(["clusterCIDR"], "ClusterCIDR");
  if (clusterCIDRs.length > 2) {
    const detail = "only one CIDR allowed or a valid DualStack CIDR (e.g. 10.100.0.0/16,fde4:8dba:82e1::/48)";
    return [refuse(where, clusterCIDR, detail)];
  }
  const readable = clusterCIDRs.every((cidr) => parsePrefix(cidr) !== undefined);
  if (clusterCIDRs.length === 2) {
    const detail = "must be a valid DualStack CIDR (e.g. 10.100.0.0/16,fde4:8dba:82e1::/48)";
    return readable && isPair(clusterCIDRs) ? [] : [refuse(where, clusterCIDR, detail)];
  }
  const detail = "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)";
  return readable ? [] : [refuse(where, clusterCIDR, detail)];
}
