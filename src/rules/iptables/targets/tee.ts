import type { IPAddress } from "../../../net/ip.ts";
import { defined, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import { formatAddress, isEmptyMask } from "../values.ts";

/** `-j TEE`: a copy of the packet goes to a host on a link of this one; the packet itself goes on. */
export interface TeeTarget {
  readonly kind: "TEE";
  readonly gateway: IPAddress;
  readonly outInterface?: string;
}

const MAX_INTERFACE = 15;

export const teeModule: RuleModule<TeeTarget> = {
  kind: "TEE",
  negatable: [],
  parse: (options) => {
    const text = options.text("--gateway") ?? "";
    if (/^[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]*)*$/.test(text))
      return options.unmodelled(`--gateway ${text.slice(0, 60)}: host names are not resolved`);
    const gateway = options.has("--gateway") ? options.address("--gateway") : options.fail("--gateway is missing");
    if (gateway === undefined) return undefined;
    if (isEmptyMask(gateway)) return options.fail("--gateway cannot be all zeros");
    const outInterface = options.text("--oif")?.slice(0, MAX_INTERFACE);
    return defined<TeeTarget>({ kind: "TEE", gateway, outInterface });
  },
  format: ({ gateway, outInterface }) => [
    option("--gateway", formatAddress(gateway)),
    ...(outInterface === undefined ? [] : [option("--oif", outInterface)]),
  ],
};
