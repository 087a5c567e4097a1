import test from "ava";
import fc from "fast-check";
import { type DumpKind, hostFromDumps } from "../../src/dump/host-from-dumps.ts";
import type { HostDescription } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { routeOutput } from "../../src/kernel/routing/output.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { placeColumn } from "../../src/text/position.ts";
import { address, addressText, decisionText, familyOfText, walkOf } from "../routing/support.ts";

function read(texts: Readonly<Record<string, string>>, kinds: readonly DumpKind[] = []) {
  const found: Diagnostic[] = [];
  const sources = Object.entries(texts).map(([name, text]) => ({ name, text }));
  const host = hostFromDumps(sources, (diagnostic) => found.push(diagnostic), { name: "n", kinds });
  return { host, found, codes: found.map(({ severity, code }) => `${severity} ${code}`) };
}

/** As `ip -j addr` of iproute2 6.1 prints them. */
const addr = JSON.stringify([
  {},
  {
    ifindex: 1,
    ifname: "lo",
    flags: ["LOOPBACK", "UP", "LOWER_UP"],
    mtu: 65536,
    addr_info: [
      { family: "inet", local: "127.0.0.1", prefixlen: 8, scope: "host", label: "lo" },
      { family: "inet6", local: "::1", prefixlen: 128, scope: "host" },
    ],
  },
  {
    ifindex: 2,
    ifname: "eth0",
    flags: ["BROADCAST", "MULTICAST", "UP"],
    mtu: 1500,
    operstate: "UNKNOWN",
    addr_info: [
      { family: "inet", local: "192.168.7.10", prefixlen: 24, broadcast: "192.168.7.255", scope: "global" },
      { family: "inet", local: "192.168.7.11", prefixlen: 24, scope: "global", secondary: true },
      { family: "inet6", local: "fd00:7::10", prefixlen: 64, scope: "global", deprecated: true },
      { family: "inet6", local: "fd00:7::66", prefixlen: 64, scope: "global", tentative: true, dadfailed: true },
    ],
  },
  {
    ifindex: 3,
    ifname: "tun0",
    flags: ["POINTOPOINT", "NOARP", "UP"],
    mtu: 1400,
    link: null,
    addr_info: [
      { family: "inet", local: "10.9.0.1", address: "10.9.0.2", prefixlen: 32, scope: "link", noprefixroute: true },
    ],
  },
]);

const routes = JSON.stringify([
  {
    dst: "default",
    gateway: "192.168.7.1",
    dev: "eth0",
    protocol: "dhcp",
    prefsrc: "192.168.7.11",
    metric: 200,
    flags: [],
  },
  { dst: "10.70.0.1", dev: "tun0", table: "100", scope: "link", metrics: [{ mtu: 1300 }], flags: [] },
  { type: "blackhole", dst: "10.90.0.0/16", flags: [] },
  { dst: "10.71.0.0/16", via: { family: "inet6", host: "fe80::1" }, dev: "eth0", flags: ["onlink"] },
  {
    dst: "10.69.0.0/16",
    flags: [],
    nexthops: [
      { gateway: "192.168.7.50", dev: "eth0", weight: 1, flags: [] },
      { dev: "tun0", weight: 3, flags: ["dead", "linkdown"] },
    ],
  },
  {
    type: "local",
    dst: "192.168.7.10",
    dev: "eth0",
    table: "local",
    protocol: "kernel",
    scope: "host",
    prefsrc: "192.168.7.10",
    flags: [],
  },
  { dst: "default", gateway: "fd00:7::1", dev: "eth0", metric: 1024, flags: [], pref: "high" },
  {
    type: "unreachable",
    dst: "default",
    dev: "lo",
    table: "unspec-is-not-here-100".slice(-3),
    metric: 4278198272,
    flags: [],
    pref: "medium",
  },
]);

