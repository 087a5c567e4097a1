import type { Script } from "../../kernel/chooser/answer.ts";
import { explore } from "../../kernel/chooser/explore.ts";
import type { Event } from "../../kernel/event.ts";
import type { Host } from "../../kernel/host.ts";
import { indexServices, serviceId } from "../../kernel/ipvs/service-index.ts";
import type { Result } from "../../kernel/outcome.ts";
import type { Packet } from "../../kernel/packet.ts";
import { receive, send } from "../../kernel/run.ts";
import { HostState } from "../../kernel/state.ts";
import type { Dyadic } from "../../net/dyadic.ts";
import type { Entrance } from "../../network/wire.ts";
import type { RealServer, Scheduler, VirtualServer, VirtualServerKey } from "../../rules/ipvs/model.ts";
import { type Answer, answerOn } from "./answer.ts";

/** One way that a packet can go through a host. */
export interface Way {
  /** The host as it is, or with one real server of the virtual server that takes the packet. */
  readonly host: Host;
  readonly script: Script;
  readonly result: Result;
  /** What the sender hears of whoever gets the packet. */
  readonly answer: Answer | undefined;
  /** Exact; absent where it has none: a scheduler's round decides, or what is not modelled was assumed. */
  readonly chance: Dyadic | undefined;
}

/** All ways of a packet; `complete` is false when there were too many. */
export interface Ways {
  readonly ways: readonly Way[];
  readonly complete: boolean;
}

const MOST = { branches: 4096 } as const;

/** Schedulers that in time give a connection to every real server with a weight; the others stay with one, which the walk shows. */
const SPREADING: ReadonlySet<Scheduler> = new Set(["rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "mh", "twos"]);

/** Does a scheduler in time give a connection to every real server with a weight? */
export const isSpreading = (scheduler: VirtualServer["scheduler"]): boolean =>
  typeof scheduler === "string" && SPREADING.has(scheduler);

const freshStates = new WeakMap<Host, HostState>();

/** A host's state when it knows nothing: whoever changes it takes that back. */
export function freshState(host: Host): HostState {
  const known = freshStates.get(host) ?? new HostState();
  freshStates.set(host, known);
  return known;
}

function run(host: Host, packet: Packet, entrance: Entrance, asked: Set<VirtualServerKey>): Ways {
  const state = freshState(host);
  const note = (event: Event): void => {
    if (event.kind === "virtual-server") asked.add(event.key);
  };
  // what nobody listens to is not told
  const record = host.services.byId.size === 0 ? undefined : note;
  const { branches, complete } = explore(
    state,
    (chooser) => {
      const options = { host, state, chooser, ...(record === undefined ? {} : { record }) };
      const result =
        entrance.kind === "received"
          ? receive(options, packet, entrance.inInterface)
          : send(options, packet, entrance.options);
      return { result, answer: answerOn(host, state, packet, entrance, result) };
    },
    MOST,
  );
  return {
    ways: branches.map(({ script, value, probability, assumptions }) => ({
      host,
      script,
      ...value,
      chance: assumptions.length === 0 ? probability : undefined,
    })),
    complete,
  };
}

/** The host with one real server of a virtual server, and no other virtual server: a packet is scheduled once at most. */
function withOnly(host: Host, server: VirtualServer, only: RealServer): Host {
  return { ...host, services: indexServices({ virtualServers: [{ ...server, realServers: [only] }] }) };
}

function serverOf(host: Host, keys: ReadonlySet<VirtualServerKey>): VirtualServer | undefined {
  const [key] = keys;
  return key === undefined ? undefined : host.services.byId.get(serviceId(key))?.description;
}

/**
 * The ways of a packet through a host that knows no connection: one for each answer of chance, and one for each real server that its
 * virtual server gives connections to in time. Where a scheduler stands is not asked: a round has no chances.
 */
export function waysOf(host: Host, packet: Packet, entrance: Entrance): Ways {
  const asked = new Set<VirtualServerKey>();
  const first = run(host, packet, entrance, asked);
  const server = serverOf(host, asked);
  const usable = server?.realServers.filter(({ weight }) => weight > 0) ?? [];
  if (server === undefined || usable.length < 2) return first;
  if (!isSpreading(server.scheduler)) return first;
  const each = usable.map((real) => run(withOnly(host, server, real), packet, entrance, new Set()));
  const ways = each.flatMap((own) => own.ways.map((way) => ({ ...way, chance: undefined })));
  return { ways, complete: each.every(({ complete }) => complete) };
}
