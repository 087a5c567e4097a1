import test from "ava";
import fc from "fast-check";
import { compareDumps, formatDifference } from "../../src/golden/compare.ts";
import { surplusDumps } from "../../src/golden/dumps.ts";

const FILE = "dumps/1.37-iptables/worker-1/iptables.save";

const lines: readonly string[] = [
  "*filter",
  ":INPUT ACCEPT [0:0]",
  ":OUTPUT ACCEPT [0:0]",
  ":KUBE-FORWARD - [0:0]",
  "-A INPUT -j KUBE-FORWARD",
  "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
  "COMMIT",
  "*nat",
  ":PREROUTING ACCEPT [0:0]",
  ":OUTPUT ACCEPT [0:0]",
  ":KUBE-SEP-A - [0:0]",
  ":KUBE-SEP-B - [0:0]",
  ":KUBE-SVC-A - [0:0]",
  "-A PREROUTING -j KUBE-SVC-A",
  "-A OUTPUT -j KUBE-SVC-A",
  "-A KUBE-SEP-A -s 10.0.0.1/32 -j MARK",
  "-A KUBE-SEP-A -j DNAT --to-destination 10.0.0.1:80",
  "-A KUBE-SEP-B -s 10.0.0.2/32 -j MARK",
  "-A KUBE-SEP-B -j DNAT --to-destination 10.0.0.2:80",
  "-A KUBE-SVC-A -m statistic --probability 0.5 -j KUBE-SEP-A",
  "-A KUBE-SVC-A -j KUBE-SEP-B",
  "COMMIT",
  "",
];

const expected = new Map([[FILE, lines.join("\n")]]);

type Edit = (text: string[]) => void;

const at = (text: readonly string[], pattern: RegExp): number => text.findIndex((line) => pattern.test(line));

const replace =
  (pattern: RegExp, by: string): Edit =>
  (text) => {
    const i = at(text, pattern);
    text[i] = (text[i] ?? "").replace(pattern, by);
  };

const remove =
  (pattern: RegExp): Edit =>
  (text) =>
    text.splice(0, text.length, ...text.filter((line) => !pattern.test(line)));

const swap =
  (first: RegExp, second: RegExp): Edit =>
  (text) => {
    const [i, j] = [at(text, first), at(text, second)];
    [text[i], text[j]] = [text[j] ?? "", text[i] ?? ""];
  };

const insert =
  (before: RegExp, line: string): Edit =>
  (text) =>
    text.splice(at(text, before), 0, line);

/** An edit of the dump in the folder → the place that is told, and lines that must be shown. */
const edits: readonly (readonly [string, Edit, RegExp, readonly string[]])[] = [
  [
    "a changed rule",
    replace(/10\.0\.0\.2:80/, "10.0.0.9:80"),
    /: table nat, chain KUBE-SEP-B$/,
    ["  -A KUBE-SEP-B -s 10.0.0.2/32 -j MARK", "- -A KUBE-SEP-B -j DNAT --to-destination 10.0.0.9:80"],
  ],
  ["a changed policy", replace(/INPUT ACCEPT/, "INPUT DROP"), /table filter, chain INPUT$/, ["- :INPUT DROP [0:0]"]],
  [
    "a missing rule",
    remove(/ctstate INVALID/),
    /table filter, chain KUBE-FORWARD$/,
    ["  :KUBE-FORWARD - [0:0]", "+ -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP"],
  ],
  [
    "a rule more",
    insert(/^-A KUBE-SVC-A -j/, "-A KUBE-SVC-A -j ACCEPT"),
    /table nat, chain KUBE-SVC-A$/,
    ["- -A KUBE-SVC-A -j ACCEPT", "  -A KUBE-SVC-A -j KUBE-SEP-B"],
  ],
  [
    "a rule in a chain that two tables have",
    replace(/OUTPUT -j KUBE-SVC-A/, "OUTPUT -j ACCEPT"),
    /table nat, chain OUTPUT$/,
    ["- -A OUTPUT -j ACCEPT"],
  ],
  [
    "many rules more, of which it shows some",
    (text) =>
      text.splice(at(text, /^-A KUBE-SVC-A -j/), 0, ...Array.from({ length: 30 }, () => "-A KUBE-SVC-A -j MARK")),
    /table nat, chain KUBE-SVC-A$/,
    ["- -A KUBE-SVC-A -j MARK", "- … 24 more", "  -A KUBE-SVC-A -j KUBE-SEP-B"],
  ],
  [
    "changed order inside a chain",
    swap(/^-A KUBE-SVC-A -m/, /^-A KUBE-SVC-A -j/),
    /table nat, chain KUBE-SVC-A$/,
    ["- -A KUBE-SVC-A -j KUBE-SEP-B", "+ -A KUBE-SVC-A -j KUBE-SEP-B"],
  ],
  ["a chain without its line", remove(/^:KUBE-SEP-A/), /table nat, chain KUBE-SEP-A$/, ["+ :KUBE-SEP-A - [0:0]"]],
  [
    "a missing chain",
    remove(/^[:-].*KUBE-SEP-A/),
    /table nat, chain KUBE-SEP-A \(and 1 more chain\)$/,
    ["+ -A KUBE-SEP-A -j DNAT --to-destination 10.0.0.1:80"],
  ],
  [
    "a chain more",
    insert(/^:KUBE-SVC-A/, ":KUBE-SEP-C - [0:0]"),
    /table nat, chain KUBE-SEP-C$/,
    ["- :KUBE-SEP-C - [0:0]"],
  ],
  ["changed order of chains", swap(/^:KUBE-SEP-A/, /^:KUBE-SEP-B/), /order of the lines/, ["- :KUBE-SEP-B - [0:0]"]],
  ["a COMMIT less", replace(/^COMMIT$/, "#"), /order of the lines/, ["- #", "+ COMMIT"]],
  ["a line break less at the end", (text) => text.pop(), /order of the lines/, ["+ "]],
  [
    "a space more at the end",
    replace(/MARK$/, "MARK "),
    /chain KUBE-SEP-A$/,
    ["- -A KUBE-SEP-A -s 10.0.0.1/32 -j MARK "],
  ],
  [
    "an empty file",
    (text) => text.splice(0),
    /table filter, chain INPUT \(and 7 more chains\)$/,
    ["+ :INPUT ACCEPT [0:0]"],
  ],
];

