import type { Chooser } from "../../chooser.ts";
import type { Address } from "../../packet.ts";
import type { HostState } from "../../state.ts";
import type { Destination } from "../model.ts";
import type { Service } from "../service.ts";
import type { LoadRule } from "./load.ts";

/** Why a scheduler took the real server it took. */
export type ScheduleReason =
  /**
   * The next in turn; `position` counts from 1 in the kernel's list, which has the newest first. `round`: the weight that it takes to
   * take part in this round of wrr.
   */
  | { readonly kind: "position"; readonly position: number; readonly of: number; readonly round?: number }
  /**
   * The least loaded: `load` as this scheduler counts it, at its `weight`; `equals`: how many behind it in the list are as little loaded. With
   * `cache`: why the real server that lblc and lblcr remember for the address was not taken.
   */
  | {
      readonly kind: "least-connections";
      readonly load: number;
      readonly weight: number;
      readonly equals: number;
      readonly cache?: "none" | "not-usable";
    }
  /** It has no active connection; `equals` others behind it have none either. */
  | { readonly kind: "idle"; readonly equals: number }
  /** `instead`: the bucket of the packet, whose real server cannot be had. */
  | {
      readonly kind: "hash-bucket";
      readonly bucket: number;
      readonly of: number;
      readonly hashed: "source" | "source and port" | "destination";
      readonly instead?: number;
    }
  /** `equals` others behind it in the list weigh as much. */
  | { readonly kind: "highest-weight"; readonly weight: number; readonly equals: number }
  /** The one that packets to this address went to before. */
  | { readonly kind: "cached" }
  /** The better of two drawn at random. */
  | { readonly kind: "random" }
  /** One of so many, by what no dump tells: how many connections each has, or which weights those had that have none now. */
  | { readonly kind: "untold"; readonly among: number; readonly by: Untold };

/** What decides and may be told by nobody. */
export type Untold = "counts" | "last-weights";

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
  /**
   * Which counts of connections decide: those of active ones, or all. Absent: none do. UDP has no active connections.
   */
  readonly counts?: "active" | "all";
  /** It remembers where packets to an address went. */
  readonly caches?: true;
  /** Counts can make it refuse real servers that have a weight. */
  readonly refuses?: true;
  /** The weights decide that real servers had before they got none. */
  readonly usesLastWeights?: true;
  /** How it finds the least loaded, where it does. */
  readonly loadRule?: LoadRule;
  /** `schedule`: nothing where no real server can be had. */
  readonly choose: (call: ScheduleCall<Memory>) => Choice | undefined;
}

/** A scheduler whose memory is nobody else's affair. */
export type AnyScheduler = Scheduler<unknown>;

/** May it get a connection: it has a weight and is not overloaded. */
export function isUsable(destination: Destination): boolean {
  return destination.weight > 0 && !destination.overloaded;
}

/** Greatest common divisor; of 0 and a number that number. */
export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
