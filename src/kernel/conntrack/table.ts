import type { IPFamily } from "../../net/family.ts";
import type { ConntrackEntry, Direction, Tuple } from "../entry.ts";
import { type Address, sameAddress } from "../packet.ts";
import type { HostState } from "../state.ts";
import { sameTuple } from "./tuple.ts";

/** An entry and the direction in which a tuple belongs to it. */
export interface FoundEntry {
  readonly entry: ConntrackEntry;
  readonly direction: Direction;
}

/** The living entry of a tuple; one that has expired is removed on the way, as a look-up in the kernel does (`nf_ct_gc_expired`). */
function livingEntry(state: HostState, tuple: Tuple, zone: number): ConntrackEntry | undefined {
  const entry = state.entries.find(tuple, zone);
  if (entry === undefined || entry.expires > state.now) return entry;
  removeEntry(state, entry);
  return undefined;
}

/**
 * The confirmed entry that a packet's tuple belongs to in a zone (`nf_conntrack_find_get`). A tuple that is its own inverse
 * is found as the reply: the kernel puts the reply in front.
 */
export function findEntry(state: HostState, tuple: Tuple, zone: number): FoundEntry | undefined {
  const entry = livingEntry(state, tuple, zone);
  if (entry === undefined) return undefined;
  return { entry, direction: sameTuple(tuple, entry.reply) ? 1 : 0 };
}

/** An entry for a first packet, not in the table yet (`init_conntrack`); the protocol's tracker sets its state and `expires`. */
export function newEntry(state: HostState, zone: number, original: Tuple, reply: Tuple): ConntrackEntry {
  const id = state.nextId;
  state.set(state, "nextId", id + 1);
  return {
    id,
    zone,
    original,
    reply,
    confirmed: false,
    dead: false,
    seenReply: false,
    assured: false,
    mark: 0,
    created: state.now,
    expires: state.now,
    sourceDone: false,
    destinationDone: false,
    sourceChanged: false,
    destinationChanged: false,
    masqueradeIndex: 0,
    chosenPort: undefined,
    chosenDestinationPort: undefined,
    protocolState: undefined,
  };
}

/**
 * Puts an entry into the table under both of its tuples (`__nf_conntrack_confirm`). False, and nothing changed, when one of
 * them belongs to another living entry.
 */
export function insertEntry(state: HostState, entry: ConntrackEntry): boolean {
  const { original, reply, zone } = entry;
  if ((livingEntry(state, original, zone) ?? livingEntry(state, reply, zone)) !== undefined) return false;
  state.enter(state.entries, entry);
  state.set(entry, "confirmed", true);
  return true;
}

/** Takes an entry out of the table (`nf_ct_delete`); packets on their way keep it, marked dead. */
export function removeEntry(state: HostState, entry: ConntrackEntry): void {
  state.set(entry, "dead", true);
  if (state.entries.get(entry.id) === entry) state.leave(state.entries, entry);
}

/**
 * Would an entry whose replies look like `tuple` clash with a living one other than `except` (`nf_conntrack_tuple_taken`,
 * kernel-semantics §3.2)?
 */
export function isTaken(state: HostState, tuple: Tuple, zone: number, except: ConntrackEntry | undefined): boolean {
  const entry = livingEntry(state, tuple, zone);
  return entry !== undefined && entry !== except;
}

/** One tuple's part of a filter; what is absent is not tested. */
export interface TupleFilter {
  readonly src?: Address;
  readonly dst?: Address;
  readonly sport?: number;
  readonly dport?: number;
}

/** The options of `conntrack -D` and `-L` that choose entries. What is absent is not tested. */
export interface EntryFilter {
  readonly family?: IPFamily;
  readonly protocol?: number;
  readonly zone?: number;
  readonly mark?: { readonly value: number; readonly mask: number };
  /** `--orig-src`, `--orig-dst`, `--orig-port-src`, `--orig-port-dst`. */
  readonly original?: TupleFilter;
  /** `--reply-src`, `--reply-dst`, `--reply-port-src`, `--reply-port-dst`. */
  readonly reply?: TupleFilter;
  /** `--src-nat`, `--dst-nat` without an address. */
  readonly sourceChanged?: boolean;
  readonly destinationChanged?: boolean;
}

const absentOr = <T>(wanted: T | undefined, actual: T): boolean => wanted === undefined || wanted === actual;

function matchesTuple(filter: TupleFilter | undefined, tuple: Tuple): boolean {
  if (filter === undefined) return true;
  return (
    (filter.src === undefined || sameAddress(filter.src, tuple.src)) &&
    (filter.dst === undefined || sameAddress(filter.dst, tuple.dst)) &&
    absentOr(filter.sport, tuple.sport) &&
    absentOr(filter.dport, tuple.dport)
  );
}

function matchesFilter(filter: EntryFilter, entry: ConntrackEntry): boolean {
  const { mark } = filter;
  return (
    absentOr(filter.family, entry.original.family) &&
    absentOr(filter.protocol, entry.original.protocol) &&
    absentOr(filter.zone, entry.zone) &&
    (mark === undefined || (entry.mark & mark.mask) >>> 0 === mark.value >>> 0) &&
    matchesTuple(filter.original, entry.original) &&
    matchesTuple(filter.reply, entry.reply) &&
    absentOr(filter.sourceChanged, entry.sourceChanged) &&
    absentOr(filter.destinationChanged, entry.destinationChanged)
  );
}

/** The living entries in the order in which they were made; the kernel itself lists them in the order of its hashes. */
export function listEntries(state: HostState): readonly ConntrackEntry[] {
  return state.entries.list().filter((entry) => entry.expires > state.now);
}

/** The living entries that a filter chooses, in the order of `listEntries`; an address filter needs `family`. */
export function selectEntries(state: HostState, filter: EntryFilter): readonly ConntrackEntry[] {
  return listEntries(state).filter((entry) => matchesFilter(filter, entry));
}

/** Removes the entries that a filter chooses (`conntrack -D`; an empty filter: `-F`) and says how many. */
export function flushEntries(state: HostState, filter: EntryFilter): number {
  const chosen = selectEntries(state, filter);
  for (const entry of chosen) removeEntry(state, entry);
  return chosen.length;
}
