import type { IPFamily } from "../net/family.ts";
import type { Rule } from "../rules/iptables/model.ts";
import { hashedKind, isKube } from "./chain-names.ts";
import type { Dump, LintChain, LintRule } from "./dump.ts";
import { vocabularyOf } from "./explain.ts";
import { commentOf, readKubeComment } from "./explain-comments.ts";
import { actionWords, conditionWords, saveText, type Vocabulary } from "./explain-words.ts";
import { readDump } from "./read-dump.ts";
import type { PacketFields, TracedPacket, TraceStep } from "./trace-log.ts";

/** One step of a packet in words. */
export interface ExplainedStep {
  readonly step: TraceStep;
  readonly words: string;
  /** The rule as iptables-save prints it, where the log or a dump has it. */
  readonly rule?: string;
  readonly service?: string;
  /** The packet's ends, interfaces and mark at this step. */
  readonly packet: string;
}

/** A packet's way in words. */
export interface ExplainedPacket {
  readonly packet: TracedPacket;
  readonly steps: readonly ExplainedStep[];
  readonly end: string;
}

function endText(address: string | undefined, port: string | undefined): string {
  if (address === undefined) return "unknown";
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `TCP 192.0.2.1:4000 -> 10.96.0.1:443 SYN   in by eth0, mark 0x4000` */
export function fieldsText({ values, flags }: PacketFields): string {
  const get = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => values.get(key)).find((value) => value !== undefined && value !== "");
  const proto = get("PROTO");
  const type = get("TYPE");
  const head = `${proto === undefined ? "" : `${/^\d+$/.test(proto) ? `protocol ${proto}` : proto} `}`;
  const ends = `${endText(get("SRC"), get("SPT", "SPORT"))} -> ${endText(get("DST"), get("DPT", "DPORT"))}`;
  const kind = type === undefined ? flags.join(",") : `type ${type} code ${get("CODE") ?? "?"}`;
  const about = [
    ["in by", get("IN")],
    ["out by", get("OUT")],
    ["mark", get("MARK")],
  ]
    .flatMap(([word, value]) => (value === undefined ? [] : [`${word} ${value}`]))
    .join(", ");
  return `${head}${ends}${kind === "" ? "" : ` ${kind}`}${about === "" ? "" : `   ${about}`}`;
}

/** What steps are told with: dumps by family, and the rules that the log itself quotes. */
interface Knowledge {
  readonly dump: Dump | undefined;
  readonly vocabulary: Vocabulary;
  readonly quoted: ReadonlyMap<string, LintRule>;
}

const quoteKey = ({ table, rule }: TraceStep): string => `${table} ${rule ?? ""}`;

