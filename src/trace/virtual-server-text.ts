import type { AssumedChoice, ChosenRealServer, Event } from "../kernel/event.ts";
import { virtualServerText } from "../kernel/ipvs/service-name.ts";
import { endpointText } from "../kernel/packet-text.ts";
import { scheduleReasonText } from "./schedule-reason-text.ts";

type VirtualServerEvent = Extract<Event, { kind: "virtual-server" }>;
type ConnectionEvent = Extract<Event, { kind: "ipvs-connection" }>;

const ASSUMED: Readonly<Record<AssumedChoice, string>> = {
  "no-template": "this client has none that persistence keeps it with",
  order: "the real servers were added in the dump's order",
  beginning: "the scheduler stands at its beginning",
};

function takesText(scheduler: string, chosen: ChosenRealServer, assumed: readonly AssumedChoice[]): string {
  const name = endpointText(chosen.address, chosen.port);
  const known = assumed.map((each) => ASSUMED[each]);
  const rests = known.length === 0 ? "" : `; this assumes that ${known.join(", and that ")}`;
  return `takes real server ${name}: ${scheduleReasonText(scheduler, chosen)}${rests}`;
}

/** Schedulers that look at one real server only, by the packet. */
const BY_HASH: ReadonlySet<string> = new Set(["sh", "dh", "mh"]);

function nobodyText({ scheduler, realServers, nobody }: VirtualServerEvent): string {
  if (nobody === "other-port") return "takes packets to other ports than its own only with persistence";
  if (realServers === 0) return "has no real server";
  if (BY_HASH.has(scheduler)) return "can take none: the real server of this packet's hash bucket cannot be had";
  const all = `none of its ${realServers} real servers`;
  return scheduler === "ovf"
    ? `can take ${all}: each weighs nothing or has more active connections than it weighs`
    : `can take ${all}`;
}

/** What a virtual server did with the first packet of a connection, in words. */
export function scheduledText(event: VirtualServerEvent): string {
  const { key, scheduler, chosen, assumed = [] } = event;
  const did = chosen === undefined ? nobodyText(event) : takesText(scheduler, chosen, assumed);
  return `virtual server ${virtualServerText(key)} (${scheduler}) ${did}`;
}

/** Which connection a packet belongs to, in words. */
export function connectionText({ what, client, virtual, real, state }: ConnectionEvent): string {
  const of =
    what === "new"
      ? "a new connection"
      : what === "error"
        ? "an error about the connection"
        : `a ${what} of the connection`;
  const ends = [client, virtual, real].map(({ address, port }) => endpointText(address, port)).join(" -> ");
  return `ip_vs: ${of} ${ends} (${state})`;
}