const rules = JSON.stringify([
  { priority: 0, src: "all", table: "local" },
  { priority: 100, not: null, src: "10.0.0.0", srclen: 8, fwmark: "0x1", fwmask: "0x3", table: "100" },
  { priority: 301, src: "all", table: "main", suppress_prefixlen: 0 },
  {
    priority: 400,
    src: "all",
    tos: "0x10",
    oif: "lo",
    uid_start: 0,
    uid_end: 5,
    ipproto: "tcp",
    sport_start: 1,
    sport_end: 5,
    dport: 80,
    action: "blackhole",
  },
  { priority: 500, src: "all", goto: 32766 },
  { priority: 32766, src: "all", table: "main" },
  { priority: 32767, src: "all", table: "default" },
]);

const sysctl = [
  "kernel.hostname = n",
  "net.ipv4.conf.all.rp_filter = 1",
  "net.ipv4.conf.flannel/1.rp_filter = 2",
  "net/ipv4/conf/eth0.5/route_localnet = 1",
  "net.ipv4.ip_forward = 1",
  "net.ipv4.ip_local_port_range = 32768\t60999",
  "net.ipv6.conf.all.forwarding = 0",
  "net.netfilter.nf_conntrack_tcp_be_liberal = 1",
  "net.netfilter.nf_conntrack_udp_timeout = 30",
  "net.ipv4.fwmark_reflect = 1",
  "sysctl: permission denied on key 'net.ipv4.tcp_fastopen_key'",
  "",
].join("\n");

const all = { "addr.json": addr, "routes.json": routes, "rules.json": rules, "sysctl.txt": sysctl };

test("switches of ip_vs", (t) => {
  const text = ["net.ipv4.vs.conntrack = 1", "net/ipv4/vs/conn_reuse_mode = 2", "net.ipv4.vs.sloppy_tcp = 1"].join(
    "\n",
  );
  const { ipvs } = read({ "sysctl.txt": text }).host.sysctls;
  t.deepEqual(
    [ipvs?.conntrack, ipvs?.connReuseMode, ipvs?.sloppyTCP, ipvs?.expireNodestConn, ipvs?.snatReroute],
    [true, 2, true, true, true],
  );
  // what no line names is as kube-proxy sets it
  t.is(ipvs?.expireQuiescentTemplate, true);
  const known = read({ "sysctl.txt": "net.ipv4.vs.conntrack = 0\nnet.ipv4.vs.expire_nodest_conn = 0\n" }).host.sysctls;
  t.deepEqual([known.ipvs?.conntrack, known.ipvs?.expireNodestConn], [false, false]);
  // where no line names any, nothing is told
  t.is(read(all).host.sysctls.ipvs, undefined);
});

test("interfaces and addresses", (t) => {
  const { host } = read(all);
  t.deepEqual(
    host.interfaces.map(({ index, name, up, loopback, mtu, noARP }) => [
      index,
      name,
      up,
      loopback,
      mtu,
      noARP === true,
    ]),
    [
      [1, "lo", true, true, 65536, false],
      [2, "eth0", true, false, 1500, false],
      [3, "tun0", true, false, 1400, true],
    ],
  );
  t.deepEqual(
    host.interfaces.flatMap(({ addresses }) =>
      addresses.map((own) =>
        [
          `${addressText(own.address)}/${own.prefixLength} ${own.scope}`,
          addressText(own.peer),
          addressText(own.broadcast),
          ["secondary", "deprecated", "tentative", "noPrefixRoute"]
            .filter((flag) => own[flag as keyof typeof own] === true)
            .join(),
        ]
          .join(" ")
          .trim(),
      ),
    ),
    [
      "127.0.0.1/8 host - -",
      "::1/128 host - -",
      "192.168.7.10/24 global - 192.168.7.255",
      "192.168.7.11/24 global - - secondary",
      "fd00:7::10/64 global - - deprecated",
      "fd00:7::66/64 global - - tentative",
      "10.9.0.1/32 link 10.9.0.2 - noPrefixRoute",
    ],
  );
});