/** The rules that xtables-monitor quotes, read as a dump of their own. */
function quotedDump(family: IPFamily, packets: readonly TracedPacket[]): Pick<Knowledge, "dump" | "quoted"> {
  const tables = new Map<string, Map<string, string>>();
  for (const packet of packets) {
    if (packet.family !== family) continue;
    for (const step of packet.steps) {
      if (step.rule === undefined) continue;
      const rules = tables.get(step.table) ?? new Map<string, string>();
      tables.set(step.table, rules.set(quoteKey(step), step.rule));
    }
  }
  let text = "";
  const keys = new Map<number, string>();
  for (const [table, rules] of tables) {
    text += `*${table}\n`;
    const chains = new Set([...rules.values()].map((rule) => rule.split(/\s+/)[1] ?? ""));
    for (const chain of chains)
      if (!/^(?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/.test(chain)) text += `:${chain} - [0:0]\n`;
    for (const [key, rule] of rules) {
      keys.set(text.length, key);
      text += `${rule}\n`;
    }
    text += "COMMIT\n";
  }
  const dump = readDump({ name: "trace", text }, { family }, () => undefined)[0];
  const quoted = new Map<string, LintRule>();
  for (const table of dump?.tables.values() ?? [])
    for (const chain of table.chains.values())
      for (const rule of chain.rules) {
        const key = keys.get(rule.offset);
        if (key !== undefined) quoted.set(key, rule);
      }
  return { dump, quoted };
}

const noSource = { name: "", text: "" };
const nothing: Dump = {
  source: noSource,
  placeOf: (offset) => ({ source: noSource, offset }),
  family: "IPv4",
  tables: new Map(),
};

function knowledgeOf(family: IPFamily, packets: readonly TracedPacket[], dumps: readonly Dump[]): Knowledge {
  const given = dumps.find((dump) => dump.family === family);
  const { dump, quoted } = quotedDump(family, packets);
  return { dump: given, quoted, vocabulary: vocabularyOf(given ?? dump ?? nothing) };
}

const ruleWords = (rule: Rule, { vocabulary }: Knowledge): string =>
  `${conditionWords(rule, vocabulary)}: ${actionWords(rule, vocabulary)}`;

/** A rule without any condition and with a bare verdict is logged as if it were its chain's end. */
const isBareVerdict = (rule: LintRule): boolean => /^-j (?:ACCEPT|DROP|RETURN)$/.test(saveText(rule));

/** The policy that a dump gives a built-in chain. */
function policyOf(dump: Dump, { offset }: LintChain): string | undefined {
  return /^:\S+ ([A-Z]+)/.exec(dump.source.text.slice(offset, offset + 80))?.[1];
}

const OTHER_TIME = "the dump is of another time than the log, or of another node";

interface Told {
  readonly words: string;
  readonly rule?: LintRule;
  /** What becomes of the packet here, as far as that is known. */
  readonly verdict?: string;
}

function endWords(step: TraceStep, knowledge: Knowledge, chain: LintChain | undefined): Told {
  const { kind, number, verdict } = step;
  if (number === undefined) {
    const policy = verdict === undefined ? "" : ` ${verdict}`;
    const words =
      kind === "policy"
        ? `end of the chain: its policy${policy}`
        : "end of the chain: back to where it was jumped from";
    return verdict === undefined ? { words } : { words, verdict };
  }
  const real =
    kind === "policy" ? "end of the chain: its policy" : "end of the chain: back to where it was jumped from";
  if (chain === undefined || knowledge.dump === undefined)
    return { words: `${real} (or rule ${number}, if that is a bare verdict: only --dump tells)` };
  const rule = chain.rules[number - 1];
  if (number === chain.rules.length + 1) {
    const policy = kind === "policy" ? policyOf(knowledge.dump, chain) : undefined;
    return policy === undefined ? { words: real } : { words: `${real} ${policy}`, verdict: policy };
  }
  if (rule !== undefined && isBareVerdict(rule))
    return {
      words: ruleWords(rule, knowledge),
      rule,
      ...(rule.target === undefined ? {} : { verdict: rule.target.kind }),
    };
  return { words: `${real}; in the dump the chain has ${chain.rules.length} rules: ${OTHER_TIME}` };
}

function tell(step: TraceStep, knowledge: Knowledge): Told {
  const chain = knowledge.dump?.tables.get(step.table)?.chains.get(step.chain);
  if (step.kind !== "rule") return endWords(step, knowledge, chain);
  const rule = step.rule === undefined ? chain?.rules[(step.number ?? 0) - 1] : knowledge.quoted.get(quoteKey(step));
  if (rule !== undefined)
    return {
      words: ruleWords(rule, knowledge),
      rule,
      ...(rule.target === undefined ? {} : { verdict: rule.target.kind }),
    };
  if (step.rule !== undefined)
    return {
      words: `matched: ${step.verdict ?? ""}`,
      ...(step.verdict === undefined ? {} : { verdict: step.verdict }),
    };
  if (knowledge.dump === undefined) return { words: "matched (--dump FILE tells what it says)" };
  const count = chain === undefined ? "no such chain" : `only ${chain.rules.length} rules there`;
  return { words: `matched; the dump has ${count}: ${OTHER_TIME}` };
}

function serviceOf({ chain }: TraceStep, rule: LintRule | undefined, { vocabulary }: Knowledge): string | undefined {
  if (!isKube(chain)) return undefined;
  const comment = rule === undefined ? undefined : commentOf(rule);
  const said = comment === undefined ? undefined : readKubeComment(comment)?.service;
  if (said !== undefined || hashedKind(chain) === undefined) return said;
  const service = vocabulary.names.service(chain)?.service;
  const endpoint = vocabulary.names.endpoint(chain);
  return service === undefined || endpoint === undefined ? service : `${service} -> ${endpoint}`;
}

/** What a packet's last line says of its end: mostly that nothing follows. */
function endOf({ chain, table, packet }: TraceStep, base: string, verdict: string | undefined): string {
  const where = `in ${table} ${chain}`;
  if (verdict === "REJECT") return `rejected ${where}`;
  if (verdict === "DROP") return `dropped ${where}`;
  const out = packet.values.get("OUT");
  if (base === "POSTROUTING")
    return `nothing follows: after POSTROUTING it leaves${out ? ` by ${out}` : ""}, if no line was lost`;
  if (base === "INPUT") return "nothing follows: after INPUT it is this node's own, unless the last rule drops it";
  return "nothing follows: dropped or rejected here, stopped by routing (no line tells), or the log is cut";
}

const BUILTIN: ReadonlySet<string> = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

function explainPacket(packet: TracedPacket, knowledge: Knowledge): ExplainedPacket {
  let base = "";
  let verdict: string | undefined;
  const steps = packet.steps.map((step): ExplainedStep => {
    if (BUILTIN.has(step.chain)) base = step.chain;
    const told = tell(step, knowledge);
    verdict = told.verdict;
    const service = serviceOf(step, told.rule, knowledge);
    const rule = told.rule === undefined ? step.rule?.replace(/^-A \S+ ?/, "") : saveText(told.rule);
    return {
      step,
      words: told.words,
      ...(rule === undefined ? {} : { rule }),
      ...(service === undefined ? {} : { service }),
      packet: fieldsText(step.packet),
    };
  });
  const last = packet.steps.at(-1);
  return { packet, steps, end: last === undefined ? "" : endOf(last, base, verdict) };
}

/** Puts the packets of a trace into words, one after the other; dumps of the same node and time give the rules their texts. */
export function* explainTrace(packets: readonly TracedPacket[], dumps: readonly Dump[]): Generator<ExplainedPacket> {
  const known = new Map<IPFamily, Knowledge>();
  for (const packet of packets) {
    let knowledge = known.get(packet.family);
    if (knowledge === undefined) {
      knowledge = knowledgeOf(packet.family, packets, dumps);
      known.set(packet.family, knowledge);
    }
    yield explainPacket(packet, knowledge);
  }
}
