import test from "ava";
import fc from "fast-check";
import { explore, probabilityOf } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import { HostState } from "../../src/kernel/state.ts";
import {
  addDyadic,
  type Dyadic,
  dyadic,
  dyadicToNumber,
  equalDyadic,
  formatDyadic,
  multiplyDyadic,
  oneDyadic,
  zeroDyadic,
} from "../../src/net/dyadic.ts";

const WHOLE = 2 ** 31;

/** A tree of questions: what is asked, and what follows each answer. */
type Tree =
  | { readonly kind: "leaf"; readonly value: number }
  | { readonly kind: "below"; readonly threshold: number; readonly yes: Tree; readonly no: Tree }
  | { readonly kind: "share"; readonly shares: readonly number[]; readonly next: readonly Tree[] }
  | { readonly kind: "unknown"; readonly what: string; readonly yes: Tree; readonly no: Tree };

const shares = fc
  .array(fc.integer({ min: 0, max: WHOLE }), { minLength: 0, maxLength: 3 })
  .map((cuts) => [0, ...cuts.sort((a, b) => a - b), WHOLE])
  .map((ends) => ends.slice(1).map((end, i) => end - (ends[i] as number)));

const { tree } = fc.letrec<{ tree: Tree; leaf: Tree }>((tie) => ({
  leaf: fc.record({ kind: fc.constant("leaf" as const), value: fc.nat() }),
  tree: fc.oneof(
    { maxDepth: 4, depthIdentifier: "tree" },
    tie("leaf"),
    fc.record({
      kind: fc.constant("below" as const),
      threshold: fc.integer({ min: 0, max: WHOLE }),
      yes: tie("tree"),
      no: tie("tree"),
    }),
    shares.chain((list) =>
      fc.record({
        kind: fc.constant("share" as const),
        shares: fc.constant(list),
        next: fc.array(tie("tree"), { minLength: list.length, maxLength: list.length }),
      }),
    ),
    fc.record({
      kind: fc.constant("unknown" as const),
      what: fc.constantFrom("a", "b"),
      yes: tie("tree"),
      no: tie("tree"),
    }),
  ),
}));

/** Walks a tree, and leaves its way in the state. */
function walk(state: HostState, chooser: Chooser, at: Tree): { value: number; way: string } {
  let node = at;
  let way = "";
  while (node.kind !== "leaf") {
    let step: string;
    if (node.kind === "share") {
      const index = chooser.share(node.shares);
      step = `${index}`;
      node = node.next[index] as Tree;
    } else {
      const yes = node.kind === "below" ? chooser.below(node.threshold) : chooser.unknown({ what: node.what });
      step = yes ? "y" : "n";
      node = yes ? node.yes : node.no;
    }
    way += step;
    state.put<string, unknown>(state.ofName, `way ${way.length}`, way);
    state.advance(1);
  }
  return { value: node.value, way };
}

/** The leaves with their chances, by recursion over the tree: `assume` answers what is not modelled. */
function leaves(node: Tree, chance: number, assume: (what: string) => boolean): number {
  switch (node.kind) {
    case "leaf":
      return chance;
    case "below": {
      const yes = node.threshold / WHOLE;
      return (
        (yes > 0 ? leaves(node.yes, chance * yes, assume) : 0) +
        (yes < 1 ? leaves(node.no, chance * (1 - yes), assume) : 0)
      );
    }
    case "share":
      return node.shares.reduce(
        (sum, share, i) => sum + (share > 0 ? leaves(node.next[i] as Tree, (chance * share) / WHOLE, assume) : 0),
        0,
      );
    case "unknown":
      return leaves(assume(node.what) ? node.yes : node.no, chance, assume);
  }
}

const sum = (terms: readonly Dyadic[]): Dyadic => terms.reduce(addDyadic, zeroDyadic);
const snapshot = (state: HostState): string => JSON.stringify([state.now, [...state.ofName]]);

test("all branches are different ways, and those that differ only in chance add up to exactly 1", (t) => {
  fc.assert(
    fc.property(tree, fc.boolean(), fc.boolean(), (root, a, b) => {
      const state = new HostState();
      const { branches, complete, open } = explore(state, (chooser) => walk(state, chooser, root), {
        branches: 100_000,
      });
      t.true(complete && open === 0);
      t.is(new Set(branches.map(({ value }) => value.way)).size, branches.length);
      const assume = (what: string): boolean => (what === "a" ? a : b);
      const world = branches.filter(({ assumptions }) =>
        assumptions.every(({ what, holds }) => holds === assume(what.what)),
      );
      t.true(Math.abs(leaves(root, 1, assume) - 1) < 1e-9);
      return equalDyadic(sum(world.map(({ probability }) => probability)), oneDyadic);
    }),
  );
});

test("each branch can be replayed, and exploring leaves the state as it was", (t) => {
  fc.assert(
    fc.property(tree, (root) => {
      const state = new HostState();
      state.put<string, unknown>(state.ofName, "way 1", "before");
      const before = snapshot(state);
      const { branches } = explore(state, (chooser) => walk(state, chooser, root), { branches: 100_000 });
      t.is(snapshot(state), before);
      for (const { script, value, probability } of branches) {
        const chooser = scriptedChooser(script);
        const own = new HostState();
        t.deepEqual(walk(own, chooser, root), value);
        t.is(chooser.mismatch, undefined);
        t.deepEqual(probabilityOf(chooser.answers), probability);
      }
    }),
    { numRuns: 50 },
  );
});

