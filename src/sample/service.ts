import type { LoadBalancerIngress, Service, ServicePortSpec, ServiceSpec } from "../manifest/service.ts";
import type { IPFamily } from "../net/family.ts";
import { addressIn, type Spelling, spell } from "./addresses.ts";
import type { Maker } from "./chooser.ts";
import { member } from "./member.ts";
import { ownAddresses } from "./node.ts";
import type { Way } from "./weights.ts";

/** A Service to be, and what its slices must know about it. */
export interface ServicePlan {
  readonly number: number;
  readonly namespace: string;
  readonly name: string;
  readonly maker: Maker;
}

const LONGEST_NAME = 63;
const FIRST_NODE_PORT = 30000;
const NODE_PORTS_EACH = 8;
const LAST_PORT = 65535;

/** Namespaces repeat, and every third Service shares its name with one of another namespace. */
export function planService(number: number, maker: Maker): ServicePlan {
  const base = `app-${number % 3 === 2 ? number - 2 : number}`;
  const name = maker.choose("service.name") === "long" ? `${base}-`.padEnd(LONGEST_NAME, "x") : base;
  const namespace = number % 3 === 2 ? `team-${number}` : `team-${number % 2}`;
  return { number, namespace, name, maker };
}

function sampleFamilies(ways: Way<"service.families">): readonly IPFamily[] | undefined {
  return ways === "absent" ? undefined : (ways.split(",") as IPFamily[]);
}

function clusterIPs({ number, maker }: ServicePlan, ways: Way<"service.families">): Partial<ServiceSpec> {
  const families = sampleFamilies(ways);
  const given = maker.choose("service.clusterIP");
  const ipFamilies = member("ipFamilies", families);
  if (given === "absent") return ipFamilies;
  if (given === "None") return { ...ipFamilies, clusterIP: "None", clusterIPs: ["None"] };
  const spelling = maker.choose("service.spelling");
  const held = families ?? [maker.random.chance(1 / 3) ? "IPv6" : "IPv4"];
  const addresses = held.map((family) => spell(addressIn("service", family, number + 1), spelling));
  // objects from before dual-stack hold neither families nor the list
  return {
    ...member("clusterIP", addresses[0]),
    ...(families === undefined ? {} : { clusterIPs: addresses }),
    ...ipFamilies,
  };
}

/** Numbers of the first, second and third port: no two ports of a Service share one. */
const servicePorts: readonly (readonly number[])[] = [
  [80, 53, 1, LAST_PORT],
  [443, 8443],
  [9090, 5000],
];

function samplePort({ number, maker }: ServicePlan, index: number): ServicePortSpec {
  const nodePort = FIRST_NODE_PORT + number * NODE_PORTS_EACH + index;
  return {
    port: maker.random.pick(servicePorts[index] ?? [80]),
    protocol: maker.choose("port.protocol"),
    targetPort: 8080 + index,
    ...member("nodePort", nodePort <= LAST_PORT ? nodePort : undefined),
  };
}

const portCounts = { none: 0, one: 1, two: 2, three: 3 } as const;

/** Only a single port may go without a name, and no two share one: the API server sees to both. */
function samplePorts(plan: ServicePlan): readonly ServicePortSpec[] {
  const count = portCounts[plan.maker.choose("service.ports")];
  const unnamed = count === 1 && plan.maker.choose("port.name") === "unnamed";
  return Array.from({ length: count }, (_, index) => {
    const name = unnamed ? undefined : `port-${index}`;
    return { ...member("name", name), ...samplePort({ ...plan, maker: plan.maker.fork(`port ${index}`) }, index) };
  });
}

function externalIPs({ number, maker }: ServicePlan): readonly string[] {
  const v4 = addressIn("external", "IPv4", number + 2);
  const v6 = addressIn("external", "IPv6", number + 2);
  switch (maker.choose("service.externalIPs")) {
    case "none":
      return [];
    case "IPv4":
      return [v4, addressIn("external", "IPv4", number + 0x10000)];
    case "IPv6":
      return [v6];
    case "both":
      return [v6, v4];
    case "node":
      return ownAddresses;
    case "odd":
      return [spell(v4, maker.random.pick<Spelling>(["zeros", "mapped"])), spell(v6, "long")];
  }
}

function ingress({ number, maker }: ServicePlan): readonly LoadBalancerIngress[] {
  const mode = maker.choose("service.ipMode");
  const of = (family: IPFamily, n: number): LoadBalancerIngress => ({
    ip: addressIn("loadBalancer", family, n),
    ...member("ipMode", mode === "absent" ? undefined : mode),
  });
  switch (maker.choose("service.ingress")) {
    case "none":
      return [];
    case "IPv4":
      return [of("IPv4", number + 1)];
    case "IPv6":
      return [of("IPv6", number + 1)];
    case "both":
      return [of("IPv4", number + 1), of("IPv6", number + 1)];
    case "hostname":
      return [{ hostname: "lb.example.org" }];
    case "several":
      return [
        of("IPv6", number + 1),
        of("IPv4", number + 1),
        { ip: spell(addressIn("loadBalancer", "IPv4", number + 0x10000), "zeros") },
        { hostname: "lb.example.org" },
        { ip: addressIn("loadBalancer", "IPv4", number + 0x20000), ipMode: "Proxy" },
      ];
  }
}

