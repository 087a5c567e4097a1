import test from "ava";
import type { Event } from "../../src/kernel/event.ts";
import { traceJourneys } from "../../src/trace/journey-trace.ts";
import { type Step, stepsOf } from "../../src/trace/steps.ts";
import { wrap } from "../../src/trace/wrap.ts";
import { tracePlace } from "./support.ts";

const quiet = { everything: false, isPlumbing: () => false, isTelling: () => false };

const told = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) =>
    step.kind === "hook"
      ? step.happenings.flatMap((each) => (each.kind === "rule" ? [`${each.rule.chain} ${each.rule.number}`] : []))
      : [],
  );

const looked = (steps: readonly Step[]): number =>
  steps.reduce((sum, step) => sum + (step.kind === "hook" ? step.looked : 0), 0);

/** Rules that did something: all but jumps and returns. */
const deeds = (events: readonly Event[]): readonly string[] =>
  events.flatMap((event) =>
    event.kind === "matched" && !["jump", "goto", "returned"].includes(event.effect.kind)
      ? [`${event.rule.chain} ${event.rule.number}`]
      : [],
  );

const ASKED: readonly (readonly [from: string, to: string])[] = [
  ["203.0.113.9", "192.168.10.11:30080"],
  ["203.0.113.9", "192.168.10.11:30443"],
  ["10.244.1.10", "10.96.20.2:80"],
  ["10.244.1.10", "10.96.20.5:80"],
  ["10.244.2.40", "10.96.20.4:80"],
  ["192.168.10.11", "10.96.0.10:53"],
];

test("a story leaves out no rule that did something, and counts every rule that was looked at", (t) => {
  const { place, packet, sender } = tracePlace("examples/shop");
  let left = 0;
  for (const [from, to] of ASKED) {
    const asked = packet(from, to);
    for (const branch of traceJourneys(place, asked, sender(asked)).branches)
      for (const leg of branch.journey.there.legs) {
        const events = branch.events(leg);
        const short = stepsOf(events, quiet);
        const long = stepsOf(events, { ...quiet, everything: true });
        const rules = told(short);
        t.deepEqual(
          rules.filter((rule) => deeds(events).includes(rule)),
          deeds(events),
          `${from} ${to}`,
        );
        const matched = events.filter(({ kind }) => kind === "matched").length;
        t.is(told(long).length, matched);
        t.is(looked(short), looked(long));
        t.is(
          looked(long),
          matched + events.reduce((sum, event) => sum + (event.kind === "passed" ? event.count : 0), 0),
        );
        left += matched - rules.length;
      }
  }
  // it is shorter than the whole
  t.true(left > 40, `${left}`);
});

const jump = (chain: string, to: string): Event => ({
  kind: "matched",
  rule: { family: "IPv4", table: "filter", chain, number: 1 },
  effect: { kind: "jump", chain: to },
});
const does = (chain: string): Event => ({
  kind: "matched",
  rule: { family: "IPv4", table: "filter", chain, number: 1 },
  effect: { kind: "counted" },
});
const back = (from: string, to: string): Event => ({ kind: "returned", from, to });
const view = { src: 1, dst: 2, sport: 3, dport: 4, mark: 0 };
const begin: Event = { kind: "hook", hook: "FORWARD", inInterface: "a", outInterface: "b", view };

/** Events of one hook, and the rules that are told. */
const rows: readonly (readonly [string, readonly Event[], readonly string[]])[] = [
  ["a jump to nothing", [jump("FORWARD", "A"), back("A", "FORWARD")], []],
  ["a jump to something", [jump("FORWARD", "A"), does("A"), back("A", "FORWARD")], ["FORWARD 1", "A 1"]],
  [
    "nothing below something",
    [jump("FORWARD", "A"), jump("A", "B"), back("B", "A"), does("A"), back("A", "FORWARD")],
    ["FORWARD 1", "A 1"],
  ],
  [
    "something below nothing",
    [jump("FORWARD", "A"), jump("A", "B"), does("B"), back("B", "A"), back("A", "FORWARD")],
    ["FORWARD 1", "A 1", "B 1"],
  ],
  ["the table ends within a chain", [jump("FORWARD", "A"), jump("A", "B"), does("B")], ["FORWARD 1", "A 1", "B 1"]],
];
for (const [about, events, expected] of rows)
  test(`steps: ${about}`, (t) => t.deepEqual(told(stepsOf([begin, ...events], quiet)), expected));

test("wrapped lines keep their width, their words and their indent", (t) => {
  const text = "one two three four five six seven eight nine ten";
  const lines = wrap("HEAD  ", 6, text, 20);
  t.true(lines.every((line) => line.length <= 20));
  t.is(
    lines
      .join(" ")
      .replace("HEAD", "")
      .split(/\s+/)
      .filter((word) => word !== "")
      .join(" "),
    text,
  );
  t.true(lines.slice(1).every((line) => line.startsWith("        ") && line[8] !== " "));
  t.deepEqual(wrap("", 0, "averyveryverylongword", 5), ["averyveryverylongword"]);
});
