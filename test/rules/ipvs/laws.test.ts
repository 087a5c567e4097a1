import { isDeepStrictEqual } from "node:util";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { compareText } from "../../../src/net/compare.ts";
import { seededRandom } from "../../../src/net/random.ts";
import { formatIPVSConnections, parseIPVSConnections } from "../../../src/rules/ipvs/connections.ts";
import { formatIPVSCommands, formatIPVSListing } from "../../../src/rules/ipvs/format.ts";
import type { IPVSTable } from "../../../src/rules/ipvs/model.ts";
import { parseIPVSCommands } from "../../../src/rules/ipvs/parse-commands.ts";
import { parseIPVSListing } from "../../../src/rules/ipvs/parse-listing.ts";
import type { Report, Source } from "../../../src/text/diagnostic.ts";
import { damagedText } from "../../arbitrary/damaged-text.ts";
import { connections, tables } from "./tables.ts";
import { reading, toolText } from "./tool-text.ts";

/** A language: its reader and its writer. */
interface Language<T> {
  readonly read: (source: Source, report: Report) => T;
  readonly write: (value: T) => string;
}

const saved: Language<ReturnType<typeof parseIPVSCommands>> = { read: parseIPVSCommands, write: formatIPVSCommands };
const listing: Language<ReturnType<typeof parseIPVSListing>> = {
  read: parseIPVSListing,
  write: ({ table, size }) => formatIPVSListing(table, size === undefined ? {} : { size }),
};
const connectionTable: Language<ReturnType<typeof parseIPVSConnections>> = {
  read: parseIPVSConnections,
  write: formatIPVSConnections,
};

/** Objects that fast-check makes may have no prototype. */
const same = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));

/** What is written is read again, and what is read is written as it was. */
function holds<T>({ read, write }: Language<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => {
      const text = write(value);
      const { source, found, report } = reading(text);
      const again = read(source, report);
      if (!same(again, value)) throw new Error(`not the same again:\n${text}`);
      if (found.length > 0) throw new Error(found.join(" "));
      if (write(again) !== text) throw new Error(`${text}\n${write(again)}`);
    }),
    { numRuns: 200 },
  );
}

const byText = <T>(values: readonly T[]): readonly T[] =>
  values.toSorted((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)));

/** A table in an order of its own. */
function inOrder(table: IPVSTable): IPVSTable {
  const servers = table.virtualServers.map((server) => ({ ...server, realServers: byText(server.realServers) }));
  return { ...table, virtualServers: byText(servers) };
}

test("virtual servers that ipvsadm -Sn writes are read again", (t) => {
  const shown = { tunnels: true, counts: false };
  holds(saved, tables({ ...shown, wide: false }));
  t.pass();
});

test("virtual servers that ipvsadm -Ln writes are read again", (t) => {
  const values = fc
    .tuple(tables({ tunnels: false, counts: true, wide: false }), fc.integer({ min: 256, max: 2 ** 27 }))
    .map(([table, size]) => ({ table, size }));
  holds(listing, values);
  t.pass();
});

test("addresses at any distance are read again, in whatever order", (t) => {
  fc.assert(
    fc.property(tables({ tunnels: true, counts: false, wide: true }), (table) => {
      const { source, found, report } = reading(saved.write(table));
      t.true(same(inOrder(saved.read(source, report)), inOrder(table)), source.text);
      t.deepEqual(found, []);
    }),
    { numRuns: 200 },
  );
});

test("connections that ipvsadm -Lnc writes are read again", (t) => {
  holds(connectionTable, connections);
  t.pass();
});

/** Whatever is read of a damaged text can be written, and that is read without a fault, to the same. */
function survives<T>(t: ExecutionContext, { read, write }: Language<T>, text: string): void {
  for (let seed = 1; seed <= 150; seed++) {
    const damaged = damagedText(seededRandom(seed), text);
    const first = reading(damaged);
    const canonical = write(read(first.source, first.report));
    for (const each of first.found) {
      const offset = Number(each.slice(each.lastIndexOf("@") + 1));
      if (!(offset >= 0 && offset <= damaged.length)) throw new Error(`seed ${seed}: ${each}`);
    }
    const second = reading(canonical);
    const again = write(read(second.source, second.report));
    t.deepEqual(
      second.found.filter((each) => !/^unknown-(?:scheduler|state)/.test(each)),
      [],
      `seed ${seed}\n${canonical}`,
    );
    t.is(again.split("\n").toSorted().join("\n"), canonical.split("\n").toSorted().join("\n"), `seed ${seed}`);
  }
}

test("damaged texts are read without a throw, to what can be written and read", (t) => {
  survives(t, saved, toolText("ipvsadm -Sn"));
  survives(t, saved, toolText("ipvsadm -R"));
  survives(t, listing, toolText("ipvsadm -Ln"));
  survives(t, connectionTable, toolText("ipvsadm -Lnc # connections"));
});

test("any words are read without a throw", (t) => {
  const word = fc.oneof(
    fc.constantFrom(
      "-A",
      "-a",
      "-t",
      "-r",
      "->",
      "TCP",
      "FWM",
      "1.1.1.1:80",
      "[::1]:80",
      "rr",
      "()",
      "Masq",
      "persistent",
    ),
    fc.constantFrom(
      "\n",
      "\r\n",
      "-",
      "--",
      "--=",
      "=",
      "[",
      "]:",
      "__proto__",
      "constructor",
      "-b",
      "\u2028",
      "\0",
      ":",
      "mask",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      const text = words.join(words.length % 2 === 0 ? " " : "");
      for (const { read } of [saved, listing, connectionTable]) {
        const { source, found, report } = reading(text);
        read(source, report);
        t.true(found.every((each) => Number(each.slice(each.lastIndexOf("@") + 1)) <= text.length));
      }
    }),
    { numRuns: 1500 },
  );
});
