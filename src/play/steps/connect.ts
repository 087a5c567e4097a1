import { findAddress } from "../../assembly/find-address.ts";
import { probabilityOf } from "../../kernel/chooser/explore.ts";
import type { AssumingChooser } from "../../kernel/chooser/seeded.ts";
import { type Address, hasPorts, type Packet, protocols } from "../../kernel/packet.ts";
import { addressText, protocolText } from "../../kernel/packet-text.ts";
import { wayTo } from "../../kernel/run.ts";
import { int32, object, string, textOf } from "../../manifest/schema.ts";
import { hasArrived } from "../../network/end.ts";
import { journeysOf, type Sender, senderOf } from "../../network/journey.ts";
import { addressIn, type Found, nodeIn } from "../addresses.ts";
import { chanceText, recordingChooser, scriptedDraws } from "../chance.ts";
import { type Connection, speak } from "../connection.ts";
import { dialogue, type Ends, firstSequence, hasSessions, type Line, packetOfLine } from "../dialogue.ts";
import { unmet } from "../expectation.ts";
import { type Reading, type ScriptPath, type StepContext, StepFault, type StepKind, stepKind } from "../step.ts";
import { dialogueLines, labelled, outcomeOf, sideText } from "../story.ts";
import type { World } from "../world.ts";

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["tcp", protocols.tcp],
  ["udp", protocols.udp],
  ["sctp", protocols.sctp],
  ["icmp", protocols.icmp],
]);

interface Value {
  readonly name?: string;
  readonly from?: string;
  readonly to?: string;
  readonly proto?: string;
  readonly sport?: number;
  /** The node that a packet from outside enters by. */
  readonly via?: string;
  /** The endpoint that the rules' chance is to fall on. */
  readonly choose?: string;
}

/** The first source port of an ordinary client. */
const FIRST_PORT = 40000;

function protocolOf({ proto }: Value, to: Found): number {
  const name = (proto ?? to.protocol ?? "tcp").toLowerCase();
  const protocol = PROTOCOLS.get(name) ?? protocols.tcp;
  return protocol === protocols.icmp && to.family === "IPv6" ? protocols.icmpv6 : protocol;
}

