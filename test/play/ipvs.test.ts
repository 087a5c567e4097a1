import test from "ava";
import { faultsOf, type PlayChoice, playSource, playSteps } from "./support.ts";

const IPVS: PlayChoice = { mode: "ipvs" };
const page = (name = "c"): string =>
  `  - connect: { name: ${name}, from: 10.1.1.9, to: "svc/web:http", choose: 10.1.2.80 }\n`;
const QUESTION = `  - connect: { name: q, from: 10.1.1.9, to: "svc/dns:dns", choose: 10.1.2.53 }\n`;
const GOES = `  - endpoint: { terminating: 10.1.2.80, of: web }\n`;
const server = (wish: string, to = "10.96.0.80:80"): string =>
  `  - expect: { server: { node: one, to: "${to}", ${wish} } }\n`;
const OLD = `endpoint: "10.1.2.80:8080"`;
const WEB = `  - apply: { apiVersion: v1, kind: Service, metadata: { name: web, namespace: default }, spec: { clusterIP: 10.96.0.80, clusterIPs: [10.96.0.80], ports: [{ name: http, port: 80 }] } }
  - apply: { apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }, addressType: IPv4, endpoints: [{ addresses: [10.1.1.80], nodeName: one }, { addresses: [10.1.2.80], nodeName: two }], ports: [{ name: http, port: 8080 }] }
`;
const NODE = `  - apply: { apiVersion: v1, kind: Node, metadata: { name: three }, spec: { podCIDR: 10.1.3.0/24, podCIDRs: [10.1.3.0/24] }, status: { addresses: [{ type: InternalIP, address: 192.168.1.3 }] } }\n`;