test("what a limit leaves out is said", (t) => {
  const run = (chooser: Chooser): string =>
    [chooser.below(1), chooser.share([WHOLE / 2, 0, WHOLE / 4, WHOLE / 4]), chooser.unknown({ what: "x" })].join();
  const state = new HostState();
  t.is(explore(state, run).branches.length, 12);
  const { branches, complete, open } = explore(state, run, { branches: 2 });
  t.deepEqual([branches.map(({ value }) => value), complete, open], [["true,0,true", "true,0,false"], false, 3]);
  t.false(explore(state, run, { branches: 11 }).complete);
  t.true(explore(state, run, { branches: 12 }).complete);
});

test("a run that throws leaves the state as it was", (t) => {
  const state = new HostState();
  t.throws(() =>
    explore(state, () => {
      state.advance(5);
      throw new Error("no");
    }),
  );
  t.is(state.now, 0);
});

test("one third is the kernel's third", (t) => {
  const { branches } = explore(new HostState(), (chooser) => chooser.below(715827883));
  t.deepEqual(
    branches.map(({ value, probability }) => [value, formatDyadic(probability)]),
    [
      [true, "715827883/2^31"],
      [false, "1431655765/2^31"],
    ],
  );
});

test("a script that answers other questions is noticed, and the run goes on", (t) => {
  const chooser = scriptedChooser([{ kind: "below", threshold: 5, yes: false }]);
  t.true(chooser.below(6));
  t.deepEqual(chooser.mismatch, { index: 0, asked: "below 6" });
  t.true(chooser.unknown({ what: "x" }));
});

test("questions with one possible answer are not asked", (t) => {
  const chooser = scriptedChooser([]);
  t.deepEqual([chooser.below(0), chooser.below(WHOLE), chooser.share([0, WHOLE, 0])], [false, true, 1]);
  t.deepEqual(chooser.answers, []);
});

test("ports come from the list where they can, then the first free one of the range", (t) => {
  const chooser = scriptedChooser([], [20, 5, 30]);
  const range = { from: 10, to: 40 };
  const isFree = (port: number): boolean => port !== 10;
  t.deepEqual([chooser.port(range, isFree), chooser.port(range, isFree)], [20, 11]);
  t.is(
    chooser.port(range, () => false),
    undefined,
  );
});

test("a seed draws the same again, in the shares that it is given, and free ports", (t) => {
  const draw = (seed: number): readonly unknown[] => {
    const chooser = seededChooser(seed);
    return Array.from({ length: 50 }, () => [
      chooser.below(WHOLE / 2),
      chooser.share([WHOLE / 4, 0, (3 * WHOLE) / 4]),
      chooser.port({ from: 1, to: 9 }, (port) => port % 2 === 0),
    ]);
  };
  t.deepEqual(draw(1), draw(1));
  t.notDeepEqual(draw(1), draw(2));
  const chooser = seededChooser(1);
  const counts = [0, 0, 0];
  for (let i = 0; i < 4000; i++) {
    const index = chooser.share([WHOLE / 4, 0, (3 * WHOLE) / 4]);
    counts[index] = (counts[index] as number) + 1;
    const port = chooser.port({ from: 1, to: 9 }, (each) => each % 2 === 0) as number;
    t.true(port >= 1 && port <= 9 && port % 2 === 0);
  }
  t.true((counts[0] as number) > 850 && (counts[0] as number) < 1150 && counts[1] === 0, counts.join());
});

test("a seed does not guess what is not modelled: it says what it took for granted", (t) => {
  const chooser = seededChooser("x");
  t.false(chooser.unknown({ what: "-m u32" }));
  t.deepEqual(chooser.assumptions, [{ what: { what: "-m u32" }, holds: false }]);
});

test("dyadic fractions are exact", (t) => {
  const term = fc.tuple(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), fc.integer({ min: 0, max: 120 }));
  /** Cross-multiplied by hand: a/2^m = b/2^n. */
  const same = ({ numerator, exponent }: Dyadic, top: bigint, power: number): boolean =>
    numerator * 2n ** BigInt(power) === top * 2n ** BigInt(exponent);
  fc.assert(
    fc.property(term, term, ([a, m], [b, n]) => {
      const x = dyadic(a, m);
      t.true(same(x, a, m) && (x.exponent === 0 || x.numerator % 2n !== 0n));
      t.true(same(multiplyDyadic(x, dyadic(b, n)), a * b, m + n));
      t.true(same(addDyadic(x, dyadic(b, n)), a * 2n ** BigInt(n) + b * 2n ** BigInt(m), m + n));
    }),
  );
  t.is(dyadicToNumber(dyadic(715827883n, 31)), 715827883 / WHOLE);
  t.is(dyadicToNumber(dyadic(2n ** 300n - 1n, 301)), 0.5);
  t.is(formatDyadic(dyadic(4n, 3)), "1/2^1");
});
