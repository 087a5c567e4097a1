import { explore } from "../../src/kernel/chooser/explore.ts";
import type { Host } from "../../src/kernel/host.ts";
import { receive, send } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";
import { type Random, seededRandom } from "../../src/net/random.ts";
import type { Entrance } from "../../src/network/wire.ts";
import { type Field, fields, fieldValue } from "../../src/verify/field.ts";
import { hostWayClass } from "../../src/verify/way-class.ts";
import type { Move } from "../arbitrary/scene.ts";
import type { Step } from "../kernel/step.ts";
import { classFault, type Hints, type LawCounts } from "./class-law.ts";
import { seeOnHost } from "./seen.ts";

const MAX_WAYS = 8;

function entranceOf({ from, mark, uid, gid }: Step): Entrance {
  return from === undefined
    ? { kind: "sent", options: { mark, owner: { uid, gid } } }
    : { kind: "received", inInterface: from };
}

/** The class of a packet's way on a host, one of its ways drawn; where it is wrong, or `undefined`. */
export function hostFault(
  random: Random,
  host: Host,
  state: HostState,
  { step }: Move,
  counts: LawCounts,
  reasons: string[] = [],
  hints: Hints = {},
): string | undefined {
  const entrance = entranceOf(step);
  const { packet } = step;
  const walk = (chooser: Parameters<typeof receive>[0]["chooser"]) =>
    entrance.kind === "received"
      ? receive({ host, state, chooser }, packet, entrance.inInterface)
      : send({ host, state, chooser }, packet, entrance.options);
  const { branches } = explore(state, walk, { branches: MAX_WAYS });
  const { script } = random.pick(branches);
  const found = hostWayClass(host, state, packet, entrance, script);
  reasons.push(...found.inexact);
  return classFault(random, found, (each) => seeOnHost(host, state, entrance, script, each), counts, hints);
}

/** The values of packets that rules speak of. */
function hintsOf(moves: readonly Move[]): Hints {
  const values = (family: string, field: Field): bigint[] =>
    moves.flatMap(({ step }) => (step.packet.family === family ? [fieldValue(step.packet, field)] : []));
  const family = moves[0]?.step.packet.family ?? "IPv4";
  return Object.fromEntries(fields.map((field) => [field, values(family, field)]));
}

/** As `hostFault`, of packets that come one after the other; with `history` each finds what those before left. */
export function movesFault(
  seed: string,
  host: Host,
  moves: readonly Move[],
  history: boolean,
  counts: LawCounts,
  reasons: string[] = [],
): string | undefined {
  const random = seededRandom(seed);
  let state = new HostState();
  const hints = hintsOf(moves);
  for (const [i, move] of moves.entries()) {
    if (!history) state = new HostState();
    state.advance(move.wait);
    try {
      const fault = hostFault(random, host, state, move, counts, reasons, hints);
      if (fault !== undefined) return `packet ${i + 1}: ${fault}`;
    } catch (error) {
      return `packet ${i + 1}: ${JSON.stringify(move.step.packet)}: ${(error as Error).stack}`;
    }
    if (history) {
      const entrance = entranceOf(move.step);
      const chooser = {
        below: () => random.chance(0.5),
        share: () => 0,
        port: (range: { from: number }) => range.from,
        unknown: () => false,
      };
      if (entrance.kind === "received") receive({ host, state, chooser }, move.step.packet, entrance.inInterface);
      else send({ host, state, chooser }, move.step.packet, entrance.options);
    }
  }
  return undefined;
}
