import type { Event, Hook, PacketView, RuleRef, TableName } from "../kernel/event.ts";
import type { Host } from "../kernel/host.ts";
import type { Packet } from "../kernel/packet.ts";
import type { JourneyBranch } from "../network/journey.ts";
import type { Entrance } from "../network/wire.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { builtinChains } from "../rules/iptables/ruleset.ts";
import { chanceText } from "./chance-text.ts";
import type { JourneyTrace } from "./journey-trace.ts";
import { type LoggedPacket, loggedPacketText } from "./kernel-log-packet.ts";
import { outcomeText } from "./outcome-text.ts";

/** Which ways are printed. */
export interface KernelLogOptions {
  readonly all: boolean;
  /** The way that is printed when not all are: an index into the branches. */
  readonly chosen: number;
}

/** A packet's walk through one host. */
export interface LoggedWalk {
  readonly host: Host;
  readonly packet: Packet;
  readonly entrance: Entrance;
  readonly events: readonly Event[];
}

/** A rule without any condition whose target is a verdict (`unconditional` and a negative verdict in `get_chainname_rulenum`). */
function looksLikeAnEnd({ matches, target, ...rule }: Rule): boolean {
  const { source, destination, inInterface, outInterface, protocol, fragment } = rule;
  const conditions = [source, destination, inInterface, outInterface, protocol, fragment];
  if (matches.length > 0 || conditions.some((condition) => condition !== undefined)) return false;
  return target?.kind === "ACCEPT" || target?.kind === "DROP" || target?.kind === "RETURN";
}

const CHANGE = /^(mark|TTL|hop limit|TOS) (?:0x)?[0-9a-f]+ -> (?:0x)?([0-9a-f]+)$/;

/** Follows a packet's events and prints what each would log. */
class LogWriter {
  readonly lines: string[] = [];
  readonly #walk: LoggedWalk;
  #hook: Hook = "PREROUTING";
  #inInterface = "";
  #outInterface = "";
  #view: PacketView | undefined;
  #packet: Packet;
  #ttl: number;
  #translated = false;
  #base = "";
  #table: TableName = "raw";
  #chain = "";
  /** A RETURN was the last rule: its line stands for the chain's end. */
  #returned = false;
  /** Depth of packets that are sent because of this one, which nobody traces. */
  #answers = 0;

  constructor(walk: LoggedWalk) {
    this.#walk = walk;
    this.#packet = walk.packet;
    this.#ttl = walk.packet.ttl;
  }

