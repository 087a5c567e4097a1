import test from "ava";
import { compileIPVS } from "../../src/compile/ipvs/compile.ts";
import { setName } from "../../src/compile/ipvs/names.ts";
import { ipvsadmText, nodeSets } from "../../src/view/ipvs-text.ts";
import {
  compiled,
  elsewhere,
  entriesOf,
  example,
  here,
  ranged,
  serversOf,
  service,
  setsText,
  slice,
  stateOf,
} from "./ipvs-objects.ts";

const exampleServers = `
-A -t 192.168.1.10:30080 -s rr
-a -t 192.168.1.10:30080 -r 10.244.1.5:8080 -m -w 1
-a -t 192.168.1.10:30080 -r 10.244.2.7:8080 -m -w 1
-A -t 203.0.113.10:80 -s rr
-a -t 203.0.113.10:80 -r 10.244.1.5:8080 -m -w 1
-a -t 203.0.113.10:80 -r 10.244.2.7:8080 -m -w 1
-A -t 10.96.0.1:443 -s rr
-a -t 10.96.0.1:443 -r 192.168.1.10:6443 -m -w 1
-A -t 10.96.10.20:80 -s rr
-a -t 10.96.10.20:80 -r 10.244.1.5:8080 -m -w 1
-a -t 10.96.10.20:80 -r 10.244.2.7:8080 -m -w 1
-A -t 10.96.10.30:443 -s rr -p 10800
-A -t 10.244.1.1:30080 -s rr
-a -t 10.244.1.1:30080 -r 10.244.1.5:8080 -m -w 1
-a -t 10.244.1.1:30080 -r 10.244.2.7:8080 -m -w 1
-A -u 10.96.0.10:53 -s rr
-a -u 10.96.0.10:53 -r 10.244.1.3:53 -m -w 1
`;

const exampleEntries = `
add KUBE-LOOP-BACK 10.244.1.3,udp:53,10.244.1.3
add KUBE-LOOP-BACK 10.244.1.5,tcp:8080,10.244.1.5
add KUBE-CLUSTER-IP 10.96.0.1,tcp:443
add KUBE-CLUSTER-IP 10.96.0.10,udp:53
add KUBE-CLUSTER-IP 10.96.10.20,tcp:80
add KUBE-CLUSTER-IP 10.96.10.30,tcp:443
add KUBE-LOAD-BALANCER 203.0.113.10,tcp:80
add KUBE-LOAD-BALANCER-FW 203.0.113.10,tcp:80
add KUBE-LOAD-BALANCER-SOURCE-CIDR 203.0.113.10,tcp:80,198.51.100.0/24
add KUBE-NODE-PORT-TCP 30080
add KUBE-IPVS-IPS 10.96.0.1
add KUBE-IPVS-IPS 10.96.0.10
add KUBE-IPVS-IPS 10.96.10.20
add KUBE-IPVS-IPS 10.96.10.30
add KUBE-IPVS-IPS 203.0.113.10
`;

test("the worked example: servers, entries, addresses", (t) => {
  const made = compiled(example);
  t.is(`\n${serversOf(made)}`, exampleServers);
  const lines = setsText(made).split("\n");
  t.is(`\n${lines.filter((line) => line.startsWith("add ")).join("\n")}\n`, exampleEntries);
  t.is(lines.filter((line) => line.startsWith("create ")).length, 17);
  t.deepEqual(made.addresses.map(({ text }) => text).sort(), [
    "10.96.0.1",
    "10.96.0.10",
    "10.96.10.20",
    "10.96.10.30",
    "203.0.113.10",
  ]);
});

test("the worked example: which rules there are, in their order", (t) => {
  const kinds = compiled(example).tables.map((table) => table.rules.map((_, i) => table.origin(i)?.kind));
  t.deepEqual(kinds[0], [
    "loopback-return",
    "hairpin",
    "load-balancer",
    "node-port-masquerade",
    "cluster-ip-masquerade",
    "node-ports",
    "load-balancer-masquerade",
    "cluster-ip-accept",
    "load-balancer-accept",
    "unmarked-return",
    "unmark",
    "masquerade",
    "mark-for-masquerade",
  ]);
  t.deepEqual(kinds[1], [
    "firewall",
    "firewall-range",
    "firewall-drop",
    "node-access-drop",
    "forward-marked",
    "forward-established",
    "health-check-accept",
    ...Array.from({ length: 5 }, () => "service-return"),
    "other-port-reject",
  ]);
});

/** IPv4 name → IPv6 name, cut to 31 characters. */
const names = [
  ["loopBack", "KUBE-6-LOOP-BACK"],
  ["sourceCIDR", "KUBE-6-LOAD-BALANCER-SOURCE-CID"],
  ["nodePortLocalSCTP", "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS"],
  ["sourceIP", "KUBE-6-LOAD-BALANCER-SOURCE-IP"],
] as const;
for (const [key, name] of names) test(`an IPv6 set: ${name}`, (t) => t.is(setName(key, "IPv6"), name));

