import { buildCluster } from "../../src/cluster/build.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { type OperatorFacts, usualFacts } from "../../src/intent/facts.ts";
import { intentOf } from "../../src/intent/intent.ts";
import type { Origin, PacketAtNode } from "../../src/intent/packet.ts";
import type { KubernetesPromise } from "../../src/intent/promise.ts";
import { promiseOf } from "../../src/intent/promise-of.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import { type IPAddress, isLoopback, parseIP } from "../../src/net/ip.ts";
import type { Setting } from "./place.ts";

/** Three nodes: n1 and n3 in zone east, n2 in zone west; n1 has a second address on another network. */
export const NODES: readonly object[] = ["east", "west", "east"].map((zone, i) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `n${i + 1}`, labels: { "topology.kubernetes.io/zone": zone } },
  spec: { podCIDR: `10.0.${i + 1}.0/24`, podCIDRs: [`10.0.${i + 1}.0/24`, `fd00:10:${i + 1}::/64`] },
  status: {
    addresses: [
      { type: "InternalIP", address: `192.168.0.${i + 1}` },
      { type: "InternalIP", address: `fd00:192::${i + 1}` },
    ],
  },
}));

const ip = (text: string): IPAddress => {
  const found = parseIP(text);
  if (found === undefined) throw new Error(text);
  return found;
};

const ADDRESSES: OperatorFacts["nodeAddresses"] = new Map(
  [1, 2, 3].map((n) => [
    `n${n}`,
    [`192.168.0.${n}`, `fd00:192::${n}`, ...(n === 1 ? ["172.16.0.1"] : [])].map((text) => ip(text)),
  ]),
);

/** Its interfaces, for the network. */
export const HOST: NonNullable<Setting["host"]> = {
  node: "n1",
  file: {
    interfaces: [
      { name: "lo", addresses: ["127.0.0.1/8", "::1/128"] },
      { name: "eth0", addresses: ["192.168.0.1/24", "fd00:192::1/64"] },
      { name: "eth1", addresses: ["172.16.0.1/24"] },
    ],
  },
};

/** `a@n1`, with what its slice says behind: nothing, ready; `-` not ready; `~` terminating and serving; `x` terminating. `@` alone: no node. */
const ENDPOINT = /^([a-z])@(n[123])?([-~x]?)(?::([a-z,0-9]+))?$/;

const STATES: Readonly<Record<string, object>> = {
  "": { ready: true, serving: true, terminating: false },
  "-": { ready: false, serving: false, terminating: false },
  "~": { ready: false, serving: true, terminating: true },
  x: { ready: false, serving: false, terminating: true },
};

/** Behind a colon what it is meant for: zones, and nodes. */
function hintsOf(text: string | undefined): object {
  if (text === undefined) return {};
  const names = text.split(",");
  const of = (isNode: boolean) => names.filter((name) => /^n\d$/.test(name) === isNode).map((name) => ({ name }));
  const [zones, nodes] = [of(false), of(true)];
  return {
    hints: {
      ...(zones.length === 0 ? {} : { forZones: zones }),
      ...(nodes.length === 0 ? {} : { forNodes: nodes }),
    },
  };
}

/** `a` has the address 11 of its network: the first ones are the node's. */
const BEFORE_A = 97 - 11;

/** The address of the endpoint with a letter: the same everywhere, in a network of its node. */
function endpoint(text: string, family: string): object {
  const match = ENDPOINT.exec(text);
  if (match === null) throw new Error(text);
  const [, letter = "", node, state = "", hints] = match;
  const n = letter.charCodeAt(0) - BEFORE_A;
  const network = node?.slice(1) ?? "9";
  return {
    addresses: [family === "IPv4" ? `10.0.${network}.${n}` : `fd00:10:${network}::${n.toString(16)}`],
    conditions: STATES[state],
    ...(node === undefined ? {} : { nodeName: node }),
    ...hintsOf(hints),
  };
}

export interface Written {
  readonly spec?: object;
  readonly status?: object;
  readonly metadata?: object;
  /** Labels of the slices beside the Service's name. */
  readonly sliceLabels?: object;
  /** The ports of the slices; `http` on 8080 unless given. */
  readonly slicePorts?: readonly object[];
}