/** Who sends, and from which address: a node's process sends from the address that routing gives it. */
function senderFor(
  world: World,
  value: Value,
  to: Found,
  at: StepContext["at"],
): { readonly sender: Sender; readonly source: Address; readonly port?: number | undefined } {
  const text = value.from ?? "";
  const from = addressIn(world, text, [...at, "from"], to.family);
  const { network } = world.scene;
  const { port } = from;
  const sender = senderOf(network, from.address);
  if (sender === undefined)
    throw new StepFault([...at, "from"], "no-sender", `nobody is known to send from ${text}: no Pod has this address`);
  if (sender.kind === "outside") {
    const via = value.via === undefined ? undefined : nodeIn(world, value.via, [...at, "via"]);
    return { sender: via === undefined ? sender : { kind: "outside", node: via }, source: from.address, port };
  }
  const host = sender.kind === "node" ? network.node(sender.node)?.host : undefined;
  if (host === undefined || sender.kind !== "node" || !/^no(?:des?)?\//.test(text))
    return { sender, source: from.address, port };
  const way = wayTo(host, world.state.of(sender.node), to.family, to.address);
  const routed = way.kind === "local" || way.kind === "unicast" ? way.source : undefined;
  return { sender, source: routed ?? from.address, port };
}

/** The destination, in the family that the sender has an address of. */
function destination(world: World, { from = "", to = "" }: Value, at: ScriptPath): Found {
  const book = { cluster: world.scene.cluster, pods: world.scene.pods };
  const first = addressIn(world, to, [...at, "to"]);
  if (findAddress(book, from, first.family).kind === "found") return first;
  const other = findAddress(book, to, first.family === "IPv4" ? "IPv6" : "IPv4");
  return other.kind === "found" && findAddress(book, from, other.family).kind === "found" ? other : first;
}

function endsFor(world: World, value: Value, context: StepContext): { readonly sender: Sender; readonly ends: Ends } {
  const to = destination(world, value, context.at);
  const protocol = protocolOf(value, to);
  if (hasPorts(protocol) && to.port === undefined)
    throw new StepFault([...context.at, "to"], "no-port", `${value.to}: a port is needed, as in ${value.to}:80`);
  const { sender, source, port: from } = senderFor(world, value, to, context.at);
  const count = world.connections.size;
  const ports = hasPorts(protocol)
    ? { sport: value.sport ?? from ?? FIRST_PORT + count, dport: to.port ?? 0 }
    : { sport: 0, dport: 0 };
  return {
    sender,
    ends: {
      family: to.family,
      protocol,
      src: source,
      dst: to.address,
      ...ports,
      icmpId: hasPorts(protocol) ? 0 : 1 + count,
    },
  };
}

const isAt = ({ protocol, dst, dport }: Packet, choice: string): boolean => {
  const text = sideText({ protocol }, dst, dport);
  return text === choice || text.slice(0, text.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1") === choice;
};

/** A chooser that takes the first of all ways that ends at the endpoint that was asked for. */
function chosen(
  world: World,
  choice: string,
  connection: Connection,
  first: Line,
  at: StepContext["at"],
): AssumingChooser {
  const packet = packetOfLine(first, connection.ends, connection.sequence);
  const place = { network: world.scene.network, state: world.state };
  const { branches } = journeysOf(place, packet, connection.sender, { oneWay: true });
  const arrived = branches.filter(({ journey }) => hasArrived(journey.there.end));
  const found = arrived.find(({ journey }) => isAt(journey.there.packet, choice));
  if (found !== undefined) return scriptedDraws(found.script, world.chooser);
  const known = new Set(
    arrived.map(({ journey: { there } }) => sideText(there.packet, there.packet.dst, there.packet.dport)),
  );
  const rest =
    known.size === 0 ? "no way of this packet arrives" : `its ways end at ${[...known].slice(0, 8).join(", ")}`;
  throw new StepFault([...at, "choose"], "no-such-way", `no way of this packet ends at ${choice}: ${rest}`);
}

/** Who opens a connection, by name where there is one. */
function clientText(sender: Sender, ends: Ends): string {
  const address = addressText(ends.src);
  if (sender.kind === "outside") return `${address} outside`;
  const name = sender.kind === "pod" ? sender.pod : sender.node;
  return name === address ? address : `${name} (${address})`;
}

/** Addresses that are written as such are checked before anything is played; names are looked up when their time has come. */
function checkLiteral(text: string | undefined, at: ScriptPath, reading: Reading): void {
  if (text === undefined || text.includes("/")) return;
  const found = findAddress({ cluster: { services: [], endpointSlices: [], nodes: [] }, pods: [] }, text);
  if (found.kind === "not-found") reading.fault(at, found.code, found.message);
}

/** `connect`: a new connection: for TCP its handshake, for UDP and ICMP a first packet and its answer. */
export const connect: StepKind = stepKind<Value>(
  "connect",
  object({
    name: string,
    from: string,
    to: string,
    proto: textOf((text) => PROTOCOLS.has(text), `one of ${[...PROTOCOLS.keys()].join(", ")}`),
    sport: int32,
    via: string,
    choose: string,
  }),
  (value, context) => {
    const { at, reading, expect } = context;
    const { name, from, to, sport, choose } = value;
    for (const [field, text] of Object.entries({ name, from, to }))
      if (text === undefined) reading.fault(at, "missing-field", `Required value: ${field}`);
    if (sport !== undefined && (sport < 1 || sport > 65535))
      reading.fault([...at, "sport"], "out-of-range", `${sport} is no port: 1 to 65535`);
    if (from !== undefined && !from.includes("/")) reading.addresses.push(from);
    for (const [field, text] of Object.entries({ from, to })) checkLiteral(text, [...at, field], reading);
    if (name !== undefined && reading.connections.has(name))
      reading.fault([...at, "name"], "duplicate-name", `a connection ${JSON.stringify(name)} was opened before`);
    if (name !== undefined) reading.connections.add(name);
    return (world) => {
      const { sender, ends } = endsFor(world, value, context);
      const lines = dialogue(ends.protocol, "connect", "client") ?? [];
      const begun: Connection = { name: name ?? "", sender, ends, sequence: firstSequence, status: "new" };
      const draws = choose === undefined ? world.chooser : chosen(world, choose, begun, lines[0] as Line, at);
      const chance = recordingChooser(draws);
      const stage = { network: world.scene.network, state: world.state };
      const opened = speak({ ...stage, chooser: chance }, begun, lines.slice(0, 1));
      const probability = probabilityOf(chance.answers);
      const rest = opened.complete
        ? speak({ ...stage, chooser: world.chooser }, { ...opened.connection, status: "open" }, lines.slice(1))
        : { connection: opened.connection, spoken: [], complete: false };
      const spoken = [...opened.spoken, ...rest.spoken];
      const failed = hasSessions(ends.protocol) && !(opened.complete && rest.complete);
      const { status } = rest.connection;
      const ended = status === "new" || status === "open" ? (failed ? "refused" : "open") : status;
      world.connections.set(begun.name, { ...rest.connection, status: ended });
      const outcome = outcomeOf(spoken);
      const title = `${name}: ${protocolText(ends.protocol, ends.family)} ${sideText(ends, ends.src, ends.sport)} -> ${sideText(ends, ends.dst, ends.dport)}`;
      const shown = chance.answers.length === 0 ? [] : [labelled("chance", `${chanceText(probability)} for this way`)];
      const lost = outcome.result === "unknown" && sender.kind === "outside" && sender.node === undefined;
      const hint = lost ? [labelled("hint", "via: NODE tells which node hands it on")] : [];
      return {
        title,
        lines: [...dialogueLines(world.scene, spoken), ...shown, ...hint],
        data: { connection: name, client: clientText(sender, ends), status: ended, ...outcome },
        failures: unmet(expect ?? {}, outcome),
      };
    };
  },
  { expects: true },
);