/** What happens over time (ipvs-mode §7.2, §7.3, §9.5, §9.6). */
const rows: readonly (readonly [what: string, steps: string, choice?: PlayChoice])[] = [
  [
    "an idle connection keeps its real server until the minute after it has ended",
    `${page()}${GOES}${server(`${OLD}, weight: 0, active: 1, inactive: 0`)}  - wait: 16m\n  - wait: 0s\n${server(`${OLD}, count: 0`)}`,
  ],
  [
    "… and not a millisecond less",
    `${page()}${GOES}  - wait: 959999ms\n${server(`${OLD}, weight: 0, active: 0, inactive: 0`)}  - wait: 1ms\n${server(`${OLD}, count: 0`)}`,
  ],
  [
    "a closed connection counts until it is forgotten",
    `${page()}${GOES}  - wait: 1s\n  - close: c\n${server(`${OLD}, weight: 0, active: 0, inactive: 1`)}  - wait: 179s\n${server(`${OLD}, count: 0`)}`,
  ],
  [
    "minutes count from the start of kube-proxy, not from the change",
    `  - wait: 50s\n${page()}  - reset: c\n${GOES}  - wait: 9999ms\n${server(`${OLD}, weight: 0`)}  - wait: 2ms\n${server(`${OLD}, weight: 0`)}  - wait: 59s\n${server(`${OLD}, weight: 0`)}  - wait: 999ms\n${server(`${OLD}, count: 0`)}`,
  ],
  [
    "a node that joins has minutes of its own",
    `  - wait: 50s\n${NODE}  - connect: { name: c, from: node/three, to: "svc/web:http", choose: 10.1.2.80 }\n  - reset: c\n${GOES}  - wait: 59999ms\n  - expect: { server: { node: three, ${OLD}, weight: 0 } }\n  - wait: 1ms\n  - expect: { server: { node: three, of: web, ${OLD}, count: 0 } }`,
  ],
  [
    "… also when nobody looks in between",
    `  - wait: 50s\n${NODE}  - connect: { name: c, from: node/three, to: "svc/web:http", choose: 10.1.2.80 }\n  - reset: c\n${GOES}  - wait: 1m\n  - expect: { server: { node: three, of: web, ${OLD}, count: 0 } }`,
  ],
  ["a real server without connections goes at once", `${GOES}${server(`${OLD}, count: 0`)}`],
  [
    "the last endpoint terminates and serves: it stays, as no other is there",
    `  - endpoint: { remove: 10.1.1.80, of: web }\n${page()}${GOES}${server(`${OLD}, weight: 1, active: 1`)}`,
  ],
  [
    "connections to a real server of weight 0 go on, new ones do not come to it",
    `${page()}${GOES}  - connect: { name: d, from: 10.1.1.9, to: "svc/web:http" }
    expect: { result: delivered, endpoint: "10.1.1.80:8080" }
  - connect: { name: e, from: 10.1.1.9, to: "svc/web:http" }
    expect: { result: delivered, endpoint: "10.1.1.80:8080" }
  - wait: 899s
  - send: c
    expect: { result: delivered, endpoint: "10.1.2.80:8080", reply: as-called }
  - wait: 899s
  - send: c
    expect: { result: delivered, endpoint: "10.1.2.80:8080", reply: as-called }
`,
  ],
  [
    "so they do when the endpoint is no more in any slice, as long as its Pod lives",
    `${page()}  - endpoint: { remove: 10.1.2.80, of: web, pod: stays }\n${server(`${OLD}, weight: 0`)}  - send: c\n    expect: { result: delivered, endpoint: "10.1.2.80:8080", reply: as-called }\n`,
  ],
  [
    "one that is wanted again keeps its connections",
    `${page()}${GOES}  - endpoint: { ready: 10.1.2.80, of: web }\n${server(`${OLD}, weight: 1, active: 1`)}  - send: c\n    expect: { result: delivered, endpoint: "10.1.2.80:8080", reply: as-called }\n  - wait: 1h\n${server(`${OLD}, weight: 1, active: 0, inactive: 0`)}`,
  ],
  [
    "a UDP real server goes at once, and its flows go elsewhere",
    `${QUESTION}  - endpoint: { terminating: 10.1.2.53, of: dns }\n${server(`endpoint: "10.1.2.53:5353", count: 0`, "10.96.0.10:53")}  - expect: { conntrack: { node: one, proto: udp, count: 0 } }\n  - send: q\n    expect: { result: delivered, endpoint: "10.1.1.53:5353", reply: as-called }\n`,
  ],
  [
    "an SCTP real server goes at once, and its association is over",
    `  - connect: { name: s, from: 10.1.1.9, to: "svc/web:sctp", choose: 10.1.2.80 }\n${GOES}${server(`endpoint: "10.1.2.80:9090", count: 0`, "10.96.0.80:90")}  - expect: { conntrack: { node: one, proto: sctp, count: 0 } }\n  - send: s\n    expect: { result: reset }\n`,
  ],
  [
    "a deleted Service goes at once, with the connections of its real servers",
    `${page()}${GOES}  - delete: svc/web\n  - expect: { server: { node: one, to: "10.96.0.80:80", count: 0 } }\n  - expect: { conntrack: { node: one, to: "10.96.0.80:80", count: 0 } }\n`,
  ],
  [
    "one that comes back with its Service while it is on the list is deleted by the minute, though wanted, until the next pass",
    `${page()}${GOES}  - delete: svc/web\n${WEB}${server(`${OLD}, weight: 1`)}  - wait: 59999ms\n${server(`${OLD}, weight: 1`)}  - wait: 1ms\n${server(`${OLD}, count: 0`)}  - wait: 4m\n${server(`${OLD}, weight: 1`)}`,
    { ...IPVS, config: { ipvs: { syncPeriod: "5m" } } },
  ],
  [
    "… which the pass of every 30 s usually prevents",
    `${page()}${GOES}  - delete: svc/web\n${WEB}  - wait: 29999ms\n${server(`${OLD}, weight: 1`)}  - wait: 1ms\n${server(`${OLD}, weight: 1`)}  - wait: 40s\n${server(`${OLD}, weight: 1`)}`,
  ],
  [
    "a client that was bound to an endpoint is not, once that terminates",
    `  - connect: { name: a, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.91 }
  - expect: { affinity: { node: one, of: cart, client: 10.1.1.9, endpoint: "10.1.2.91:8080" } }
  - endpoint: { terminating: 10.1.2.91, of: cart }
  - expect: { affinity: { node: one, of: cart, endpoint: none } }
  - connect: { name: b, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.90 }
  - expect: { affinity: { node: one, of: cart, client: 10.1.1.9, endpoint: "10.1.2.90:8080" } }
  - send: a
    expect: { endpoint: "10.1.2.91:8080", reply: as-called }
`,
  ],
  [
    "affinity holds for its time after the last new connection, and while one lives",
    `  - connect: { name: a, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.91 }
  - wait: 10m
  - send: a
  - wait: 10m
  - expect: { affinity: { node: one, of: cart, client: 10.1.1.9, endpoint: "10.1.2.91:8080" } }
  - reset: a
  - wait: 2m
  - expect: { affinity: { node: one, of: cart, endpoint: none } }
`,
  ],
  [
    "a Service that keeps clients no more asks no template",
    `  - connect: { name: a, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.91 }
  - apply: { apiVersion: v1, kind: Service, metadata: { name: cart, namespace: default }, spec: { clusterIP: 10.96.0.90, clusterIPs: [10.96.0.90], ports: [{ name: http, port: 80 }] } }
  - expect: { affinity: { node: one, of: cart, endpoint: none } }
  - send: a
    expect: { endpoint: "10.1.2.91:8080", reply: as-called }
`,
  ],
  [
    "a kube-proxy that starts anew has forgotten its list, and puts on it what is not wanted",
    `${page()}${GOES}  - wait: 30s\n  - restart: one\n${server(`${OLD}, weight: 0, active: 1`)}  - reset: c\n  - wait: 59999ms\n${server(`${OLD}, weight: 0`)}  - wait: 1ms\n${server(`${OLD}, count: 0`)}`,
  ],
  [
    "… in minutes of its own",
    `${page()}${GOES}  - wait: 30s\n  - reset: c\n  - wait: 15s\n  - restart: one\n${server(`${OLD}, count: 0`)}`,
  ],
  [
    "times that the configuration sets",
    `${page()}${GOES}  - wait: 119999ms\n${server(`${OLD}, weight: 0, active: 0`)}  - wait: 1ms\n${server(`${OLD}, count: 0`)}`,
    { ...IPVS, config: { ipvs: { tcpTimeout: "90s" } } },
  ],
];

