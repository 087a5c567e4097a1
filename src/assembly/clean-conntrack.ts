import { listEntries, removeEntry } from "../kernel/conntrack/table.ts";
import type { ConntrackEntry } from "../kernel/entry.ts";
import { protocols } from "../kernel/packet.ts";
import type { HostState } from "../kernel/state.ts";
import type { IPFamily } from "../net/family.ts";
import { textOf } from "../network/addresses.ts";
import { type CleanupEntry, type ConntrackCleanup, isStale } from "../proxy/conntrack-cleanup.ts";

const NAMES: ReadonlyMap<number, string> = new Map([
  [protocols.udp, "UDP"],
  [protocols.sctp, "SCTP"],
  [protocols.tcp, "TCP"],
]);

function viewOf({ original, reply, destinationChanged }: ConntrackEntry): CleanupEntry {
  return {
    protocol: NAMES.get(original.protocol) ?? `${original.protocol}`,
    originalDestination: { ip: textOf(original.dst), port: original.dport },
    replySource: { ip: textOf(reply.src), port: reply.sport },
    destinationTranslated: destinationChanged,
  };
}

/** Carries out kube-proxy's clean-up of one family on a host; gives the entries that were deleted, oldest first. */
export function cleanConntrack(
  state: HostState,
  family: IPFamily,
  cleanup: ConntrackCleanup,
): readonly ConntrackEntry[] {
  const stale = listEntries(state).filter(
    (entry) => entry.original.family === family && isStale(cleanup, viewOf(entry)),
  );
  for (const entry of stale) removeEntry(state, entry);
  return stale;
}
