import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import { makePacket, type Packet, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import type { Random } from "../../src/net/random.ts";
import { addressOf } from "../kernel/constants.ts";
import { answerTo, errorAbout } from "../kernel/follow.ts";
import { changeOf, type FreshNode, type Frontend, type SourceKind } from "./fresh-node.ts";
import type { Lab } from "./lab.ts";

/** One packet of a plan, with what the emulator makes of it. */
export interface PlannedPacket {
  readonly kind: "packet";
  readonly packet: Packet;
  /** The interface that it comes in by; none: the node sends it. */
  readonly from: string | undefined;
  readonly results: readonly Result[];
  /** What the emulator could not decide about it, in words. */
  readonly unknown: readonly string[];
  /** Of what stands in the table of cells: who began the flow that it belongs to, and with whom. */
  readonly source: SourceKind;
  readonly frontend: Frontend;
}

/** A step of a plan: a packet, a change of the virtual servers, or time that passes. */
export type PlannedStep =
  | PlannedPacket
  | { readonly kind: "change"; readonly line: string }
  | { readonly kind: "sleep"; readonly ms: number };

/** A packet that was seen somewhere, and whose it is. */
interface Seen {
  readonly packet: Packet;
  readonly at: string | undefined;
  readonly source: SourceKind;
  readonly frontend: Frontend;
}

const NUMBERS = { tcp: protocols.tcp, udp: protocols.udp, sctp: protocols.sctp } as const;
/** How many packets that were seen may still be answered. */
const POOL = 60;
const PAUSE = 40;
const { ACK, FIN, RST, SYN } = tcpFlag;
/** With what a flow may begin that is no ordinary one. */
const FIRST_FLAGS = [SYN, ACK, ACK, SYN | ACK, SYN | FIN, SYN | RST, RST, FIN | ACK];

/** Plans packets for a node: fresh ones, answers to what left or arrived, errors about it, and packets once sent again. */
export class Planner {
  readonly #lab: Lab;
  readonly #node: FreshNode;
  readonly #random: Random;
  readonly #pool: Seen[] = [];
  readonly #sent: Seen[] = [];
  #port = 20000;
  /** Packets that were left out, as the kernel would draw a port for them. */
  drawn = 0;

  constructor(lab: Lab, node: FreshNode, random: Random) {
    this.#lab = lab;
    this.#node = node;
    this.#random = random;
  }

  /** So many packets, with the changes between them. What chance decides in the kernel is left out. */
  plan(count: number): readonly PlannedStep[] {
    const steps: PlannedStep[] = [];
    for (let packets = 0, tries = 0; packets < count && tries < count * 3; tries++) {
      if (this.#random.chance(0.02)) {
        steps.push(...this.#change());
        continue;
      }
      const packet = this.#try(this.#next());
      if (packet === undefined) continue;
      steps.push(packet);
      packets++;
      // what ends at once does so with the next tick of the kernel's clock
      if (this.#lab.state.ipvs.nextExpiry <= this.#lab.state.now) steps.push(this.#sleep());
    }
    return steps;
  }

  #change(): readonly PlannedStep[] {
    const line = changeOf(this.#lab.table, this.#node, this.#random);
    this.#lab.load({ ipvs: `${line}\n` });
    return [{ kind: "change", line }, this.#sleep()];
  }

  #sleep(): PlannedStep {
    this.#lab.advance(PAUSE);
    return { kind: "sleep", ms: PAUSE };
  }

  #next(): Seen {
    const random = this.#random;
    const kind = random.weighted({ fresh: 30, answer: 55, again: 8, error: 5 });
    if (kind === "again" && this.#sent.length > 0) return this.#again(random.pick(this.#sent));
    if (kind !== "fresh" && this.#pool.length > 0) {
      const at = random.below(this.#pool.length);
      const seen = this.#pool[at] as Seen;
      if (kind === "answer" && random.chance(0.7)) this.#pool.splice(at, 1);
      const packet = kind === "error" ? this.#errorAbout(seen) : answerTo(seen.packet, random);
      if (packet !== undefined) return { ...seen, packet };
    }
    return this.#fresh();
  }

  /** An error from whoever got the packet, or from a router in between; the node sends none in a router's name. */
  #errorAbout({ packet, at }: Seen): Packet | undefined {
    const router = addressOf(this.#node.router, this.#node.family) ?? packet.dst;
    const from = at === undefined || this.#random.chance(0.5) ? packet.dst : router;
    return errorAbout({ interface: "", mark: 0, bytes: new Uint8Array(), packet }, from, this.#random);
  }

  /** The same client once more: as before, or with another first packet. */
  #again(seen: Seen): Seen {
    const { packet } = seen;
    const flags = packet.protocol === protocols.tcp ? this.#random.pick([SYN, SYN, ACK]) : 0;
    return { ...seen, packet: { ...packet, flags, seq: (packet.seq + this.#random.below(100000)) >>> 0 } };
  }

  #fresh(): Seen {
    const random = this.#random;
    const { family, clients, frontends } = this.#node;
    const client = random.pick(clients);
    const frontend = random.pick(frontends);
    const [src, dst] = [addressOf(random.pick(client.addresses), family), addressOf(frontend.address, family)];
    if (src === undefined || dst === undefined) throw new Error("a client or a virtual server has no address");
    const protocol = NUMBERS[frontend.protocol];
    const packet = makePacket({
      family,
      src,
      dst,
      protocol,
      sport: random.chance(0.02) ? 20 : this.#port++,
      dport: frontend.port,
      ttl: random.chance(0.03) ? 1 : 64,
      df: random.chance(0.3),
      payload: protocol === protocols.udp ? random.pick([0, 10, 100, 1452]) : 0,
      ...(protocol === protocols.tcp
        ? { seq: random.below(2 ** 31), flags: random.chance(0.6) ? SYN : random.pick(FIRST_FLAGS) }
        : {}),
      ...(protocol === protocols.sctp && random.chance(0.1) ? { chunks: [random.pick([0, 3, 6, 10])] } : {}),
    });
    const seen = {
      packet,
      at: client.device,
      source: client.kind,
      frontend,
    };
    this.#sent.push(seen);
    if (this.#sent.length > POOL) this.#sent.shift();
    return seen;
  }

  /** Sends a packet in the emulator; nothing where the kernel would draw a number: what that did is undone. */
  #try({ packet, at, source, frontend }: Seen): PlannedPacket | undefined {
    const { state } = this.#lab;
    let isCertain = true;
    const unknown: string[] = [];
    const seeded = seededChooser("plan");
    const chooser: Chooser = {
      ...seeded,
      port: (range, isFree) => {
        isCertain = false;
        return seeded.port(range, isFree);
      },
      share: (shares) => {
        isCertain = false;
        return seeded.share(shares);
      },
      unknown: ({ what }) => {
        unknown.push(what);
        return false;
      },
    };
    const mark = state.mark();
    const results = this.#lab.results(packet, at, chooser);
    if (!isCertain) {
      state.rollback(mark);
      this.drawn++;
      return undefined;
    }
    state.release(mark);
    for (const { outcome, packet: seen } of results) {
      if (outcome.kind === "transmitted") this.#pool.push({ packet: seen, at: outcome.outInterface, source, frontend });
      if (outcome.kind === "delivered") this.#pool.push({ packet: seen, at: undefined, source, frontend });
    }
    if (this.#pool.length > POOL) this.#pool.splice(0, this.#pool.length - POOL);
    return { kind: "packet", packet, from: at, results, unknown, source, frontend };
  }
}
