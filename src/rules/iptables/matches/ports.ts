import { type ModuleOptions, type Negatable, negatable, negatableOption } from "../module.ts";
import type { Option } from "../syntax.ts";
import { formatPortRange, type PortRange, parsePortRange } from "../values.ts";

/** `--sport` and `--dport` of tcp, udp and sctp. */
export interface PortFields {
  readonly source?: Negatable<PortRange>;
  readonly destination?: Negatable<PortRange>;
}

function isAny(given: Negatable<PortRange> | undefined): boolean {
  return given !== undefined && given.value.from === 0 && given.value.to === 65535;
}

function port(options: ModuleOptions, flag: string): Negatable<PortRange> | undefined {
  const given = negatable(
    options,
    flag,
    options.read(flag, (text) => parsePortRange(text), "a port or a range of ports"),
  );
  return isAny(given) && given?.negated === false ? undefined : given;
}

/** Reads both; a range of all ports says nothing and is left out. */
export function parsePorts(options: ModuleOptions): PortFields {
  const source = port(options, "--sport");
  const destination = port(options, "--dport");
  return { ...(source === undefined ? {} : { source }), ...(destination === undefined ? {} : { destination }) };
}

/** Both in the order of iptables-save, which prints no range of all ports, negated or not (kernel-semantics §6.4). */
export function formatPorts({ source, destination }: PortFields): readonly Option[] {
  return [
    ...(isAny(source) ? [] : negatableOption("--sport", source, (range) => formatPortRange(range))),
    ...(isAny(destination) ? [] : negatableOption("--dport", destination, (range) => formatPortRange(range))),
  ];
}
