import test from "ava";
import { faultsOf, playSteps } from "./support.ts";

/** Releases that clean up in the same way. */
const groups = {
  "1.21": [21],
  "1.25–1.28": [25, 26, 27, 28],
  "1.29–1.31": [29, 30, 31],
  "1.32–1.33": [32, 33],
  "1.34–1.36": [34, 35, 36],
  "1.37": [37],
} as const;
type Group = keyof typeof groups;

const EVENTS: readonly Group[] = ["1.21", "1.25–1.28", "1.29–1.31"];
/** Those to which an endpoint that terminates is gone, though it serves. */
const BY_READY: readonly Group[] = ["1.25–1.28"];
const RECONCILING: readonly Group[] = ["1.32–1.33", "1.34–1.36", "1.37"];
const ALL: readonly Group[] = [...EVENTS, ...RECONCILING];
/** Those to which it makes a difference what an endpoint's conditions are; before that every endpoint in a slice counts. */
const BY_CONDITION: readonly Group[] = ALL.filter((group) => group !== "1.21");

const QUESTION = `  - connect: { name: q, from: 10.1.1.9, to: "svc/dns:dns", choose: 10.1.2.53 }\n`;
const NODE_PORT = `  - connect: { name: q, from: 10.1.1.9, to: "node/one:30053", proto: udp, choose: 10.1.2.53 }\n`;

/** Objects as a user would apply them: the dns Service under other conditions. */
const slice = (endpoints: string, port = 5353): string =>
  `  - apply: { apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: dns-1, namespace: default, labels: { kubernetes.io/service-name: dns } }, addressType: IPv4, endpoints: [${endpoints}], ports: [{ name: dns, port: ${port}, protocol: UDP }] }\n`;
const ONE = "{ addresses: [10.1.1.53], nodeName: one }";
const TWO = "{ addresses: [10.1.2.53], nodeName: two }";
const service = (more: string): string =>
  `  - apply: { apiVersion: v1, kind: Service, metadata: { name: dns, namespace: default }, spec: { type: NodePort, ports: [{ name: dns, port: 53, protocol: UDP }]${more} } }\n`;

/**
 * What happens, then how many entries kube-proxy deletes on the client's node, in the groups where it does; in the others none
 * (iptables-mode §5.1, iptables-history §8). By hand from those tables.
 */
