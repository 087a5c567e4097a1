import test from "ava";
import { nfacctCount } from "../../src/kernel/matches/nfacct.ts";
import { recentTable } from "../../src/kernel/matches/recent-table.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Rule } from "../../src/rules/iptables/model.ts";
import { emptyRuleset, newTable, type Ruleset, type Table } from "../../src/rules/iptables/ruleset.ts";
import { makeTestSkb, makeWalk, matches, noChooser, rule, type SkbFields } from "./support.ts";

/** A rule set whose FORWARD chain holds the rules. */
function forward(rules: readonly Rule[]): Ruleset {
  const filter = newTable("filter") as Table;
  const chain = { name: "FORWARD", policy: "ACCEPT", rules };
  return { tables: new Map([["filter", { ...filter, chains: new Map([...filter.chains, ["FORWARD", chain]]) }]]) };
}

/** A step: the number of a rule and the packet that meets it, or milliseconds that pass. */
type Step = readonly [rule: number, packet?: SkbFields] | number;

const HASHLIMIT = "-m hashlimit --hashlimit-name h --hashlimit-htable-expire 60000";

/** A play of rules and packets, and the answers as a string of y and n; packets are without ends of a way unless they say. */
const plays: readonly (readonly [title: string, rules: readonly string[], steps: readonly Step[], expected: string])[] =
  [
    ["nth: every third, the first at once", ["-m statistic --mode nth --every 3 --packet 0"], repeat(7), "ynnynny"],
    [
      "nth: every third, beginning with the third",
      ["-m statistic --mode nth --every 3 --packet 2"],
      repeat(7),
      "nnynnyn",
    ],
    ["nth inverted", ["-m statistic --mode nth ! --every 3 --packet 0"], repeat(4), "nyyn"],
    ["nth: every one", ["-m statistic --mode nth --every 1 --packet 0"], repeat(3), "yyy"],
    [
      "nth counts only what the matches before it let through",
      ["-p tcp -m tcp --dport 80 -m statistic --mode nth --every 2 --packet 0"],
      [
        [0, { dport: 80 }],
        [0, { dport: 81 }],
        [0, { dport: 80 }],
        [0, { dport: 80 }],
      ],
      "ynny",
    ],
    [
      "nth counts all when it stands first",
      ["-p tcp -m statistic --mode nth --every 2 --packet 0 -m tcp --dport 80"],
      [
        [0, { dport: 80 }],
        [0, { dport: 81 }],
        [0, { dport: 80 }],
        [0, { dport: 80 }],
      ],
      "ynyn",
    ],
    [
      "limit: burst, then one a second",
      ["-m limit --limit 1/sec --limit-burst 3"],
      [...repeat(5), 2100, ...repeat(3)],
      "yyynnyyn",
    ],
    [
      "limit: the bucket holds no more than the burst",
      ["-m limit --limit 10/sec --limit-burst 2"],
      [60_000, ...repeat(3)],
      "yyn",
    ],
    ["limit: not yet, then", ["-m limit --limit 1/min --limit-burst 1"], [[0], 59_900, [0], 200, [0]], "yny"],
    ["limit: three an hour, five at first", ["-m limit"], [...repeat(6), 1_200_100, ...repeat(2)], "yyyyynyn"],
    [
      "hashlimit: a bucket for each source",
      [`${HASHLIMIT} --hashlimit-upto 1/sec --hashlimit-burst 2 --hashlimit-mode srcip`],
      [
        [0],
        [0],
        [0],
        [0, { src: "10.0.0.7" }],
        1001,
        [0],
        [0],
        [0, { src: "10.0.0.7", sport: 5 }],
        59_000,
        [0],
        [0],
        [0],
      ],
      "yynyynyyyn",
    ],
    [
      "hashlimit above, by network and port",
      [
        `${HASHLIMIT} --hashlimit-above 1/min --hashlimit-burst 1 --hashlimit-mode srcip,dstport --hashlimit-srcmask 24`,
      ],
      [[0], [0, { src: "10.0.0.9" }], [0, { dport: 7 }], [0, { dport: 7, protocol: 17 }], [0, { src: "10.0.1.1" }]],
      "nynyn",
    ],
    [
      "hashlimit in bytes: a bucket holds a second's worth",
      [`${HASHLIMIT} --hashlimit-upto 1000b/s --hashlimit-mode dstip`],
      [[0, { payload: 400 }], [0, { payload: 400 }], [0, { payload: 400 }], 500, [0, { payload: 400 }], [0]],
      "yynyy",
    ],
    [
      "recent: not there",
      ["-m recent --rcheck --name A --rsource", "-m recent ! --rcheck --name A --rsource"],
      [[0], [1]],
      "ny",
    ],
    [
      "recent: set, then seen by others of that name only",
      [
        "-m recent --set --name A --rsource",
        "-m recent --rcheck --name A --rsource",
        "-m recent --rcheck --name B --rsource",
      ],
      [[0], [1], [2], [1, { src: "10.0.0.9" }]],
      "yynn",
    ],
    [
      "recent: set inverted still sets",
      ["-m recent ! --set --name A --rsource", "-m recent --rcheck --name A --rsource"],
      [[0], [1]],
      "ny",
    ],
    [
      "recent: update refreshes, rcheck does not",
      [
        "-m recent --set --name A --rsource",
        "-m recent --update --seconds 10 --name A --rsource",
        "-m recent --rcheck --seconds 10 --name A --rsource",
      ],
      [[0], 8000, [1], 8000, [2], 8000, [2], [1]],
      "yyynn",
    ],
    [
      "recent: seconds to the tick",
      ["-m recent --set --name A --rsource", "-m recent --rcheck --seconds 2 --name A --rsource"],
      [[0], 2000, [1], 1, [1]],
      "yyn",
    ],
    [
      "recent: hitcount within seconds",
      ["-m recent --set --name A --rsource", "-m recent --rcheck --seconds 5 --hitcount 3 --name A --rsource"],
      [[0], [1], 2000, [0], [1], 2000, [0], [1], 2000, [1]],
      "ynynyyn",
    ],
    [
      "recent: remove",
      [
        "-m recent --set --name A --rsource",
        "-m recent --remove --name A --rsource",
        "-m recent --rcheck --name A --rsource",
      ],
      [[1], [0], [1], [1], [2]],
      "nyynn",
    ],
    [
      "recent: reap removes the oldest of the table, when the key was found",
      [
        "-m recent --set --name A --rsource",
        "-m recent --rcheck --seconds 5 --reap --name A --rsource",
        "-m recent --rcheck --name A --rsource",
      ],
      [
        [0, { src: "10.0.0.1" }],
        [0, { src: "10.0.0.2" }],
        6000,
        [0, { src: "10.0.0.3" }],
        [1, { src: "10.0.0.9" }],
        [2, { src: "10.0.0.1" }],
        [1, { src: "10.0.0.3" }],
        [2, { src: "10.0.0.1" }],
        [2, { src: "10.0.0.2" }],
      ],
      "yyynyyny",
    ],
    [
      "recent: an entry that is about to be stamped is not reaped",
      [
        "-m recent --set --name A --rsource",
        "-m recent ! --update --seconds 5 --reap --name A --rsource",
        "-m recent --rcheck --name A --rsource",
      ],
      [[0], 6000, [1], [2], [1]],
      "yyyn",
    ],
    [
      "recent: destination and mask",
      [
        "-m recent --set --name A --mask 255.255.255.0 --rdest",
        "-m recent --rcheck --name A --mask 255.255.255.0 --rdest",
      ],
      [
        [0, { dst: "10.1.1.1" }],
        [1, { dst: "10.1.1.200" }],
        [1, { dst: "10.1.2.1" }],
        [1, { src: "10.1.1.1" }],
      ],
      "yynn",
    ],
    [
      "recent: the TTL as it arrived",
      ["-m recent --set --name A --rsource", "-m recent --rcheck --rttl --name A --rsource"],
      [
        [0, { ttl: 64, in: "eth0" }],
        [1, { ttl: 63, in: "eth0", out: "cni0" }],
        [1, { ttl: 63, in: "eth0" }],
        [1, { ttl: 64, out: "eth0", local: true }],
      ],
      "yyny",
    ],
    [
      "hundred addresses, the oldest goes",
      ["-m recent --set --name A --rsource", "-m recent --rcheck --name A --rsource"],
      hundred(),
      `${"y".repeat(102)}nyy`,
    ],
  ];

