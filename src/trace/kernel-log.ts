import type { Event, Hook, PacketView, RuleRef, TableName } from "../kernel/event.ts";
import type { Packet } from "../kernel/packet.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { builtinChains } from "../rules/iptables/ruleset.ts";
import { type LoggedPacket, loggedPacketText } from "./kernel-log-packet.ts";
import { outcomeText } from "./outcome-text.ts";
import { chanceText } from "./text.ts";
import type { Trace, TraceBranch } from "./trace.ts";

/** Which ways are printed. */
export interface KernelLogOptions {
  readonly all: boolean;
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
  readonly #trace: Trace;
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

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#packet = trace.packet;
    this.#ttl = trace.packet.ttl;
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
    const { host, packet } = this.#trace;
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
    const { entrance } = this.#trace;
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

function branchLines(trace: Trace, branch: TraceBranch): string[] {
  const writer = new LogWriter(trace);
  for (const event of branch.events()) writer.add(event);
  const assumed = branch.assumptions.map(
    ({ what, holds }) => `# assumed${holds ? "" : " that it is not so"}: ${what.what}`,
  );
  const { outcome } = branch.result;
  const end = outcome.kind === "unknown" ? [`# ${outcomeText(outcome)}`] : [];
  return [...writer.lines, ...assumed, ...end];
}

/**
 * What the legacy back end's TRACE target writes to the kernel log (dump-formats §2.1; `trace_packet` of ip_tables.c and
 * ip6_tables.c) about a packet that is traced from its first table on. Packets that are sent because of it are not traced.
 * Lines that begin with `#` are ours: what a log cannot say.
 */
export function* kernelLog(trace: Trace, { all }: KernelLogOptions): Generator<string> {
  const { branches } = trace;
  const shown = all ? branches : branches.slice(0, 1);
  for (const [i, branch] of shown.entries()) {
    if (shown.length > 1) yield `# way ${i + 1}: ${chanceText(branch.probability)}\n`;
    yield branchLines(trace, branch)
      .map((line) => `${line}\n`)
      .join("");
  }
}
