import type { ServiceSpec } from "../manifest/service.ts";
import type { Affinity } from "./promise.ts";

/** `ClientIPConfig.timeoutSeconds`: three hours unless it is given. */
const DEFAULT_SECONDS = 10800;

const none: Affinity = { kind: "None" };

/** `ServiceSpec.sessionAffinity`: ClientIP or None, None unless it is given. */
export function affinityOf({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): Affinity {
  if (sessionAffinity !== "ClientIP") return none;
  return { kind: "ClientIP", seconds: sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_SECONDS };
}
