import type { IPAddress } from "../../../net/ip.ts";
import type { RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { formatAddress, formatHex, type MaskedValue, parseMasked, prefixMask, services } from "../values.ts";

/** `-j TPROXY`; an address of zeros means the address of the incoming interface. */
export interface TPROXYTarget {
  readonly kind: "TPROXY";
  readonly port: number;
  readonly address: IPAddress;
  readonly mark: MaskedValue;
}

/** Decimal digits only, and of the number the lower 16 bits (libxtables' XTTYPE_PORT in 1.8.9). */
function parsePort(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) % 0x10000 : services.get(text);
}

export const tproxyModule: RuleModule<TPROXYTarget> = {
  kind: "TPROXY",
  negatable: [],
  parse: (options) => {
    const { protocol } = options.rule;
    if (protocol === undefined || protocol.negated || (protocol.value !== 6 && protocol.value !== 17))
      return options.fail("-p tcp or -p udp is required");
    const port = options.need("--on-port", parsePort, "a port");
    const mark = options.has("--tproxy-mark")
      ? options.read("--tproxy-mark", parseMasked, "MARK or MARK/MASK")
      : { value: 0, mask: 0 };
    const address = options.has("--on-ip") ? options.address("--on-ip") : prefixMask(options.family, 0);
    return port === undefined || mark === undefined || address === undefined
      ? undefined
      : { kind: "TPROXY", port, address, mark };
  },
  format: ({ port, address, mark }) => [
    option("--on-port", `${port}`),
    option("--on-ip", formatAddress(address)),
    option("--tproxy-mark", `${formatHex(mark.value)}/${formatHex(mark.mask)}`),
  ],
};
