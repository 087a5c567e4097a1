import {
  defined,
  flagOption,
  type ModuleOptions,
  type Negatable,
  negatable,
  negatableOption,
  type RuleModule,
} from "../module.ts";
import { formatFlags, parseFlags } from "../values.ts";

/** Bits of address types (1 << RTN_*), in the order that iptables-save prints them. */
export const addressTypes = {
  UNSPEC: 1,
  UNICAST: 2,
  LOCAL: 4,
  BROADCAST: 8,
  ANYCAST: 16,
  MULTICAST: 32,
  BLACKHOLE: 64,
  UNREACHABLE: 128,
  PROHIBIT: 256,
  THROW: 512,
  NAT: 1024,
  XRESOLVE: 2048,
} as const;

/** `-m addrtype` */
export interface AddrtypeMatch {
  readonly kind: "addrtype";
  /** Bits of `addressTypes`. */
  readonly source?: Negatable<number>;
  readonly destination?: Negatable<number>;
  readonly limitInterface?: "in" | "out";
}

/** The kernel refuses these for IPv6 when the rule is loaded (kernel-semantics §2.6). */
const notIPv6 = addressTypes.BROADCAST | addressTypes.BLACKHOLE | addressTypes.PROHIBIT | addressTypes.THROW;

function types(options: ModuleOptions, flag: string): Negatable<number> | undefined {
  const set = options.read(flag, (text) => parseFlags(text, addressTypes), "a list of address types");
  if (set !== undefined && options.family === "IPv6" && (set & notIPv6) !== 0) {
    return options.fail(`${flag} ${formatFlags(set & notIPv6, addressTypes)} is refused for IPv6`);
  }
  return negatable(options, flag, set);
}

export const addrtypeModule: RuleModule<AddrtypeMatch> = {
  kind: "addrtype",
  negatable: ["--src-type", "--dst-type"],
  parse: (options) => {
    if (!options.has("--src-type") && !options.has("--dst-type"))
      return options.fail("--src-type or --dst-type is required");
    if (!options.atMostOne("--limit-iface-in", "--limit-iface-out")) return undefined;
    const limit = options.has("--limit-iface-in") ? "in" : options.has("--limit-iface-out") ? "out" : undefined;
    return defined<AddrtypeMatch>({
      kind: "addrtype",
      source: types(options, "--src-type"),
      destination: types(options, "--dst-type"),
      limitInterface: limit,
    });
  },
  format: (match) => [
    ...negatableOption("--src-type", match.source, (set) => formatFlags(set, addressTypes)),
    ...negatableOption("--dst-type", match.destination, (set) => formatFlags(set, addressTypes)),
    ...flagOption("--limit-iface-in", match.limitInterface === "in"),
    ...flagOption("--limit-iface-out", match.limitInterface === "out"),
  ],
};
