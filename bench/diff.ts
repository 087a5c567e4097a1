/**
 * `node diff.js OBJECTS CONFIG`: what `rulewalk diff` does with one node of the plain cluster, once, stage by stage; times go to stdout as
 * JSON. A diff is made once in a process: there is no warm one to measure.
 */
import { compareNodes } from "../src/diff/compare-nodes.ts";
import { diffText } from "../src/diff/text.ts";
import { DIFF_NODE, diffSubject } from "./diff-subject.ts";
import type { DiffTimes } from "./results.ts";

const [objects = "", config = ""] = process.argv.slice(2);
const times: DiffTimes[] = [];

/** Processor time is of all threads: what collecting garbage costs beside the program is in it. */
function timed<T>(stage: DiffTimes["stage"], run: () => T): T {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const value = run();
  const { user, system } = process.cpuUsage(before);
  times.push({ stage, wallMs: performance.now() - start, cpuMs: (user + system) / 1000 });
  return value;
}

const setting = timed("read", () => diffSubject(objects, config));
const hosts = timed("hosts", () => setting.sides.map(({ place }) => place.network.node(DIFF_NODE)?.host));
if (hosts.includes(undefined)) throw new Error(`there is no ${DIFF_NODE}`);
const diff = timed("compare", () => compareNodes(setting));
const text = timed("print", () =>
  [...diffText(diff, { width: 120, traces: false, verbose: false, strong: (words) => words })].join(""),
);

const [only, ...more] = diff.comparisons;
if (only === undefined || more.length > 0) throw new Error("one node of one family was to be compared");
if (only.found.differing === 0 || only.found.notExhaustive.size > 0 || text === "")
  throw new Error("modes of the plain cluster differ, and all of its packets can be looked at");
process.stdout.write(JSON.stringify(times));
