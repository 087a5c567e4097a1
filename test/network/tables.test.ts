import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import { addDyadic, type Dyadic, dyadic, equalDyadic, oneDyadic, zeroDyadic } from "../../src/net/dyadic.ts";
import { calls, frontendsOf } from "./frontends.ts";
import { branchText, readBranch } from "./journey-row.ts";
import { readChains, rowsOf } from "./journey-table.ts";
import { placeOfSettings, playChain } from "./play-chain.ts";

/** `1/2`, `715827883/2^31`; nothing where it is sure. */
function readChance(text = "1/1"): Dyadic {
  const [top = "", bottom = ""] = text.split("/");
  return dyadic(BigInt(top), bottom.startsWith("2^") ? Number(bottom.slice(2)) : Math.log2(Number(bottom)));
}

const chains = readChains();
const rows = rowsOf(chains);

/** Both back ends and both walks, each once. */
const ways = [
  { backend: "nft", indexed: true },
  { backend: "legacy", indexed: false },
] as const;

for (const chain of chains) {
  test(`${chain.name} ${chain.settings.folder}`, (t) => {
    for (const { backend, indexed } of ways) {
      const played = playChain(chain, chains, backend, indexed);
      t.is(played.length, rowsOf([chain]).length, "the chain ended early");
      for (const { line, expected, found } of played) t.deepEqual(found, expected, `line ${line}, ${backend}`);
    }
  });
}

test("rows are written as they are read", (t) => {
  for (const { branches } of rows) {
    for (const text of branches) t.is(branchText(readBranch(text)), text);
  }
});

test("the chances of each row add up to 1", (t) => {
  for (const { branches, text } of rows) {
    const sum = branches.map((branch) => readChance(readBranch(branch).chance)).reduce(addDyadic, zeroDyadic);
    t.true(equalDyadic(sum, oneDyadic), text);
  }
});

test("there are as many rows as there are to be", (t) => {
  t.true(rows.length >= 550, `${rows.length} rows`);
  const nodes = (text: string): number => new Set(readBranch(text).there.nodes).size;
  const crossing = rows.filter(({ branches }) => branches.some((text) => nodes(text) > 1)).length;
  t.true(crossing >= 300, `${crossing} rows with a branch over more than one node`);
});

const scenarios = readdirSync(fileURLToPath(new URL("../../../golden/scenarios", import.meta.url)));
for (const name of scenarios) {
  test(`every frontend of ${name} is asked`, (t) => {
    const own = chains.filter(({ settings }) => settings.folder === `golden/scenarios/${name}`);
    const [first] = own;
    if (first === undefined) return t.fail("there is no row of it");
    const packets = rowsOf(own).map(({ packet }) => packet);
    const { cluster } = placeOfSettings(first.settings, chains, "nft");
    const missing = frontendsOf(cluster).filter((frontend) => !packets.some((packet) => calls(packet, frontend)));
    return t.deepEqual(
      missing.map((frontend) => frontend.name),
      [],
    );
  });
}
