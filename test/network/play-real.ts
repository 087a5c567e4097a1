import { journeysOf, type Sender } from "../../src/network/journey.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { addressText } from "../routing/support.ts";
import { branchOf, branchText, type RowBranch, readBranch } from "./journey-row.ts";
import type { Chain, JourneyLine } from "./journey-table.ts";
import { branchFits, hostOf, interfacesOf, type Observed, observe, observedText, stoppingChain } from "./observe.ts";
import { sendingOf } from "./play-chain.ts";
import type { RealNetwork } from "./real-network.ts";
import { closeLines, entryLines } from "./real-outside.ts";
import type { Place } from "./support.ts";

/** A chain and where it is played. */
export interface RealChain {
  readonly chain: Chain;
  readonly place: Place;
  readonly network: RealNetwork;
  /** The seconds of rules, and so those that a chain waits, are divided by it. */
  readonly shorten: number;
  /** In ipvs mode: the place with its rounds moved on by so many places, each of which is to be played. */
  readonly turned?: { readonly turns: number; readonly place: (turn: number) => Place };
}

/** What became of a chain. */
export interface RealResult {
  readonly rows: number;
  /** Rows of which the emulated network itself says "unknown", in ipvs mode those behind a wait, and all behind them. */
  readonly skipped: number;
  readonly failure?: string;
}

/** The kernel leaves a branch of 1/6 out so often once in 10^7. */
const TRIES = 90;
/** A chain is played so often at least: a branch of 1/2 that its rows do not list stays hidden once in a thousand times. */
const LEAST = 10;
/** Milliseconds without anything seen, after which a packet's way is over; the longer ones are for a machine that is busy. */
const QUIET = [3, 40, 150];

type Row = Extract<JourneyLine, { kind: "row" }>;

interface ReadRow {
  readonly row: Row;
  readonly branches: readonly RowBranch[];
  readonly seen: Set<number>;
}

/** Does a row say that the end is not known? */
export const isUnknown = ({ branches }: Row): boolean => branches.some((text) => / unknown, |: unknown/.test(text));

/** The node where the ways of a row end by a rule, the first that does. */
function watchedNode(branches: readonly RowBranch[]): string | undefined {
  for (const { there, reply } of branches) {
    if (stoppingChain(there.end) !== undefined) return there.nodes.at(-1);
    if (reply?.end !== undefined && stoppingChain(reply.end) !== undefined) return reply.nodes.at(-1);
  }
  return undefined;
}

function senderHost(sender: Sender | undefined): string {
  if (sender === undefined) throw new Error("nobody has the source address");
  return hostOf(sender);
}

/** The node that this one packet is handed to from outside: of a load balancer's connection, where the row says. */
function entryOf({ sender }: Row, [first]: readonly RowBranch[]): string | undefined {
  if (sender.kind === "connection") return first?.there.nodes[0];
  return sender.kind === "outside" ? sender.node : undefined;
}

/** The interfaces that the emulated network says each branch of a chain's first row comes to nodes by. */
function emulatedInterfaces({ chain, place }: RealChain, row: Row): ReadonlyMap<string, string> {
  const { settings } = chain;
  const { entry } = settings;
  const { packet, sender } = sendingOf(place, settings, row);
  const options = entry === undefined ? {} : { entryNode: () => entry };
  const { branches } = journeysOf({ ...place, state: new NetworkState() }, packet, sender, options);
  return new Map(
    branches.map((branch) => {
      const { there, reply } = branch.journey;
      const legs = [...there.legs, ...(reply?.way.legs ?? [])];
      const names = legs.flatMap(({ entrance }) => (entrance.kind === "received" ? [entrance.inInterface] : []));
      return [branchText(branchOf(branch)), names.join(" ")];
    }),
  );
}

/** What is wrong with the interfaces that a packet came to nodes by; `undefined` when they are the emulated ones. */
function otherInterfaces(real: RealChain, row: Row, branch: RowBranch, observed: Observed): string | undefined {
  if (row !== real.chain.lines[0] || branchText(branch).endsWith("stuck")) return undefined;
  const ours = emulatedInterfaces(real, row).get(branchText(branch));
  const theirs = interfacesOf(observed).join(" ");
  return ours === theirs ? undefined : `line ${row.line}: comes to nodes by ${theirs}, emulated by ${ours}`;
}

