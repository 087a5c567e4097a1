import type { Script } from "../../src/kernel/chooser/answer.ts";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Chooser } from "../../src/kernel/chooser.ts";
import { tupleOf } from "../../src/kernel/conntrack/tuple.ts";
import type { Event } from "../../src/kernel/event.ts";
import type { Host } from "../../src/kernel/host.ts";
import type { Outcome, Result } from "../../src/kernel/outcome.ts";
import { hasPorts, type Packet } from "../../src/kernel/packet.ts";
import { addressText } from "../../src/kernel/packet-text.ts";
import { receive, send } from "../../src/kernel/run.ts";
import { HostState } from "../../src/kernel/state.ts";
import { observedKey, TICK, tupleKey } from "./entries.ts";
import type { Observation, ObservedEntry, SeenPacket, Step } from "./step.ts";

/** What the emulator says about a step, in the words of an observation. */
interface Emulated {
  readonly outcome: Outcome;
  readonly out: readonly string[];
  readonly local: readonly string[];
  readonly hits: ReadonlyMap<string, number>;
  /** The kernel drew a number at random on this way. */
  readonly drew: boolean;
  readonly translated: boolean;
}

/** What became of one step in both worlds. */
export interface Comparison {
  readonly outcome: Outcome;
  readonly translated: boolean;
  /** What differs, in words; empty when the emulator is right. */
  readonly differences: readonly string[];
}

/** `ip_rt_error_burst` and the time in which it fills up, in answers and milliseconds. */
const [LIMIT_BURST, LIMIT_WINDOW] = [5, 6000];

const NO_WAY: Way = { script: [], differences: ["no way at all"] };

/** A way that chance leaves open, and how it differs from what the kernel did. */
interface Way {
  readonly script: Script;
  readonly differences: readonly string[];
}

const MAX_WAYS = 512;

/** The fields of a packet that must be equal; a quoted one may be cut short. */
function packetKey(packet: Packet, quoted: boolean): string {
  const { family, src, dst, protocol, ttl, sport, dport, flags, seq, ack, icmpType, icmpCode, icmpId, icmpMtu } =
    packet;
  const ends = `${family} ${addressText(src)} ${addressText(dst)} proto ${protocol} ttl ${ttl} tos ${packet.tos}`;
  const rest = [
    hasPorts(protocol) ? `${sport}>${dport}` : "",
    protocol === 6 && !quoted ? `flags ${flags} seq ${seq} ack ${ack}` : "",
    protocol === 1 || protocol === 58 ? `icmp ${icmpType}/${icmpCode} id ${icmpId} mtu ${icmpMtu}` : "",
    packet.inner === undefined ? "" : `about [${packetKey(packet.inner, true)}]`,
    quoted ? "" : `payload ${packet.inner === undefined ? packet.payload : "-"}`,
  ];
  return [ends, ...rest].filter((text) => text !== "").join(" ");
}

const seenKey = (device: string, packet: Packet, mark: number | undefined): string =>
  `${device} ${packetKey(packet, false)} mark ${mark ?? "?"}`;

function collect(result: Result, out: string[], local: string[]): void {
  const { outcome, packet, mark, answers } = result;
  if (outcome.kind === "transmitted") out.push(seenKey(outcome.outInterface, packet, mark));
  if (outcome.kind === "delivered") local.push(seenKey(outcome.inInterface, packet, mark));
  for (const answer of answers) collect(answer, out, local);
}

const hitKey = (family: string, table: string, chain: string, number: number): string =>
  `${family} ${table} ${chain} ${number}`;

/**
 * Numbers that the kernel may have drawn at random for this step: that of the connection that has its tuple now, and ports
 * and identifiers of what it sent.
 */
function numbersSeen(
  step: Step,
  seen: Observation,
  entries: readonly ObservedEntry[],
): readonly [drawn: readonly number[], shown: readonly number[]] {
  const drawn = new Set<number>();
  const found = new Set<number>();
  const tuple = tupleOf(step.packet);
  const key = tuple === undefined ? "" : tupleKey(tuple);
  for (const { original, reply } of entries) {
    if (key !== observedKey(original)) continue;
    for (const number of [reply.dport, reply.icmpId]) if (number !== undefined) drawn.add(number);
  }
  const visit = (packet: Packet): void => {
    for (const number of [packet.sport, packet.icmpId, packet.dport]) if (number > 0) found.add(number);
    if (packet.inner !== undefined) visit(packet.inner);
  };
  for (const { packet } of [...seen.out, ...seen.local]) visit(packet);
  return [[...drawn], [...found]];
}

