import type { IPFamily } from "../net/family.ts";
import type { Report, Source } from "../text/diagnostic.ts";

/** What a line of a trace says of the packet, by the log's own words: `IN`, `SRC`, `DPT`, `MARK`, …; flags are `flags`. */
export interface PacketFields {
  readonly values: ReadonlyMap<string, string>;
  readonly flags: readonly string[];
}

/** One line of a trace: a rule that matched, or the end of a chain. */
export interface TraceStep {
  /** From 1 in the text. */
  readonly line: number;
  readonly table: string;
  readonly chain: string;
  readonly kind: "rule" | "return" | "policy";
  /** Position from 1, in the kernel's log: in that of `rule`, the rule; else one more than the rules, or a bare verdict's own. */
  readonly number?: number;
  /** `-A CHAIN …`, from xtables-monitor. */
  readonly rule?: string;
  /** From xtables-monitor: `ACCEPT`, `DROP`, `CONTINUE`, `JUMP`, `GOTO`, `RETURN`. */
  readonly verdict?: string;
  readonly packet: PacketFields;
}

/** The steps of one packet in order. */
export interface TracedPacket {
  readonly family: IPFamily;
  readonly form: "kernel-log" | "xtables-monitor";
  readonly steps: readonly TraceStep[];
}

const KERNEL = /TRACE: (raw|mangle|nat|filter|security):(\S+):(rule|return|policy):(\d{1,9}) (IN=.*)$/;
const PACKET = /PACKET: (2|10) ([0-9a-f]{1,8}) (.*)$/;
const MONITOR = /TRACE: (2|10) ([0-9a-f]{1,8}) (raw|mangle|nat|filter|security):(\S+?):(rule|return|policy):(.*)$/;
const MONITOR_RULE = /^0x[0-9a-f]+:([A-Za-z0-9]+)(?::(\S+))?\s+(?:-[46]\s+)?-t\s+\S+\s+(-A\s.*)$/;

/** Has a text lines of the TRACE target or of `xtables-monitor --trace` (dump-formats §2.1, §2.2)? */
export function isTraceLog(text: string): boolean {
  return /TRACE: (?:(?:2|10) [0-9a-f]{1,8} )?(?:raw|mangle|nat|filter|security):\S+:(?:rule|return|policy):/.test(text);
}

const FLAGS: ReadonlySet<string> = new Set(["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"]);