const rows: readonly (readonly [what: string, steps: string, deleting: readonly Group[]])[] = [
  ["an endpoint of several is gone", `${QUESTION}  - endpoint: { remove: 10.1.2.53, of: dns }`, ALL],
  [
    "the last endpoint is gone",
    `  - endpoint: { remove: 10.1.1.53, of: dns }\n${QUESTION}  - endpoint: { remove: 10.1.2.53, of: dns }`,
    [...EVENTS, "1.37"],
  ],
  ["another endpoint is gone", `${QUESTION}  - endpoint: { remove: 10.1.1.53, of: dns }`, []],
  ["the endpoint terminates and serves", `${QUESTION}  - endpoint: { terminating: 10.1.2.53, of: dns }`, BY_READY],
  [
    "the endpoint terminates and serves no more",
    `${QUESTION}  - endpoint: { failing: 10.1.2.53, of: dns }`,
    BY_CONDITION,
  ],
  ["the endpoint is not ready", `${QUESTION}  - endpoint: { unready: 10.1.2.53, of: dns }`, BY_CONDITION],
  [
    "to the ClusterIP while no endpoint is ready, and one becomes so",
    `  - delete: svc/dns\n${slice("{ addresses: [10.1.1.53], nodeName: one, conditions: { ready: false, serving: false } }")}  - connect: { name: q, from: 10.1.1.9, to: "10.96.0.10:53", proto: udp }\n${service(", clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10]")}  - expect: { conntrack: { node: one, to: "10.96.0.10:53", count: 1 } }\n${slice(ONE)}`,
    BY_CONDITION,
  ],
  [
    "the endpoints listen on another port",
    `${QUESTION}${slice(`${ONE}, ${TWO}`, 5354)}`,
    [...EVENTS, "1.34–1.36", "1.37"],
  ],
  ["the Service is deleted", `${QUESTION}  - delete: svc/dns`, EVENTS],
  ["the Service alone changes", `${QUESTION}${service(", sessionAffinity: ClientIP")}`, []],
  ["by node port: the endpoint is gone", `${NODE_PORT}  - endpoint: { remove: 10.1.2.53, of: dns }`, ALL],
  [
    "by node port: the last endpoint is gone",
    `  - endpoint: { remove: 10.1.1.53, of: dns }\n${NODE_PORT}  - endpoint: { remove: 10.1.2.53, of: dns }`,
    EVENTS,
  ],
  [
    "to a stranger with the node port's number",
    `  - connect: { name: q, from: 10.1.1.9, to: "203.0.113.5:30053", proto: udp }\n  - endpoint: { remove: 10.1.2.53, of: dns }`,
    RECONCILING,
  ],
  [
    "to the ClusterIP before it has rules",
    `  - delete: svc/dns\n  - connect: { name: q, from: 10.1.1.9, to: "10.96.0.10:53", proto: udp }\n${service(", clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10]")}${slice(ONE)}`,
    ALL,
  ],
  [
    "to the ClusterIP, and its Service comes after its slices",
    `  - delete: svc/dns\n${slice(ONE)}  - connect: { name: q, from: 10.1.1.9, to: "10.96.0.10:53", proto: udp }\n${service(", clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10]")}`,
    [],
  ],
  [
    "to another port of the ClusterIP before it has rules",
    `  - delete: svc/dns\n  - connect: { name: q, from: 10.1.1.9, to: "10.96.0.10:54", proto: udp }\n${service(", clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10]")}${slice(ONE)}`,
    EVENTS,
  ],
  [
    "over TCP the endpoint is gone",
    `  - connect: { name: q, from: 10.1.1.9, to: "svc/web:http", choose: 10.1.2.80 }\n  - endpoint: { remove: 10.1.2.80, of: web }`,
    [],
  ],
  [
    "over SCTP the endpoint is gone",
    `  - connect: { name: q, from: 10.1.1.9, to: "svc/web:sctp", choose: 10.1.2.80 }\n  - endpoint: { remove: 10.1.2.80, of: web }`,
    [],
  ],
];

const groupNames = Object.keys(groups) as Group[];

/** The first release of each group in every run, the others in the whole suite. */
const runs = [
  ["clean-up", (minors: readonly number[]) => minors.slice(0, 1)],
  ["slow clean-up, all releases", (minors: readonly number[]) => minors.slice(1)],
] as const;

for (const [name, chosen] of runs)
  for (const [what, steps, deleting] of rows)
    test(`${name}: ${what}`, (t) => {
      for (const group of groupNames)
        for (const minor of chosen(groups[group])) {
          const played = playSteps(steps, { minor });
          t.deepEqual(faultsOf(played), [], group);
          const deleted = played.steps.flatMap(
            ({ data }) => (data.deleted ?? []) as readonly { readonly node: string }[],
          );
          const here = deleted.filter(({ node }) => node === "one").length;
          t.is(here, deleting.includes(group) ? 1 : 0, `1.${minor}`);
        }
    });

test("each group of releases is told from each other one by some row", (t) => {
  const signs = groupNames.map((group) => rows.map(([, , deleting]) => Number(deleting.includes(group))).join(""));
  t.is(new Set(signs).size, groupNames.length, signs.join(" "));
});

/** What the next datagram of a client with an open socket meets after its endpoint is gone. */
const sticking: readonly (readonly [minor: number, endpoint: string | undefined])[] = [
  [31, "10.1.1.53:5353"],
  [36, "10.1.1.53:5353"],
  [37, "10.1.1.53:5353"],
];
for (const [minor, endpoint] of sticking)
  test(`with clean-up a UDP flow moves to a live endpoint in 1.${minor}`, (t) => {
    const played = playSteps(`${QUESTION}  - endpoint: { remove: 10.1.2.53, of: dns }\n  - send: q`, { minor });
    t.is(played.steps.at(-1)?.data.endpoint, endpoint);
  });

