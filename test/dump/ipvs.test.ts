import { readFileSync } from "node:fs";
import test from "ava";
import { type NodeDumps, readNodeDumps } from "../../src/dump/node-dumps.ts";
import { listConnections } from "../../src/kernel/ipvs/listing.ts";
import { formatIPVSCommands, formatIPVSListing } from "../../src/rules/ipvs/format.ts";
import type { IPVSTable } from "../../src/rules/ipvs/model.ts";
import { toolText } from "../rules/ipvs/tool-text.ts";

interface Read extends NodeDumps {
  readonly found: readonly string[];
  /** Of the host. */
  readonly ipvs: IPVSTable | undefined;
}

function read(texts: readonly string[]): Read {
  const found: string[] = [];
  const sources = texts.map((text, i) => ({ name: `${i}`, text }));
  const node = readNodeDumps(sources, "node", ({ severity, code, place }) => {
    if (severity !== "note") found.push(place === undefined ? code : `${code}@${place.source.name}:${place.offset}`);
  });
  return { ...node, found, ipvs: node.host.ipvs };
}

const saved = toolText("ipvsadm -Sn # kube-proxy");
const listed = toolText("ipvsadm -Ln # kube-proxy");
const connections = toolText("ipvsadm -Lnc # connections");

test("each text of ipvsadm is known by its content", (t) => {
  const rows: readonly (readonly [text: string, servers: number])[] = [
    [saved, 38],
    [listed, 38],
    [`\n# ipvsadm -Sn\n${saved}`, 38],
    [saved.replaceAll(/^/gm, "ipvsadm ").replace(/ipvsadm $/, ""), 38],
    [`# node-1\n${listed}`, 38],
    [listed.split("\n").slice(1).join("\n"), 38],
    [listed.split("\n").slice(3).join("\n"), 38],
    ["FWM  3 IPv6 rr\n", 1],
    ["TCP  [fd00::1]:80 wlc persistent 360 mask 48\n", 1],
    ["--add-service --tcp-service=10.0.0.1:80\n", 1],
    [toolText("ipvsadm -R"), 33],
  ];
  for (const [text, servers] of rows) {
    const { ipvs, found } = read([text]);
    t.deepEqual(found, [], text.slice(0, 100));
    t.is(ipvs?.virtualServers.length, servers, text.slice(0, 100));
  }
  t.deepEqual(read([toolText("ipvsadm -Ln --timeout")]).ipvs?.timeouts, { tcp: 10, tcpFin: 20, udp: 300 });
  t.is(listConnections(read([`# ipvsadm -Lnc\n${connections}`, "FWM  5 rr\n"]).state).length, 15);
  t.is(read(["*filter\nCOMMIT\n"]).ipvs, undefined);
});

test("what -Sn and -Ln tell is joined in whatever order they come", (t) => {
  const counted = listed.replaceAll(" 1      0          0 ", " 1      7          8 ");
  for (const texts of [
    [saved, counted],
    [counted, saved],
  ]) {
    const { ipvs, found } = read(texts);
    t.deepEqual(found, []);
    t.is(ipvs === undefined ? "" : formatIPVSCommands(ipvs), saved);
    t.deepEqual(ipvs?.virtualServers[0]?.realServers[0]?.connections, { active: 7, inactive: 8 });
  }
  const tunnel = "-A -t 1.1.1.1:80 -s rr\n-a -t 1.1.1.1:80 -r 2.2.2.2:80 -i -w 1 --tun-type gre --tun-csum\n";
  const { ipvs, found } = read(["TCP  1.1.1.1:80 rr\n  -> 2.2.2.2:80 Tunnel 1 3 4\n", tunnel]);
  t.deepEqual(found, []);
  t.is(ipvs === undefined ? "" : formatIPVSCommands(ipvs), tunnel);
});

test("texts that are not of one time are told from each other", (t) => {
  const rows: readonly (readonly [texts: readonly string[], differ: string])[] = [
    [[saved, listed.replace("30080 rr", "30080 wrr")], "1:0"],
    [[listed.replace("Masq    1 ", "Masq    0 "), saved], "0:0"],
    [[saved, `${listed}TCP  9.9.9.9:80 rr\n`], "1:0"],
    [[saved, "-A -t 9.9.9.9:80 -s rr\n"], "1:0"],
    [[listed, "TCP  9.9.9.9:80 rr\n"], ""],
  ];
  for (const [texts, differ] of rows) {
    const { found } = read(texts);
    t.deepEqual(found, [...(differ === "" ? [] : [`ipvs-dumps-differ@${differ}`])]);
  }
});

