import test from "ava";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { readOnce } from "../../src/rules/iptables/read-once.ts";
import { readRule } from "../../src/rules/iptables/read-rule.ts";
import type { RuleLine } from "../../src/rules/iptables/syntax.ts";

function line(text: string): RuleLine {
  const [, rule] = parseScript({ name: "rules", text: `*nat\n${text}\n` }).lines;
  if (rule?.kind !== "rule") throw new Error(text);
  return rule;
}

/** A line, and whether the same line read again is the same rule. */
const rows: readonly (readonly [string, boolean])[] = [
  ['-A KUBE-SVC-X -m comment --comment "ns/a -> 10.0.0.1:80" -j KUBE-SEP-Y', true],
  ["-A KUBE-SVC-X -m statistic --mode random --probability 0.5 -j KUBE-SEP-Y", true],
  ["-A X -m recent --name X --rcheck --seconds 9 --reap -j Y", true],
  ["-A X -m statistic --mode nth --every 2 -j Y", false],
  ["-A X -m limit --limit 1/s -j Y", false],
  ["-A X -m nobodyknows --what 1 -j Y", false],
  ["[1:2] -A X -j Y", false],
];
for (const [text, shared] of rows)
  test(`read once: ${text}`, (t) => {
    const read = readOnce();
    const first = read(line(text), "IPv4");
    const second = read(line(text), "IPv4");
    t.is(first === second, shared);
    t.deepEqual(second, readRule(line(text), "IPv4"));
  });

/** Lines that look alike. */
const others: readonly (readonly [string, string])[] = [
  ["-A X -s 10.0.0.1/32 -j Y", "-A X ! -s 10.0.0.1/32 -j Y"],
  ["-A X -j Y", "-A Y -j Y"],
  ['-A X -m comment --comment "a b" -j Y', "-A X -m comment --comment a -j Y"],
  ["-A X -s 10.0.0.1/32 -j Y", "-A X -d 10.0.0.1/32 -j Y"],
];
for (const [a, b] of others)
  test(`read once tells apart: ${a} and ${b}`, (t) => {
    const read = readOnce();
    read(line(a), "IPv4");
    t.deepEqual(read(line(b), "IPv4"), readRule(line(b), "IPv4"));
  });

test("read once: families are apart", (t) => {
  const read = readOnce();
  read(line("-A X -p icmp -j Y"), "IPv4");
  t.deepEqual(read(line("-A X -p icmp -j Y"), "IPv6"), readRule(line("-A X -p icmp -j Y"), "IPv6"));
});
