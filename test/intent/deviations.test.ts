import test from "ava";
import type { Breach } from "../../src/intent/breaches.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { HOST, NODES, packetOf, serviceObjects, type Written } from "./cluster-text.ts";
import { deviations, explanations } from "./deviations.ts";
import { callOf, type Fault, faultsOf, sourcesOf } from "./journey-law.ts";
import { type Mode, modes, placeOf } from "./place.ts";

/** One packet for which kube-proxy does otherwise than promised. */
interface Row {
  readonly name: string;
  readonly endpoints: string;
  readonly written: Written;
  readonly config?: KubeProxyConfiguration;
  readonly packet: string;
  /** 37 unless given. */
  readonly minor?: number;
  readonly breach: Breach;
}

const NODE_PORT = { type: "NodePort", ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }] };
const LOCAL = { externalTrafficPolicy: "Local" };
const EXTERNAL = { externalIPs: ["203.0.113.9"] };
const IPV4_LIST = { nodePortAddresses: ["192.168.0.0/24"] };

const rows: readonly Row[] = [
  {
    name: "node-port filters pass over nodePortAddresses",
    endpoints: "",
    written: { spec: NODE_PORT },
    config: IPV4_LIST,
    packet: "outside@n1 > 172.16.0.1 30080",
    breach: "interfered",
  },
  {
    name: "nodePortAddresses of one family leave the other open",
    endpoints: "a@n1",
    written: { spec: NODE_PORT },
    config: IPV4_LIST,
    packet: "outside@n1 > fd00:192::1 30080",
    breach: "interfered",
  },
  {
    name: "source ranges of one family leave the other open",
    endpoints: "a@n1",
    written: {
      spec: { ...NODE_PORT, type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.0/24"] },
      status: { loadBalancer: { ingress: [{ ip: "2001:db8:1::1" }] } },
    },
    packet: "outside@n1 > 2001:db8:1::1 80",
    breach: "let in",
  },
  {
    name: "answers pass by the node whose node port was called",
    endpoints: "a@n1 b@n2 c@n3",
    written: { spec: { ...NODE_PORT, ...LOCAL } },
    config: { clusterCIDR: "10.0.0.0/16" },
    packet: "pod@n1 > 192.168.0.2 30080",
    breach: "no answer",
  },
  {
    name: "a node's own calls to external addresses are not refused",
    endpoints: "",
    written: { spec: EXTERNAL },
    packet: "node@n1 > 203.0.113.9 80",
    breach: "let in",
  },
  {
    name: "ipvs: Local without local endpoints means Cluster",
    endpoints: "b@n2",
    written: { spec: { ...NODE_PORT, ...LOCAL } },
    packet: "outside@n1 > 192.168.0.1 30080",
    breach: "let in",
  },
  {
    name: "ipvs: Local holds for clients inside, too",
    endpoints: "a@n1~ b@n2",
    written: { spec: { ...EXTERNAL, ...LOCAL } },
    config: { clusterCIDR: "10.0.0.0/16" },
    packet: "pod@n1 > 203.0.113.9 80",
    breach: "wrong endpoint",
  },
  {
    name: "ipvs: internal Local without local endpoints means Cluster",
    endpoints: "b@n2",
    written: { spec: { ...NODE_PORT, internalTrafficPolicy: "Local" } },
    packet: "node@n1 > 10.96.0.10 80",
    breach: "let in",
  },
  {
    name: "ipvs: a node's address that is an external address is everybody's",
    endpoints: "b@n2",
    written: { spec: { externalIPs: ["192.168.0.1"] } },
    packet: "node@n2 > 192.168.0.1 22",
    breach: "interfered",
  },
  {
    name: "ipvs: a node calls an external address from that address",
    endpoints: "b@n2",
    written: { spec: { ...EXTERNAL, ...LOCAL } },
    packet: "node@n1 > 203.0.113.9 80",
    breach: "not served",
  },
  {
    name: "ipvs: external IPs under Local are refused",
    endpoints: "a@n1",
    written: { spec: { ...NODE_PORT, ...EXTERNAL, ...LOCAL } },
    packet: "outside@n1 > 203.0.113.9 80",
    minor: 27,
    breach: "not served",
  },
  {
    name: "ipvs: node ports are masqueraded by their number alone",
    endpoints: "a@n1",
    written: { spec: NODE_PORT },
    config: IPV4_LIST,
    packet: "node@n1 > 172.16.0.1 30080",
    breach: "interfered",
  },
];

/** What is not as promised of a row's packet in a mode, with what explains it. */
function found(
  { endpoints, written, config = {}, packet, minor = 37 }: Row,
  mode: Mode,
): (readonly [Fault, readonly string[]])[] {
  const place = placeOf(
    { objects: [...NODES, ...serviceObjects(endpoints, written)], config, host: HOST },
    mode,
    minor,
  );
  if (place === undefined) throw new Error("kube-proxy does not start");
  const { from, node, destination, port = 0, protocol } = packetOf(packet);
  const source = sourcesOf(place).find(
    (each) =>
      each.from === from &&
      each.node === node &&
      (typeof each.address === "number") === (destination.family === "IPv4"),
  );
  const call = source && callOf(place, source, { address: addressOf(destination), port, protocol });
  if (call === undefined) throw new Error(`nobody sends ${packet}`);
  const faults = faultsOf(place, call, { outcomes: new Map(), unknown: 0, branches: 0 });
  return faults.map((fault) => [fault, explanations(mode, fault, place)] as const);
}

test("each deviation has a row, and each row a deviation", (t) => {
  t.deepEqual(
    rows.map(({ name }) => name),
    deviations.map(({ name }) => name),
  );
});

for (const row of rows) {
  const deviation = deviations.find(({ name }) => name === row.name);
  for (const mode of modes)
    test(`${mode}: ${row.packet}: ${row.name}`, (t) => {
      const faults = found(row, mode);
      if (deviation?.modes.includes(mode) !== true)
        return t.deepEqual(
          faults.filter(([, names]) => names.includes(row.name)),
          [],
        );
      t.true(faults.some(([{ breaches }]) => breaches.includes(row.breach)));
      for (const [, names] of faults) t.deepEqual(names, [row.name]);
    });
}
