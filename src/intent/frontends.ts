import type { Service } from "../manifest/service.ts";
import { type IPFamily, ipFamilies } from "../net/family.ts";
import { familyOf, type IPAddress, parseIP } from "../net/ip.ts";
import { type Clause, clauses } from "./clauses.ts";
import type { OperatorFacts } from "./facts.ts";
import { isPromisedBy } from "./releases.ts";
import type { ServicePort } from "./service-port.ts";

/** By what a Service is reached. */
export type FrontendKind = "ClusterIP" | "NodePort" | "ExternalIP" | "LoadBalancer";

/** What an address or node port of a Service is worth. */
export type Standing =
  | { readonly kind: "promised" }
  /** The Service does not have it, in spite of the field. */
  | { readonly kind: "none"; readonly clause: Clause }
  /** The documentation does not say. */
  | { readonly kind: "unpromised"; readonly clause: Clause };

/** An address of a Service, or for node ports all addresses of nodes, with one of its ports. */
export interface Frontend {
  readonly kind: FrontendKind;
  readonly clause: Clause;
  readonly standing: Standing;
  readonly port: ServicePort;
  /** Absent for node ports. */
  readonly address?: IPAddress;
  readonly number: number;
}

const promised: Standing = { kind: "promised" };
const none = (clause: Clause): Standing => ({ kind: "none", clause });
const unpromised = (clause: Clause): Standing => ({ kind: "unpromised", clause });

/** `ServiceSpec.clusterIPs`; objects from before dual-stack have `clusterIP` alone. */
export function clusterIPsOf({ spec }: Service): readonly string[] {
  const { clusterIPs = [], clusterIP = "" } = spec ?? {};
  return clusterIPs.length > 0 ? clusterIPs : clusterIP === "" ? [] : [clusterIP];
}

export const isHeadless = (service: Service): boolean => clusterIPsOf(service)[0] === "None";

/** `ServiceSpec.ipFamilies`, which the cluster IPs have to correspond to: the families of these. */
export function familiesOf(service: Service): readonly IPFamily[] {
  const found = clusterIPsOf(service).map(familyOf);
  return ipFamilies.filter((family) => found.includes(family));
}

/** What is said of the Service as a whole: whose business it is. */
function standingOf(service: Service): Standing {
  const labels = service.metadata.labels ?? {};
  if (service.spec?.type === "ExternalName") return none(clauses.externalName);
  if (labels["service.kubernetes.io/service-proxy-name"] !== undefined) return none(clauses.proxyName);
  if (isHeadless(service)) return none(clauses.headless);
  if (labels["service.kubernetes.io/headless"] !== undefined) return unpromised(clauses.headlessLabel);
  // an API server gives every other Service a cluster IP
  return familiesOf(service).length === 0 ? unpromised(clauses.clusterIP) : promised;
}

/** One of the Service's addresses of families that it does not have: nothing is said of it. */
function inFamily(standing: Standing, service: Service, family: IPFamily): Standing {
  if (standing.kind !== "promised") return standing;
  return familiesOf(service).includes(family) ? standing : unpromised(clauses.families);
}

const isType = ({ spec }: Service, ...types: readonly string[]): boolean => types.includes(spec?.type ?? "ClusterIP");

/** Node ports are those of types NodePort and LoadBalancer (`ServicePort.nodePort`), in the Service's families. */
function nodePortStanding(standing: Standing, service: Service, family: IPFamily): Standing {
  if (standing.kind === "none") return standing;
  if (!isType(service, "NodePort", "LoadBalancer")) return unpromised(clauses.otherType);
  if (standing.kind !== "promised") return standing;
  return familiesOf(service).includes(family) ? standing : none(clauses.families);
}

/** External IPs are of any type with a cluster IP; with type ClusterIP old releases have no policy for them. */
function externalStanding(standing: Standing, service: Service, ip: IPAddress, { release }: OperatorFacts): Standing {
  const own = isType(service, "NodePort", "LoadBalancer") || service.spec?.externalTrafficPolicy !== "Local";
  if (standing.kind === "promised" && !own && !isPromisedBy(release, "externalPolicyOfClusterIP"))
    return unpromised(clauses.otherType);
  return inFamily(standing, service, ip.family);
}

/** Load balancer addresses are those of type LoadBalancer; with ipMode Proxy the balancer itself has them. */
function ingressStanding(
  standing: Standing,
  service: Service,
  { family }: IPAddress,
  ipMode: string | undefined,
  { release }: OperatorFacts,
): Standing {
  if (standing.kind === "none") return standing;
  if (ipMode === "Proxy" && isPromisedBy(release, "ipMode")) return none(clauses.ipModeProxy);
  if (!isType(service, "LoadBalancer")) return unpromised(clauses.otherType);
  return inFamily(standing, service, family);
}

const addresses = (texts: readonly (string | undefined)[]): readonly IPAddress[] =>
  texts.flatMap((text) => parseIP(text ?? "") ?? []);

/** Everything by which a Service may be reached, port by port, its doubtful addresses included. `portOf` gives the port in a family. */
export function frontendsOf(
  service: Service,
  portOf: (index: number, family: IPFamily) => ServicePort,
  facts: OperatorFacts,
): readonly Frontend[] {
  const whole = standingOf(service);
  const { ports = [], externalIPs = [] } = service.spec ?? {};
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ports.flatMap(({ port = 0, nodePort = 0 }, index) => {
    const at = (kind: FrontendKind, clause: Clause, address: IPAddress, standing: Standing): Frontend => {
      const own = portOf(index, address.family);
      return { kind, clause, standing, port: own, address, number: port };
    };
    const external = (ip: IPAddress): Standing =>
      facts.externalIPs ? externalStanding(whole, service, ip, facts) : none(clauses.externalIPsOff);
    return [
      ...addresses(clusterIPsOf(service)).map((ip) => at("ClusterIP", clauses.clusterIP, ip, whole)),
      ...addresses(externalIPs).map((ip) => at("ExternalIP", clauses.externalIPs, ip, external(ip))),
      ...ingress.flatMap(({ ip: text, ipMode }) =>
        addresses([text]).map((ip) =>
          at("LoadBalancer", clauses.ingress, ip, ingressStanding(whole, service, ip, ipMode, facts)),
        ),
      ),
      ...(nodePort === 0 ? [] : ipFamilies).map((family): Frontend => {
        const standing = nodePortStanding(whole, service, family);
        return { kind: "NodePort", clause: clauses.nodePort, standing, port: portOf(index, family), number: nodePort };
      }),
    ];
  });
}
