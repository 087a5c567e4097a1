import test from "ava";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Event } from "../../src/kernel/event.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import {
  hasPorts,
  isICMPError,
  makePacket,
  type Packet,
  protocols,
  sameAddress,
  tcpFlag,
} from "../../src/kernel/packet.ts";
import { packetText } from "../../src/kernel/packet-text.ts";
import { HostState } from "../../src/kernel/state.ts";
import type { Move } from "../arbitrary/scene.ts";
import { makeStep, type Step } from "../kernel/step.ts";
import { counterexample } from "./holds.ts";
import { type Recorded, recordStep } from "./play.ts";
import { ruleSetScenes } from "./rule-set-scenes.ts";

/** What became of the replies that were sent. */
class Tally {
  /** Came back to the sender; of these, of packets that were translated. */
  back = 0;
  translated = 0;
  /** Dropped or refused by rules or routing. */
  lost = 0;
}

const { FIN, SYN, RST, ACK } = tcpFlag;
const ICMP_REPLIES: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [13, 14],
  [17, 18],
  [128, 129],
]);

/**
 * What whoever got a packet sends back at once; `undefined` where nobody does, or conntrack would not expect it. UDP-Lite is
 * left out: received with a checksum that is right, it is INVALID.
 */
function replyTo(packet: Packet): Packet | undefined {
  const { family, src, dst, protocol, sport, dport, seq, ack, flags, payload } = packet;
  const back = { family, src: dst, dst: src, protocol, sport: dport, dport: sport };
  switch (protocol) {
    case protocols.tcp: {
      if (flags === SYN) return makePacket({ ...back, flags: SYN | ACK, seq: 1000, ack: (seq + 1) >>> 0 });
      if ((flags & (ACK | FIN | RST)) !== ACK) return undefined;
      const taken = payload + ((flags & SYN) === 0 ? 0 : 1);
      return makePacket({ ...back, flags: ACK, seq: ack, ack: (seq + taken) >>> 0 });
    }
    case protocols.udp:
    case protocols.gre:
    case protocols.esp:
      return makePacket({ ...back, payload: 8 });
    case protocols.icmp:
    case protocols.icmpv6: {
      const { icmpCode, icmpId } = packet;
      const icmpType = ICMP_REPLIES.get(packet.icmpType);
      return icmpType === undefined ? undefined : makePacket({ ...back, icmpType, icmpCode, icmpId });
    }
    default:
      return undefined;
  }
}

/** The connection of a walk's own packet, answers left out; `undefined` where it has none or is no part of it. */
function entryOf(events: readonly Event[]): number | undefined {
  const found = events.find((event) => event.kind === "conntrack");
  return found?.state === "NEW" || found?.state === "ESTABLISHED" ? found.entry : undefined;
}

/** The reply, entering where the packet left; `undefined` where there is nothing to hold the law against. */
function replyStep({ result, events }: Recorded): Step | undefined {
  const { outcome, packet } = result;
  if (entryOf(events) === undefined || isICMPError(packet) || packet.badChecksum) return undefined;
  const reply = replyTo(packet);
  if (reply === undefined) return undefined;
  if (outcome.kind === "transmitted") return makeStep(reply, outcome.outInterface);
  return outcome.kind === "delivered" ? makeStep(reply, undefined) : undefined;
}

const isWhole = ({ fragmentOffset, moreFragments }: Packet): boolean => fragmentOffset === 0 && !moreFragments;

/** Does a reply go from where the packet was sent to, back to where it came from? */
function comesBack(reply: Packet, sent: Packet): boolean {
  const { protocol } = sent;
  if (!sameAddress(reply.src, sent.dst) || !sameAddress(reply.dst, sent.src)) return false;
  if (protocol === protocols.icmp || protocol === protocols.icmpv6) return reply.icmpId === sent.icmpId;
  return !hasPorts(protocol) || (reply.sport === sent.dport && reply.dport === sent.sport);
}

const isUnderWay = ({ outcome }: Result): boolean => outcome.kind === "transmitted" || outcome.kind === "delivered";

/**
 * Of every packet that is let through as part of a connection the reply comes back from the address and port that the
 * sender called. Zones and NOTRACK for one direction only keep it from being a reply: `strict` says that there are none.
 */
function broken(host: Host, moves: readonly Move[], strict: boolean, tally: Tally): string | undefined {
  const state = new HostState();
  const chooser = seededChooser("replies");
  for (const [i, { wait, step }] of moves.entries()) {
    state.advance(wait);
    const there = recordStep(host, state, chooser, step);
    // what left looking like its own reply may be taken for it
    const isOwnReply = comesBack(there.result.packet, there.result.packet);
    const back = isWhole(step.packet) && !isOwnReply ? replyStep(there) : undefined;
    if (back === undefined || (back.from !== undefined && !host.byName.has(back.from))) continue;
    const mark = state.mark();
    const { result, events } = recordStep(host, state, chooser, back);
    state.rollback(mark);
    const entry = entryOf(events);
    const same = entry === entryOf(there.events);
    // in the middle of a connection the tracker may find its numbers wrong; not so the answer to a first packet
    const isFirst = there.events.some(({ kind }) => kind === "confirmed");
    if (!isUnderWay(result) || (!same && (!strict || (entry === undefined && !isFirst)))) {
      tally.lost++;
      continue;
    }
    if (!same || !comesBack(result.packet, step.packet)) {
      const [sent, left] = [packetText(step.packet), packetText(there.result.packet)];
      const how = `${sent} left as ${left}; ${packetText(back.packet)} came back as ${packetText(result.packet)}`;
      return `packet ${i + 1}: ${how}${same ? "" : ", of another connection"}`;
    }
    tally.back++;
    if (!comesBack(back.packet, step.packet)) tally.translated++;
  }
  return undefined;
}

const isStrict = (text: string): boolean => !/-j (?:CT|NOTRACK)\b/.test(text);

test("slow: replies come back from where the sender called: compiled and foreign rules", (t) => {
  const tally = new Tally();
  for (const { name, host, moves, text } of ruleSetScenes("1", 200))
    t.is(broken(host, moves, isStrict(text), tally), undefined, name);
  t.log(`${tally.back} replies came back, ${tally.translated} of them translated; ${tally.lost} were lost`);
  t.true(tally.translated > 1500 && tally.back > 2 * tally.lost, JSON.stringify(tally));
});

test("slow: replies come back from where the sender called: any rules", (t) => {
  const tally = new Tally();
  const options = { circles: false, uncertain: 0, moves: 60, odd: 0.1, damaged: 0 };
  const law = (host: Host, moves: readonly Move[]): string | undefined => broken(host, moves, false, tally);
  t.is(counterexample(law, options, 80), undefined);
  t.log(`${tally.back} replies came back, ${tally.translated} of them translated; ${tally.lost} were lost`);
  t.true(tally.translated > 50, JSON.stringify(tally));
});
