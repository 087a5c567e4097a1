import type { Endpoint } from "./endpoints.ts";
import type { ServicePort } from "./serviceport.ts";

/** What kube-proxy's health server answers for one Service (iptables-mode §5.3). */
export interface ServiceHealth {
  readonly port: number;
  /** Distinct addresses of ready endpoints on this node, over all slice ports; 0 makes the answer 503. */
  readonly localEndpoints: number;
}

/** Gives all endpoints of a Service (namespace/name) in this family, over all its slice ports. */
export type EndpointsOfService = (service: string) => Iterable<Endpoint>;

/** Health answers by `namespace/name` of each Service with a health check node port. */
export function serviceHealth(
  ports: readonly ServicePort[],
  endpointsOf: EndpointsOfService,
): ReadonlyMap<string, ServiceHealth> {
  const health = new Map<string, ServiceHealth>();
  for (const { namespace, name, healthCheckNodePort } of ports) {
    const service = `${namespace}/${name}`;
    if (healthCheckNodePort === 0 || health.has(service)) continue;
    const addresses = new Set<string>();
    for (const endpoint of endpointsOf(service)) if (endpoint.local && endpoint.ready) addresses.add(endpoint.ip);
    // upstream keeps the port as 16 bits
    health.set(service, { port: healthCheckNodePort & 0xffff, localEndpoints: addresses.size });
  }
  return health;
}
