import { explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import { receive, send } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";
import { addDyadic, type Dyadic, equalDyadic, formatDyadic, zeroDyadic } from "../../src/net/dyadic.ts";
import type { Step } from "../kernel/step.ts";
import type { Backend } from "../kernel/tools.ts";
import { allFit, drawnNumber, type Seen, seenOf, seenText, stopText } from "./fate.ts";
import type { Flow } from "./flow-table.ts";
import { emulatedHost, flowNode } from "./node.ts";
import { type Expected, type Row, readRow } from "./row.ts";

function run(host: Host, state: HostState, indexed: boolean, step: Step, chooser: Chooser): Result {
  const options = { host, state, chooser, indexed };
  const { packet, from, mark, uid, gid } = step;
  return from === undefined ? send(options, packet, { mark, owner: { uid, gid } }) : receive(options, packet, from);
}

interface Way {
  readonly stop: string;
  readonly seen: readonly Seen[];
  readonly probability: Dyadic;
  readonly script: Parameters<typeof scriptedChooser>[0];
}

const fits = (expected: Expected, way: Way): boolean => expected.stop === way.stop && allFit(expected.seen, way.seen);

function wayText({ stop, seen, probability }: Way): string {
  return `${formatDyadic(probability)} ${[stop, ...seen.map(seenText)].filter((text) => text !== "").join(" + ")}`;
}

/** What is wrong with the ways that a packet can go; `undefined` when they are those of the row, each with its chance. */
function difference({ expected }: Row, ways: readonly Way[]): string | undefined {
  const stray = ways.filter((way) => !expected.some((each) => fits(each, way)));
  const off = expected.filter((each) => {
    const sum = ways.filter((way) => fits(each, way)).reduce((s, way) => addDyadic(s, way.probability), zeroDyadic);
    return !equalDyadic(sum, each.probability);
  });
  return stray.length + off.length === 0 ? undefined : ways.map(wayText).join("\n    | ");
}

/** A row that did not end as it says. */
export interface Failure {
  readonly flow: string;
  readonly line: number;
  readonly text: string;
}

/** Plays a flow in the emulator; the rows that end otherwise, none when all is as they say. A flow ends with its first failure. */
export function playFlow(flow: Flow, backend: Backend, indexed: boolean): Failure | undefined {
  const host = emulatedHost(flowNode(flow, backend));
  const state = new HostState();
  let drawn: number | undefined;
  for (const line of flow.lines) {
    if (line.kind === "wait") {
      state.advance(1000 * line.seconds);
      continue;
    }
    const fail = (text: string): Failure => ({ flow: flow.name, line: line.line, text: `${line.text}\n  ${text}` });
    try {
      const row = readRow(line.text.replaceAll("drawn", `${drawn}-${drawn}`));
      const { branches, complete } = explore(state, (chooser) => run(host, state, indexed, row.step, chooser));
      const ways = branches.map(({ value, probability, script, assumptions }): Way => {
        const unknown = assumptions.map(({ what }) => `unknown: ${what.what}`);
        return {
          stop: [stopText(value.outcome), ...unknown].filter(Boolean).join(" "),
          seen: seenOf(value),
          probability,
          script,
        };
      });
      const wrong = complete ? difference(row, ways) : "more ways than can be followed";
      if (wrong !== undefined) return fail(`the emulator says\n    ${wrong}`);
      const [first] = row.expected;
      const way = ways.find((each) => first !== undefined && fits(first, each));
      if (way === undefined || first === undefined) return fail("the first end is none of the emulator's");
      run(host, state, indexed, row.step, scriptedChooser(way.script));
      drawn = drawnNumber(first.seen, way.seen) ?? drawn;
    } catch (error) {
      return fail((error as Error).message);
    }
  }
  return undefined;
}