/** Plays a chain once, until a row takes another branch than its first; what is wrong, if anything. */
async function playOnce(
  real: RealChain,
  rows: ReadonlyMap<JourneyLine, ReadRow>,
  quiet: number,
): Promise<string | undefined> {
  const { chain, place, network, shorten } = real;
  const { settings } = chain;
  await network.balance(place);
  await network.flush();
  for (const line of chain.lines) {
    if (line.kind === "wait") {
      await network.sleep((1000 * line.seconds) / shorten);
      continue;
    }
    const read = rows.get(line);
    if (read === undefined) return undefined;
    const { packet, sender } = sendingOf(place, settings, line);
    const entry = entryOf(line, read.branches);
    const called = addressText(packet.dst);
    if (entry !== undefined) await network.routeOutside(entryLines(place, entry, called));
    const watched = watchedNode(read.branches);
    const observed = await observe(network, packet, senderHost(sender), { quiet, watched });
    if (entry !== undefined) await network.routeOutside(closeLines(place, called));
    const at = read.branches.findIndex((branch) => branchFits(branch, observed));
    if (at < 0) {
      const said = read.branches.map(branchText).join("\n    | ");
      return `line ${line.line}: ${line.text.split(" => ")[0]}\n  the row says\n    ${said}\n  the kernel says\n    ${observedText(observed)}`;
    }
    const branch = read.branches[at];
    if (branch !== undefined && !read.seen.has(at)) {
      const wrong = otherInterfaces(real, line, branch, observed);
      if (wrong !== undefined) return wrong;
    }
    read.seen.add(at);
    if (at > 0) return undefined;
  }
  return undefined;
}

/** Plays a chain once, and again with more patience where something is wrong: it may have come late. */
async function playPatiently(real: RealChain, rows: ReadonlyMap<JourneyLine, ReadRow>): Promise<string | undefined> {
  let failure: string | undefined;
  for (const quiet of QUIET) {
    const late = real.network.late;
    failure = await playOnce(real, rows, quiet);
    if (failure === undefined && real.network.late === late) return undefined;
    failure ??= "packets came late";
  }
  return failure;
}

/** Plays a chain until every branch of every row was seen. */
export async function playReal(real: RealChain): Promise<RealResult> {
  const { chain, place, network } = real;
  const all = chain.lines.filter((line) => line.kind === "row");
  // ip_vs has times that nothing shortens: what comes behind a wait is not asked in its mode
  const wait = real.turned === undefined ? -1 : chain.lines.findIndex(({ kind }) => kind === "wait");
  const end = all.findIndex((row) => isUnknown(row) || (wait >= 0 && chain.lines.indexOf(row) > wait));
  const asked = end < 0 ? all : all.slice(0, end);
  const rows = new Map<JourneyLine, ReadRow>(
    asked.map((row) => [row, { row, branches: row.branches.map(readBranch), seen: new Set<number>() }]),
  );
  const result = { rows: all.length, skipped: all.length - asked.length };
  if (asked.length === 0) return result;
  if (chain.settings.entry !== undefined) await network.routeOutside(entryLines(place, chain.settings.entry));
  // a round leaves nothing to chance
  const least = real.turned?.turns ?? (chain.lines.some(({ kind }) => kind === "wait") ? 1 : LEAST);
  for (let i = 1; i <= (real.turned?.turns ?? TRIES); i++) {
    const failure = await playPatiently(
      real.turned === undefined ? real : { ...real, place: real.turned.place(i - 1) },
      rows,
    );
    if (failure !== undefined) return { ...result, failure };
    if (i >= least && [...rows.values()].every(({ branches, seen }) => seen.size === branches.length)) return result;
  }
  const never = [...rows.values()].filter(({ branches, seen }) => seen.size < branches.length);
  return { ...result, failure: `not every branch was seen: ${never.map(({ row }) => `line ${row.line}`).join(", ")}` };
}
