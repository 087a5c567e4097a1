import type { Chooser } from "./chooser.ts";
import type { Recorder } from "./event.ts";
import type { Host } from "./host.ts";
import type { Result } from "./outcome.ts";
import type { Address, Packet } from "./packet.ts";
import { receivePacket } from "./receive.ts";
import { sendPacket } from "./send.ts";
import { makeSkb } from "./skb.ts";
import type { HostState } from "./state.ts";
import type { Walk } from "./walk.ts";

/** What a run needs besides the packet. `indexed` is true unless it is said that every rule is to be looked at. */
export interface RunOptions {
  readonly host: Host;
  readonly state: HostState;
  readonly chooser: Chooser;
  readonly record?: Recorder;
  readonly indexed?: boolean;
}

function walkOf({ host, state, chooser, record, indexed }: RunOptions): Walk {
  return {
    host,
    state,
    chooser,
    record,
    indexed: indexed ?? true,
    answers: [],
    hook: "PREROUTING",
    table: "raw",
    chain: "",
    ruleNumber: 0,
    hotdrop: false,
    depth: 0,
  };
}

/** What becomes of a packet that comes in by an interface (its name; one the host has). */
export function receive(options: RunOptions, packet: Packet, inInterface: string): Result {
  const device = options.host.byName.get(inInterface);
  if (device === undefined) throw new RangeError(`${options.host.name} has no interface ${inInterface}`);
  const skb = makeSkb(packet, 0);
  skb.inInterface = device;
  return receivePacket(walkOf(options), skb);
}

/** How a local process sends. */
export interface SendOptions {
  /** SO_MARK */
  readonly mark?: number;
  /** Leave the source to routing, whatever the packet's field says. */
  readonly anySource?: boolean;
  /** Owner of the socket. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** SO_BINDTODEVICE */
  readonly outInterface?: string;
}

/** What becomes of a packet that a process of this host sends. */
export function send(options: RunOptions, packet: Packet, from: SendOptions = {}): Result {
  const skb = makeSkb(packet, from.mark ?? 0);
  skb.owner = from.owner;
  const source: Address | undefined = from.anySource === true ? undefined : packet.src;
  return sendPacket(walkOf(options), skb, source, from.outInterface);
}