for (const [what, edit, place, shown] of edits) {
  test(`the comparison notices ${what}, and says where`, (t) => {
    const text = [...lines];
    edit(text);
    const differences = compareDumps(new Map([[FILE, text.join("\n")]]), expected);
    t.is(differences.length, 1);
    const told = formatDifference(differences[0] as (typeof differences)[number], "web").split("\n");
    t.true(told[0]?.startsWith(`web/${FILE}: `));
    t.regex(told[0] ?? "", place);
    for (const line of shown) t.true(told.includes(`    ${line}`), told.join("\n"));
    t.true(told.length <= 20);
  });
}

test("equal dumps have no difference", (t) => t.deepEqual(compareDumps(expected, expected), []));

test("missing and surplus files are named, in the order of their paths", (t) => {
  const found = new Map([
    ["dumps/1.36-iptables/worker-1/iptables.save", ""],
    ["dumps/1.37-iptables/worker-1/iptables.sav", ""],
  ]);
  t.deepEqual(
    compareDumps(found, expected).map((difference) => formatDifference(difference, "web")),
    [
      "web/dumps/1.36-iptables/worker-1/iptables.save: surplus: the scenario does not ask for it",
      "web/dumps/1.37-iptables/worker-1/iptables.sav: surplus: the scenario does not ask for it",
      `web/${FILE}: missing`,
    ],
  );
});

test("files that do not have the name of a dump are nobody's surplus", (t) => {
  const others = [
    "dumps/README.md",
    "dumps/worker-1/rules.json",
    "dumps/1.37-iptables/notes",
    "notes/1.37-iptables/a/b",
  ];
  t.deepEqual(surplusDumps([...others, "dumps/1.37-ipvs/a/b"], expected), ["dumps/1.37-ipvs/a/b"]);
});

test("single commands have no chain: the lines themselves are shown", (t) => {
  const path = "dumps/1.37-iptables/worker-1/iptables.commands";
  const [difference] = compareDumps(
    new Map([[path, "iptables -N A\niptables -N B\n"]]),
    new Map([[path, "iptables -N B\n"]]),
  );
  t.is(difference?.kind === "changed" ? difference.lines.join("|") : "", "- iptables -N A|  iptables -N B|  ");
});

test("three lines before and after a difference are shown, no more", (t) => {
  const text = (middle: string): string =>
    [1, 2, 3, 4, 5, 6]
      .map((n) => (n === 6 ? middle : `-A A ${n}`))
      .concat(["-A A 7", "-A A 8", "-A A 9", "-A A 10"])
      .join("\n");
  const [difference] = compareDumps(new Map([[FILE, text("-A A x")]]), new Map([[FILE, text("-A A y")]]));
  t.deepEqual(difference?.kind === "changed" ? difference.lines : [], [
    ...["  -A A 3", "  -A A 4", "  -A A 5"],
    ...["- -A A x", "+ -A A y"],
    ...["  -A A 7", "  -A A 8", "  -A A 9"],
  ]);
});

/** Texts of lines that are chains' or not, so that every way of differing comes up. */
const anyText = fc
  .array(
    fc.constantFrom("*filter", "*nat", ":A - [0:0]", ":B - [0:0]", "-A A -j B", "-A B -j A", "-A A", "COMMIT", ""),
    {
      maxLength: 30,
    },
  )
  .map((text) => text.join("\n"));

test("law: a difference is told if and only if the texts differ, and shows a line of one side at least", (t) => {
  fc.assert(
    fc.property(anyText, anyText, (folder, now) => {
      const differences = compareDumps(new Map([[FILE, folder]]), new Map([[FILE, now]]));
      if (folder === now) return differences.length === 0;
      const [first] = differences;
      if (first?.kind !== "changed" || differences.length !== 1 || first.lines.length > 20) return false;
      const sides = (mark: string): string[] => first.lines.filter((line) => line.startsWith(`${mark} `));
      // a side that shows nothing has lost lines only
      return sides("-").length + sides("+").length > 0 && sides("-").join() !== sides("+").join();
    }),
  );
  t.pass();
});

test("law: swapping the sides swaps the marks", (t) => {
  const flip = (line: string): string => ({ "-": "+", "+": "-" })[line[0] ?? ""] ?? " ";
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      const [there] = compareDumps(new Map([[FILE, a]]), new Map([[FILE, b]]));
      const [back] = compareDumps(new Map([[FILE, b]]), new Map([[FILE, a]]));
      if (there?.kind !== "changed" || back?.kind !== "changed") return a === b;
      if (there.chain !== back.chain || there.table !== back.table) return true;
      const sorted = (lines: readonly string[]): string => [...lines].sort().join("\n");
      return sorted(there.lines.map((line) => flip(line) + line.slice(1))) === sorted(back.lines);
    }),
  );
  t.pass();
});