test("routes", (t) => {
  const { host } = read(all);
  const given = host.routes.map((each) => {
    const hops = each.nextHops.map(
      ({ device, gateway, weight, usable }) => `${device} ${addressText(gateway?.address)} ${weight} ${usable}`,
    );
    const { family, table, type, scope, metric, mtu, preference } = each;
    return `${family} ${table} ${type} ${addressText(each.destination)}/${each.prefixLength} ${scope} ${metric} ${addressText(each.preferredSource)} ${mtu ?? "-"} ${preference ?? "-"} [${hops.join(", ")}]`;
  });
  t.deepEqual(
    given.filter((line) => line.startsWith("IPv4")),
    [
      "IPv4 254 unicast 0.0.0.0/0 global 200 192.168.7.11 - - [eth0 192.168.7.1 1 true]",
      "IPv4 100 unicast 10.70.0.1/32 link 0 - 1300 - [tun0 - 1 true]",
      "IPv4 254 blackhole 10.90.0.0/16 global 0 - - - []",
      "IPv4 254 unicast 10.71.0.0/16 global 0 - - - [eth0 fe80::1 1 true]",
      "IPv4 254 unicast 10.69.0.0/16 global 0 - - - [eth0 192.168.7.50 1 true, tun0 - 3 false]",
      "IPv4 255 local 192.168.7.10/32 host 0 192.168.7.10 - - [eth0 - 1 true]",
    ],
  );
  t.deepEqual(given.filter((line) => line.startsWith("IPv6")).slice(0, 2), [
    "IPv6 254 unicast ::/0 global 1024 - - high [eth0 fd00:7::1 1 true]",
    "IPv6 100 unreachable ::/0 global 4278198272 - - - []",
  ]);
});

test("policy rules", (t) => {
  const { host, codes } = read(all);
  t.deepEqual(host.policyRules[1], {
    family: "IPv4",
    priority: 100,
    negated: true,
    source: { address: address("10.0.0.0"), prefixLength: 8 },
    mark: { value: 1, mask: 3 },
    action: { kind: "table", table: 100 },
  });
  t.deepEqual(host.policyRules[3], {
    family: "IPv4",
    priority: 400,
    negated: false,
    outInterface: "lo",
    tos: 16,
    protocol: 6,
    sourcePorts: { from: 1, to: 5 },
    destinationPorts: { from: 80, to: 80 },
    notModelled: "uidrange 0-5",
    action: { kind: "blackhole" },
  });
  t.deepEqual(host.policyRules[4]?.action, { kind: "goto", priority: 32766 });
  t.is(host.policyRules[2]?.suppressPrefixLength, 0);
  t.true(codes.includes("warning not-modelled"));
});

test("sysctls", (t) => {
  const { sysctls } = read(all).host;
  t.deepEqual(
    [sysctls.ipForward, sysctls.ipv6Forwarding, sysctls.tcpBeLiberal, sysctls.tcpLoose],
    [true, false, true, true],
  );
  t.deepEqual(Object.fromEntries(sysctls.ipv4), {
    all: { rpFilter: 1 },
    "flannel.1": { rpFilter: 2 },
    "eth0.5": { routeLocalnet: true },
  });
  t.deepEqual(Object.fromEntries(sysctls.conntrackTimeouts), { udp_timeout: 30 });
  t.deepEqual(sysctls.notModelled, ["net.ipv4.fwmark_reflect"]);
});

const assumed: readonly (readonly [names: readonly (keyof typeof all)[], expected: readonly string[]])[] = [
  [
    ["addr.json"],
    [
      "note sysctls-assumed",
      "note rules-assumed",
      "note rules-assumed",
      "note local-routes-assumed",
      "note connected-routes-assumed",
      "note local-routes-assumed",
      "note connected-routes-assumed",
    ],
  ],
  [["sysctl.txt"], ["error no-interfaces", "warning sysctl-not-modelled"]],
];
for (const [names, expected] of assumed) {
  test(`from ${names.join(" ")} alone: ${expected.join(", ")}`, (t) => {
    t.deepEqual(read(Object.fromEntries(names.map((name) => [name, all[name]]))).codes, [...expected]);
  });
}

