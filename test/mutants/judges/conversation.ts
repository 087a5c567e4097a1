import { explore } from "../../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../../src/kernel/chooser/scripted.ts";
import type { Chooser } from "../../../src/kernel/chooser.ts";
import type { Host } from "../../../src/kernel/host.ts";
import type { Result } from "../../../src/kernel/outcome.ts";
import { makePacket, type Packet, protocols, sameAddress, tcpFlag } from "../../../src/kernel/packet.ts";
import { addressText } from "../../../src/kernel/packet-text.ts";
import { receive, send } from "../../../src/kernel/run.ts";
import { HostState } from "../../../src/kernel/state.ts";
import { replyTo } from "../../../src/network/reply.ts";
import type { Entrance } from "../../../src/network/wire.ts";
import type { Way, Ways } from "../../../src/verify/classes/ways.ts";
import { fateKey, fateOf } from "../../../src/verify/equivalence/fate.ts";

interface Run {
  readonly host: Host;
  readonly state: HostState;
  readonly chooser: Chooser;
}

const enter = (run: Run, packet: Packet, entrance: Entrance): Result =>
  entrance.kind === "received" ? receive(run, packet, entrance.inInterface) : send(run, packet, entrance.options);

/** Enters a packet and takes back what it did. */
function tryOut(run: Run, packet: Packet, entrance: Entrance): Result {
  const mark = run.state.mark();
  try {
    return enter({ ...run, chooser: scriptedChooser([]) }, packet, entrance);
  } finally {
    run.state.rollback(mark);
  }
}

/** Where whoever got a packet answers it. */
function answeringEntrance({ outcome }: Result): Entrance | undefined {
  if (outcome.kind === "transmitted") return { kind: "received", inInterface: outcome.outInterface };
  return outcome.kind === "delivered" ? { kind: "sent", options: {} } : undefined;
}

/** A packet in place of an answer that conntrack takes for INVALID: a TCP header that cannot be. */
const strayOf = (answer: Packet): Packet | undefined =>
  answer.protocol === protocols.tcp ? { ...answer, flags: 0 } : undefined;

/** "Port unreachable" about a packet, from whom it was sent to. */
function errorAbout(packet: Packet): Packet {
  const v4 = packet.family === "IPv4";
  const icmp = v4
    ? { protocol: protocols.icmp, icmpType: 3, icmpCode: 3 }
    : { protocol: protocols.icmpv6, icmpType: 1, icmpCode: 4 };
  return makePacket({ family: packet.family, src: packet.dst, dst: packet.src, ...icmp, inner: packet });
}

/** What follows the first packet of a way. */
interface Talk {
  readonly run: Run;
  readonly reply: Packet;
  /** What becomes of an impossible packet in place of the answer, of an error in its place, and of the answer. */
  readonly stray: Result | undefined;
  readonly error: Result;
  readonly result: Result;
}

function talkOn({ host, script }: Way, packet: Packet, entrance: Entrance): Talk | undefined {
  const run = { host, state: new HostState(), chooser: scriptedChooser(script) };
  const first = enter(run, packet, entrance);
  const back = answeringEntrance(first);
  const reply = back === undefined ? undefined : replyTo(first.packet);
  if (back === undefined || reply === undefined) return undefined;
  const invalid = strayOf(reply);
  const stray = invalid === undefined ? undefined : tryOut(run, invalid, back);
  const error = tryOut(run, errorAbout(first.packet), back);
  const result = enter({ ...run, chooser: scriptedChooser([]) }, reply, back);
  // nobody answers from a broadcast address
  if (result.outcome.kind === "no-route" && result.outcome.where === "send") return undefined;
  return { run, reply, stray, error, result };
}

const got = ({ outcome }: Result): boolean => outcome.kind === "transmitted" || outcome.kind === "delivered";

const isFromCalled = ({ packet }: Result, called: Packet): boolean =>
  sameAddress(packet.src, called.dst) && packet.sport === called.dport;

/** Does everybody who is let in get his answer, from the address that he called? */
export function isAnswered({ ways }: Ways, packet: Packet, entrance: Entrance): boolean {
  return ways.every((way) => {
    const talk = talkOn(way, packet, entrance);
    return talk === undefined || (got(talk.result) && isFromCalled(talk.result, packet));
  });
}

/** Is everybody who is let in told of an error that somebody sends back? */
export function isTold({ ways }: Ways, packet: Packet, entrance: Entrance): boolean {
  return ways.every((way) => {
    const talk = talkOn(way, packet, entrance);
    return talk === undefined || got(talk.error);
  });
}

/** Does nothing come back from another address than was called, as a client would refuse (kubernetes issue 74839)? */
export function hasNoStrays({ ways }: Ways, packet: Packet, entrance: Entrance): boolean {
  return ways.every((way) => {
    const stray = talkOn(way, packet, entrance)?.stray;
    return stray === undefined || !got(stray) || isFromCalled(stray, packet);
  });
}

/** The third packet of a connection. */
function third(packet: Packet, answer: Packet): Packet {
  if (packet.protocol !== protocols.tcp) return packet;
  return { ...packet, flags: tcpFlag.ACK, seq: (packet.seq + 1) >>> 0, ack: (answer.seq + 1) >>> 0, payload: 0 };
}

const endText = (sent: Packet, result: Result): string =>
  `${fateKey(fateOf(sent, { result, answer: undefined }))} ${addressText(result.packet.src)} ${result.packet.sport}`;

/** What follows first packets, as texts: connections that go on as they should, and packets that conntrack calls INVALID. */
export interface Conversation {
  readonly usual: string;
  readonly strays: string;
}

/** What becomes of the answer to a packet, of what the caller sends then, and of what else may come back. All ways together. */
export function conversation({ ways }: Ways, packet: Packet, entrance: Entrance): Conversation {
  const usual = new Set<string>();
  const strays = new Set<string>();
  for (const way of ways) {
    const talk = talkOn(way, packet, entrance);
    if (talk === undefined) continue;
    const { run, reply, stray, error, result } = talk;
    const next = third(packet, reply);
    const { branches } = explore(run.state, (chooser) => endText(next, enter({ ...run, chooser }, next, entrance)));
    const then = branches.map(({ value }) => value).join(" or ");
    usual.add(`${endText(reply, result)}, then ${then}; an error: ${endText(reply, error)}`);
    if (stray !== undefined) strays.add(endText(reply, stray));
  }
  return { usual: [...usual].sort().join(" | "), strays: [...strays].sort().join(" | ") };
}
