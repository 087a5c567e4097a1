import { scriptedChooser } from "../kernel/chooser/scripted.ts";
import { type Packet, tcpFlag } from "../kernel/packet.ts";
import { type JourneyBranch, type JourneyOptions, journeysOf, type Sender, travelOnce } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";
import { type Field, withField } from "./field.ts";

/** Where packets travel. */
export interface Place {
  readonly network: Network;
  readonly state: NetworkState;
}

/** A packet and how it is sent: all that a question about it says. */
export interface Sending {
  readonly packet: Packet;
  readonly sender: Sender | undefined;
  readonly options: JourneyOptions;
  /** Sent before it from the same place and answered, so that there is a connection. */
  readonly first?: Packet;
}

/** All ways of a packet; what is sent before it goes its first way. The states of all hosts are as before when it returns. */
export function waysOf(place: Place, { packet, sender, options, first }: Sending): readonly JourneyBranch[] {
  if (first === undefined) return journeysOf(place, packet, sender, options).branches;
  const mark = place.state.mark();
  try {
    travelOnce(place, scriptedChooser([]), first, sender, { ...options, oneWay: false });
    return journeysOf(place, packet, sender, options).branches;
  } finally {
    place.state.rollback(mark);
  }
}

/** The number of the answer to a SYN, in the network's replies. */
const ANSWER = 1001;

/** A later packet of the TCP connection that a packet's SYN would open. */
export function afterHandshake(packet: Packet): { readonly first: Packet; readonly packet: Packet } {
  const first: Packet = { ...packet, flags: tcpFlag.SYN, ack: 0 };
  const seq = (first.seq + 1 + first.payload) >>> 0;
  return { first, packet: { ...packet, flags: tcpFlag.ACK, seq, ack: ANSWER } };
}

/** A change that may help. */
export interface Candidate {
  readonly to: string;
  readonly sending: Sending;
  /** The values that it stands for. */
  readonly interval?: { readonly from: bigint; readonly to: bigint };
}

/** A packet with another port, as a candidate for the values that it stands for. */
export function portCandidate(
  sending: Sending,
  field: Extract<Field, "sport" | "dport">,
  value: bigint,
  interval: { readonly from: bigint; readonly to: bigint },
): Candidate {
  return { to: `${value}`, interval, sending: { ...sending, packet: withField(sending.packet, field, value) } };
}
