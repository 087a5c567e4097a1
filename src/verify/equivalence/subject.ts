import type { Packet } from "../../kernel/packet.ts";

/** The port of a Service that a packet asks for, as the objects say: all that reports and the list of intended differences want to know. */
export interface Subject {
  /** `NAMESPACE/NAME` */
  readonly service: string;
  /** `shop/web port http` */
  readonly port: string;
  readonly by: "ClusterIP" | "external IP" | "load balancer IP" | "node port";
  /** The traffic policy of this way in is Local. */
  readonly localOnly: boolean;
  readonly hasSourceRanges: boolean;
  /** Some Service has the port's number and protocol as its node port. */
  readonly hasNodePortNumber: boolean;
  /** Addresses of the Service's endpoints on the node, ready or not, as texts. */
  readonly localEndpoints: ReadonlySet<string>;
}

/** `undefined`: it asks for no Service. */
export type SubjectOf = (packet: Packet) => Subject | undefined;
