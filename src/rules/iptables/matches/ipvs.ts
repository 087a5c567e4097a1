import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { parseProtocol } from "../protocols.ts";
import { not, option } from "../syntax.ts";
import {
  formatAddress,
  formatMaskedAddress,
  type MaskedAddress,
  maskLength,
  parseNumber,
  parseUnmasked,
} from "../values.ts";

/** `-m ipvs`: the packet belongs to a connection of a virtual server. `ipvs` stands alone; the others imply it. */
export interface IPVSMatch {
  readonly kind: "ipvs";
  readonly ipvs?: boolean;
  readonly protocol?: Negatable<number>;
  readonly address?: Negatable<MaskedAddress>;
  readonly port?: Negatable<number>;
  readonly direction?: "ORIGINAL" | "REPLY";
  readonly method?: Negatable<IPVSMethod>;
  /** Port of the connection's template or other controlling connection. */
  readonly controlPort?: Negatable<number>;
}

/** Masquerading, direct routing, tunnels. */
export type IPVSMethod = "MASQ" | "GATE" | "IPIP";

function parseDirection(text: string): "ORIGINAL" | "REPLY" | undefined {
  const upper = text.toUpperCase();
  return upper === "ORIGINAL" || upper === "REPLY" ? upper : undefined;
}

/** `--vmethod` takes any case. */
function parseMethod(text: string): IPVSMethod | undefined {
  const upper = text.toUpperCase();
  return upper === "MASQ" || upper === "GATE" || upper === "IPIP" ? upper : undefined;
}

function parse(options: ModuleOptions): IPVSMatch | undefined {
  if (options.size === 0) return options.fail("at least one option is required");
  if (options.negated("--ipvs") && options.size > 1) return options.fail("! --ipvs cannot stand with other options");
  return defined<IPVSMatch>({
    kind: "ipvs",
    ipvs: options.has("--ipvs") && options.size === 1 ? !options.negated("--ipvs") : undefined,
    protocol: negatable(options, "--vproto", options.read("--vproto", parseProtocol, "a protocol")),
    address: negatable(
      options,
      "--vaddr",
      options.read("--vaddr", (text) => parseUnmasked(text, options.family), "a network"),
    ),
    port: negatable(
      options,
      "--vport",
      options.read("--vport", (text) => parseNumber(text, 65535), "a port"),
    ),
    direction: options.read("--vdir", parseDirection, "ORIGINAL or REPLY"),
    method: negatable(options, "--vmethod", options.read("--vmethod", parseMethod, "MASQ, GATE or IPIP")),
    controlPort: negatable(
      options,
      "--vportctl",
      options.read("--vportctl", (text) => parseNumber(text, 65535), "a port"),
    ),
  });
}

/** A whole address has no mask behind it (ipvs-mode §6.5). */
function formatVirtualAddress(masked: MaskedAddress): string {
  const full = masked.address.family === "IPv4" ? 32 : 128;
  return maskLength(masked.mask) === full ? formatAddress(masked.address) : formatMaskedAddress(masked);
}

export const ipvsModule: RuleModule<IPVSMatch> = {
  kind: "ipvs",
  negatable: ["--ipvs", "--vproto", "--vaddr", "--vport", "--vmethod", "--vportctl"],
  parse,
  // order and numbers of libxt_ipvs.so 1.8.9, as printed by the legacy back end on a kernel that has ip_vs
  format: (match) => [
    ...(match.ipvs === undefined ? [] : [match.ipvs ? option("--ipvs") : not(option("--ipvs"))]),
    ...negatableOption("--vproto", match.protocol, String),
    ...negatableOption("--vaddr", match.address, formatVirtualAddress),
    ...negatableOption("--vport", match.port, String),
    ...(match.direction === undefined ? [] : [option("--vdir", match.direction)]),
    ...negatableOption("--vmethod", match.method, String),
    ...negatableOption("--vportctl", match.controlPort, String),
  ],
};
