import test from "ava";
import { formatIPVSConnections, parseIPVSConnections } from "../../../src/rules/ipvs/connections.ts";
import { formatIPVSCommands, formatIPVSListing, formatIPVSTimeouts } from "../../../src/rules/ipvs/format.ts";
import type { IPVSTable } from "../../../src/rules/ipvs/model.ts";
import { sortAsPrinted } from "../../../src/rules/ipvs/order.ts";
import { parseIPVSCommands } from "../../../src/rules/ipvs/parse-commands.ts";
import { parseIPVSListing } from "../../../src/rules/ipvs/parse-listing.ts";
import { reading, toolText } from "./tool-text.ts";

function readListing(text: string) {
  const { source, found, report } = reading(text);
  return { ...parseIPVSListing(source, report), found };
}

/** A table without what `ipvsadm -Ln` does not show, and without counts. */
function shownInListing({ virtualServers }: IPVSTable, hasTunnels = false): IPVSTable {
  return {
    virtualServers: virtualServers.map(({ persistenceEngine, ...server }) => ({
      ...server,
      ...(persistenceEngine === undefined || server.persistence === undefined ? {} : { persistenceEngine }),
      realServers: server.realServers.map(({ connections: _, tunnel, ...real }) => ({
        ...real,
        ...(tunnel === undefined || !hasTunnels ? {} : { tunnel }),
      })),
    })),
  };
}

const savedTable = (): IPVSTable => {
  const { source, report } = reading(toolText("ipvsadm -Sn"));
  return parseIPVSCommands(source, report);
};

test("what ipvsadm -Ln prints is read as ipvsadm -Sn is", (t) => {
  for (const name of ["ipvsadm -Ln", "ipvsadm -L"]) {
    const { table, size, found } = readListing(toolText(name));
    t.deepEqual(found, [], name);
    t.is(size, 4096);
    t.deepEqual(shownInListing(table), shownInListing(savedTable()), name);
    t.is(formatIPVSListing(table), toolText("ipvsadm -Ln"), name);
  }
});

test("tunnels are read where --tun-info shows them", (t) => {
  const { table, found } = readListing(toolText("ipvsadm -Ln --tun-info"));
  t.deepEqual(found, []);
  t.deepEqual(shownInListing(table, true), shownInListing(savedTable(), true));
});

test("counts of connections are read and printed again", (t) => {
  const text = toolText("ipvsadm -Ln # connections");
  const { table, found } = readListing(text);
  t.deepEqual(found, []);
  t.is(formatIPVSListing(table), text);
  t.deepEqual(table.virtualServers[1]?.realServers[0]?.connections, { active: 2, inactive: 1 });
});

test("one service without the first title line, and timeouts, are read", (t) => {
  const { table, size } = readListing(toolText("ipvsadm -Ln -t 10.0.0.1:80") + toolText("ipvsadm -Ln --timeout"));
  t.is(table.virtualServers.length, 1);
  t.is(table.virtualServers[0]?.realServers.length, 11);
  t.is(size, undefined);
  t.is(table.timeouts === undefined ? "" : formatIPVSTimeouts(table.timeouts), toolText("ipvsadm -Ln --timeout"));
});

test("listings that do not show a configuration are refused once, at the title that tells", (t) => {
  const names = [
    "ipvsadm -Ln --stats",
    "ipvsadm -Ln --rate",
    "ipvsadm -Ln --thresholds",
    "ipvsadm -Ln --persistent-conn",
  ];
  for (const name of [...names, "cat /proc/net/ip_vs"]) {
    const text = toolText(name);
    const { table, found } = readListing(text);
    const title = name.startsWith("cat") ? text.indexOf("  ->") : text.indexOf("Prot");
    t.deepEqual(found, [`listing-not-whole@${title}`], name);
    t.deepEqual(table.virtualServers, [], name);
  }
});

test("connections are read and printed again", (t) => {
  const { source, found, report } = reading(toolText("ipvsadm -Lnc # connections"));
  const connections = parseIPVSConnections(source, report);
  t.deepEqual(found, []);
  t.is(connections.length, 15);
  t.is(formatIPVSConnections(connections), source.text);
  const more = reading(toolText("ipvsadm -Lnc --persistent-conn # connections"));
  t.deepEqual(parseIPVSConnections(more.source, more.report), connections);
  const engine = reading(
    "UDP 01:00  NONE        192.168.1.77:0     10.96.0.1:5060     10.244.1.5:5060  sip                a@b c\n",
  );
  t.deepEqual(parseIPVSConnections(engine.source, engine.report)[0]?.persistenceEngine, { name: "sip", data: "a@b c" });
});

/** The virtual servers of a list as tool.txt has it, `TCP  10.0.0.1:80, -> 10.1.0.1:80`. */
function listed(text: string) {
  const lines = text.split(", ").map((line) => (line.startsWith("->") ? `  ${line} Masq 1 0 0` : `${line} rr`));
  return readListing(lines.join("\n")).table.virtualServers;
}