const ways: readonly (readonly [to: string, expected: string])[] = [
  ["192.168.7.11", "local eth0 src 192.168.7.10"],
  ["192.168.7.99", "eth0 via 192.168.7.99 src 192.168.7.10"],
  ["192.168.7.255", "broadcast eth0 via 192.168.7.255 src 192.168.7.10"],
  ["127.9.9.9", "local lo src 127.0.0.1"],
  ["8.8.8.8", "refused none"],
  ["10.9.0.2", "refused none"],
  ["fd00:7::10", "local eth0 src fd00:7::10"],
  ["fd00:7::66", "eth0 via fd00:7::66 src fd00:7::10"],
];
for (const [to, expected] of ways) {
  test(`with the routes that the kernel makes for addresses, ${to}: ${expected}`, (t) => {
    const flow = { family: familyOfText(to), dst: address(to), mark: 0, tos: 0, protocol: 6, sport: 1, dport: 2 };
    t.is(decisionText(routeOutput(walkOf(makeHost(read({ addr }).host)), flow)), expected);
  });
}

type Fault = readonly [text: string, code: string, line: number, column: number];
const faults: readonly Fault[] = [
  ['[{"ifindex":1,"ifname":"lo"', "json-syntax", 1, 28],
  ['[{"ifindex":1,"ifname":"lo","mtu":"x"}]', "invalid-value", 1, 35],
  ['[{"ifindex":"1","ifname":7}]', "invalid-value", 1, 26],
  ['[{"ifindex":1,"ifname":"a","addr_info":[{"family":"inet","local":"10.0.0"}]}]', "invalid-value", 1, 66],
  ['[{"ifindex":1,"ifname":"a","addr_info":[{"family":"inet","local":"fd00::1"}]}]', "invalid-value", 1, 66],
  [
    '[{"ifindex":1,"ifname":"a","addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":33}]}]',
    "invalid-value",
    1,
    89,
  ],
  ['[{"dst":"10.0.0.0/33","dev":"a"}]', "invalid-value", 1, 9],
  ['[{"dst":"10.0.0.0/8","table":"blue","dev":"a"}]', "invalid-value", 1, 30],
  ['[{"dst":"10.0.0.0/8"}]', "invalid-value", 1, 9],
  ['[\n {"dst":"10.0.0.0/8","dev":"a","gateway":"x"}]', "invalid-value", 2, 42],
  ['[{"dst":"10.0.0.0/8","dev":"a","type":"odd"}]', "invalid-value", 1, 39],
  ['[{"priority":1,"src":"all"}]', "invalid-value", 1, 14],
  ['[{"priority":1,"src":"x","table":"main"}]', "invalid-value", 1, 22],
  ["net.ipv4.ip_forward = yes", "invalid-value", 1, 1],
  ["net.ipv4.ip_forward = 1\nwhat is this", "sysctl-syntax", 2, 1],
  ["2: eth0: <UP> mtu 1500", "unknown-dump", 1, 1],
  ["default via 10.0.0.1 dev eth0", "unknown-dump", 1, 1],
  ["hello", "unknown-dump", 1, 1],
  ["[]", "empty-dump", 1, 1],
];
for (const [text, code, line, column] of faults) {
  test(`${code} at ${line}:${column} of ${JSON.stringify(text.slice(0, 70))}`, (t) => {
    const found = read({ addr, text }).found.find((each) => each.place?.source.name === "text");
    if (found?.place === undefined) return t.fail("nothing was reported");
    const at = placeColumn(found.place.source, found.place.offset);
    return t.deepEqual([found.code, at.line, at.column], [code, line, column]);
  });
}

