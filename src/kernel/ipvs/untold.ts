import type { Host } from "../host.ts";
import { protocols } from "../packet.ts";
import { endpointText } from "../packet-text.ts";
import type { Walk } from "../walk.ts";
import type { Destination } from "./model.ts";
import type { AnyScheduler, Choice, Untold } from "./schedulers/scheduler.ts";
import type { Service } from "./service.ts";
import { virtualServerText } from "./service-name.ts";

/** Is it known how many connections its real servers have? */
function isCounted({ ipvsPast }: Host, { description: { realServers } }: Service): boolean {
  if (ipvsPast === undefined || ipvsPast.connections === "listed") return true;
  return realServers.every(({ connections }) => connections !== undefined);
}

/** Between its thresholds a real server takes connections or not, by where its count came from (`IP_VS_DEST_F_OVERLOAD`). */
function isBetweenThresholds({ upper, lower, active, inactive, overloaded }: Destination): boolean {
  if (upper === 0 || overloaded) return false;
  const total = active + inactive;
  return lower !== 0 ? total >= lower : total * 4 >= upper * 3;
}

/** Do counts of connections decide whom a scheduler takes? */
function countsDecide({ key }: Service, { counts }: AnyScheduler): boolean {
  // connections of UDP are never active
  return counts === "all" || (counts === "active" && (key.kind === "fwmark" || key.protocol !== protocols.udp));
}

/**
 * What decides about a choice that nobody tells: how many connections real servers have, or have had; the weights they had before.
 * Nothing on a node whose virtual servers have just been made.
 */
export function untoldOf(host: Host, service: Service, scheduler: AnyScheduler): Untold | undefined {
  if (host.ipvsPast === undefined) return undefined;
  const { destinations } = service;
  const willing = destinations.filter(({ weight }) => weight > 0);
  const isByCounts = isCounted(host, service)
    ? willing.some(isBetweenThresholds)
    : countsDecide(service, scheduler) || willing.some(({ upper }) => upper !== 0);
  if (isByCounts) return "counts";
  return scheduler.usesLastWeights === true && willing.length < destinations.length ? "last-weights" : undefined;
}

/** May it be that nobody can be had? A place in mh's table stays with a real server that has no weight any more. */
function mayRefuse({ description, destinations }: Service, { refuses }: AnyScheduler, by: Untold): boolean {
  if (by === "last-weights") return !description.schedulerFlags.includes("mh-fallback");
  return refuses === true || destinations.every(({ weight, upper }) => weight === 0 || upper !== 0);
}

const BY: Readonly<Record<Untold, string>> = {
  counts: "by how many connections each has",
  "last-weights": "by the weights that some had before they got none",
};

/**
 * Any real server that has a weight may be the one: the chooser is asked of one after the other (decision 11 of the design). With
 * one of which there is no doubt nothing is asked.
 */
export function untoldChoice(walk: Walk, service: Service, scheduler: AnyScheduler, by: Untold): Choice | undefined {
  const candidates = service.destinations.filter(({ weight }) => weight > 0);
  const last = candidates.at(-1);
  if (last === undefined) return undefined;
  const server = `virtual server ${virtualServerText(service.key)}`;
  const reason = { kind: "untold", among: candidates.length, by } as const;
  const takes = ({ address, port }: Destination): boolean =>
    walk.chooser.unknown({
      what: `${server} takes real server ${endpointText(address, port)} ${BY[by]}, which no dump tells`,
    });
  for (const each of candidates.slice(0, -1)) if (takes(each)) return { destination: each, reason };
  return mayRefuse(service, scheduler, by) && !takes(last) ? undefined : { destination: last, reason };
}
