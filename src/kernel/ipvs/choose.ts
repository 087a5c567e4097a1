import type { ForwardingMethod } from "../../rules/ipvs/model.ts";
import type { AssumedChoice, ChosenRealServer, ComparedRealServer } from "../event.ts";
import type { Skb } from "../skb.ts";
import type { Walk } from "../walk.ts";
import type { Destination } from "./model.ts";
import { anyTurnOf } from "./schedulers/any-turn.ts";
import { schedulerOf } from "./schedulers/registry.ts";
import { type AnyScheduler, type Choice, isUsable, type ScheduleReason } from "./schedulers/scheduler.ts";
import type { Service } from "./service.ts";
import { untoldChoice, untoldOf } from "./untold.ts";

/** What is not modelled of a real server that does not get its packets by translation, in words. */
export function unmodelledMethod(method: Exclude<ForwardingMethod, "masquerade">): string {
  return `a real server gets packets by ${method === "route" ? "direct routing" : "a tunnel"}`;
}

function chosenBy(scheduler: AnyScheduler, walk: Walk, skb: Skb, service: Service): Choice | undefined {
  const { host, state, chooser } = walk;
  if (chooser.anyTurn === true) return anyTurnOf(service, chooser);
  const untold = untoldOf(host, service, scheduler);
  if (untold !== undefined) return untoldChoice(walk, service, scheduler, untold);
  const remember = (memory: unknown): void => state.set(service, "memory", memory);
  return scheduler.choose({ service, packet: skb, state, chooser, memory: service.memory, remember });
}

/** Asks the scheduler; a text: what is not modelled. */
export function choose(walk: Walk, skb: Skb, service: Service): Choice | string | undefined {
  const name = service.description.scheduler;
  const scheduler = schedulerOf(name);
  if (scheduler === undefined)
    return `scheduler ${typeof name === "string" ? name : name.unknown} of a virtual server takes a real server`;
  const choice = chosenBy(scheduler, walk, skb, service);
  recordChoice(walk, service, choice);
  const method = choice?.destination.method;
  return method !== undefined && method !== "masquerade" ? unmodelledMethod(method) : choice;
}

/** A real server that was taken, by its scheduler or by the template of its client. */
interface Taken {
  readonly destination: Destination;
  readonly reason: ScheduleReason | { readonly kind: "template" };
}

/** Tells what a virtual server did with a packet; without a choice, that it has nobody to give, or nobody for this port. */
export function recordChoice(walk: Walk, service: Service, choice: Taken | undefined, nobody?: "other-port"): void {
  if (walk.record === undefined) return;
  const { scheduler } = service.description;
  const assumed = choice === undefined ? [] : assumedOf(walk, service, choice);
  walk.record({
    kind: "virtual-server",
    key: service.key,
    scheduler: typeof scheduler === "string" ? scheduler : scheduler.unknown,
    realServers: service.size,
    ...(choice === undefined ? {} : { chosen: chosenOf(service, choice) }),
    ...(nobody === undefined ? {} : { nobody }),
    ...(assumed.length === 0 ? {} : { assumed }),
  });
}

function chosenOf(service: Service, { destination: { address, port, weight }, reason }: Taken): ChosenRealServer {
  const chosen = { address, port, weight, reason };
  if (reason.kind !== "least-connections") return chosen;
  const rule = schedulerOf(service.description.scheduler)?.loadRule;
  if (rule === undefined) return chosen;
  const compared = service.destinations.filter(isUsable).map(
    (each): ComparedRealServer => ({
      address: each.address,
      port: each.port,
      weight: each.weight,
      active: each.active,
      inactive: each.inactive,
      load: rule.load(each),
    }),
  );
  return { ...chosen, compared };
}

const hasMemory = (scheduler: AnyScheduler, reason: Taken["reason"]): boolean =>
  reason.kind === "position" || (reason.kind === "least-connections" && scheduler.caches === true);

/** Does the place of real servers in the kernel's list decide? */
function dependsOnOrder(reason: Taken["reason"]): boolean {
  switch (reason.kind) {
    case "position":
    case "hash-bucket":
    case "random":
      return true;
    case "least-connections":
    case "idle":
    case "highest-weight":
      return reason.equals > 0;
    default:
      return false;
  }
}

/** What a choice rests on that no dump tells; nothing on a node whose virtual servers have just been made. */
function assumedOf({ host }: Walk, service: Service, { reason }: Taken): readonly AssumedChoice[] {
  const { ipvsPast } = host;
  const scheduler = schedulerOf(service.description.scheduler);
  if (ipvsPast === undefined || scheduler === undefined || reason.kind === "template") return [];
  const isAlone = service.size < 2;
  return [
    ...(service.description.persistence !== undefined && ipvsPast.connections === "not-listed" && !isAlone
      ? (["no-template"] as const)
      : []),
    ...(dependsOnOrder(reason) && !isAlone ? (["order"] as const) : []),
    ...(hasMemory(scheduler, reason) && !isAlone ? (["beginning"] as const) : []),
  ];
}
