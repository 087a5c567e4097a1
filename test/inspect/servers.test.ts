import { readFileSync } from "node:fs";
import test from "ava";
import { explainJSON } from "../../src/inspect/explain-report.ts";
import { explainServersText } from "../../src/inspect/explain-servers.ts";
import { lint } from "../../src/inspect/lint.ts";
import { readOtherDumps } from "../../src/inspect/read-servers.ts";
import { realServerWords, serverWords } from "../../src/inspect/server-words.ts";
import { placeColumn } from "../../src/text/position.ts";
import { toolText } from "../rules/ipvs/tool-text.ts";

/** Findings as `code@line:column` of the text they are in. */
function findings(texts: readonly string[]): readonly string[] {
  return lint(texts.map((text, i) => ({ name: `${i}`, text }))).map(({ code, place }) => {
    const { line, column } = placeColumn(place.source, place.offset);
    return `${code}@${place.source.name}:${line}:${column}`;
  });
}

const V = "-A -t 10.96.0.1:80 -s rr\n";
const a = "-a -t 10.96.0.1:80 -r 10.244.1";
const addresses = (device: string, own: readonly string[]): string =>
  JSON.stringify([
    { ifindex: 2, ifname: device, addr_info: own.map((local) => ({ family: "inet", local, prefixlen: 32 })) },
  ]);

const rows: readonly (readonly [texts: readonly string[], found: string])[] = [
  [[`${V}${a}.1:80 -m\n`], ""],
  [[V], "no-real-servers@0:1:1"],
  [[`${V}${a}.1:80 -m -w 0\n${a}.2:80 -m -w 0\n`], "no-weight@0:1:1"],
  [[`${V}${a}.1:80 -m -w 0\n${a}.2:80 -m\n`], "draining-real-server@0:2:1"],
  [
    ["TCP  10.96.0.1:80 rr\n  -> 10.244.1.1:80 Masq 0 0 0\n  -> 10.244.1.2:80 Masq 1 0 0\n"],
    "left-over-real-server@0:2:3",
  ],
  [
    ["TCP  10.96.0.1:80 rr\n  -> 10.244.1.1:80 Masq 0 0 1\n  -> 10.244.1.2:80 Masq 1 0 0\n"],
    "draining-real-server@0:2:3",
  ],
  [[`-A -t 10.96.0.1:80 -s rr -p 60 -M 24\n${a}.1:80 -m\n`], "client-mask@0:1:1"],
  [[`-A -t 10.96.0.1:80 -s rr -p 60 -M 255.255.255.0\n${a}.1:80 -m\n`], ""],
  [[`${V}${a}.1:80 -m\n`, addresses("kube-ipvs0", ["10.96.0.1"])], ""],
  [[`${V}${a}.1:80 -m\n`, addresses("eth0", ["10.96.0.1"])], ""],
  [
    [addresses("eth0", ["10.96.0.2"]), `${V}${a}.1:80 -m\n-A -u 10.96.0.1:53\n`],
    "address-not-bound@1:1:1 no-real-servers@1:3:1",
  ],
  [[`${V}${a}.1:80 -m\n`, addresses("kube-ipvs0", ["10.96.0.1", "10.96.0.2"])], "address-without-server@0:1:1"],
  [["-A -f 5 -s rr\n-a -f 5 -r 10.244.1.1 -m\n", addresses("eth0", ["10.96.0.1"])], ""],
  [[`${V}-a -t 10.96.0.1:80 -r x -m\n`], "name-not-number@0:2:23"],
  [["hello\n"], "no-table@0:1:1"],
  [["[]\n"], "no-table@0:1:1"],
  [[`> ${V}> ${a}.1:80 -m -w 0\n`], "no-weight@0:1:3 line-prefix@0:1:1"],
];

test("faults of virtual servers are found at their lines", (t) => {
  for (const [texts, expected] of rows) t.is(findings(texts).join(" "), expected, texts.join("\n"));
});