/** Source ranges of each kind; more than one text where the families or the spelling differ. */
const ranges: Readonly<Record<Way<"service.range">, readonly string[]>> = {
  IPv4: ["203.0.113.0/24", "10.128.0.0/16"],
  IPv6: ["2001:db8:5::/48", "2001:DB8:6::/64"],
  zero: ["0.0.0.0/0", "::/0", "10.1.2.3/0"],
  "host bits": ["198.51.100.77/24", "2001:db8:7::77/48", "010.001.000.000/16"],
  padded: [" 203.0.114.0/24", "2001:db8:8::/48 ", "\t10.9.0.0/16\n"],
  node: ["192.168.0.0/16", "fd00:192:168::/48", "192.168.0.1/32"],
  invalid: ["10.0.0.0/33", "not-a-range", "10.0.0.1", "2001:db8::/129"],
  empty: [""],
};

function sourceRanges({ maker }: ServicePlan): readonly string[] {
  if (maker.choose("service.ranges") === "none") return [];
  const count = maker.random.between(1, 3);
  return Array.from({ length: count }, () => maker.random.pick(ranges[maker.choose("service.range")]));
}

function affinity({ maker }: ServicePlan): Partial<ServiceSpec> {
  const way = maker.choose("service.affinity");
  if (way === "None") return { sessionAffinity: way };
  const timeoutSeconds = way === "default time" ? 10800 : maker.random.pick([1, 600, 86400]);
  return { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds } } };
}

const labels: Readonly<Record<Way<"service.label">, Readonly<Record<string, string>> | undefined>> = {
  none: undefined,
  "proxy-name": { "service.kubernetes.io/service-proxy-name": "other-proxy" },
  headless: { "service.kubernetes.io/headless": "" },
};

/** Fields that only some types may hold; an object of another type holds them when it is a stray. */
function typedFields(plan: ServicePlan, type: Way<"service.type">, stray: boolean): Partial<ServiceSpec> {
  const { number, maker } = plan;
  const balanced = stray || type === "LoadBalancer";
  const ranged = balanced ? sourceRanges(plan) : [];
  const checked = balanced && maker.choose("service.healthCheckNodePort") === "given";
  const external = maker.choose("service.externalPolicy");
  const outside = stray || type === "NodePort" || type === "LoadBalancer";
  const internal = maker.choose("service.internalPolicy");
  return {
    ...member("loadBalancerSourceRanges", ranged.length > 0 ? ranged : undefined),
    ...member("healthCheckNodePort", checked ? FIRST_NODE_PORT + number * NODE_PORTS_EACH + 7 : undefined),
    ...member("externalTrafficPolicy", outside && external !== "absent" ? external : undefined),
    ...member("internalTrafficPolicy", internal === "absent" ? undefined : internal),
  };
}

function withoutNodePort({ nodePort: _, ...port }: ServicePortSpec): ServicePortSpec {
  return port;
}

function portsOf(plan: ServicePlan, outside: boolean): readonly ServicePortSpec[] {
  return samplePorts(plan).map((port) => {
    const kept = outside && plan.maker.choose("port.nodePort") === "given";
    return kept ? port : withoutNodePort(port);
  });
}

/** One Service as a cluster may hold it, old spellings and leftovers of other types included. */
export function sampleService(plan: ServicePlan): Service {
  const { maker, namespace, name } = plan;
  const type = maker.choose("service.type");
  const stray = maker.choose("service.stray") === "true";
  const balanced = stray || type === "LoadBalancer" ? ingress(plan) : [];
  const external = externalIPs(plan);
  const ports = portsOf(plan, stray || type === "NodePort" || type === "LoadBalancer");
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, ...member("labels", labels[maker.choose("service.label")]) },
    spec: {
      type,
      ...(type === "ExternalName" && !stray ? { externalName: "shop.example.org" } : {}),
      ...(type === "ExternalName" && !stray ? {} : clusterIPs(plan, maker.choose("service.families"))),
      selector: { app: name },
      ...member("ports", ports.length > 0 ? ports : undefined),
      ...member("externalIPs", external.length > 0 ? external : undefined),
      ...affinity(plan),
      ...typedFields(plan, type, stray),
    },
    ...(balanced.length > 0 ? { status: { loadBalancer: { ingress: balanced } } } : {}),
  };
}
