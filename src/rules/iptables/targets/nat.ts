import type { IPFamily } from "../../../net/family.ts";
import type { IPAddress } from "../../../net/ip.ts";
import { defined, flagOption, type ModuleOptions, type RuleModule } from "../module.ts";
import { option } from "../syntax.ts";
import {
  formatAddress,
  formatPortRange,
  type MaskedAddress,
  maskLength,
  type PortRange,
  parseAddress,
  parsePort,
  parsePortRange,
} from "../values.ts";

/** Addresses and ports of `--to-destination` and `--to-source`; what is missing stays as it is in the packet. */
export interface NATRange {
  readonly addresses?: { readonly from: IPAddress; readonly to: IPAddress };
  readonly ports?: PortRange;
  /** The port that the first of `ports` stands for (`80-90/100`). */
  readonly basePort?: number;
}

/** `-j DNAT` */
export interface DNATTarget {
  readonly kind: "DNAT";
  readonly range: NATRange;
  readonly random: boolean;
  readonly persistent: boolean;
}

/** `-j SNAT` */
export interface SNATTarget {
  readonly kind: "SNAT";
  readonly range: NATRange;
  readonly random: boolean;
  readonly randomFully: boolean;
  readonly persistent: boolean;
}

/** `-j MASQUERADE` */
export interface MasqueradeTarget {
  readonly kind: "MASQUERADE";
  readonly ports?: PortRange;
  readonly random: boolean;
  readonly randomFully: boolean;
}

/** `-j REDIRECT` */
export interface RedirectTarget {
  readonly kind: "REDIRECT";
  readonly ports?: PortRange;
  readonly random: boolean;
}

/** `-j NETMAP`: the bits of the address that the mask covers are replaced. */
export interface NetmapTarget {
  readonly kind: "NETMAP";
  readonly network: MaskedAddress;
}

/** Splits `ADDRESSES[:PORTS]`; IPv6 addresses stand in brackets when ports follow. */
function splitPorts(
  text: string,
  family: IPFamily,
): readonly [addresses: string, ports: string | undefined] | undefined {
  if (family === "IPv4") {
    const colon = text.indexOf(":");
    return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
  }
  if (text.startsWith(":") && !text.startsWith("::")) return ["", text.slice(1)];
  if (!text.startsWith("[")) return [text, undefined];
  const close = text.indexOf("]");
  if (close < 0) return undefined;
  const rest = text.slice(close + 1);
  if (rest !== "" && !rest.startsWith(":")) return undefined;
  return [text.slice(1, close), rest === "" ? undefined : rest.slice(1)];
}

/** `ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]` or `:PORT[-PORT[/BASE]]`. */
export function parseNATRange(text: string, family: IPFamily): NATRange | undefined {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return parsePlainRange(text, family);
  const plain = parsePlainRange(text.slice(0, slash), family);
  const basePort = parsePort(text.slice(slash + 1));
  // the tools read a base only behind two ports
  if (plain?.ports === undefined || plain.ports.from === plain.ports.to || !basePort) return undefined;
  return { ...plain, basePort };
}

function parsePlainRange(text: string, family: IPFamily): NATRange | undefined {
  const split = splitPorts(text, family);
  if (split === undefined) return undefined;
  const [addressText, portText] = split;
  const ports = portText === undefined ? undefined : parsePortRange(portText, "-");
  if (portText !== undefined && (ports === undefined || parseEnds(portText))) return undefined;
  if (addressText === "") return ports === undefined ? undefined : { ports };
  const dash = addressText.indexOf("-");
  const from = parseAddress(dash < 0 ? addressText : addressText.slice(0, dash), family);
  const to = dash < 0 ? from : parseAddress(addressText.slice(dash + 1), family);
  if (from === undefined || to === undefined) return undefined;
  return ports === undefined ? { addresses: { from, to } } : { addresses: { from, to }, ports };
}

/** True when an end of a port range is left open, which NAT does not allow. */
function parseEnds(text: string): boolean {
  return text.split("-").some((end) => parsePort(end) === undefined);
}