function repeat(count: number): readonly Step[] {
  return new Array<Step>(count).fill([0]);
}

/** 101 addresses, the first stamped again before the last two come: the second is the one that is lost. */
function hundred(): readonly Step[] {
  const source = (i: number): SkbFields => ({ src: `10.9.0.${i}` });
  const first = Array.from({ length: 99 }, (_, i): Step => [0, source(i)]);
  const later = [0, 200, 201].map((i): Step => [0, source(i)]);
  const looks = [1, 0, 2].map((i): Step => [1, source(i)]);
  return [...first, ...later, ...looks];
}

for (const [title, texts, steps, expected] of plays) {
  test(title, (t) => {
    const rules = texts.map((text) => rule(text));
    const host = { ...makeWalk().host, rules: { IPv4: forward(rules), IPv6: emptyRuleset } };
    const state = new HostState();
    const walk = makeWalk({ host, state, chooser: noChooser(t) });
    const play = (): string => {
      let answers = "";
      for (const step of steps) {
        if (typeof step === "number") state.advance(step);
        else answers += matches(walk, makeTestSkb(step[1] ?? {}), rules[step[0]] as Rule) ? "y" : "n";
      }
      return answers;
    };
    const mark = state.mark();
    const first = play();
    state.rollback(mark);
    t.deepEqual([state.ofRule.size, state.ofName.size, state.now], [0, 0, 0]);
    t.is(first, expected);
    t.is(play(), expected, "again, after everything was undone");
  });
}

