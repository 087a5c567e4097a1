import type { IPFamily } from "../net/family.ts";
import { scriptedChooser } from "./chooser/scripted.ts";
import type { Chooser } from "./chooser.ts";
import type { Recorder } from "./event.ts";
import type { Host } from "./host.ts";
import { prepareIPVS } from "./ipvs/services.ts";
import type { Result } from "./outcome.ts";
import type { Address, Packet } from "./packet.ts";
import { receivePacket } from "./receive.ts";
import { ownerOf } from "./routing/address.ts";
import type { RouteDecision } from "./routing/decision.ts";
import { routeOutput } from "./routing/output.ts";
import { sendPacket } from "./send.ts";
import { makeSkb } from "./skb.ts";
import type { HostState } from "./state.ts";
import type { RuleObserver, Walk } from "./walk.ts";

/**
 * What a run needs besides the packet. `indexed` is true unless it is said that every rule is to be looked at, which `observe`
 * does too.
 */
export interface RunOptions {
  readonly host: Host;
  readonly state: HostState;
  readonly chooser: Chooser;
  readonly record?: Recorder;
  readonly indexed?: boolean;
  readonly observe?: RuleObserver;
}

function walkOf({ host, state, chooser, record, indexed, observe }: RunOptions): Walk {
  return {
    host,
    state,
    chooser,
    record,
    indexed: (indexed ?? true) && observe === undefined,
    observe,
    answers: [],
    hook: "PREROUTING",
    table: "raw",
    chain: "",
    ruleNumber: 0,
    hotdrop: false,
    setAnswers: undefined,
    depth: 0,
  };
}

/** What becomes of a packet that comes in by an interface (its name; one the host has). */
export function receive(options: RunOptions, packet: Packet, inInterface: string): Result {
  const device = options.host.byName.get(inInterface);
  if (device === undefined) throw new RangeError(`${options.host.name} has no interface ${inInterface}`);
  prepareIPVS(options.host, options.state);
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
  prepareIPVS(options.host, options.state);
  const skb = makeSkb(packet, from.mark ?? 0);
  skb.owner = from.owner;
  const source: Address | undefined = from.anySource === true ? undefined : packet.src;
  return sendPacket(walkOf(options), skb, source, from.outInterface);
}

/** Is it an address of the host? */
export function isOwnAddress(host: Host, address: Address): boolean {
  return ownerOf(host, address) !== undefined;
}

/** The way that the host itself takes to an address; what is sent and received there goes by its device. */
export function wayTo(host: Host, state: HostState, family: IPFamily, address: Address): RouteDecision {
  const walk = walkOf({ host, state, chooser: scriptedChooser([]) });
  return routeOutput(walk, { family, dst: address, mark: 0, tos: 0, protocol: 0, sport: 0, dport: 0 });
}
