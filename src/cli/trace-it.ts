import { type BalancedEntry, balancedEntry, proxiedEntry } from "../assembly/balancer.ts";
import type { Address, Packet } from "../kernel/packet.ts";
import { addressText } from "../kernel/packet-text.ts";
import { equalDyadic, oneDyadic } from "../net/dyadic.ts";
import { type JourneyOptions, type Sender, senderOf } from "../network/journey.ts";
import { proxiedPacket } from "../network/load-balancer.ts";
import { chanceText } from "../trace/chance-text.ts";
import { type Counts, countConnections } from "../trace/count.ts";
import { clientText, endText, targetText } from "../trace/end-text.ts";
import { establish, laterPacket } from "../trace/established.ts";
import { type JourneyTrace, traceJourneys } from "../trace/journey-trace.ts";
import type { Names } from "../trace/names.ts";
import { UsageError } from "./terminal.ts";
import type { TracedPlace } from "./trace-network.ts";

/** What is asked about the packet. */
export interface TraceItOptions {
  readonly node?: string;
  readonly ct: "new" | "established" | "invalid";
  readonly choose?: string;
  readonly count?: number;
  readonly seed: number;
  readonly balancer: "health" | "none";
  /** A balancer of its own connections, by its address. */
  readonly proxy?: Address;
  readonly reply: boolean;
}

/** The way that is told: the one of a number, or the first that ends at an address, port or name. */
function chosenBranch({ branches }: JourneyTrace, choose: string | undefined, names: Names): number {
  if (choose === undefined) return 0;
  if (/^\d{1,5}$/.test(choose)) {
    if (Number(choose) >= 1 && Number(choose) <= branches.length) return Number(choose) - 1;
    throw new UsageError(
      `--choose ${choose}: there ${branches.length === 1 ? "is 1 way" : `are ${branches.length} ways`}`,
    );
  }
  const wanted = choose.replace(/^pod\//, "");
  const labels = branches.map(({ journey: { there } }) => {
    const target = targetText(there.packet);
    return [
      target,
      target.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""),
      names.holder(there.packet.dst)?.replace(/^Pod /, ""),
    ];
  });
  const found = labels.findIndex((each) => each.includes(wanted));
  if (found >= 0) return found;
  const known = [...new Set(labels.map(([target]) => target))].slice(0, 10).join(", ");
  throw new UsageError(`--choose ${choose}: no way leads there; they lead to ${known}`);
}

/** Repeated connections as people read them, one line each. */
export function countLines(counts: Counts, names: Names): readonly string[] {
  const { total, seed, fates, assumed } = counts;
  const lines = fates.map(({ count, expected, there }) => {
    const share = `${((100 * count) / total).toFixed(1)} %`;
    // the first connection's end is no chance where later ones end elsewhere: they go by turns
    const byTurns = expected === undefined || (fates.length > 1 && equalDyadic(expected, oneDyadic));
    const chance = byTurns ? "" : ` (chance ${chanceText(expected)})`;
    return `${String(count).padStart(String(total).length)} = ${share}${chance}   ${endText(there, names)}`;
  });
  const note = assumed === 0 ? [] : ["what is not modelled was taken not to match"];
  return [`${total} connections, seed ${seed}`, ...lines, ...note];
}

/** What the load balancer before the nodes does, one line each. */
function balancerLines({ service, targets, taking }: BalancedEntry): readonly string[] {
  const left = targets.filter((target) => !taking.includes(target)).map(({ node }) => node);
  const out = left.length === 0 ? "" : `; ${left.join(", ")} answer its health check with 503`;
  const [first] = taking;
  if (first === undefined)
    return [`Service ${service}: no node answers the health check with 200; what it does then differs by maker`];
  return [
    `Service ${service}: hands the packet to ${first.node}, in turn with ${taking.length} nodes (${taking.map(({ node }) => node).join(", ")})${out}`,
  ];
}

/** A traced packet, and what else was found out. */
export interface Traced {
  readonly traced: JourneyTrace;
  readonly chosen: number;
  readonly balancer: readonly string[];
  readonly counts?: Counts;
}

/** What each of several connections begins with. */
interface Connections {
  readonly of: (connection: number) => { readonly packet: Packet; readonly options: JourneyOptions };
  readonly sender: Sender | undefined;
  readonly lines: readonly string[];
  /** Connections differ in more than their ports. */
  readonly inTurn: boolean;
}

/** Connections of a balancer that ends the client's, and calls node ports itself. */
function proxied(place: TracedPlace, packet: Packet, proxy: Address, options: TraceItOptions): Connections {
  const found = place.cluster === undefined ? undefined : proxiedEntry(place.cluster, packet, options.balancer);
  if (found === undefined) throw new UsageError("--proxy needs objects, and a Service's address and port in --to");
  const packets = found.taking.flatMap((target) => proxiedPacket(packet, proxy, target) ?? []);
  if (packets.length === 0)
    throw new UsageError("--proxy: TCP goes by it, to node ports of nodes that take part; there is none");
  const nodes = found.taking.map(({ node }) => node).join(", ");
  const client = `${clientText({ packet })} -> ${targetText(packet)}`;
  return {
    of: (connection) => ({
      packet: packets[connection % packets.length] ?? packet,
      options: { oneWay: !options.reply },
    }),
    sender: senderOf(place.network, proxy),
    lines: [`the balancer at ${addressText(proxy)} ends ${client}, and calls the node ports of ${nodes} in turn`],
    inTurn: true,
  };
}

function connections(
  place: TracedPlace,
  packet: Packet,
  sender: Sender | undefined,
  options: TraceItOptions,
): Connections {
  const { node, proxy } = options;
  if (proxy !== undefined) return proxied(place, packet, proxy, options);
  const balanced =
    node === undefined && sender?.kind === "outside" && place.cluster !== undefined
      ? balancedEntry(place.cluster, packet, options.balancer)
      : undefined;
  const taking = balanced?.taking ?? [];
  return {
    of: (connection) => {
      const entry = node ?? taking[connection % taking.length]?.node;
      return {
        packet,
        options: { oneWay: !options.reply, ...(entry === undefined ? {} : { entryNode: () => entry }) },
      };
    },
    sender,
    lines: balanced === undefined ? [] : balancerLines(balanced),
    inTurn: balanced !== undefined,
  };
}

/** Traces the packet, on a connection that was made before where that is asked for. */
export function traceIt(place: TracedPlace, asked: Packet, from: Sender | undefined, options: TraceItOptions): Traced {
  const { ct, choose, count, seed } = options;
  const made = connections(place, asked, from, options);
  const { sender, lines: balancer } = made;
  const { packet, options: journey } = made.of(0);
  const first = traceJourneys(place, packet, sender, ct === "new" ? journey : { ...journey, oneWay: false });
  const chosen = chosenBranch(first, choose, place.names);
  if (ct === "new") {
    if (count === undefined) return { traced: first, chosen, balancer };
    const counts = countConnections(place, made.of, sender, { total: count, seed, ...(made.inTurn ? {} : { first }) });
    return { traced: first, chosen, balancer, counts };
  }
  if (count !== undefined) throw new UsageError("--count makes new connections: --ct does not go with it");
  const branch = first.branches[chosen];
  const connection = branch === undefined ? undefined : establish(place, packet, sender, journey, branch);
  if (connection === undefined)
    throw new UsageError(`--ct ${ct}: the connection cannot be made; without --ct the trace tells why`);
  const later = laterPacket(packet, connection, { valid: ct === "established", payload: 1 });
  return { traced: traceJourneys(place, later, sender, journey), chosen: 0, balancer };
}
