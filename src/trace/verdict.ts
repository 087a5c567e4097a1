import type { Branch } from "../kernel/chooser/explore.ts";
import type { NotModelled } from "../kernel/chooser.ts";
import type { Result } from "../kernel/outcome.ts";
import { addDyadic, type Dyadic, dyadic, equalDyadic, multiplyDyadic, oneDyadic } from "../net/dyadic.ts";

/** One fate of a packet with its exact chance. */
export interface Verdict {
  readonly probability: Dyadic;
  /** Index of the first branch that ends so. */
  readonly branch: number;
  /** The fate depends on this, which is not modelled. */
  readonly unknown?: NotModelled;
}

/** What makes two ends the same fate: where the packet is and what it looks like, not which rule did it. */
function fateKey({ outcome, packet }: Result): string {
  const { src, dst, sport, dport, icmpId } = packet;
  const looks = [src, dst, sport, dport, icmpId].join("|");
  switch (outcome.kind) {
    case "delivered":
      return `delivered ${outcome.inInterface} ${looks}`;
    case "transmitted":
      return `transmitted ${outcome.outInterface} ${looks}`;
    case "rejected":
      return `rejected ${outcome.with}`;
    case "unknown":
      return `unknown ${outcome.what.what}`;
    default:
      return outcome.kind;
  }
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

interface Numbered {
  readonly branch: Branch<Result>;
  readonly index: number;
}

/** The fates of the branches that share the first `depth` answers. */
function fatesOf(branches: readonly Numbered[], depth: number): Fates {
  const first = branches[0] as Numbered;
  const answer = first.branch.script[depth];
  const fates: Fates = new Map();
  if (answer === undefined) {
    const { outcome } = first.branch.value;
    const verdict = { probability: oneDyadic, branch: first.index };
    add(
      fates,
      fateKey(first.branch.value),
      outcome.kind === "unknown" ? { ...verdict, unknown: outcome.what } : verdict,
      oneDyadic,
    );
    return fates;
  }
  const groups = new Map<string, Numbered[]>();
  for (const each of branches) {
    const given = each.branch.script[depth];
    const key = given === undefined ? "" : given.kind === "share" ? `${given.index}` : `${given.yes}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  if (answer.kind === "unknown") {
    const [one, other] = [...groups.values()].map((group) => fatesOf(group, depth + 1));
    if (one !== undefined && (other === undefined || sameFates(one, other))) return one;
    fates.set(`unknown ${answer.what.what}`, { probability: oneDyadic, branch: first.index, unknown: answer.what });
    return fates;
  }
  for (const group of groups.values()) {
    const given = (group[0] as Numbered).branch.script[depth];
    if (given === undefined || given.kind === "unknown") continue;
    const share =
      given.kind === "share"
        ? (given.shares[given.index] ?? 0)
        : given.yes
          ? given.threshold
          : 0x80000000 - given.threshold;
    for (const [key, verdict] of fatesOf(group, depth + 1)) add(fates, key, verdict, dyadic(BigInt(share), 31));
  }
  return fates;
}

/** The fates of a packet from all its branches, the first branch's first. */
export function verdictOf(branches: readonly Branch<Result>[]): readonly Verdict[] {
  if (branches.length === 0) return [];
  const fates = fatesOf(
    branches.map((branch, index) => ({ branch, index })),
    0,
  );
  return [...fates.values()].sort((a, b) => a.branch - b.branch);
}