test("faults have their place, and a listing of ipvsadm that tells no servers is said", (t) => {
  t.deepEqual(read([`${saved}-A -t x\n`]).found, [`name-not-number@0:${saved.length + 6}`]);
  const stats = toolText("ipvsadm -Ln --stats");
  t.deepEqual(read([stats]).found, [`listing-not-whole@0:${stats.indexOf("Prot")}`]);
});

test("sets of ipset list are those of ipset save", (t) => {
  const list = readFileSync("test/rules/ipset-listed.txt", "utf8");
  const save = readFileSync("test/rules/ipset-saved.txt", "utf8");
  const [fromList, fromSave] = [read([list]), read([save])];
  t.deepEqual(fromList.found, []);
  t.deepEqual(
    [...fromSave.host.sets.keys()].filter((name) => !fromList.host.sets.has(name)),
    [],
  );
  t.true(fromList.host.sets.has("KUBE-CLUSTER-IP"));
});

test("the tables that are read can be listed", (t) => {
  const { ipvs } = read([listed]);
  t.is(ipvs === undefined ? "" : formatIPVSListing(ipvs), listed);
});

test("texts as people paste them are taken apart", (t) => {
  const list = readFileSync("test/rules/ipset-listed.txt", "utf8").replace(/^#.*\n/, "");
  const kube = list.slice(list.indexOf("Name: KUBE-CLUSTER-IP"));
  const quoted = `On the node we see:\n\n> ${listed.trimEnd().replaceAll("\n", "\n> ")}\n`;
  const session = [
    `root@node:~# ipvsadm -Sn\n${saved}`,
    `root@node:~# ipset list\n${kube}`,
    `root@node:~# ipvsadm -Lnc\n${connections}`,
    `root@node:~# ipvsadm -Ln --timeout\n${toolText("ipvsadm -Ln --timeout")}`,
    "root@node:~# iptables-save -t raw\n*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\nroot@node:~# \n",
  ];
  const indented = listed.replaceAll(/^/gm, "    ");
  for (const text of [quoted, indented, session.join(""), session.toReversed().join("")]) {
    const { ipvs, found, host, state } = read([text]);
    const codes = found.map((each) => each.replace(/@.*/, ""));
    t.deepEqual(codes, text.includes("root@") ? ["ipvs-real-server-gone"] : [], text.slice(0, 60));
    t.is(ipvs === undefined ? "" : formatIPVSCommands(ipvs), saved, text.slice(0, 60));
    const isSession = text.includes("root@");
    t.is(listConnections(state).length, isSession ? 15 : 0);
    t.is(ipvs?.timeouts?.udp, isSession ? 300 : undefined);
    t.is(host.sets.has("KUBE-CLUSTER-IP"), isSession);
    t.is(host.rules.IPv4.tables.has("raw"), isSession);
  }
});

test("lines of any length are read once", (t) => {
  const long = (piece: string): string => piece.repeat(Math.ceil(300_000 / piece.length));
  const lines = [
    `  -> ${long(":")}`,
    `  -> ${long("a:")} Masq`,
    `TCP  ${long("a:")}`,
    `TCP 00:00 A ${long("a:")} ${long("a:")} ${long(" ")}`,
    `Name: ${long("a ")}`,
    `Header: family ${long("a ")}`,
    `-A -t ${long("1.")}:80`,
    `-A -t [${long("0:")}]:80`,
    `-A -t 1.1.1.1:80 ${long("-p ")}`,
    `-${long("m")}`,
    `-A ${long("x ")}`,
    long("-A -t 1.1.1.1:80 -s rr "),
    `TCP  1.1.1.1:80 rr (${long(",")})`,
    `FWM  ${long("9")} rr`,
    long(" "),
  ];
  const heads = [saved, listed, connections, "Name: a\nType: hash:ip\nHeader: family inet\nMembers:\n"];
  for (const head of heads) {
    const { found } = read([`${head}${lines.join("\n")}\n`]);
    t.true(found.length > 0);
  }
});
