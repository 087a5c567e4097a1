import type { KubeProxyConfiguration } from "../../manifest/kubeproxy.ts";
import { type FieldError, type FieldPath, invalid } from "../validation/field-error.ts";
import { goQuote, goTrimSpace } from "../validation/go-text.ts";
import { type KubeProxyFlag, kubeProxyFlags } from "./flags.ts";
import { parseDuration } from "./go-duration.ts";
import { parseFlag } from "./parse-flag.ts";

export interface AppliedFlags {
  readonly written: KubeProxyConfiguration;
  readonly errors: readonly FieldError[];
}

const FLAGS: ReadonlyMap<string, KubeProxyFlag> = new Map(kubeProxyFlags.map((flag) => [flag.flag, flag]));
const ABOVE_ZERO: ReadonlySet<string> = new Set([
  "--iptables-sync-period",
  "--ipvs-sync-period",
  "--config-sync-period",
]);

type Tree = Readonly<Record<string, unknown>>;

/** A copy of the tree with one value set at a path of one or two names. */
function put(tree: Tree, path: FieldPath, value: unknown): Tree {
  const [first, ...rest] = path;
  const name = String(first);
  if (rest.length === 0) return { ...tree, [name]: value };
  return { ...tree, [name]: put((tree[name] ?? {}) as Tree, rest, value) };
}

/** The field a flag sets in a mode; `undefined` where it has no effect (`processV1Alpha1Flags`). */
function pathInMode(flag: KubeProxyFlag, mode: string): FieldPath | undefined {
  if (flag.flag === "--ipvs-sync-period" || flag.flag === "--ipvs-min-sync-period") {
    return mode === "ipvs" ? flag.path : undefined;
  }
  if (flag.byMode === undefined) return flag.path;
  if (mode === "nftables") return ["nftables", ...flag.path.slice(1)];
  return mode === "ipvs" && flag.type === "duration" ? undefined : flag.path;
}

/** What a flag refuses beyond its syntax. */
function refuseValue(flag: KubeProxyFlag, value: unknown): string | undefined {
  if (flag.flag === "--hostname-override" && value !== "" && goTrimSpace(String(value)) === "") {
    return "empty hostname-override is invalid";
  }
  if (ABOVE_ZERO.has(flag.flag)) {
    // a zero in a file means the default, a zero in a flag does not
    const parsed = parseDuration(String(value));
    if (parsed.ok && parsed.nanoseconds === 0n) return "must be greater than 0";
  }
  return undefined;
}

interface ParsedValue {
  readonly flag: KubeProxyFlag;
  readonly value: unknown;
}

/**
 * Flags are defaulted before they are read, for IPv4 and iptables; so with flags the servers keep their IPv4
 * addresses whatever `--bind-address` says, and ipvs mode keeps a period of one second.
 */
function keepFlagDefaults(tree: Tree, parsed: readonly ParsedValue[]): Tree {
  let kept = tree;
  const given = (name: string): unknown => parsed.find(({ flag }) => flag.flag === name)?.value;
  if (given("--bind-address") !== undefined) {
    kept = { healthzBindAddress: "0.0.0.0", metricsBindAddress: "127.0.0.1", ...kept };
  }
  const ipvs = (kept.ipvs ?? {}) as Tree;
  if (given("--proxy-mode") === "ipvs") kept = { ...kept, ipvs: { minSyncPeriod: "1s", ...ipvs } };
  return kept;
}

/**
 * Sets the fields of kube-proxy's command-line flags in a configuration. `values` holds flags with their dashes
 * (`--cluster-cidr`) and their texts; `true` and `false` are for flags without one. A flag kube-proxy does not have
 * is an error, as is a text it cannot read (in the words of its flag library).
 *
 * kube-proxy itself looks at flags only without `--config`, but for `--hostname-override`. What a file cannot say
 * stays out: `--*-min-sync-period=0` reads as its default.
 */
export function applyFlags(
  written: KubeProxyConfiguration,
  values: Readonly<Record<string, string | boolean>>,
): AppliedFlags {
  const errors: FieldError[] = [];
  const parsed: ParsedValue[] = [];
  for (const [name, given] of Object.entries(values)) {
    const flag = FLAGS.get(name);
    if (flag === undefined) {
      errors.push(invalid([name], given, "kube-proxy has no such flag, or none that sets a field known here"));
      continue;
    }
    const text = String(given);
    const result = parseFlag(flag.type, text);
    const refused = result.ok ? refuseValue(flag, result.value) : undefined;
    if (!result.ok) {
      errors.push(invalid(flag.path, text, `invalid argument ${goQuote(text)} for "${name}" flag: ${result.error}`));
    } else if (refused !== undefined) errors.push(invalid(flag.path, text, refused));
    else if (result.value !== undefined) parsed.push({ flag, value: result.value });
  }
  const modeFlag = parsed.find(({ flag }) => flag.flag === "--proxy-mode");
  const mode = String(modeFlag?.value ?? written.mode ?? "");
  let tree = written as Tree;
  for (const { flag, value } of parsed) {
    const path = pathInMode(flag, mode);
    // an empty host name is as good as none and leaves the file's
    if (path !== undefined && !(flag.flag === "--hostname-override" && value === "")) tree = put(tree, path, value);
  }
  return { written: keepFlagDefaults(tree, parsed) as KubeProxyConfiguration, errors };
}