test("rules and virtual servers in one text are both looked at, and nothing is said twice", (t) => {
  const rules = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j NONE\nCOMMIT\n";
  const found = findings([`node:~# iptables-save\n${rules}node:~# ipvsadm -Sn\n${V}`]);
  t.true(
    found.includes("missing-chain@0:6:1") || found.some((each) => each.startsWith("missing-chain@")),
    found.join(" "),
  );
  t.true(found.includes("no-real-servers@0:9:1"), found.join(" "));
  t.is(new Set(found).size, found.length);
});

test("a node that kube-proxy set up has no fault", (t) => {
  const found = lint([{ name: "-", text: toolText("ipvsadm -Ln # kube-proxy") }]);
  t.deepEqual([...new Set(found.map(({ code, severity }) => `${severity} ${code}`))], ["note no-real-servers"]);
});

function explained(text: string) {
  const { servers } = readOtherDumps({ name: "node", text }, ({ message }) => {
    throw new Error(message);
  });
  return servers;
}

test("virtual servers are told in words", (t) => {
  const [dump] = explained(
    `${V}${a}.1:80 -m -w 3 -x 9 -y 4\n-A -u 10.96.0.1:53 -s sh -b sh-port -p 10800 -o\n--set 900 120 300\n`,
  );
  t.is(
    dump === undefined ? "" : [...explainServersText(dump, { strong: (text) => text.toUpperCase() })].join(""),
    "IPVS node   2 virtual servers, 1 real server\n" +
      "  connections end after 900 s without a packet (TCP), 120 s (TCP after a FIN), 300 s (UDP); 0: the kernel's own time\n" +
      "\nTCP 10.96.0.1:80\n" +
      "  each new connection goes to the real servers in turn\n" +
      "  -> 10.244.1.1:80                weight 3, by rewriting the destination, at most 9 connections, then none until fewer than 4\n" +
      "\nUDP 10.96.0.1:53\n" +
      "  each packet goes by a hash of the client's address, its port as well\n" +
      "  a client stays with its real server until 3 hours after the last new connection\n" +
      "  no real servers: new connections are answered with ICMP port unreachable\n",
  );
});

test("each scheduler, each way to a real server and each kind of persistence has words of its own", (t) => {
  const servers = explained(toolText("ipvsadm -Sn")).flatMap(({ table }) => table.virtualServers);
  const all = new Set(servers.flatMap(serverWords));
  for (const words of [
    "all clients stay with one real server until 1 minute after the last new connection",
    "the clients of one network (mask 0.0.0.24) stay with their real server until 1 minute after the last new connection",
    "the clients of one network (prefix length 48) stay with their real server until 6 minutes after the last new connection",
    "what the engine sip takes for one client stays with its real server until 1 minute after the last new connection",
    "all ports that no other virtual server of the address has",
    "each new connection goes to the real servers in turn, with the flag flag-1, with the flag flag-2, with the flag flag-3",
  ])
    t.true(all.has(words), words);
  const reals = new Set(servers.flatMap(({ realServers }) => realServers.map(realServerWords)));
  for (const words of [
    "weight 1, unchanged, by its hardware address",
    "weight 1, in a tunnel (IP in IP)",
    "weight 1, in a tunnel (GUE to port 6080)",
    "weight 1, in a tunnel (GRE)",
    "weight 0: no new connections, by rewriting the destination",
  ])
    t.true(reals.has(words), words);
});

test("programs get the same as JSON", (t) => {
  const servers = explained(toolText("ipvsadm -Ln # kube-proxy"));
  const { dumps, ipvs } = JSON.parse([...explainJSON([], servers)].join(""));
  t.deepEqual(dumps, []);
  t.is(ipvs[0].virtualServers.length, 38);
  t.is(ipvs[0].virtualServers[0].realServers[0].connections.active, 0);
  t.is(JSON.parse([...explainJSON([])].join("")).ipvs, undefined);
});

test("damaged texts of rules are looked at as before", (t) => {
  const saved = readFileSync("test/rules/ipset-saved.txt", "utf8");
  t.deepEqual(findings([saved]), ["no-table@0:1:1"]);
});