for (const [what, steps, choice = IPVS] of rows)
  test(`over time: ${what}`, (t) => t.deepEqual(faultsOf(playSteps(steps, choice)), []));

/** How many of 64 clients are turned away while one of two endpoints terminates (ipvs-mode §7.3), by scheduler. */
function turnedAway(scheduler: string): number {
  const clients = (name: string, port: number): string =>
    Array.from(
      { length: 64 },
      (_, i) => `  - connect: { name: ${name}${i}, from: "10.1.1.${100 + i}:${port}", to: "svc/web:http" }\n`,
    ).join("");
  const steps = `${clients("c", 4000)}${GOES}${clients("d", 4001)}`;
  const played = playSteps(steps, { mode: "ipvs", config: { ipvs: { scheduler } } });
  if (played.fault !== undefined) throw new Error(played.fault.message);
  return played.steps.slice(65).filter(({ data }) => data.result !== "delivered").length;
}

for (const scheduler of ["rr", "wrr", "lc", "wlc", "sed", "nq"])
  test(`no client is turned away by ${scheduler} while an endpoint terminates`, (t) => t.is(turnedAway(scheduler), 0));

for (const scheduler of ["sh", "mh"])
  test(`some clients are turned away by ${scheduler} while an endpoint terminates`, (t) => {
    const count = turnedAway(scheduler);
    t.true(count > 0 && count < 64, `${count}`);
  });

test("virtual servers can only be shown and expected where there are some", (t) => {
  for (const step of ["show: { ipvsadm-ln: one }", "show: { ipvsadm-lnc: one }", "expect: { server: { node: one } }"])
    t.is(playSteps(`  - ${step}`).fault?.code, "no-ipvs", step);
});

test("over time: IPv6 as IPv4", (t) => {
  const text = `cluster: shop
options: { mode: ipvs, outsideRoutesPods: false }
steps:
  - connect: { name: c, from: "fd00:10:244:1::99", to: "[fd00:10:96::2002]:80", choose: "fd00:10:244:2::20" }
  - endpoint: { terminating: "fd00:10:244:2::20", of: shop/api }
  - expect: { server: { node: worker-1, to: "[fd00:10:96::2002]:80", endpoint: "[fd00:10:244:2::20]:8080", weight: 0, active: 1 } }
  - expect: { server: { node: worker-1, to: "10.96.20.2:80", endpoint: "10.244.2.20:8080", weight: 1 } }
  - send: c
    expect: { result: delivered, endpoint: "[fd00:10:244:2::20]:8080", reply: as-called }
  - close: c
  - wait: 3m
  - expect: { server: { node: worker-1, to: "[fd00:10:96::2002]:80", endpoint: "[fd00:10:244:2::20]:8080", count: 0 } }
  - expect: { server: { node: worker-1, to: "[fd00:10:96::2002]:80", weight: 1, count: 1 } }
`;
  const played = playSource({ name: "examples/script", text });
  t.deepEqual(faultsOf(played), []);
});
