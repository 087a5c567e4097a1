import type { Chooser } from "../../chooser.ts";
import type { Address } from "../../packet.ts";
import type { HostState } from "../../state.ts";
import type { Destination, Service } from "../model.ts";

/** Why a scheduler took the real server it took. */
export type ScheduleReason =
  /** The next in turn; `position` counts from 1 in the kernel's list, which has the newest first. */
  | { readonly kind: "position"; readonly position: number; readonly of: number }
  /** The least loaded for its weight: `load` as this scheduler counts it. */
  | { readonly kind: "least-connections"; readonly load: number; readonly weight: number }
  | { readonly kind: "hash-bucket"; readonly bucket: number; readonly of: number }
  | { readonly kind: "highest-weight"; readonly weight: number }
  /** The one that packets to this address went to before. */
  | { readonly kind: "cached" }
  /** The better of two drawn at random. */
  | { readonly kind: "random" };

export interface Choice {
  readonly destination: Destination;
  readonly reason: ScheduleReason;
}

/** A packet that starts a connection, as schedulers see it. */
export interface ScheduledPacket {
  readonly src: Address;
  readonly dst: Address;
  readonly sport: number;
}

/** What happened to a real server of the list; `before` is the one that stood before a removed one. */
export type ListChange =
  | { readonly kind: "added" | "edited"; readonly destination: Destination }
  | { readonly kind: "removed"; readonly destination: Destination; readonly before: Destination | undefined };

/** One call of a scheduler: `memory` is what it last remembered, `remember` replaces it. */
export interface ScheduleCall<Memory> {
  readonly service: Service;
  readonly packet: ScheduledPacket;
  readonly state: HostState;
  readonly chooser: Chooser;
  readonly memory: Memory;
  readonly remember: (memory: Memory) => void;
}

/** A scheduler (`struct ip_vs_scheduler`). What it remembers is a value that is never changed, only replaced. */
export interface Scheduler<Memory> {
  /** `init_service`: for the list as it is. */
  readonly start: (service: Service) => Memory;
  /** `add_dest`, `del_dest`, `upd_dest`; absent: it does not care. The list is already as it is afterwards. */
  readonly changed?: (memory: Memory, service: Service, change: ListChange) => Memory;
  /** What it remembers depends on how the list came about, one by one, not only on what it is. */
  readonly dependsOnHistory?: true;
  /** `schedule`: nothing where no real server can be had. */
  readonly choose: (call: ScheduleCall<Memory>) => Choice | undefined;
}

/** A scheduler whose memory is nobody else's affair. */
export type AnyScheduler = Scheduler<unknown>;

/** May it get a connection: it has a weight and is not overloaded. */
export function isUsable(destination: Destination): boolean {
  return destination.weight > 0 && !destination.overloaded;
}

/** `ip_vs_dest_conn_overhead`: what lc and wlc call load. */
export function connectionLoad({ active, inactive }: Destination): number {
  return active * 256 + inactive;
}

/** The load of sed and nq: what it would be with this connection. */
export function expectedLoad({ active }: Destination): number {
  return active + 1;
}

/** The usable one with the least load for its weight; of equals the first. */
export function leastLoaded(
  destinations: readonly Destination[],
  load: (destination: Destination) => number,
): Destination | undefined {
  let least: Destination | undefined;
  for (const each of destinations) {
    if (!isUsable(each)) continue;
    if (least === undefined || load(least) * each.weight > load(each) * least.weight) least = each;
  }
  return least;
}

/** A choice by load. */
export function byLoad(
  destination: Destination | undefined,
  load: (destination: Destination) => number,
): Choice | undefined {
  if (destination === undefined) return undefined;
  return {
    destination,
    reason: { kind: "least-connections", load: load(destination), weight: destination.weight },
  };
}

/** Greatest common divisor; of 0 and a number that number. */
export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