/** The text that iptables-save prints. */
export function formatNATRange({ addresses, ports, basePort }: NATRange): string {
  const base = basePort === undefined ? "" : `/${basePort}`;
  const portText = ports === undefined ? "" : `:${formatPortRange(ports, "-")}${base}`;
  if (addresses === undefined) return portText;
  const from = formatAddress(addresses.from);
  const to = formatAddress(addresses.to);
  const text = from === to ? from : `${from}-${to}`;
  return ports !== undefined && addresses.from.family === "IPv6" ? `[${text}]${portText}` : text + portText;
}

/** icmp, tcp, udp, dccp, sctp, as libxt_nat.c has them; `! -p` counts as well. */
const protocolsWithPorts: readonly number[] = [1, 6, 17, 33, 132];

function checkPorts(options: ModuleOptions, ports: PortRange | undefined): void {
  if (ports === undefined || protocolsWithPorts.includes(options.rule.protocol?.value ?? 0)) return;
  options.fail("a port needs -p tcp, udp, sctp or dccp in the same rule");
}

function range(options: ModuleOptions, flag: string): NATRange | undefined {
  // iptables takes a base port for SNAT and forgets it
  if (flag === "--to-source" && options.text(flag)?.includes("/") === true)
    return options.unmodelled(`${flag} with a base port is not modelled`);
  const found = options.need(flag, (text) => parseNATRange(text, options.family), "ADDRESS[-ADDRESS][:PORT[-PORT]]");
  checkPorts(options, found?.ports);
  return found;
}

export const dnatModule: RuleModule<DNATTarget> = {
  kind: "DNAT",
  negatable: [],
  parse: (options) => {
    const to = range(options, "--to-destination");
    if (to === undefined) return undefined;
    return { kind: "DNAT", range: to, random: options.has("--random"), persistent: options.has("--persistent") };
  },
  format: (target) => [
    option("--to-destination", formatNATRange(target.range)),
    ...flagOption("--random", target.random),
    ...flagOption("--persistent", target.persistent),
  ],
};

export const snatModule: RuleModule<SNATTarget> = {
  kind: "SNAT",
  negatable: [],
  parse: (options) => {
    const to = range(options, "--to-source");
    if (to === undefined) return undefined;
    return {
      kind: "SNAT",
      range: to,
      random: options.has("--random"),
      randomFully: options.has("--random-fully"),
      persistent: options.has("--persistent"),
    };
  },
  format: (target) => [
    option("--to-source", formatNATRange(target.range)),
    ...flagOption("--random", target.random),
    ...flagOption("--random-fully", target.randomFully),
    ...flagOption("--persistent", target.persistent),
  ],
};

function toPorts(options: ModuleOptions): PortRange | undefined {
  const read = (text: string): PortRange | undefined => (parseEnds(text) ? undefined : parsePortRange(text, "-"));
  const ports = options.read("--to-ports", read, "PORT or PORT-PORT");
  checkPorts(options, ports);
  return ports;
}

const portsOption = (ports: PortRange | undefined) =>
  ports === undefined ? [] : [option("--to-ports", formatPortRange(ports, "-"))];

export const masqueradeModule: RuleModule<MasqueradeTarget> = {
  kind: "MASQUERADE",
  negatable: [],
  parse: (options) =>
    defined<MasqueradeTarget>({
      kind: "MASQUERADE",
      ports: toPorts(options),
      random: options.has("--random"),
      randomFully: options.has("--random-fully"),
    }),
  format: (target) => [
    ...portsOption(target.ports),
    ...flagOption("--random", target.random),
    ...flagOption("--random-fully", target.randomFully),
  ],
};

export const redirectModule: RuleModule<RedirectTarget> = {
  kind: "REDIRECT",
  negatable: [],
  parse: (options) =>
    defined<RedirectTarget>({ kind: "REDIRECT", ports: toPorts(options), random: options.has("--random") }),
  format: (target) => [...portsOption(target.ports), ...flagOption("--random", target.random)],
};

export const netmapModule: RuleModule<NetmapTarget> = {
  kind: "NETMAP",
  negatable: [],
  parse: (options) => {
    const network = options.has("--to") ? options.network("--to") : options.fail("--to is missing");
    if (network === undefined) return undefined;
    // 1.8.9 makes one address of such a network and says nothing
    if (maskLength(network.mask) === undefined) return options.unmodelled("--to with a mask that is no prefix");
    return { kind: "NETMAP", network };
  },
  format: ({ network }) => [option("--to", `${formatAddress(network.address)}/${maskLength(network.mask) ?? ""}`)],
};
