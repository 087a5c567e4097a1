import { defined, type RuleModule } from "../module.ts";
import { formatPorts, type PortFields, parsePorts } from "./ports.ts";

/** `-m udp` */
export interface UDPMatch extends PortFields {
  readonly kind: "udp";
}

export const udpModule: RuleModule<UDPMatch> = {
  kind: "udp",
  negatable: ["--sport", "--dport"],
  parse: (options) => defined<UDPMatch>({ kind: "udp", ...parsePorts(options) }),
  format: formatPorts,
};