/** Release, source ranges → what the kernel holds, and what ipset refuses. */
const ranges: readonly (readonly [number, readonly string[], readonly string[], readonly string[]])[] = [
  [
    37,
    ["10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/32", "9.0.0.0/8"],
    ["9.0.0.0/8", "10.0.0.0", "10.0.0.0/16", "10.0.0.0/8"],
    [],
  ],
  [37, ["198.51.100.7/32"], ["198.51.100.7"], []],
  [37, ["0.0.0.0/0", "10.0.0.0/8"], [], []],
  [33, ["0.0.0.0/0", "10.0.0.0/8"], ["10.0.0.0/8"], ["203.0.113.10,tcp:80,0.0.0.0/0"]],
  [29, ["192.0.2.7/24", "192.0.2.0/24"], ["192.0.2.0/24"], []],
  [37, ["fd00::/8"], [], []],
];
for (const [minor, given, held, refused] of ranges) {
  test(`source ranges ${given.join(" ")} in 1.${minor}`, (t) => {
    const state = stateOf(ranged(...given), { minor });
    const made = compileIPVS(state);
    const found = entriesOf(made, "KUBE-LOAD-BALANCER-SOURCE-CIDR");
    t.deepEqual(
      found,
      held.map((range) => `203.0.113.10,tcp:80,${range}`),
    );
    const told: string[] = [];
    nodeSets([{ state, compiled: made }], ({ message }) => told.push(message));
    t.deepEqual(
      told.map((message) => / entry (\S+) of /.exec(message)?.[1]),
      refused,
    );
    const open = given.includes("fd00::/8") || (minor >= 34 && given.includes("0.0.0.0/0"));
    t.is(entriesOf(made, "KUBE-LOAD-BALANCER-FW").length, open ? 0 : 1);
  });
}

test("two service ports that collide: the later one counts, in the earlier one's place", (t) => {
  const shared = { externalIPs: ["192.0.2.1"] };
  const items = [
    service("n/a", "10.96.0.1", { ...shared, ports: [{ port: 80 }], sessionAffinity: "ClientIP" }),
    slice("n/a", { port: 8080 }, [here("10.244.1.5"), here("10.244.1.6")]),
    service("n/b", "10.96.0.2", { ...shared, ports: [{ port: 80 }] }),
    slice("n/b", { port: 8080 }, [here("10.244.1.4"), here("10.244.1.6")]),
  ];
  const { servers } = compiled(items);
  t.deepEqual(
    servers.map(({ address, origin }) => `${address} ${origin.decision?.port.name}`),
    ["10.96.0.1 a", "192.0.2.1 b", "10.96.0.2 b"],
  );
  t.is(servers[1]?.server.persistence, undefined);
  t.deepEqual(
    servers[1]?.endpoints.map(({ text }) => text),
    ["10.244.1.6:8080", "10.244.1.4:8080"],
  );
});

/** Endpoints elsewhere only and policy Local: empty up to 1.23, all endpoints from 1.24 on. */
for (const [minor, count] of [
  [23, 0],
  [24, 1],
  [37, 1],
] as const) {
  test(`policy Local without a local endpoint in 1.${minor}: ${count} real servers`, (t) => {
    const items = [
      service("n/s", "10.96.0.1", {
        type: "NodePort",
        externalTrafficPolicy: "Local",
        ports: [{ port: 80, nodePort: 30080 }],
      }),
      slice("n/s", { port: 8080 }, [elsewhere("10.244.2.7")]),
    ];
    const found = compiled(items, { minor }).servers.filter(({ origin }) => origin.kind === "server-node-port");
    t.deepEqual(
      found.map(({ server }) => server.realServers.length),
      [count, count],
    );
  });
}

test("real servers are added by number, up to 1.29 by text", (t) => {
  const items = [
    service("n/s", "10.96.0.1", { ports: [{ port: 80 }] }),
    slice("n/s", { port: 8080 }, [here("10.244.1.10"), here("10.244.1.9"), here("9.9.9.9")]),
  ];
  const order = (minor: number): readonly string[] | undefined =>
    compiled(items, { minor }).servers[0]?.endpoints.map(({ ip }) => ip);
  t.deepEqual(order(30), ["9.9.9.9", "10.244.1.9", "10.244.1.10"]);
  t.deepEqual(order(29), ["10.244.1.10", "10.244.1.9", "9.9.9.9"]);
});

/** Settings → what is asked of the kernel. */
const timeouts: readonly (readonly [object, object | undefined])[] = [
  [{}, undefined],
  [{ tcpTimeout: "90.5s" }, { tcp: 90, tcpFin: 0, udp: 0 }],
  [{ udpTimeout: "500ms" }, { tcp: 0, tcpFin: 0, udp: 0 }],
  [
    { tcpFinTimeout: "2m", udpTimeout: "0s" },
    { tcp: 0, tcpFin: 120, udp: 0 },
  ],
];
for (const [ipvs, expected] of timeouts) {
  test(`timeouts ${JSON.stringify(ipvs)}`, (t) => {
    t.deepEqual(compiled([], { config: { ipvs } }).table.timeouts, expected);
  });
}

test("excludeCIDRs are told apart by family, and node addresses are those of the interfaces", (t) => {
  const config = { ipvs: { excludeCIDRs: ["10.0.0.0/8", "fd00::/8"] } };
  const [v4, v6] = (["IPv4", "IPv6"] as const).map((family) => stateOf([], { config, family }).ipvs);
  t.deepEqual(v4?.excludeCIDRs, ["10.0.0.0/8"]);
  t.deepEqual(v6?.excludeCIDRs, ["fd00::/8"]);
  t.deepEqual(v4?.nodeAddresses, ["192.168.1.10", "10.244.1.1"]);
  t.deepEqual(v6?.nodeAddresses, ["fd00::a"]);
});

test("an endpoint of the other family is asked for, and said to be one", (t) => {
  const items = [
    service("n/s", "10.96.0.1", { ports: [{ port: 80 }] }),
    slice("n/s", { port: 8080 }, [here("fd00::5"), here("10.244.1.5")]),
  ];
  const state = stateOf(items);
  const told: string[] = [];
  const text = ipvsadmText([{ state, compiled: compileIPVS(state) }], ({ code }) => told.push(code));
  t.is(text.split("\n").length, 4);
  t.deepEqual(told, ["real-server-family"]);
  t.deepEqual(entriesOf(compileIPVS(state), "KUBE-LOOP-BACK"), ["10.244.1.5,tcp:8080,10.244.1.5"]);
});
