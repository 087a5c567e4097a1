import type { PortDecision } from "../../proxy/state.ts";
import type { IptablesContext } from "./context.ts";
import { chains } from "./names.ts";
import { comment, destinationPort, jump, protocol } from "./words.ts";

/** Lets health checks in, whether or not there are endpoints; the same in all releases since 1.21. */
export function addHealthCheck(decision: PortDecision, { filter }: IptablesContext): void {
  const { port } = decision;
  if (port.healthCheckNodePort === 0) return;
  const options = [
    ...comment(`${port.nameString} health check node port`),
    ...protocol("TCP"),
    destinationPort(port.healthCheckNodePort),
    jump("ACCEPT"),
  ];
  filter.rule(chains.nodePorts, options, "health-check-accept", decision);
}