/** A chooser that takes ports from what was seen, where they are possible. */
function following(chooser: Chooser, numbers: readonly number[], drew: () => void): Chooser {
  return {
    knowsPorts: true,
    below: (threshold) => chooser.below(threshold),
    share: (shares) => chooser.share(shares),
    unknown: (what) => chooser.unknown(what),
    port: (range, isFree) => {
      drew();
      const seen = numbers.find((number) => number >= range.from && number <= range.to && isFree(number));
      return seen ?? chooser.port(range, isFree);
    },
  };
}

function multiset(items: readonly string[]): string {
  return [...items].sort().join("\n");
}

/** The pieces of a packet that the kernel cut on its way out as one packet again: the emulator does not cut. */
function joined(packets: readonly SeenPacket[]): readonly SeenPacket[] {
  const whole: SeenPacket[] = [];
  for (const seen of packets) {
    const { packet } = seen;
    if (packet.fragmentOffset === 0) {
      whole.push(seen);
      continue;
    }
    const at = whole.findIndex(
      (other) =>
        other.interface === seen.interface &&
        other.packet.moreFragments &&
        other.packet.src === packet.src &&
        other.packet.dst === packet.dst,
    );
    const first = whole[at];
    if (first === undefined) whole.push(seen);
    else
      whole[at] = {
        ...first,
        packet: {
          ...first.packet,
          payload: first.packet.payload + packet.payload,
          moreFragments: packet.moreFragments,
        },
      };
  }
  return whole;
}

function withMark(packets: readonly SeenPacket[], emulated: readonly string[]): readonly string[] {
  // where the kernel's tap did not show a mark, any mark will do
  return packets.map(({ interface: device, packet, mark }) => {
    if (mark !== undefined) return seenKey(device, packet, mark);
    const bare = `${device} ${packetKey(packet, false)} mark `;
    return emulated.find((text) => text.startsWith(bare)) ?? `${bare}?`;
  });
}

const ROUTE_ERRORS: Readonly<Record<string, string>> = {
  none: "ENETUNREACH",
  unreachable: "EHOSTUNREACH",
  prohibit: "EACCES",
  blackhole: "EINVAL",
  "source-not-own": "ENETUNREACH",
  "no-source": "EADDRNOTAVAIL",
};

function errnoDifference(outcome: Outcome, errno: string | undefined): string | undefined {
  const expected =
    outcome.kind === "no-route" && outcome.where === "send" ? (ROUTE_ERRORS[outcome.type] ?? "EINVAL") : undefined;
  if (expected !== undefined && errno !== expected) return `errno ${errno ?? "none"}, emulated ${expected}`;
  if (errno === "EMSGSIZE" && outcome.kind === "dropped" && outcome.cause.kind === "too-big") return undefined;
  if (expected === undefined && errno !== undefined && errno !== "EPERM" && outcome.kind !== "no-route")
    return `errno ${errno}, emulated ${outcome.kind}`;
  if (errno === "EPERM" && outcome.kind !== "dropped" && outcome.kind !== "rejected")
    return `errno EPERM, emulated ${outcome.kind}`;
  return undefined;
}

/** The emulator as the kernel's double: it is given the same steps, and told what the kernel drew at random. */
export class Double {
  readonly state: HostState = new HostState();
  /** The longest time in milliseconds that the kernel was given a packet in: so far its clock may be ahead of ours. */
  slowest = 0;
  /** Times of the packets of each source that had no route. */
  readonly #unroutable = new Map<string, readonly number[]>();
  readonly #host: Host;
  readonly #indexed: boolean;

  constructor(host: Host, indexed: boolean) {
    this.#host = host;
    this.#indexed = indexed;
  }

  /** Moves the clock to a time of the kernel's. */
  advanceTo(milliseconds: number): void {
    this.state.advance(Math.max(0, milliseconds - this.state.now));
  }

  #run(step: Step, chooser: Chooser, numbers: readonly number[]): Emulated {
    const hits = new Map<string, number>();
    let [drew, translated] = [false, false];
    const record = (event: Event): void => {
      if (event.kind === "translated") translated = true;
      if (event.kind !== "matched") return;
      const { family, table, chain, number } = event.rule;
      const key = hitKey(family, table, chain, number);
      hits.set(key, (hits.get(key) ?? 0) + 1);
    };
    const choose = following(chooser, numbers, () => {
      drew = true;
    });
    const options = { host: this.#host, state: this.state, chooser: choose, record, indexed: this.#indexed };
    const { from, mark, uid, gid } = step;
    // a raw IPv6 socket does not let its packets be cut
    const packet = from === undefined && step.packet.family === "IPv6" ? { ...step.packet, df: true } : step.packet;
    const result =
      from === undefined ? send(options, packet, { mark, owner: { uid, gid } }) : receive(options, packet, from);
    const out: string[] = [];
    const local: string[] = [];
    collect(result, out, local);
    return { outcome: result.outcome, out, local, hits, drew, translated };
  }

