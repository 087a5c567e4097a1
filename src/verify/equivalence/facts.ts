import type { Host } from "../../kernel/host.ts";
import { addressServiceId } from "../../kernel/ipvs/service-index.ts";
import { type Address, type Packet, sameAddress } from "../../kernel/packet.ts";
import { addressText } from "../../kernel/packet-text.ts";
import { ipv6Kind, isLoopback4, ownerOf } from "../../kernel/routing/address.ts";
import { partKey } from "../../kernel/set-key.ts";
import { addressOf } from "../../network/addresses.ts";
import type { VirtualServer } from "../../rules/ipvs/model.ts";
import type { Side } from "../classes/space.ts";
import type { Compared } from "./compare.ts";
import type { Fate, Fates } from "./fate.ts";
import type { Subject } from "./subject.ts";

/** One side of a difference. */
export interface View {
  readonly host: Host;
  readonly fates: readonly Fate[];
}

/** A difference as it is seen from one of its sides. */
export interface Facts {
  readonly packet: Packet;
  /** The node sends it itself. */
  readonly isSent: boolean;
  readonly own: View;
  readonly other: View;
  /** The own side's virtual server for the packet's destination. */
  readonly server: VirtualServer | undefined;
  /** What the packet asks for, as the objects say. */
  readonly subject: Subject | undefined;
}

type Arrived = Extract<Fate, { readonly kind: "sent-on" | "delivered" }>;

/** The fates with an end. */
export const arrived = ({ fates }: View): readonly Arrived[] =>
  fates.filter((fate): fate is Arrived => fate.kind === "sent-on" || fate.kind === "delivered");
/** The endpoints that a view's packets get to. */
export const endpointsOf = (view: View): readonly string[] =>
  [...new Set(arrived(view).flatMap(({ to }) => to ?? []))].sort();
/** Does a packet get to an endpoint on some way? */
export const isTranslated = (view: View): boolean => endpointsOf(view).length > 0;
/** Does it get somewhere on every way? */
export const allArrive = (view: View): boolean => arrived(view).length === view.fates.length;
/** Do both lead to the same endpoints? */
export const sameEndpoints = (a: View, b: View): boolean => endpointsOf(a).join() === endpointsOf(b).join();
const notices = ({ fates }: View): readonly string[] =>
  fates.flatMap((fate) => (fate.kind === "stopped" ? fate.notice : []));
/** Is it dropped on every way, and the sender told nothing? */
export const isSilent = (view: View): boolean =>
  view.fates.length > 0 && notices(view).filter((each) => each === "nothing").length === view.fates.length;
/** Is the sender told on every way that it does not get through? */
export const isRefused = (view: View): boolean =>
  notices(view).filter((each) => each !== "nothing").length === view.fates.length;
const PORT_UNREACHABLE: ReadonlySet<string> = new Set(["ICMP 3/3", "ICMP 1/4"]);
/** Is the sender told on every way that nobody listens on that port? */
export const isPortUnreachable = (view: View): boolean =>
  isRefused(view) && notices(view).every((each) => PORT_UNREACHABLE.has(each));
/** Is an address the host's own? */
export const owns = ({ host }: View, address: Address): boolean => ownerOf(host, address) !== undefined;
/** Does kube-proxy make virtual servers there, so that it may leave one out? */
export const hasVirtualServers = ({ host }: View): boolean => host.ipvs !== undefined;
/** Is a packet to a loopback address? */
export const isLoopback = ({ dst }: Packet): boolean =>
  typeof dst === "number" ? isLoopback4(dst) : ipv6Kind(dst).loopback;

/** Is the sender one of a virtual server's real servers? */
export function isRealServer({ packet, server }: Facts): boolean {
  return server?.realServers.some(({ address }) => sameAddress(packet.src, addressOf(address))) === true;
}

/** Is the port in the own side's set of health check ports, which are numbers without a protocol? */
export function isHealthCheckPort({ packet, own }: Facts): boolean {
  const name = packet.family === "IPv4" ? "KUBE-HEALTH-CHECK-NODE-PORT" : "KUBE-6-HEALTH-CHECK-NODE-PORT";
  return own.host.sets.get(name)?.elements.get([partKey.port(undefined, packet.dport)]) !== undefined;
}

/** Is the way in one from outside? */
export const isExternal = (subject: Subject | undefined): boolean =>
  subject !== undefined && subject.by !== "ClusterIP";

/** The address of `10.0.0.1:80` or `[fd00::1]:80`. */
const hostOf = (endpoint: string): string => endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");

/** Is an endpoint on this node, as the objects say? */
export const isLocal = ({ localEndpoints }: Subject, endpoint: string): boolean => localEndpoints.has(hostOf(endpoint));

/** Is the sender an endpoint on this node, as the objects say? */
export const isLocalEndpoint = ({ packet, subject }: Facts): boolean =>
  subject?.localEndpoints.has(addressText(packet.src)) === true;

/** Does a sender get its own packet on some way, from itself as it seems, so that it cannot answer? */
export const comesBackUnmasked = ({ packet, own }: Facts): boolean =>
  arrived(own).some(({ to, from }) => to !== undefined && from === undefined && hostOf(to) === addressText(packet.src));

/** Are all endpoints that packets get to on this node, as the objects say? */
export function onlyLocal({ own, subject }: Facts): boolean {
  return subject !== undefined && isTranslated(own) && endpointsOf(own).every((text) => isLocal(subject, text));
}

/** Do the two differ in nothing but which of its own addresses the node is seen by, both of which both sides have? */
export function ownAddressesOnly({ own, other }: Facts): boolean {
  const seen = [...arrived(own), ...arrived(other)].map(({ from }) => from);
  const common = (text: string): boolean => ownTexts(own.host).has(text) && ownTexts(other.host).has(text);
  return (
    allArrive(own) &&
    allArrive(other) &&
    sameEndpoints(own, other) &&
    seen.every((text) => text !== undefined && common(text))
  );
}

/** How many addresses of the packet's family a host has that others may see as their peer's. */
export function countOfAddresses({ interfaces }: Host, { family }: Packet): number {
  const global = interfaces.filter(({ loopback }) => !loopback);
  return global.reduce(
    (sum, { addresses }) => sum + addresses.filter((own) => own.family === family && own.scope === "global").length,
    0,
  );
}

const madeTexts = new WeakMap<Host, ReadonlySet<string>>();

function ownTexts(host: Host): ReadonlySet<string> {
  const known = madeTexts.get(host);
  if (known !== undefined) return known;
  const found = new Set(
    host.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => addressText(address))),
  );
  madeTexts.set(host, found);
  return found;
}

/** A difference as `own` sees it. */
export function factsFor(
  compared: Compared,
  own: Side,
  other: Side,
  fates: readonly [Fates, Fates],
  subject: Subject | undefined,
): Facts {
  const { packet, part } = compared.class;
  return {
    packet,
    isSent: part.interfaces.length === 0,
    own: { host: own.host, fates: [...fates[0].values()] },
    other: { host: other.host, fates: [...fates[1].values()] },
    server: own.host.services.byId.get(addressServiceId(packet.protocol, packet.dst, packet.dport))?.description,
    subject,
  };
}