test("recent keeps so many stamps as the largest hitcount asks for", (t) => {
  const rules = [
    rule("-m recent --set --name A --rsource"),
    rule("-m recent --rcheck --hitcount 40 --name A --rsource"),
    rule("-m recent --set --name B --rsource"),
  ];
  const host = { ...makeWalk().host, rules: { IPv4: forward(rules), IPv6: emptyRuleset } };
  const walk = makeWalk({ host });
  for (let i = 0; i < 100; i++) {
    walk.state.advance(10);
    matches(walk, makeTestSkb({}), rules[0] as Rule);
    matches(walk, makeTestSkb({}), rules[2] as Rule);
  }
  const stamps = (name: string): number[] | undefined => recentTable(walk.state, name)[0]?.stamps.slice(0, 1);
  t.is(recentTable(walk.state, "A")[0]?.stamps.length, 64);
  t.is(recentTable(walk.state, "B")[0]?.stamps.length, 32);
  t.deepEqual([stamps("A"), stamps("B")], [[370], [690]]);
});

test("a recent list whose rules do not agree on a mask is not decided", (t) => {
  const rules = [
    rule("-m recent --set --name A --rsource"),
    rule("-m recent --rcheck --name A --mask 255.0.0.0 --rsource"),
  ];
  const asked: string[] = [];
  const chooser = { ...noChooser(t), unknown: ({ what }: { what: string }) => asked.push(what) > 5 };
  const host = { ...makeWalk().host, rules: { IPv4: forward(rules), IPv6: emptyRuleset } };
  t.false(matches(makeWalk({ host, chooser }), makeTestSkb({}), rules[0] as Rule));
  t.is(asked.length, 1);
});

test("limit: where the back ends differ it is not decided", (t) => {
  // xt_limit cuts 5 × 60/7 seconds to whole ones, so that only four packets fit
  const given = rule("-m limit --limit 7/min");
  const asked: string[] = [];
  const walk = makeWalk({ chooser: { ...noChooser(t), unknown: ({ what }) => asked.push(what) > 0 } });
  const answers = Array.from({ length: 6 }, () => matches(walk, makeTestSkb({}), given));
  t.deepEqual(answers, [true, true, true, true, true, false]);
  t.is(asked.length, 1);
});

test("hashlimit: whether an unused bucket is still there is not decided while the kernel may not have looked", (t) => {
  const given = rule(
    "-m hashlimit --hashlimit-name h --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-htable-expire 5000",
  );
  const asked: string[] = [];
  const walk = makeWalk({ chooser: { ...noChooser(t), unknown: ({ what }) => asked.push(what) < 0 } });
  const ask = (): boolean => matches(walk, makeTestSkb({}), given);
  t.true(ask());
  walk.state.advance(4900);
  t.false(ask());
  walk.state.advance(5500);
  t.deepEqual([ask(), asked.length], [false, 1]);
  walk.state.advance(6500);
  t.deepEqual([ask(), asked.length], [true, 1]);
});

test("nfacct counts packets and bytes by name", (t) => {
  const walk = makeWalk({ chooser: noChooser(t) });
  const first = rule("-m nfacct --nfacct-name a");
  t.true(matches(walk, makeTestSkb({}), first));
  t.true(
    matches(
      walk,
      makeTestSkb({ protocol: 17, payload: 100 }),
      rule("-m nfacct --nfacct-name a -m comment --comment x"),
    ),
  );
  t.deepEqual(nfacctCount(walk.state, "a"), { packets: 2, bytes: 40 + 128 });
  t.deepEqual(nfacctCount(walk.state, "b"), { packets: 0, bytes: 0 });
});

test("random: the threshold is asked for, and ! inverts", (t) => {
  const asked: number[] = [];
  const chooser = { ...noChooser(t), below: (threshold: number) => asked.push(threshold) > 0 };
  const walk = makeWalk({ chooser });
  t.true(matches(walk, makeTestSkb({}), rule("-m statistic --mode random --probability 0.33333333349")));
  t.false(matches(walk, makeTestSkb({}), rule("-m statistic --mode random ! --probability 0.5")));
  t.deepEqual(asked, [715827883, 2 ** 30]);
});
