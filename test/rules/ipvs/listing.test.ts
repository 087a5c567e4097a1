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