/** Reads `KEY=value` words; the packet that an ICMP error quotes, in brackets, is left out. A word that comes twice keeps its first value. */
function readFields(text: string): PacketFields {
  const values = new Map<string, string>();
  const flags: string[] = [];
  for (const word of text.replace(/\[[^\]]*\]?/, "").split(" ")) {
    const equals = word.indexOf("=");
    if (equals > 0) {
      const key = word.slice(0, equals);
      if (!values.has(key)) values.set(key, word.slice(equals + 1).replace(/["\\].*$/, ""));
    } else if (FLAGS.has(word)) flags.push(word);
  }
  return { values, flags };
}

/** Where a built-in chain stands on a packet's way: hook, then table (kernel-semantics §1.1). */
const HOOKS: Readonly<Record<string, number>> = { PREROUTING: 0, OUTPUT: 0, INPUT: 1, FORWARD: 1, POSTROUTING: 2 };
const TABLES = ["raw", "mangle", "nat", "filter", "security"];

function placeOf({ table, chain }: TraceStep): number | undefined {
  const hook = HOOKS[chain];
  if (hook === undefined) return undefined;
  const sourceNAT = table === "nat" && (chain === "INPUT" || chain === "POSTROUTING");
  // the back ends do not agree whether security comes before or behind it
  return hook * 10 + TABLES.indexOf(sourceNAT ? "security" : table);
}

interface OpenPacket extends TracedPacket {
  readonly steps: TraceStep[];
  base: string;
  place: number;
  number: number;
}

/** Gathers steps into packets: the log has no mark for a packet's end, so that a step back on the way begins a new one. */
class Packets {
  readonly found: OpenPacket[] = [];
  readonly #open = new Map<string, OpenPacket>();

  add(key: string, family: IPFamily, form: TracedPacket["form"], step: TraceStep, entered: boolean): void {
    let packet = this.#open.get(key);
    if (packet === undefined || this.#isAnother(packet, step, entered)) {
      packet = { family, form, steps: [], base: "", place: -1, number: 0 };
      this.#open.set(key, packet);
      this.found.push(packet);
    }
    const place = placeOf(step);
    if (place !== undefined) {
      packet.base = `${step.table} ${step.chain}`;
      packet.place = place;
      packet.number = step.number ?? 0;
    }
    packet.steps.push(step);
  }

  #isAnother(packet: OpenPacket, step: TraceStep, entered: boolean): boolean {
    const place = placeOf(step);
    if (place === undefined || packet.base === "") return false;
    const base = `${step.table} ${step.chain}`;
    if (base === packet.base) return step.number === undefined ? entered : step.number <= packet.number;
    if (place > packet.place && HOOKS[step.chain] !== HOOKS[packet.base.split(" ")[1] ?? ""]) return false;
    // one that this host sends to itself comes in again
    const loops = step.chain === "PREROUTING" && step.packet.values.get("IN") === "lo";
    if (loops && /(?:OUTPUT|POSTROUTING)$/.test(packet.base)) return false;
    return place < packet.place || !packet.base.endsWith(` ${step.chain}`);
  }
}

const KEY_FIELDS = ["SRC", "PROTO", "ID", "SPT", "SEQ", "ACK", "FLOWLBL", "TYPE"];

/** What stays equal on a packet's way: neither destination nor TTL. */
const keyOf = ({ values }: PacketFields): string => KEY_FIELDS.map((key) => values.get(key) ?? "").join(" ");

const familyOf = (number: string | undefined): IPFamily => (number === "10" ? "IPv6" : "IPv4");

/** Reads one line of xtables-monitor; `packet` is what its last PACKET line said. */
function monitorStep(line: number, match: RegExpExecArray, packet: PacketFields): TraceStep | undefined {
  const [, , , table = "", chain = "", kind = "", rest = ""] = match;
  if (kind !== "rule") {
    const verdict = rest.trim();
    return { line, table, chain, kind: kind as "return" | "policy", packet, ...(verdict === "" ? {} : { verdict }) };
  }
  const [, verdict = "", , rule = ""] = MONITOR_RULE.exec(rest) ?? [];
  if (rule === "") return undefined;
  // the tool knows no word for this verdict
  return {
    line,
    table,
    chain,
    kind,
    rule: rule.trim(),
    verdict: verdict === "0xfffffffb" ? "RETURN" : verdict,
    packet,
  };
}

/**
 * The packets of a trace: of kernel log lines with any prefix (dmesg, journal, syslog), and of `xtables-monitor --trace`. Other
 * lines are passed over; lines that begin as a trace's and cannot be read are reported.
 */
export function readTraceLog(source: Source, report: Report): readonly TracedPacket[] {
  const packets = new Packets();
  const entered = new Map<string, PacketFields>();
  let offset = 0;
  for (const [i, text] of source.text.split(/\r\n|\n|\r/).entries()) {
    const line = text.trimEnd();
    const kernel = KERNEL.exec(line);
    const header = kernel === null ? PACKET.exec(line) : null;
    const monitor = kernel === null && header === null ? MONITOR.exec(line) : null;
    let bad =
      kernel === null &&
      monitor === null &&
      /TRACE: (?:(?:2|10) [0-9a-f]|(?:raw|mangle|nat|filter|security):)/.test(line);
    if (kernel !== null) {
      const [, table = "", chain = "", kind = "rule", number = "", rest = ""] = kernel;
      const packet = readFields(rest);
      const step = { line: i + 1, table, chain, kind: kind as TraceStep["kind"], number: Number(number), packet };
      const family = packet.values.get("SRC")?.includes(":") === true ? "IPv6" : "IPv4";
      packets.add(keyOf(packet), family, "kernel-log", step, false);
    } else if (header !== null) {
      entered.set(`${header[1]} ${header[2]}`, readFields(header[3] ?? ""));
    } else if (monitor !== null) {
      const key = `${monitor[1]} ${monitor[2]}`;
      const isNew = entered.has(key);
      const packet = entered.get(key) ?? entered.get(`old ${key}`) ?? readFields("");
      const step = monitorStep(i + 1, monitor, packet);
      bad = step === undefined;
      if (step !== undefined) {
        packets.add(key, familyOf(monitor[1]), "xtables-monitor", step, isNew);
        entered.delete(key);
        entered.set(`old ${key}`, packet);
      }
    }
    if (bad) {
      const message = "this line of a trace cannot be read: it is cut, or of another form; it is left out";
      report({ severity: "warning", code: "trace-line", message, place: { source, offset } });
    }
    offset += text.length + (source.text.startsWith("\r\n", offset + text.length) ? 2 : 1);
  }
  return packets.found.map(({ family, form, steps }) => ({ family, form, steps }));
}
