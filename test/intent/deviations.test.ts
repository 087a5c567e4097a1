import test from "ava";
import type { Breach } from "../../src/intent/breaches.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { deviations } from "../../src/verify/promises/deviations.ts";
import { HOST, NODES, packetOf, serviceObjects, type Written } from "./cluster-text.ts";
import { explanations } from "./deviations.ts";
import { callOf, type Fault, faultsOf, sourcesOf } from "./journey-law.ts";
import { type Mode, modes, placeOf } from "./place.ts";

/** One packet for which kube-proxy does otherwise than promised. */
interface Row {
  readonly id: string;
  readonly modes: readonly Mode[];
  readonly endpoints: string;
  readonly written: Written;
  readonly config?: KubeProxyConfiguration;
  readonly packet: string;
  /** A source port in place of any. */
  readonly sport?: number;
  /** 37 unless given. */
  readonly minor?: number;
  readonly breach: Breach;
}

const BOTH: readonly Mode[] = ["iptables", "ipvs"];
const NODE_PORT = { type: "NodePort", ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }] };
const LOCAL = { externalTrafficPolicy: "Local" };
const EXTERNAL = { externalIPs: ["203.0.113.9"] };
const IPV4_LIST = { nodePortAddresses: ["192.168.0.0/24"] };

const rows: readonly Row[] = [
  {
    id: "source-port-20",
    modes: ["ipvs"],
    endpoints: "a@n1",
    written: {},
    packet: "pod@n1 > 10.96.0.10 80",
    sport: 20,
    breach: "not served",
  },
  {
    id: "node-port-filters-everywhere",
    modes: ["iptables"],
    endpoints: "",
    written: { spec: NODE_PORT },
    config: IPV4_LIST,
    packet: "outside@n1 > 172.16.0.1 30080",
    breach: "interfered",
  },
  {
    id: "node-port-addresses-of-one-family",
    modes: BOTH,
    endpoints: "a@n1",
    written: { spec: NODE_PORT },
    config: IPV4_LIST,
    packet: "outside@n1 > fd00:192::1 30080",
    breach: "interfered",
  },
  {
    id: "source-ranges-of-one-family",
    modes: BOTH,
    endpoints: "a@n1",
    written: {
      spec: { ...NODE_PORT, type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.0/24"] },
      status: { loadBalancer: { ingress: [{ ip: "2001:db8:1::1" }] } },
    },
    packet: "outside@n1 > 2001:db8:1::1 80",
    breach: "let in",
  },
  {
    id: "answers-pass-by-the-node",
    modes: ["iptables"],
    endpoints: "a@n1 b@n2 c@n3",
    written: { spec: { ...NODE_PORT, ...LOCAL } },
    config: { clusterCIDR: "10.0.0.0/16" },
    packet: "pod@n1 > 192.168.0.2 30080",
    breach: "no answer",
  },
  {
    id: "own-calls-are-not-refused",
    modes: ["iptables"],
    endpoints: "",
    written: { spec: EXTERNAL },
    packet: "node@n1 > 203.0.113.9 80",
    breach: "let in",
  },
  {
    id: "virtual-server-passes-over-external-local",
    modes: ["ipvs"],
    endpoints: "b@n2",
    written: { spec: { ...NODE_PORT, ...LOCAL } },
    packet: "outside@n1 > 192.168.0.1 30080",
    breach: "let in",
  },
  {
    id: "virtual-server-holds-insiders-to-local",
    modes: ["ipvs"],
    endpoints: "a@n1~ b@n2",
    written: { spec: { ...EXTERNAL, ...LOCAL } },
    config: { clusterCIDR: "10.0.0.0/16" },
    packet: "pod@n1 > 203.0.113.9 80",
    breach: "wrong endpoint",
  },
  {
    id: "virtual-server-passes-over-internal-local",
    modes: ["ipvs"],
    endpoints: "b@n2",
    written: { spec: { ...NODE_PORT, internalTrafficPolicy: "Local" } },
    packet: "node@n1 > 10.96.0.10 80",
    breach: "let in",
  },
  {
    id: "node-address-as-external-address",
    modes: ["ipvs"],
    endpoints: "b@n2",
    written: { spec: { externalIPs: ["192.168.0.1"] } },
    packet: "node@n2 > 192.168.0.1 22",
    breach: "interfered",
  },
  {
    id: "node-calls-from-the-external-address",
    modes: ["ipvs"],
    endpoints: "b@n2",
    written: { spec: { ...EXTERNAL, ...LOCAL } },
    packet: "node@n1 > 203.0.113.9 80",
    breach: "not served",
  },
  {
    id: "external-ips-under-local-are-refused",
    modes: ["ipvs"],
    endpoints: "a@n1",
    written: { spec: { ...NODE_PORT, ...EXTERNAL, ...LOCAL } },
    packet: "outside@n1 > 203.0.113.9 80",
    minor: 27,
    breach: "not served",
  },
  {
    id: "node-ports-masqueraded-by-number",
    modes: ["ipvs"],
    endpoints: "a@n1",
    written: { spec: NODE_PORT },
    config: IPV4_LIST,
    packet: "node@n1 > 172.16.0.1 30080",
    breach: "interfered",
  },
];

/** What is not as promised of a row's packet in a mode, with what explains it. */
function found(
  { endpoints, written, config = {}, packet, sport, minor = 37 }: Row,
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
  const sent = sport === undefined ? call : { ...call, packet: { ...call.packet, sport } };
  const faults = faultsOf(place, sent, { outcomes: new Map(), unknown: 0, branches: 0 });
  return faults.map((fault) => [fault, explanations(fault, place)] as const);
}

/** Of packets that no sender here sends: those of other nodes to a node that has nothing to do with them. Their rows are in promises.test.ts. */
const AT_ONE_NODE = ["other-nodes-are-outsiders"];

test("each deviation has a row, and each row a deviation", (t) => {
  t.deepEqual(
    rows.map(({ id }) => id),
    deviations.map(({ id }) => id).filter((id) => !AT_ONE_NODE.includes(id)),
  );
});

for (const row of rows)
  for (const mode of modes)
    test(`${mode}: ${row.packet}: ${row.id}`, (t) => {
      const faults = found(row, mode);
      if (!row.modes.includes(mode))
        return t.deepEqual(
          faults.filter(([, ids]) => ids.includes(row.id)),
          [],
        );
      t.true(faults.some(([{ breaches }]) => breaches.includes(row.breach)));
      for (const [, ids] of faults) t.deepEqual(ids, [row.id]);
    });
