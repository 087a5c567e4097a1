import type { Result } from "../../src/kernel/outcome.ts";
import { makePacket, type Packet, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import type { Random } from "../../src/net/random.ts";
import { addressOf } from "../kernel/constants.ts";
import { answerTo, errorAbout } from "../kernel/follow.ts";
import { cellKey } from "./cell-table.ts";
import { type Asked, followingChooser } from "./chance.ts";
import { changeOf } from "./change.ts";
import type { EmulatedNode } from "./emulated-node.ts";
import {
  type ClientPlace,
  type DestinationKind,
  type Frontend,
  familyOf,
  type SourceKind,
  type TestNode,
  unserved,
} from "./test-node.ts";

/** A packet of a plan. */
export interface PlannedPacket {
  readonly kind: "packet";
  readonly packet: Packet;
  /** The interface that it comes in by; none: the node sends it. */
  readonly from: string | undefined;
  /** What the emulator makes of it; absent while the kernel has not said which number it drew. */
  readonly results?: readonly Result[];
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
/** Of how many pairs of client and virtual server the rarest is taken, and how often. */
const PAIRS = 30;
const RAREST = 0.6;
/** How much more often than a port that no virtual server has. */
const SERVED = 4;
const { ACK, FIN, RST, SYN } = tcpFlag;
/** With what a flow may begin that is no ordinary one. */
const FIRST_FLAGS = [SYN, ACK, ACK, SYN | ACK, SYN | FIN, SYN | RST, RST, FIN | ACK];

/** Whom a flow is between. */
interface Pair {
  readonly client: ClientPlace;
  readonly frontend: Frontend;
  readonly src: string;
}

/** How often each cell of the table was met, by its key. */
export type Met = ReadonlyMap<string, number>;

/** Plans packets for a node: fresh ones, answers to what left or arrived, errors about it, and packets once sent again. */
export class Planner {
  readonly #lab: EmulatedNode;
  readonly #node: TestNode;
  readonly #random: Random;
  readonly #met: Map<string, number>;
  readonly #pool: Seen[] = [];
  readonly #sent: Seen[] = [];
  readonly #frontends: ReadonlyMap<DestinationKind, readonly Frontend[]>;
  readonly #sources: readonly SourceKind[];
  /** How often each kind of destination is thought of. */
  readonly #kinds: Readonly<Record<string, number>>;
  #port = 20000;

  /** `met`: cells that others filled already, which need no more packets. */
  constructor(lab: EmulatedNode, node: TestNode, random: Random, met: Met = new Map()) {
    this.#lab = lab;
    this.#node = node;
    this.#random = random;
    this.#met = new Map(met);
    this.#sources = [...new Set(node.clients.map(({ kind }) => kind))];
    const kinds = [...new Set(node.frontends.map(({ kind }) => kind))];
    this.#frontends = new Map(kinds.map((kind) => [kind, node.frontends.filter((each) => each.kind === kind)]));
    this.#kinds = Object.fromEntries(kinds.map((kind) => [kind, unserved.has(kind) ? 1 : SERVED]));
  }

  /** What comes next: a packet, or a change and a pause. A packet whose number the kernel draws is to be decided (`decide`) before what follows. */
  next(): readonly PlannedStep[] {
    const line = this.#random.chance(0.02) ? changeOf(this.#lab.table, this.#node, this.#random) : undefined;
    if (line === undefined) return [this.#walk(this.#next(), [])];
    this.#lab.balance(`${line}\n`);
    return [{ kind: "change", line }, this.#sleep()];
  }

  /** So many packets, with the changes between them, without those that the kernel draws a number for. */
  plan(count: number): readonly PlannedStep[] {
    const steps: PlannedStep[] = [];
    for (let packets = 0, tries = 0; packets < count && tries < count * 3; tries++) {
      const next = this.next().filter((step) => step.kind !== "packet" || step.results !== undefined);
      packets += next.filter(({ kind }) => kind === "packet").length;
      steps.push(...next, ...this.pauses());
    }
    return steps;
  }

  /** A packet of which the numbers are known that the kernel sent it on with; still undecided when it cannot have drawn any of those. */
  decide({ packet, from, source, frontend }: PlannedPacket, numbers: readonly number[], guess = false): PlannedPacket {
    return this.#walk({ packet, at: from, source, frontend }, numbers, guess ? "guess" : "follow");
  }

  /** What ends at once does so with the next tick of the kernel's clock: a pause until then. */
  pauses(): readonly PlannedStep[] {
    const { state } = this.#lab;
    return state.ipvs.nextExpiry <= state.now ? [this.#sleep()] : [];
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
    const router = addressOf(this.#node.routers[packet.family] ?? "", packet.family) ?? packet.dst;
    const from = at === undefined || this.#random.chance(0.5) ? packet.dst : router;
    return errorAbout({ interface: "", mark: 0, bytes: new Uint8Array(), packet }, from, this.#random);
  }

  /** The same client once more: as before, or with another first packet. */
  #again(seen: Seen): Seen {
    const { packet } = seen;
    const flags = packet.protocol === protocols.tcp ? this.#random.pick([SYN, SYN, ACK]) : 0;
    return { ...seen, packet: { ...packet, flags, seq: (packet.seq + this.#random.below(100000)) >>> 0 } };
  }

  /** A client with an address of a family that a virtual server has, too. */
  #pair(): Pair {
    for (;;) {
      const kind = this.#random.weighted(this.#kinds) as DestinationKind;
      const frontend = this.#random.pick(this.#frontends.get(kind) ?? []);
      const source = this.#random.pick(this.#sources);
      const client = this.#random.pick(this.#node.clients.filter((each) => each.kind === source));
      const family = familyOf(frontend.address);
      const usable = client.addresses.filter((address) => familyOf(address) === family);
      if (usable.length > 0) return { client, frontend, src: this.#random.pick(usable) };
    }
  }

  /** Often one that was met least. */
  #choose(): Pair {
    const timesMet = ({ client, frontend }: Pair): number => this.#met.get(cellKey(client.kind, frontend)) ?? 0;
    let chosen = this.#pair();
    if (this.#random.chance(RAREST))
      for (let i = 1; i < PAIRS; i++) {
        const other = this.#pair();
        if (timesMet(other) < timesMet(chosen)) chosen = other;
      }
    const key = cellKey(chosen.client.kind, chosen.frontend);
    this.#met.set(key, (this.#met.get(key) ?? 0) + 1);
    return chosen;
  }

  #fresh(): Seen {
    const random = this.#random;
    const { client, frontend, src: from } = this.#choose();
    const family = familyOf(frontend.address);
    const [src, dst] = [addressOf(from, family), addressOf(frontend.address, family)];
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
    const seen = { packet, at: client.device, source: client.kind, frontend };
    this.#sent.push(seen);
    if (this.#sent.length > POOL) this.#sent.shift();
    return seen;
  }

  /** Sends a packet in the emulator; what it did is undone where the kernel draws a number that is not known yet. */
  #walk(
    { packet, at, source, frontend }: Seen,
    numbers: readonly number[],
    how: "ask" | "follow" | "guess" = "ask",
  ): PlannedPacket {
    const { state } = this.#lab;
    const asked: Asked = { drew: false, guessed: false, unknown: [] };
    const mark = state.mark();
    const results = this.#lab.results(packet, at, followingChooser(numbers, asked));
    const planned = { kind: "packet", packet, from: at, unknown: asked.unknown, source, frontend } as const;
    if ((asked.drew && how === "ask") || (asked.guessed && how === "follow")) {
      state.rollback(mark);
      return planned;
    }
    state.release(mark);
    for (const { outcome, packet: seen } of results) {
      if (outcome.kind === "transmitted") this.#pool.push({ packet: seen, at: outcome.outInterface, source, frontend });
      if (outcome.kind === "delivered") this.#pool.push({ packet: seen, at: undefined, source, frontend });
    }
    if (this.#pool.length > POOL) this.#pool.splice(0, this.#pool.length - POOL);
    return { ...planned, results };
  }
}
