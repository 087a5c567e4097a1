import type { Packet } from "../../src/kernel/packet.ts";
import { decodePacket } from "../kernel/decode.ts";
import { encodePacket } from "../kernel/encode.ts";
import { numbersIn } from "./chance.ts";
import type { EmulatedNode } from "./emulated-node.ts";
import type { Guest } from "./guest.ts";
import type { PlannedPacket, PlannedStep, Planner } from "./plan.ts";
import { type GuestLists, guestTables, portsIn, tablesOf } from "./proc.ts";
import { seenWords } from "./words.ts";

/** What the guest says of one packet. */
interface GuestPacket {
  readonly out: readonly (readonly [device: string, hex: string])[];
  readonly local: readonly string[];
  readonly errno: string | null;
}

function stepRequest(step: PlannedStep): object {
  switch (step.kind) {
    case "packet": {
      const bytes = Buffer.from(encodePacket(step.packet)).toString("hex");
      return { do: "packet", from: step.from ?? null, bytes, mark: 0 };
    }
    case "change":
      return { do: "ipvs", text: `${step.line}\n` };
    case "sleep":
      return { do: "sleep", ms: step.ms };
  }
}

const decoded = (hex: string): Packet | undefined => decodePacket(Buffer.from(hex, "hex"));

/** Pieces behind the first say nothing of their own. */
function seenByGuest(hex: string): object | undefined {
  const packet = decoded(hex);
  if (packet === undefined) return { undecodable: hex };
  return packet.fragmentOffset > 0 ? undefined : { ...seenWords(packet), tos: packet.tos };
}

const texts = (list: readonly (object | undefined)[]): string =>
  list
    .flatMap((each) => (each === undefined ? [] : [JSON.stringify(each)]))
    .sort()
    .join("\n");

/** How the emulator and the guest differ about a packet; empty where they do not. */
function difference({ results = [], unknown }: PlannedPacket, answer: GuestPacket): string {
  if (unknown.length > 0) return `  not modelled: ${unknown.join("; ")}`;
  const ours = results.flatMap(({ outcome, packet }) =>
    outcome.kind === "transmitted" ? [{ by: outcome.outInterface, ...seenWords(packet), tos: packet.tos }] : [],
  );
  const arrived = results.flatMap(({ outcome, packet }) =>
    outcome.kind === "delivered" ? [{ ...seenWords(packet), tos: packet.tos }] : [],
  );
  const theirs = answer.out.map(([by, hex]) => {
    const seen = seenByGuest(hex);
    return seen === undefined ? undefined : { by, ...seen };
  });
  const pairs = [
    ["out", texts(ours), texts(theirs)],
    ["local", texts(arrived), texts(answer.local.map(seenByGuest))],
  ] as const;
  return pairs
    .filter(([, a, b]) => a !== b)
    .map(
      ([what, a, b]) =>
        `  ${what}: emulator ${a || "nothing"}\n  ${what}: kernel   ${b || "nothing"} ${answer.errno ?? ""}`,
    )
    .join("\n");
}

function describeStep(step: PlannedStep): string {
  if (step.kind !== "packet") return JSON.stringify(step);
  const { from, packet, results = [] } = step;
  const fates = results.map(({ outcome }) => outcome.kind).join();
  return `${from ?? "node"}: ${JSON.stringify(seenWords(packet))} ${packet.chunks.join()} => ${fates}`;
}

/** What was planned, and what the guest made of it. */
interface Played {
  readonly steps: readonly PlannedStep[];
  readonly answers: readonly unknown[];
  readonly lists: GuestLists;
  /** Packets that the kernel drew a number for. */
  readonly drawn: number;
  /** Time that the guest took, besides pauses. */
  readonly seconds: number;
}

/** What a packet was given that nobody saw, as it was dropped on its way: ports in the guest's tables that the emulator's do not have. */
async function listed(guest: Guest, lab: EmulatedNode): Promise<readonly number[]> {
  const [lists] = (await guest.ask([{ do: "list" }])) as readonly GuestLists[];
  const known = new Set(portsIn(tablesOf(lab)));
  return lists === undefined ? [] : portsIn(guestTables(lists)).filter((port) => !known.has(port));
}

/** A packet with the number that the kernel drew: one that was seen and is not the packet's own, else one that its tables have. */
async function decide(
  guest: Guest,
  lab: EmulatedNode,
  planner: Planner,
  step: PlannedPacket,
  seen: readonly number[],
): Promise<PlannedPacket> {
  const own = numbersIn([step.packet]);
  const others = (numbers: readonly number[]): readonly number[] => numbers.filter((number) => !own.includes(number));
  const followed = planner.decide(step, others(seen));
  if (followed.results !== undefined) return followed;
  return planner.decide(step, [...others(await listed(guest, lab)), ...own], true);
}

/** Sends so many packets, in as few requests as chance lets: where the kernel draws a number, it is asked before what follows is planned. */
export async function play(guest: Guest, lab: EmulatedNode, planner: Planner, count: number): Promise<Played> {
  const steps: PlannedStep[] = [];
  const answers: unknown[] = [];
  const ask = async (): Promise<void> => {
    answers.push(...(await guest.ask(steps.slice(answers.length).map(stepRequest))));
  };
  let drawn = 0;
  for (let packets = 0; packets < count; packets++) {
    steps.push(...planner.next());
    const last = steps.at(-1);
    if (last?.kind === "packet" && last.results === undefined) {
      await ask();
      const { out, local } = answers.at(-1) as GuestPacket;
      const seen = [...out.map(([, hex]) => hex), ...local].map(decoded);
      steps[steps.length - 1] = await decide(guest, lab, planner, last, numbersIn(seen));
      drawn++;
    }
    steps.push(...planner.pauses());
  }
  if (steps.length > answers.length) await ask();
  const lists = (await guest.ask([{ do: "list" }]))[0] as GuestLists;
  const pauses = steps.reduce((sum, step) => sum + (step.kind === "sleep" ? step.ms / 1000 : 0), 0);
  return { steps, answers, lists, drawn, seconds: lists.seconds - pauses };
}

/** The first difference between the two about what was sent, in words; each packet before it goes to `agreed`. */
export function firstPacketDifference(
  { steps, answers }: Played,
  agreed: (step: PlannedPacket) => void,
): string | undefined {
  for (const [i, step] of steps.entries()) {
    if (step.kind !== "packet") continue;
    const text = difference(step, answers[i] as GuestPacket);
    if (text !== "") {
      const before = steps.slice(Math.max(0, i - 6), i).map((each) => `    ${describeStep(each)}`);
      return [describeStep(step), text, "  before it:", ...before].join("\n");
    }
    agreed(step);
  }
  return undefined;
}
