import test from "ava";
import { formatIPVSCommands, formatIPVSListing } from "../../../src/rules/ipvs/format.ts";
import { parseIPVSCommands } from "../../../src/rules/ipvs/parse-commands.ts";
import { reading, toolText } from "./tool-text.ts";

function read(text: string) {
  const { source, found, report } = reading(text);
  return { table: parseIPVSCommands(source, report), found };
}

test("what ipvsadm -R took is what ipvsadm -Sn and -Ln print", (t) => {
  const { table, found } = read(toolText("ipvsadm -R"));
  t.deepEqual(found, []);
  t.is(formatIPVSCommands(table), toolText("ipvsadm -Sn"));
  t.is(formatIPVSListing(table), toolText("ipvsadm -Ln"));
  t.deepEqual(table.timeouts, { tcp: 10, tcpFin: 20, udp: 0 });
});