  add(event: Event): void {
    if (event.kind === "answer") this.#answers++;
    else if (event.kind === "answered") this.#answers--;
    else if (this.#answers === 0) this.#own(event);
  }

  #own(event: Event): void {
    switch (event.kind) {
      case "hook":
        // since Linux 5.7 POSTROUTING still knows where a forwarded packet came in (`ip_output`)
        this.#inInterface = event.inInterface;
        this.#hook = event.hook;
        this.#outInterface = event.outInterface;
        this.#view = event.view;
        return;
      case "table":
        this.#table = event.table;
        this.#base = event.chain;
        this.#chain = event.chain;
        this.#returned = false;
        return;
      case "matched":
        this.#matched(event.rule, event.effect);
        return;
      case "returned":
        if (!this.#returned) this.#end("return", event.from);
        this.#returned = false;
        this.#chain = event.to;
        return;
      case "policy":
        // a chain that was gone to has its end before the built-in chain's
        if (this.#chain !== this.#base && !this.#returned) this.#end("return", this.#chain);
        this.#returned = false;
        this.#end("policy", this.#base);
        return;
      case "translated":
        this.#view = event.after;
        this.#translated = true;
        if (event.chosenFrom !== undefined) {
          const { from, to } = event.chosenFrom;
          this.lines.push(`# the kernel draws the ${event.part} port from ${from}-${to}; below it is ${from}`);
        }
        return;
      case "ttl":
        this.#ttl = event.ttl;
        return;
      default:
        return;
    }
  }

  #rules(chain: string): readonly Rule[] {
    const { host, packet } = this.#walk;
    return host.rules[packet.family].tables.get(this.#table)?.chains.get(chain)?.rules ?? [];
  }

  #matched({ chain, number }: RuleRef, effect: Extract<Event, { readonly kind: "matched" }>["effect"]): void {
    const rule = this.#rules(chain)[number - 1];
    const builtin = builtinChains.get(this.#table)?.includes(chain) === true;
    const kind = rule === undefined || !looksLikeAnEnd(rule) ? "rule" : builtin ? "policy" : "return";
    this.#line(chain, kind, number);
    this.#returned = effect.kind === "returned";
    if (effect.kind === "jump" || effect.kind === "goto") this.#chain = effect.chain;
    else if (effect.kind === "applied" && effect.change !== undefined) this.#change(effect.change);
  }

  /** The walk says in words what a target changed. */
  #change(text: string): void {
    const [, what, digits = ""] = CHANGE.exec(text) ?? [];
    if (what === "mark" && this.#view !== undefined) this.#view = { ...this.#view, mark: Number.parseInt(digits, 16) };
    else if (what === "TOS") this.#packet = { ...this.#packet, tos: Number.parseInt(digits, 16) };
    else if (what !== undefined) this.#ttl = Number(digits);
  }

  #end(kind: "return" | "policy", chain: string): void {
    this.#line(chain, kind, this.#rules(chain).length + 1);
  }

  #line(chain: string, kind: "rule" | "return" | "policy", number: number): void {
    if (this.#view === undefined) return;
    const { entrance } = this.#walk;
    const leaving = this.#hook === "OUTPUT" || this.#hook === "POSTROUTING";
    const logged: LoggedPacket = {
      packet: this.#packet,
      view: this.#view,
      ttl: this.#ttl,
      inInterface: this.#inInterface,
      outInterface: this.#outInterface,
      owner: entrance.kind === "sent" && leaving ? entrance.options.owner : undefined,
      translated: this.#translated,
    };
    this.lines.push(`TRACE: ${this.#table}:${chain}:${kind}:${number} ${loggedPacketText(logged)}`);
  }
}

/** What the log of one host says of one walk through it, line by line. */
export function hostLog(walk: LoggedWalk): readonly string[] {
  const writer = new LogWriter(walk);
  for (const event of walk.events) writer.add(event);
  return writer.lines;
}

/** The log of one way: where it crosses several nodes, each line begins with its node's name, as syslog writes it. */
function branchLines({ network }: JourneyTrace, branch: JourneyBranch): string[] {
  const { legs, end } = branch.journey.there;
  const several = new Set(legs.map(({ node }) => node)).size > 1;
  const lines = legs.flatMap((leg) => {
    const host = network.node(leg.node)?.host;
    if (host === undefined) return [];
    const { packet, entrance } = leg;
    const log = hostLog({ host, packet, entrance, events: branch.events(leg) });
    return log.map((line) => (several && !line.startsWith("#") ? `${leg.node} kernel: ${line}` : line));
  });
  const assumed = branch.assumptions.map(
    ({ what, holds }) => `# assumed${holds ? "" : " that it is not so"}: ${what.what}`,
  );
  const unknown = end.kind === "unknown" ? [`# ${outcomeText(end)}`] : [];
  return [...lines, ...assumed, ...unknown];
}

/**
 * What the legacy back end's TRACE target writes to the kernel log (dump-formats §2.1; `trace_packet` of ip_tables.c and
 * ip6_tables.c) about a packet that is traced from its first table on. Packets that are sent because of it, and its reply, are
 * not traced. Lines that begin with `#` are ours: what a log cannot say.
 */
export function* kernelLog(trace: JourneyTrace, { all, chosen }: KernelLogOptions): Generator<string> {
  const { branches } = trace;
  const shown = all ? branches.map((_, i) => i) : [chosen];
  for (const index of shown) {
    const branch = branches[index];
    if (branch === undefined) continue;
    if (shown.length > 1) yield `# way ${index + 1}: ${chanceText(branch.probability)}\n`;
    yield branchLines(trace, branch)
      .map((line) => `${line}\n`)
      .join("");
  }
}
