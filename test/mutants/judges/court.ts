import type { Host } from "../../../src/kernel/host.ts";
import type { IPFamily } from "../../../src/net/family.ts";
import type { DestinationsLike } from "../../../src/verify/classes/destinations.ts";
import type { Ways } from "../../../src/verify/classes/ways.ts";
import type { Mode } from "../../intent/place.ts";
import type { Fault } from "../operators/fault.ts";
import { type Conversation, conversation } from "./conversation.ts";
import { type Intruder, intruders } from "./loopback.ts";
import { type Met, metBy } from "./met.ts";
import { destinationsOn } from "./refined.ts";
import { closed, type Scene, sceneOf } from "./scene.ts";

/** What a node of its own drops that no rule accepts: nothing, what it forwards, or what is for itself. */
const worlds = ["open", "FORWARD", "INPUT"] as const;
export type World = (typeof worlds)[number];

/** The sides of a scenario in one world, without a fault. */
interface Sides {
  readonly world: World;
  readonly hosts: readonly [own: Host, other: Host];
  readonly met: readonly Met[];
}

/** A node of a scenario in one mode and family, all that judges ask of it prepared. */
export interface Court {
  readonly scene: Scene;
  readonly family: IPFamily;
  readonly sides: Readonly<Record<World, Sides>>;
  readonly intruders: readonly Intruder[];
  /** Where routing tells addresses apart. */
  readonly destinations: DestinationsLike;
}

/** A node as it is in a world. */
export const inWorld = (host: Host, world: World, family: IPFamily): Host =>
  world === "open" ? host : closed(host, world, family);

/** Prepares a node of a scenario; takes seconds. */
export function courtOf(scenario: string, mode: Mode, family: IPFamily): Court {
  const scene = sceneOf(scenario, mode);
  const { host: other } = sceneOf(scenario, mode === "iptables" ? "ipvs" : "iptables");
  const sidesIn = (world: World): Sides => {
    const hosts = [inWorld(scene.host, world, family), inWorld(other, world, family)] as const;
    return { world, hosts, met: metBy(...hosts, family) };
  };
  const destinations = destinationsOn([scene.host, other], family);
  const sides = { open: sidesIn("open"), FORWARD: sidesIn("FORWARD"), INPUT: sidesIn("INPUT") };
  return { scene, family, destinations, sides, intruders: intruders(sides.open.met) };
}

/** Can the fault make a difference to such packets? */
export const touches = ({ chains }: Fault, met: Met): boolean =>
  chains === undefined || [...chains].some((chain) => met.chains[0].has(chain));

const talks = new WeakMap<Met, Conversation>();

/** The conversation that a packet begins where there is no fault; made once. */
export function talkOf(met: Met): Conversation {
  const known = talks.get(met) ?? conversation(met.class.ways[0] as Ways, met.class.packet, met.entrance);
  talks.set(met, known);
  return known;
}
