import { findEntry, isTaken, removeEntry } from "../conntrack/table.ts";
import { invertTuple, sourceKey } from "../conntrack/tuple.ts";
import type { ConntrackEntry, TCPConnectionState, Tuple } from "../entry.ts";
import type { HostState } from "../state.ts";
import type { Walk } from "../walk.ts";
import { type Manip, pickAddress, portIn, portKey, type Range, sourceIn } from "./range.ts";

/** The tuple that a decision gives a flow, and the range from which the kernel drew its port at random. */
export interface TupleChoice {
  readonly tuple: Tuple;
  readonly drawnFrom?: { readonly from: number; readonly to: number };
}

/** `nf_nat_used_tuple`: would answers to this tuple look like packets of another connection? */
function isUsed(state: HostState, tuple: Tuple, entry: ConntrackEntry): boolean {
  return isTaken(state, invertTuple(tuple), entry.zone, entry);
}

/** `get_unique_tuple` (kernel-semantics §3.2). */
export function tupleChoice(
  walk: Walk,
  entry: ConntrackEntry,
  current: Tuple,
  range: Range,
  manip: Manip,
): TupleChoice {
  const { state } = walk;
  if (manip === "source" && !range.random) {
    if (sourceIn(current, range)) {
      if (!isUsed(state, current, entry)) return { tuple: current };
    } else {
      const mapped = mappedSource(state, entry, current, range);
      if (mapped !== undefined && !isUsed(state, mapped, entry)) return { tuple: mapped };
    }
  }
  const address = pickAddress(current, range, manip, entry.zone);
  const { family, src, dst, protocol, sport, dport } = current;
  const tuple: Tuple =
    manip === "source"
      ? { family, src: address, dst, protocol, sport, dport }
      : { family, src, dst: address, protocol, sport, dport };
  if (!range.random) {
    const { ports } = range;
    if (ports === undefined) {
      if (!isUsed(state, tuple, entry)) return { tuple };
    } else if (
      range.base === undefined &&
      portIn(tuple, manip, ports) &&
      (ports.from === ports.to || !isUsed(state, tuple, entry))
    ) {
      return { tuple };
    }
  }
  return uniquePort(walk, entry, tuple, range, manip);
}

/** `find_appropriate_src`: what this source was mapped to for another flow, the last one first, if the range allows it. */
function mappedSource(state: HostState, entry: ConntrackEntry, current: Tuple, range: Range): Tuple | undefined {
  const ids = state.bySource.get(sourceKey(current, entry.zone)) ?? [];
  for (let i = ids.length - 1; i >= 0; i--) {
    const other = state.entries.get(ids[i] as number);
    if (other === undefined) continue;
    const tuple = { ...invertTuple(other.reply), dst: current.dst, dport: current.dport };
    if (sourceIn(tuple, range)) return tuple;
  }
  return undefined;
}

/** `nf_nat_l4proto_unique_tuple` */
function uniquePort(walk: Walk, entry: ConntrackEntry, tuple: Tuple, range: Range, manip: Manip): TupleChoice {
  const key = portKey(tuple, manip);
  if (key === undefined) return { tuple };
  const ports = range.ports ?? portClass(tuple, key, manip);
  if (ports === undefined) return { tuple };
  const isFree = (port: number): boolean => isPortFree(walk, entry, { ...tuple, [key]: port });
  const size = ports.to - ports.from + 1;
  if (range.base !== undefined || (manip === "destination" && !range.random)) {
    const offset = range.base === undefined ? 0 : (tuple[key] - range.base) & 0xffff;
    const tries = Math.min(size, MAX_ATTEMPTS);
    let port = ports.from;
    for (let i = 0; i < tries; i++) {
      port = ports.from + (((offset + i) & 0xffff) % size);
      if (isFree(port)) break;
    }
    return { tuple: { ...tuple, [key]: port } };
  }
  // nothing free: the last one tried is taken, and the packet is dropped when its entry is confirmed
  const port = walk.chooser.port(ports, isFree) ?? ports.from;
  const drawn = { ...tuple, [key]: port };
  return size === 1 || walk.chooser.knowsPorts === true ? { tuple: drawn } : { tuple: drawn, drawnFrom: ports };
}

const MAX_ATTEMPTS = 128;

/** The ports among which the kernel looks when the rule names none. */
function portClass(tuple: Tuple, key: "sport" | "dport", manip: Manip): { from: number; to: number } | undefined {
  if (tuple.protocol === 1 || tuple.protocol === 58) return { from: 0, to: 65535 };
  if (manip === "destination") return undefined;
  const port = tuple[key];
  if (port < 512) return { from: 1, to: 511 };
  return port < 1024 ? { from: 600, to: 1023 } : { from: 1024, to: 65535 };
}

/** States from TIME_WAIT on as the kernel numbers them: SYN_SENT2 is the last. */
const EVICTED: ReadonlySet<TCPConnectionState> = new Set<TCPConnectionState>(["TIME_WAIT", "CLOSE", "SYN_SENT2"]);

/**
 * `nf_nat_used_tuple_harder`: a port is also free when its owner is a translated TCP connection of those states that the
 * new one's sequence numbers have passed; that entry is removed.
 */
function isPortFree(walk: Walk, entry: ConntrackEntry, tuple: Tuple): boolean {
  const { state } = walk;
  if (!isUsed(state, tuple, entry)) return true;
  const own = entry.protocolState;
  if (own?.kind !== "tcp" || own.state !== "SYN_SENT") return false;
  const found = findEntry(state, invertTuple(tuple), entry.zone);
  if (found === undefined || found.direction !== 1) return false;
  const old = found.entry.protocolState;
  if (old?.kind !== "tcp" || !EVICTED.has(old.state) || !found.entry.sourceChanged) return false;
  if (((own.sides[0].end - old.sides[0].end) | 0) <= 0) return false;
  removeEntry(state, found.entry);
  return true;
}
