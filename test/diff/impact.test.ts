import test from "ava";
import { type Fate, type Fates, fateKey } from "../../src/verify/equivalence/fate.ts";
import { type Impact, impactOf } from "../../src/verify/equivalence/impact.ts";

/** One letter a fate: A, B endpoints; e the endpoint A by another interface; a the endpoint A as another source is seen; N the node itself; U sent on as it was; D dropped; R refused; ? unknown. */
const FATES: Readonly<Record<string, Fate>> = {
  A: { kind: "sent-on", by: "eth0", to: "10.0.0.1:80" },
  a: { kind: "sent-on", by: "eth0", to: "10.0.0.1:80", from: "10.0.0.9" },
  e: { kind: "sent-on", by: "eth1", to: "10.0.0.1:80" },
  B: { kind: "delivered", to: "10.0.0.2:80" },
  N: { kind: "delivered" },
  U: { kind: "sent-on", by: "eth0" },
  D: { kind: "stopped", notice: "nothing" },
  R: { kind: "stopped", notice: "ICMP 3/3" },
  "?": { kind: "unknown", what: "a match" },
};

const fates = (letters: string): Fates =>
  new Map([...letters].map((letter) => [fateKey(FATES[letter] as Fate), FATES[letter] as Fate]));

const rows: readonly (readonly [before: string, after: string, impact: Impact])[] = [
  ["AB", "D", "breaks"],
  ["A", "N", "breaks"],
  ["A", "U", "breaks"],
  ["AB", "AR", "breaks"],
  ["AD", "AB", "opens"],
  ["R", "A", "opens"],
  ["U", "B", "opens"],
  ["AB", "A", "moves"],
  ["A", "B", "moves"],
  ["AD", "BD", "moves"],
  ["A", "a", "source"],
  ["AB", "aB", "source"],
  ["A", "e", "way"],
  ["aB", "aBe", "source"],
  ["U", "R", "stopped"],
  ["N", "D", "stopped"],
  ["D", "N", "passes"],
  ["U", "N", "elsewhere"],
  ["D", "R", "told"],
  ["A", "?", "unknown"],
  ["?", "D", "unknown"],
];
for (const [before, after, impact] of rows)
  test(`${before} to ${after}: ${impact}`, (t) => {
    t.is(impactOf([fates(before), fates(after)]), impact);
  });
