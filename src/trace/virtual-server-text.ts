import type { ChosenRealServer, Event } from "../kernel/event.ts";
import { protocols } from "../kernel/packet.ts";
import { endpointText } from "../kernel/packet-text.ts";
import type { VirtualServerKey } from "../rules/ipvs/model.ts";

type VirtualServerEvent = Extract<Event, { kind: "virtual-server" }>;
type ConnectionEvent = Extract<Event, { kind: "ipvs-connection" }>;

const NAMES: Readonly<Record<number, string>> = {
  [protocols.tcp]: "TCP",
  [protocols.udp]: "UDP",
  [protocols.sctp]: "SCTP",
};

/** `TCP 10.96.0.1:80`, or `FWM 7`, as `ipvsadm -Ln` names a virtual server. */
export function virtualServerText(key: VirtualServerKey): string {
  if (key.kind === "fwmark") return `FWM ${key.mark}`;
  const { address, port, protocol } = key;
  const name = NAMES[protocol] ?? `protocol ${protocol}`;
  return `${name} ${endpointText(address.family === "IPv4" ? address.value : address.words, port)}`;
}

function reasonText({ reason }: ChosenRealServer): string {
  switch (reason.kind) {
    case "position":
      return `number ${reason.position} of ${reason.of} in the kernel's list is next`;
    case "least-connections":
      return `the least loaded: ${reason.load} at weight ${reason.weight}`;
    case "hash-bucket":
      return `hash bucket ${reason.bucket} of ${reason.of}`;
    case "highest-weight":
      return `the highest weight that may be had, ${reason.weight}`;
    case "cached":
      return "where this address went before";
    case "random":
      return "the better of two drawn by weight";
    case "template":
      return "this client's by persistence";
  }
}

/** What a virtual server did with the first packet of a connection, in words. */
export function scheduledText({ key, scheduler, chosen, realServers }: VirtualServerEvent): string {
  const server = `virtual server ${virtualServerText(key)} (${scheduler})`;
  if (chosen !== undefined)
    return `${server} takes real server ${endpointText(chosen.address, chosen.port)}: ${reasonText(chosen)}`;
  const why = realServers === 0 ? "has no real server" : `can take none of its ${realServers} real servers`;
  return `${server} ${why}`;
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
