import type { Node } from "../manifest/node.ts";
import { parsePrefix, prefixFamily } from "../net/prefix.ts";
import { validateLegacyCIDR } from "./validation/addresses.ts";
import { type FieldError, type FieldPath, internalError, invalid, withoutRepeats } from "./validation/field-error.ts";
import { dns1123Subdomain } from "./validation/names.ts";
import { validateObjectMeta } from "./validation/object-meta.ts";
import { type ValidationOptions, validationTraits } from "./validation/options.ts";

const POD_CIDRS: FieldPath = ["spec", "podCIDRs"];
const ONE_EACH = "may specify no more than one CIDR for each IP family";

function validatePair(podCIDRs: readonly string[]): readonly FieldError[] {
  if (podCIDRs.length < 2) return [];
  const prefixes = podCIDRs.map((text) => parsePrefix(text));
  const unreadable = prefixes.indexOf(undefined);
  const families = new Set(prefixes.map((prefix) => prefix && prefixFamily(prefix)));
  const errors: FieldError[] = [];
  if (unreadable >= 0) {
    const why = `invalid CIDR[${unreadable}]: <nil> (invalid CIDR address: ${podCIDRs[unreadable]})`;
    errors.push(internalError(POD_CIDRS, `invalid PodCIDRs. failed to check with dual stack with error:${why}`));
  }
  const dual = unreadable < 0 && families.size === 2;
  if (!dual || podCIDRs.length > 2) errors.push(invalid(POD_CIDRS, podCIDRs, ONE_EACH));
  return errors;
}

/**
 * The findings of the API server about a Node as far as they matter here: metadata and `spec.podCIDRs`
 * (`ValidateNode`). The list is that of `nodePodCIDRs`.
 */
export function validateNode(node: Node, options: ValidationOptions = {}): readonly FieldError[] {
  const { strictAddresses } = validationTraits(options);
  const podCIDRs = nodePodCIDRs(node);
  const errors = withoutRepeats([
    ...validateObjectMeta(node.metadata, false, dns1123Subdomain),
    ...podCIDRs.flatMap((text, i) => validateLegacyCIDR([...POD_CIDRS, i], text, strictAddresses)),
    ...validatePair(podCIDRs),
  ]);
  if (podCIDRs === node.spec?.podCIDRs) return errors;
  return errors.map((error) => (error.path[1] === "podCIDRs" ? { ...error, at: ["spec", "podCIDR"] } : error));
}

/**
 * The `spec.podCIDRs` an API server makes of a written Node (`Convert_v1_NodeSpec_To_core_NodeSpec`): a `podCIDR` fills
 * an absent list, and replaces a list that begins with another one.
 */
export function nodePodCIDRs(node: Node): readonly string[] {
  const { podCIDR = "", podCIDRs = [] } = node.spec ?? {};
  return podCIDR === "" || podCIDRs[0] === podCIDR ? podCIDRs : [podCIDR];
}
