import type { Located } from "../manifest/object.ts";
import type { Service } from "../manifest/service.ts";
import type { Outcome } from "./promise.ts";
import type { ServicePort } from "./service-port.ts";

/** A Service whose nodes answer a load balancer, with all its ports of both families. */
export interface HealthCheck {
  readonly service: Located<Service>;
  readonly port: number;
  readonly ports: readonly ServicePort[];
}

/** `ServiceSpec.healthCheckNodePort`: only for type LoadBalancer with externalTrafficPolicy Local. */
export function healthCheckPort({ spec }: Service): number | undefined {
  if (spec?.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local") return undefined;
  const { healthCheckNodePort = 0 } = spec;
  return healthCheckNodePort === 0 ? undefined : healthCheckNodePort;
}

/** 200 where the node has a ready endpoint of the Service, else 503; KEP-1669: those that terminate do not count. */
export function healthOutcome({ ports }: HealthCheck, node: string): Outcome {
  const local = ports.flatMap((port) => port.listed().filter((each) => each.node === node));
  if (local.some((each) => each.certain && each.ready)) return { kind: "health-check", status: 200 };
  if (local.some((each) => !each.certain)) return { kind: "health-check" };
  return { kind: "health-check", status: 503 };
}
