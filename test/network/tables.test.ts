import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { type Packet, sameAddress } from "../../src/kernel/packet.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { addDyadic, type Dyadic, dyadic, equalDyadic, oneDyadic, zeroDyadic } from "../../src/net/dyadic.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { journeysOf, travelOnce } from "../../src/network/journey.ts";
import { addressText } from "../routing/support.ts";
import { calls, frontendsOf } from "./frontends.ts";
import { branchText, readBranch } from "./journey-row.ts";
import { chainsIn, readChains, readReasons, rowsOf, withoutChances } from "./journey-table.ts";
import { placeOfSettings, playChain, playTurns, sendingOf } from "./play-chain.ts";
import type { Place } from "./support.ts";

/** `1/2`, `715827883/2^31`; nothing where it is sure. */
function readChance(text = "1/1"): Dyadic {
  const [top = "", bottom = ""] = text.split("/");
  return dyadic(BigInt(top), bottom.startsWith("2^") ? Number(bottom.slice(2)) : Math.log2(Number(bottom)));
}

/** The real servers of the one virtual server that a packet is for, the newest first; nothing where nodes have different ones. */
function roundOf({ network, extras }: Place, { dst, dport, protocol }: Packet): readonly string[] | undefined {
  const lists = network.nodes.flatMap((name) =>
    (extras?.(name).ipvs.virtualServers ?? []).flatMap(({ key, scheduler, persistence, realServers }) =>
      key.kind === "address" &&
      key.protocol === protocol &&
      key.port === dport &&
      sameAddress(addressOf(key.address), dst) &&
      scheduler === "rr" &&
      persistence === undefined
        ? [realServers.map(({ address, port }) => endpointText(addressOf(address), port)).reverse()]
        : [],
    ),
  );
  const [first = []] = lists;
  return first.length > 1 && lists.every((list) => list.join() === first.join()) ? first : undefined;
}

const chains = readChains();
const rows = rowsOf(chains);

/** Both back ends and both walks, each once. */
const ways = [
  { backend: "nft", indexed: true },
  { backend: "legacy", indexed: false },
] as const;

const ipvsChains = chainsIn("ipvs", chains);

for (const [i, chain] of ipvsChains.entries()) {
  test(`ipvs ${chain.name} ${chain.settings.folder}`, (t) => {
    // ip_vs asks neither: each way with every other chain
    const played = playTurns(chain, ipvsChains, ways[i % 2] ?? ways[0]);
    t.is(played.length, rowsOf([chain]).length, "the chain ended early");
    for (const { line, expected, found } of played) t.deepEqual(found, expected, `line ${line}`);
  });
}

test("what differs in ipvs mode says why, by a word of the list, and does differ", (t) => {
  const words = readReasons();
  const used = new Set<string>();
  for (const { ipvs, line, branches } of rowsOf(chains)) {
    if (ipvs === undefined) continue;
    used.add(ipvs.why);
    t.true(words.has(ipvs.why), `${ipvs.why} is not in the list`);
    t.notDeepEqual([...ipvs.branches].sort(), [...withoutChances(branches)].sort(), `line ${line} says the same`);
    for (const text of ipvs.branches) {
      t.is(branchText(readBranch(text)), text);
      t.is(readBranch(text).chance, undefined, text);
    }
  }
  t.deepEqual(
    [...words].filter((word) => !used.has(word)),
    [],
    "words that no line has",
  );
});

for (const chain of chains) {
  test(`${chain.name} ${chain.settings.folder}`, (t) => {
    for (const { backend, indexed } of ways) {
      const played = playChain(chain, chains, { backend, indexed });
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

test("in ipvs mode the real servers take connections in turn, the last that was added first", (t) => {
  let asked = 0;
  for (const { settings, lines } of ipvsChains) {
    const [row] = lines;
    if (row?.kind !== "row") continue;
    const place = placeOfSettings(settings, ipvsChains, "nft", { mode: "ipvs" });
    const { packet, sender } = sendingOf(place, settings, row);
    const round = roundOf(place, packet);
    const ends = row.branches.map((text) => readBranch(text).there.end);
    if (round === undefined || !ends.some((end) => end.kind !== "stopped" && round.includes(end.to))) continue;
    asked++;
    const options = settings.entry === undefined ? {} : { entryNode: () => settings.entry };
    const taken = Array.from({ length: 2 * round.length + 1 }, (_, i) => {
      const each = { ...packet, sport: packet.sport + i };
      const { branches } = journeysOf(place, each, sender, options);
      t.is(new Set(branches.map(({ journey: { there } }) => addressText(there.packet.dst))).size, 1, row.text);
      const [only] = branches;
      const { there } = travelOnce(place, scriptedChooser(only?.script ?? []), each, sender, options);
      return endpointText(there.packet.dst, there.packet.dport);
    });
    t.deepEqual(
      taken,
      taken.map((_, i) => round[i % round.length]),
      row.text,
    );
  }
  t.true(asked > 100, `${asked} rows`);
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