/** A Service `web` with a cluster IP of each family, and slices of both; endpoints of a second slice stand behind `|`. */
export function serviceObjects(endpoints: string, written: Written = {}): readonly object[] {
  const { spec, status, metadata, sliceLabels, slicePorts } = written;
  const clusterIPs = ["10.96.0.10", "fd00:96::10"];
  const slices = endpoints.split("|").flatMap((part, i) =>
    ["IPv4", "IPv6"].map((family) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `web-${family.toLowerCase()}-${i}`,
        namespace: "default",
        labels: { "kubernetes.io/service-name": "web", ...sliceLabels },
      },
      addressType: family,
      endpoints: part
        .split(" ")
        .filter((text) => text !== "")
        .map((text) => endpoint(text, family)),
      ports: slicePorts ?? [{ name: "http", port: 8080, protocol: "TCP" }],
    })),
  );
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default", ...metadata },
      spec: {
        type: "ClusterIP",
        clusterIP: clusterIPs[0],
        clusterIPs,
        ipFamilies: ["IPv4", "IPv6"],
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
        ...spec,
      },
      ...(status === undefined ? {} : { status }),
    },
    ...slices,
  ];
}

export function clusterOf(objects: readonly object[]): Cluster {
  const text = [...NODES, ...objects].map((object) => JSON.stringify(object)).join("\n");
  const manifests = readManifests([{ name: "rows", text }], { validate: "ignore" }, () => {});
  return buildCluster(manifests, { validate: "ignore" }, () => {});
}

const CLIENTS: Readonly<Record<Origin, readonly [IPv4: string, IPv6: string]>> = {
  pod: ["10.0.1.77", "fd00:10:1::77"],
  node: ["192.168.0.1", "fd00:192::1"],
  peer: ["10.0.2.77", "fd00:10:2::77"],
  outside: ["203.0.113.77", "2001:db8::77"],
};

/** `FROM@NODE [SOURCE] > ADDRESS [PORT[/PROTOCOL]]`; protocol TCP unless given. */
export function packetOf(text: string): PacketAtNode {
  const [from = "", to = ""] = text.split(" > ");
  const [origin = "", given] = from.split(" ");
  const [kind = "pod", node = ""] = origin.split("@") as [Origin, string];
  const [address = "", service] = to.split(" ");
  const destination = ip(address);
  const [port, protocol = "TCP"] = (service ?? "/ICMP").split("/");
  const client = CLIENTS[kind][destination.family === "IPv4" ? 0 : 1];
  return {
    node,
    from: kind,
    source: given === undefined ? (isLoopback(destination) ? destination : ip(client)) : ip(given),
    destination,
    protocol,
    ...(port === "" ? {} : { port: Number(port) }),
  };
}

/** What is promised about a packet to the only Service of the rows. */
export function promised(
  objects: readonly object[],
  packet: string,
  facts: Partial<OperatorFacts> = {},
): KubernetesPromise {
  const { release = { minor: 37 } } = facts;
  return promiseOf(intentOf(clusterOf(objects), { ...usualFacts(release, ADDRESSES), ...facts }), packetOf(packet));
}

type Promised = Extract<KubernetesPromise["outcome"], { kind: "endpoints" }>["allowed"];

/** The letters of endpoints, with the port where it is not the usual one. */
function letters({ endpoints }: Promised): string {
  const names = endpoints.map((each) => {
    const last = each.ip.family === "IPv4" ? each.ip.value & 255 : each.ip.words[3];
    return `${String.fromCharCode(BEFORE_A + last)}${each.port === 8080 ? "" : `:${each.port}`}`;
  });
  return names.sort().join(" ");
}

/** A promise in a line: the outcome, then what is said of source and affinity. */
export function promiseText({ outcome, source, affinity }: KubernetesPromise): string {
  const more = [
    source === "free" ? "" : `, source ${source}`,
    affinity.kind === "None" ? "" : `, sticks ${affinity.seconds} s`,
  ].join("");
  switch (outcome.kind) {
    case "endpoints": {
      const preferred = outcome.preferred === undefined ? "" : ` rather ${letters(outcome.preferred)}`;
      const failures = outcome.otherwise.length === 0 ? "" : ` or ${[...outcome.otherwise].sort().join(" or ")}`;
      return `${letters(outcome.allowed)}${preferred}${failures}${more}`;
    }
    case "nobody":
      return [...outcome.how].sort().join(" or ");
    case "health-check":
      return `health check ${outcome.status ?? "open"}`;
    default:
      return outcome.kind;
  }
}