test("without it a UDP flow sticks to a Pod that is gone, as long as it does not pause", (t) => {
  const played = playSteps(
    `  - endpoint: { remove: 10.1.1.53, of: dns }
${QUESTION}  - endpoint: { remove: 10.1.2.53, of: dns }
  - endpoint: { add: 10.1.1.54, of: dns, node: one }
  - send: q
  - expect: { conntrack: { node: one, proto: udp, endpoint: "10.1.1.54:5353", count: 1 } }`,
    { minor: 36 },
  );
  t.deepEqual(faultsOf(played), []);
  const sticky = playSteps(
    `  - endpoint: { remove: 10.1.1.53, of: dns }
${QUESTION}  - endpoint: { remove: 10.1.2.53, of: dns }
  - wait: 29s
  - send: q
    expect: { result: nobody }
  - wait: 29s
  - send: q
    expect: { result: nobody }
  - wait: 119s
  - send: q
    expect: { result: nobody }
  - wait: 120s
  - send: q
    expect: { result: rejected }`,
    { minor: 36 },
  );
  t.deepEqual(faultsOf(sticky), []);
});

for (const minor of [21, 26, 31, 37])
  test(`a TCP connection to a terminating endpoint goes on, new ones go elsewhere, in 1.${minor}`, (t) => {
    const played = playSteps(
      `  - connect: { name: old, from: 10.1.1.9, to: "svc/web:http", choose: 10.1.2.80 }
  - endpoint: { terminating: 10.1.2.80, of: web }
  - connect: { name: new, from: 10.1.1.9, to: "svc/web:http" }
    expect: { endpoint: "10.1.1.80:8080", reply: as-called }
  - wait: 23h
  - send: old
    expect: { result: delivered, endpoint: "10.1.2.80:8080", reply: as-called }`,
      { minor },
    );
    t.deepEqual(faultsOf(played), []);
  });

test("a masqueraded connection keeps its interface when other Pods come and go, and ends with its own", (t) => {
  const played = playSteps(
    `  - connect: { name: hairpin, from: 10.1.1.53, to: "svc/dns:dns", choose: 10.1.1.53 }
    expect: { result: delivered, sees: 10.1.1.1, reply: as-called }
  # stands before the others in the order of interfaces
  - endpoint: { add: 10.1.1.10, of: web, node: one }
  - delete: pod/client
  - send: hairpin
    expect: { result: delivered, endpoint: "10.1.1.53:5353", sees: 10.1.1.1, reply: as-called }
  - expect: { conntrack: { node: one, count: 1 } }
  # 1.36 itself leaves entries of a Service that has no endpoint
  - endpoint: { remove: pod/dns-b, of: dns }
  - endpoint: { remove: pod/dns-a, of: dns }
  - expect: { conntrack: { node: one, count: 0 } }`,
    { minor: 36 },
  );
  t.deepEqual(faultsOf(played), []);
  t.is((played.steps.at(-2)?.data.flushed as readonly unknown[] | undefined)?.length, 1);
});

test("a Pod that is deleted takes its endpoints with it, and packets to it reach nobody", (t) => {
  const played = playSteps(`  - apply:
      apiVersion: v1
      kind: Pod
      metadata: { name: dns-b, namespace: default }
      spec: { nodeName: two }
      status: { podIP: 10.1.2.53, podIPs: [{ ip: 10.1.2.53 }] }
${QUESTION}  - delete: pod/dns-b
  - send: q
    expect: { result: delivered, endpoint: "10.1.1.53:5353" }
  - connect: { name: direct, from: pod/client, to: "10.1.2.53:5353", proto: udp }
    expect: { result: nobody, reply: none }`);
  t.deepEqual(faultsOf(played), []);
  t.is((played.steps[2]?.data.deleted as readonly unknown[] | undefined)?.length, 1);
});
