import { scriptedChooser } from "../kernel/chooser/scripted.ts";
import { type Packet, protocols, tcpFlag } from "../kernel/packet.ts";
import { type Journey, type JourneyBranch, type JourneyOptions, type Sender, travelOnce } from "../network/journey.ts";
import type { Network } from "../network/network.ts";
import type { NetworkState } from "../network/network-state.ts";

/** The number of an outsider's segment: far outside of every window. */
const OUT_OF_WINDOW = 0x70000000;

/**
 * Makes the connection that a packet would begin, on the way of a branch: the first packet, its reply, and for TCP the third
 * packet of the handshake. The states keep it. `undefined` when no reply came back as called.
 */
export function establish(
  place: { readonly network: Network; readonly state: NetworkState },
  packet: Packet,
  sender: Sender | undefined,
  options: JourneyOptions,
  branch: JourneyBranch,
): Journey | undefined {
  const journey = travelOnce(place, scriptedChooser(branch.script), packet, sender, options);
  if (journey.reply?.arrival !== "as-called") return undefined;
  if (packet.protocol === protocols.tcp)
    travelOnce(place, scriptedChooser([]), laterPacket(packet, journey, { valid: true, payload: 0 }), sender, {
      ...options,
      oneWay: true,
    });
  return journey;
}

/** A later packet of the connection in the same direction; one that is not `valid` lies outside of TCP's window. */
export function laterPacket(
  packet: Packet,
  { reply }: Journey,
  { valid, payload }: { readonly valid: boolean; readonly payload: number },
): Packet {
  if (packet.protocol !== protocols.tcp) return { ...packet, payload: packet.payload + payload };
  const answered = reply?.way.packet;
  const next = (packet.seq + 1 + packet.payload) >>> 0;
  return {
    ...packet,
    flags: tcpFlag.ACK,
    seq: valid ? next : (next + OUT_OF_WINDOW) >>> 0,
    ack: answered === undefined ? 0 : (answered.seq + 1) >>> 0,
    payload,
  };
}