test("the family of policy rules: addresses, the table default, or what is missing", (t) => {
  const familiesOf = (name: string, text: string): readonly string[] =>
    read({ addr, [name]: text }).host.policyRules.map(({ family }) => family);
  const [local, main, spare] = [
    { priority: 0, src: "all", table: "local" },
    { priority: 32766, src: "all", table: "main" },
    { priority: 32767, src: "all", table: "default" },
  ];
  t.deepEqual(familiesOf("rule", JSON.stringify([local, main, spare])), ["IPv4", "IPv4", "IPv4"]);
  t.deepEqual(familiesOf("rule", JSON.stringify([local, main])), ["IPv6", "IPv6"]);
  t.deepEqual(familiesOf("rule", JSON.stringify([local, { ...main, src: "10.0.0.0", srclen: 8 }])), ["IPv4", "IPv4"]);
});

test("two lists behind one another are one dump", (t) => {
  const v4 = '[{"dst":"10.0.0.0/9","dev":"eth0"}]';
  const v6 = '[{"dst":"fd00::/9","dev":"eth0","pref":"medium"}]';
  const { host } = read({ addr, routes: `${v4}\n${v6}\n` });
  const families = host.routes.filter(({ prefixLength }) => prefixLength === 9).map(({ family }) => family);
  t.deepEqual(families, ["IPv4", "IPv6"]);
});

test("other kinds of dumps can be joined", (t) => {
  const seen: string[] = [];
  const kind: DumpKind = {
    name: "save",
    recognises: ({ line }) => line.startsWith("*") || line.startsWith("# Generated by"),
    read: (source) => seen.push(source.name),
  };
  read({ addr, rules4: "# Warning: iptables-legacy tables present\n\n*filter\nCOMMIT\n" }, [kind]);
  t.deepEqual(seen, ["rules4"]);
});

test("the order of dumps does not matter", (t) => {
  const backwards = Object.fromEntries(Object.entries(all).reverse());
  t.deepEqual(read(backwards).host, read(all).host);
});

function* cuts(text: string, step: number): Generator<string> {
  for (let at = 0; at < text.length; at += step) {
    yield text.slice(0, at);
    yield `${text.slice(0, at)}"${text.slice(at + 1)}`;
    yield `${text.slice(0, at)}${text.slice(at + 3)}`;
  }
}

test("damaged dumps are read without a throw, and what is read can be routed on", (t) => {
  const flow = { family: "IPv4", dst: address("8.8.8.8"), mark: 0, tos: 0, protocol: 6, sport: 1, dport: 2 } as const;
  const use = (host: HostDescription): unknown => routeOutput(walkOf(makeHost(host)), flow);
  for (const [name, text] of Object.entries(all)) {
    for (const damaged of cuts(text, 7)) t.truthy(use(read({ ...all, [name]: damaged }).host));
  }
  const json = fc.oneof(
    fc.json(),
    fc
      .constantFrom("dst", "priority", "ifindex")
      .chain((key) =>
        fc
          .jsonValue()
          .map((value) =>
            JSON.stringify([
              { [key]: value, dev: value, table: value, src: value, ifname: value, addr_info: value, nexthops: value },
            ]),
          ),
      ),
  );
  fc.assert(
    fc.property(fc.oneof(json, fc.string()), (text) => void use(read({ addr, text }).host)),
    { numRuns: 1000 },
  );
});

test("deep nesting and long strings are refused or read, not followed into the ground", (t) => {
  t.true(read({ text: `[{"dst":${"[".repeat(100_000)}` }).codes.includes("error json-syntax"));
  t.true(read({ text: `[{"dst":"${"x".repeat(3_000_000)}"}]` }).codes.includes("error invalid-value"));
  t.true(read({ text: `[{"dst":"${"\\\\".repeat(300_000)}"}]` }).codes.includes("error invalid-value"));
});
