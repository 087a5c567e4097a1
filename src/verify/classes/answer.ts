import { scriptedChooser } from "../../kernel/chooser/scripted.ts";
import type { Host } from "../../kernel/host.ts";
import type { Result } from "../../kernel/outcome.ts";
import { type Address, type Packet, sameAddress } from "../../kernel/packet.ts";
import { ipv6Kind, scopes } from "../../kernel/routing/address.ts";
import { receive, send, wayTo } from "../../kernel/run.ts";
import type { HostState } from "../../kernel/state.ts";
import { isAnswerTo, replyTo } from "../../network/reply.ts";
import type { Entrance } from "../../network/wire.ts";

/**
 * What the sender hears of whoever gets its packet, as far as one host can tell: the answer as it has to be; one that it does not take
 * for an answer; none, as this host keeps it back; nothing by this host, as the answer goes another way; or it hangs on what is not modelled.
 */
export type Answer = "as called" | "not as called" | "lost" | "not over this node" | "unknown";

const madeStubs = new WeakMap<Host, Map<string, boolean>>();

function looksStub({ routes }: Host, device: string): boolean {
  const by = routes.filter(
    ({ type, destination, nextHops }) =>
      type === "unicast" &&
      nextHops.some((hop) => hop.device === device) &&
      !(typeof destination !== "number" && ipv6Kind(destination).scope !== scopes.global),
  );
  return (
    by.length > 0 &&
    by.every(
      ({ family, prefixLength, nextHops }) =>
        prefixLength === (family === "IPv4" ? 32 : 128) && nextHops.every(({ gateway }) => gateway === undefined),
    )
  );
}

/** Leads a device to single hosts alone, each with a route of its own, as Pods' veths do? Whoever is there sends by this host. */
export function isStub(host: Host, device: string): boolean {
  const known = madeStubs.get(host) ?? new Map<string, boolean>();
  madeStubs.set(host, known);
  const found = known.get(device) ?? looksStub(host, device);
  known.set(device, found);
  return found;
}

/** Is it an address that packets from a wire come to here? Those of kube-ipvs0, which is not up, every node has. */
const hasItself = ({ interfaces }: Host, address: Address): boolean =>
  interfaces.some(({ up, addresses }) => up && addresses.some((own) => sameAddress(own.address, address)));

/** Does the answer to a packet that left come over this host? It does to the host itself, and from and to whoever hangs on it alone. */
function comesBack(host: Host, state: HostState, { packet }: Result, outInterface: string): boolean {
  const { family, src, dst } = packet;
  // a Pod that sees itself as the sender answers itself
  if (sameAddress(src, dst)) return false;
  if (hasItself(host, src) || isStub(host, outInterface)) return true;
  const way = wayTo(host, state, family, src);
  return way.kind === "unicast" && isStub(host, way.device.name);
}

/** What whoever got a packet answers, as it goes through the host again; `undefined`: nothing is translated that has to be put right. */
export function answerOn(
  host: Host,
  state: HostState,
  sent: Packet,
  entrance: Entrance,
  result: Result,
): Answer | undefined {
  const { outcome, packet } = result;
  if (outcome.kind !== "transmitted" && outcome.kind !== "delivered") return undefined;
  const moved = !sameAddress(sent.dst, packet.dst) || sent.dport !== packet.dport;
  if (outcome.kind === "transmitted" && !moved) return undefined;
  const reply = replyTo(packet);
  if (reply === undefined) return undefined;
  if (outcome.kind === "transmitted" && !comesBack(host, state, result, outcome.outInterface))
    return "not over this node";
  const chooser = scriptedChooser([]);
  const options = { host, state, chooser };
  const back = outcome.kind === "transmitted" ? receive(options, reply, outcome.outInterface) : send(options, reply);
  if (chooser.answers.length > 0 || back.outcome.kind === "unknown") return "unknown";
  const end = entrance.kind === "sent" ? "delivered" : "transmitted";
  if (back.outcome.kind !== end) return "lost";
  if (isAnswerTo(back.packet, sent, entrance.kind === "received")) return "as called";
  return entrance.kind === "sent" || sameAddress(back.packet.dst, sent.src) ? "not as called" : "lost";
}
