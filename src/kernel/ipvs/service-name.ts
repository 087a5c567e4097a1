import type { VirtualServerKey } from "../../rules/ipvs/model.ts";
import { protocols } from "../packet.ts";
import { endpointText } from "../packet-text.ts";

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