  #differences(emulated: Emulated, seen: Observation): string[] {
    const differences: string[] = [];
    const compare = (what: string, ours: readonly string[], theirs: readonly SeenPacket[]): void => {
      const [a, b] = [multiset(ours), multiset(withMark(joined(theirs), ours))];
      if (a !== b)
        differences.push(`${what}: kernel\n    ${b || "-"}\n  emulated (${emulated.outcome.kind})\n    ${a || "-"}`);
    };
    compare("sent", emulated.out, seen.out);
    compare("delivered", emulated.local, seen.local);
    const errno = errnoDifference(emulated.outcome, seen.errno);
    if (errno !== undefined) differences.push(errno);
    if (seen.rules.length > 0) {
      const ours = [...emulated.hits].map(([key, count]) => `${key} x${count}`);
      const theirs = seen.rules.map((hit) => `${hitKey(hit.family, hit.table, hit.chain, hit.number)} x${hit.packets}`);
      const [a, b] = [multiset(ours), multiset(theirs)];
      if (a !== b) differences.push(`rules: kernel\n    ${b}\n  emulated\n    ${a}`);
    }
    if (emulated.outcome.kind === "unknown") differences.push(`unknown: ${emulated.outcome.what.what}`);
    return differences;
  }

  /** Plays one step, on the way that the kernel took where it left something to chance, and compares. */
  step(step: Step, seen: Observation, entries: readonly ObservedEntry[]): Comparison {
    this.advanceTo(seen.at);
    this.slowest = Math.max(this.slowest, seen.until - seen.at);
    if (
      step.from === undefined &&
      seen.errno === "EMSGSIZE" &&
      !step.packet.df &&
      seen.out.length + seen.local.length === 0
    ) {
      // a raw socket does not cut what it sends: the packet never was one
      const cause = { kind: "too-big", mtu: 0 } as const;
      return { outcome: { kind: "dropped", cause }, translated: false, differences: [] };
    }
    const [drawn, shown] = numbersSeen(step, seen, entries);
    let best: (Way & { readonly numbers: readonly number[] }) | undefined;
    // the kernel looked at its clock some time until it was done, stamped what it compares with as late, and its clock ticks
    for (const shift of [0, seen.until + TICK - seen.at, -this.slowest - TICK]) {
      for (const numbers of [
        [...drawn, ...shown],
        [...shown, ...drawn],
      ]) {
        const mark = this.state.mark();
        this.state.advance(shift);
        const way = this.#bestWay(step, seen, numbers);
        if (way.differences.length === 0) {
          this.state.release(mark);
          const taken = this.#take(step, numbers, way);
          this.#countUnroutable(step, seen.at, taken.outcome);
          return taken;
        }
        this.state.rollback(mark);
        best ??= { ...way, numbers };
      }
    }
    const { outcome, translated, differences } = this.#take(step, best?.numbers ?? [], best ?? NO_WAY);
    const silent = this.#isLimited(step, seen, outcome);
    this.#countUnroutable(step, seen.at, outcome);
    return { outcome, translated, differences: silent ? [] : differences };
  }

  /**
   * Of "no route" the kernel tells each source 5 times at once and then once a second, whatever the sysctls of a namespace say
   * (`ip_error`): may its silence have that reason? Every such packet counts, answered or not.
   */
  #isLimited(step: Step, seen: Observation, outcome: Outcome): boolean {
    if (outcome.kind !== "no-route" || outcome.where !== "receive" || seen.out.length + seen.local.length > 0)
      return false;
    const before = this.#unroutable.get(addressText(step.packet.src)) ?? [];
    return before.filter((at) => seen.at - at < LIMIT_WINDOW).length >= LIMIT_BURST;
  }

  #countUnroutable(step: Step, at: number, outcome: Outcome): void {
    if (outcome.kind !== "no-route" || outcome.where !== "receive") return;
    const source = addressText(step.packet.src);
    this.#unroutable.set(source, [...(this.#unroutable.get(source) ?? []).slice(-50), at]);
  }

  /** Of all ways that chance leaves open the one that differs least from what the kernel did. */
  #bestWay(step: Step, seen: Observation, numbers: readonly number[]): Way {
    const { branches } = explore(this.state, (chooser) => this.#run(step, chooser, numbers), { branches: MAX_WAYS });
    let best: Way | undefined;
    for (const { value, script, assumptions } of branches) {
      const differences = this.#differences(value, seen);
      if (assumptions.length > 0) differences.push(`unknown: ${assumptions.map(({ what }) => what.what).join("; ")}`);
      if (best === undefined || differences.length < best.differences.length) best = { script, differences };
      if (differences.length === 0) break;
    }
    return best ?? { script: [], differences: ["no way at all"] };
  }

  /** Goes a way for good. */
  #take(step: Step, numbers: readonly number[], { script, differences }: Way): Comparison {
    const { outcome, translated } = this.#run(step, scriptedChooser(script), numbers);
    return { outcome, translated, differences };
  }
}
