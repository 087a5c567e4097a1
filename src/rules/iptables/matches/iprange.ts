import type { IPFamily } from "../../../net/family.ts";
import type { IPAddress } from "../../../net/ip.ts";
import { defined, type ModuleOptions, type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";
import { formatAddress, parseAddress } from "../values.ts";

/** A closed range of addresses of one family. */
export interface AddressRange {
  readonly from: IPAddress;
  readonly to: IPAddress;
}

/** `-m iprange` */
export interface IprangeMatch {
  readonly kind: "iprange";
  readonly source?: Negatable<AddressRange>;
  readonly destination?: Negatable<AddressRange>;
}

function parseRange(text: string, family: IPFamily): AddressRange | undefined {
  const dash = text.indexOf("-");
  const from = parseAddress(dash < 0 ? text : text.slice(0, dash), family);
  const to = dash < 0 ? from : parseAddress(text.slice(dash + 1), family);
  return from === undefined || to === undefined ? undefined : { from, to };
}

function range(options: ModuleOptions, flag: string): Negatable<AddressRange> | undefined {
  return negatable(
    options,
    flag,
    options.read(flag, (text) => parseRange(text, options.family), "a range of addresses"),
  );
}

const formatRange = ({ from, to }: AddressRange): string => `${formatAddress(from)}-${formatAddress(to)}`;

export const iprangeModule: RuleModule<IprangeMatch> = {
  kind: "iprange",
  negatable: ["--src-range", "--dst-range"],
  parse: (options) => {
    if (options.size === 0) return options.fail("--src-range or --dst-range is required");
    return defined<IprangeMatch>({
      kind: "iprange",
      source: range(options, "--src-range"),
      destination: range(options, "--dst-range"),
    });
  },
  format: (match) => [
    ...negatableOption("--src-range", match.source, formatRange),
    ...negatableOption("--dst-range", match.destination, formatRange),
  ],
};
