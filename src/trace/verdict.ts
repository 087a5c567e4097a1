import type { Branch } from "../kernel/chooser/explore.ts";
import type { NotModelled } from "../kernel/chooser.ts";
import { addDyadic, type Dyadic, dyadic, equalDyadic, multiplyDyadic, oneDyadic } from "../net/dyadic.ts";

/** One fate of a packet with its exact chance. */
export interface Verdict {
  readonly probability: Dyadic;
  /** Index of the first branch that ends so. */
  readonly branch: number;
  /** The fate depends on this, which is not modelled. */
  readonly unknown?: NotModelled;
}

/** What becomes of a packet on one way, as far as ways are told apart by it. */
export interface Fate {
  readonly key: string;
  /** The end itself is not known. */
  readonly unknown?: NotModelled;
}

type Fates = Map<string, Verdict>;

function add(fates: Fates, key: string, verdict: Verdict, weight: Dyadic): void {
  const probability = multiplyDyadic(verdict.probability, weight);
  const known = fates.get(key);
  fates.set(
    key,
    known === undefined
      ? { ...verdict, probability }
      : { ...known, probability: addDyadic(known.probability, probability) },
  );
}

function sameFates(a: Fates, b: Fates): boolean {
  if (a.size !== b.size) return false;
  for (const [key, { probability }] of a) {
    const other = b.get(key);
    if (other === undefined || !equalDyadic(other.probability, probability)) return false;
  }
  return true;
}

interface Numbered<T> {
  readonly branch: Branch<T>;
  readonly index: number;
}

/** The fates of the branches that share the first `depth` answers. */
function fatesOf<T>(branches: readonly Numbered<T>[], depth: number, fateOf: (value: T) => Fate): Fates {
  const first = branches[0] as Numbered<T>;
  const answer = first.branch.script[depth];
  const fates: Fates = new Map();
  if (answer === undefined) {
    const { key, unknown } = fateOf(first.branch.value);
    const verdict = { probability: oneDyadic, branch: first.index };
    add(fates, key, unknown === undefined ? verdict : { ...verdict, unknown }, oneDyadic);
    return fates;
  }
  const groups = new Map<string, Numbered<T>[]>();
  for (const each of branches) {
    const given = each.branch.script[depth];
    const key = given === undefined ? "" : given.kind === "share" ? `${given.index}` : `${given.yes}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  if (answer.kind === "unknown") {
    const [one, other] = [...groups.values()].map((group) => fatesOf(group, depth + 1, fateOf));
    if (one !== undefined && (other === undefined || sameFates(one, other))) return one;
    fates.set(`unknown ${answer.what.what}`, { probability: oneDyadic, branch: first.index, unknown: answer.what });
    return fates;
  }
  for (const group of groups.values()) {
    const given = (group[0] as Numbered<T>).branch.script[depth];
    if (given === undefined || given.kind === "unknown") continue;
    const share =
      given.kind === "share"
        ? (given.shares[given.index] ?? 0)
        : given.yes
          ? given.threshold
          : 0x80000000 - given.threshold;
    for (const [key, verdict] of fatesOf(group, depth + 1, fateOf)) add(fates, key, verdict, dyadic(BigInt(share), 31));
  }
  return fates;
}

/** The fates of a packet from all its branches, the first branch's first; `fateOf` tells the fate of one. */
export function verdictOf<T>(branches: readonly Branch<T>[], fateOf: (value: T) => Fate): readonly Verdict[] {
  if (branches.length === 0) return [];
  const fates = fatesOf(
    branches.map((branch, index) => ({ branch, index })),
    0,
    fateOf,
  );
  return [...fates.values()].sort((a, b) => a.branch - b.branch);
}
