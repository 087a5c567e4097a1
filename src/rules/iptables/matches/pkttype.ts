import { type Negatable, negatable, negatableOption, type RuleModule } from "../module.ts";

export type PacketType = "unicast" | "broadcast" | "multicast" | "otherhost";

/** `-m pkttype`: how the frame was addressed on the link. */
export interface PkttypeMatch {
  readonly kind: "pkttype";
  readonly type: Negatable<PacketType>;
}

/** Names of libxt_pkttype.c; any case. */
const names: ReadonlyMap<string, PacketType> = new Map([
  ["unicast", "unicast"],
  ["host", "unicast"],
  ["broadcast", "broadcast"],
  ["bcast", "broadcast"],
  ["multicast", "multicast"],
  ["mcast", "multicast"],
  ["otherhost", "otherhost"],
]);

export const pkttypeModule: RuleModule<PkttypeMatch> = {
  kind: "pkttype",
  negatable: ["--pkt-type"],
  parse: (options) => {
    const value = options.need("--pkt-type", (text) => names.get(text.toLowerCase()), "a packet type");
    const type = negatable(options, "--pkt-type", value);
    return type === undefined ? undefined : { kind: "pkttype", type };
  },
  format: (match) => negatableOption("--pkt-type", match.type, (type) => type),
};