test("servers are put into ipvsadm's order from whatever order the kernel tells them in", (t) => {
  const rows = [...toolText("orders").matchAll(/^kernel: (.*)\nprinted: (.*)$/gm)];
  t.is(rows.length, 12);
  for (const [, kernel = "", printed = ""] of rows) t.deepEqual(sortAsPrinted(listed(kernel)), listed(printed), kernel);
});

test("a node of kube-proxy reads the same from both texts", (t) => {
  const { table, found } = readListing(toolText("ipvsadm -Ln # kube-proxy"));
  const commands = reading(toolText("ipvsadm -Sn # kube-proxy"));
  t.deepEqual(shownInListing(table), parseIPVSCommands(commands.source, commands.report));
  t.deepEqual([...found, ...commands.found], []);
  t.is(formatIPVSListing(table), toolText("ipvsadm -Ln # kube-proxy"));
  t.is(formatIPVSCommands(table), commands.source.text);
});

test("a saved text is canonical", (t) => {
  t.is(formatIPVSCommands(savedTable()), toolText("ipvsadm -Sn"));
  const { source, report } = reading(toolText("ipvsadm -S"));
  t.is(formatIPVSCommands(parseIPVSCommands(source, report)), toolText("ipvsadm -Sn"));
});

const V = "TCP  1.1.1.1:80 rr\n";
const R = "  -> 2.2.2.2:80 Masq 1 0 0\n";

/** Each text with the findings that reading it as a listing gives. */
const faults: readonly (readonly [text: string, found: string])[] = [
  ["", ""],
  [`\r\n${V.trimEnd()}\r\n${R}`, ""],
  ["x\n", "bad-listing-line@0"],
  [R, "no-such-server@2"],
  [`${V}${V}${R}`, "server-exists@19"],
  [`${V}${R}${R}`, "real-server-exists@48"],
  ["TCP  localhost:80 rr\n  -> x\n", "name-not-number@5"],
  ["TCP  1.1.1.1:http-x rr\n", "name-not-number@5"],
  ["TCP  1.1.1.1 rr\n", "bad-address@5"],
  ["TCP  1.1.1.1:80\n", "no-scheduler@15"],
  ["TCP  1.1.1.1:80 best\n", "unknown-scheduler@0"],
  ["FWM  0 rr\n", "bad-mark@5"],
  ["FWM  -2147483649 rr\n", "bad-mark@5"],
  ["TCP  1.1.1.1:80 rr (mh-port)\n", "bad-scheduler-flag@19"],
  ["TCP  1.1.1.1:80 rr persistent\n", "bad-timeout@29"],
  ["TCP  1.1.1.1:80 rr persistent 60 mask x\n", "bad-netmask@38"],
  ["TCP  [::1]:80 rr persistent 60 mask 129\n", "bad-netmask@36"],
  ["TCP  1.1.1.1:80 rr forever\n", "unknown-flag@19"],
  [`${V}  -> 2.2.2.2:80 Nat 1 0 0\n`, "bad-method@35"],
  [`${V}  -> 2.2.2.2:80 Masq 1 0\n`, "bad-number@43"],
  [`${V}  -> 2.2.2.2:80 Masq 1 0 x\n`, "bad-number@44"],
  [`${V}  -> 2.2.2.2:80 Masq 1 0 0 0\n`, "unexpected-word@46"],
  [`  -> RemoteAddress:Port Forward TunnelInfo Weight\n${V}  -> 2.2.2.2:80 Tunnel gue:+c 1 0 0\n`, "bad-tunnel@92"],
];

test("what is wrong with a listing is found at its word", (t) => {
  for (const [text, expected] of faults) t.is(readListing(text).found.join(" "), expected, text);
});

const C = "TCP 00:57  SYN_RECV    192.168.1.77:40001 10.96.0.1:99       10.244.1.7:99\n";

test("what is wrong with a list of connections is found at its word", (t) => {
  const rows: readonly (readonly [text: string, found: string])[] = [
    ["", ""],
    [`\n${C.trimEnd()}\r\n`, ""],
    ["GRE 00:57 NONE 1.1.1.1:1 1.1.1.1:1 1.1.1.1:1\n", "bad-connection@0"],
    ["TCP 00:57 NONE 1.1.1.1:1 1.1.1.1:1\n", "bad-connection@0"],
    [C.replace("00:57", "00:60"), "bad-time@4"],
    [C.replace("00:57", "57"), "bad-time@4"],
    [C.replace("SYN_RECV", "SYNREC"), "unknown-state@11"],
    [C.replace(":99", ":www"), "name-not-number@42"],
    [C.replace(":99", ""), "bad-address@42"],
    [`${C}${C.replace("00:57", "00:58")}`, "connection-exists@75"],
  ];
  for (const [text, expected] of rows) {
    const { source, found, report } = reading(text);
    parseIPVSConnections(source, report);
    t.is(found.join(" "), expected, text);
  }
});
