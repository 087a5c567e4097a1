import { isDeepStrictEqual } from "node:util";
import { type CompiledIPVS, compileIPVS } from "../../src/compile/ipvs/compile.ts";
import type { IPFamily } from "../../src/net/family.ts";
import type { ProxyState } from "../../src/proxy/state.ts";
import { formatCommand, formatScript } from "../../src/rules/iptables/format.ts";
import { formatIPVSCommands } from "../../src/rules/ipvs/format.ts";
import { canonical } from "./canonical.ts";
import { type Comparison, families, firstDifference } from "./compare.ts";
import { type Question, questionOf, readState, refusals } from "./feed.ts";
import { acceptedAnswers, type Recorded, type RecordedFamily } from "./records.ts";

/** A set as records have it, entries as kube-proxy wrote them. */
export interface RecordedSet {
  readonly type: string;
  readonly family: string;
  readonly comment: string;
  readonly entries: readonly string[];
}

/** What kube-proxy made of the node outside of iptables, for both families. */
export interface RecordedNode {
  readonly "ipvsadm-Sn": string;
  readonly ipsets: Readonly<Record<string, RecordedSet>>;
  readonly "kube-ipvs0": readonly string[];
}

/** One family as we compile it. */
export interface OurIPVSFamily {
  readonly state: ProxyState;
  readonly compiled: CompiledIPVS;
  readonly commands: readonly string[];
  readonly restore: string;
  readonly healthCheck: Readonly<Record<string, unknown>>;
}

/** What we make of a question, in the words of a record. */
export interface OurIPVSAnswer {
  /** By `ipv4`, `ipv6`. */
  readonly families: ReadonlyMap<string, OurIPVSFamily>;
  readonly node: RecordedNode;
  readonly sysctls: Readonly<Record<string, number>>;
  /** Kinds of rules, entries and servers that were written. */
  readonly kinds: readonly string[];
}

function familyAnswer(question: Question, family: IPFamily): OurIPVSFamily {
  const state = readState(question, family);
  const compiled = compileIPVS(state);
  return {
    state,
    compiled,
    commands: compiled.commands.map(formatCommand),
    restore: formatScript(compiled.restore),
    healthCheck: Object.fromEntries(state.health),
  };
}

function setsOf({ state, compiled }: OurIPVSFamily): [string, RecordedSet][] {
  const family = state.family === "IPv4" ? "inet" : "inet6";
  return compiled.sets.map(({ name, type, comment, entries }) => [
    name,
    { type, family, comment, entries: entries.map(({ text }) => text).sort() },
  ]);
}

function kindsOf({ tables, sets, servers }: CompiledIPVS): string[] {
  return [
    ...tables.flatMap((table) => table.rules.map((_, i) => table.origin(i)?.kind ?? "unknown")),
    ...sets.flatMap(({ entries }) => entries.map(({ origin }) => origin.kind)),
    ...servers.flatMap(({ origin, endpoints }) => [origin.kind, ...endpoints.map(() => "real-server")]),
  ];
}

/** Compiles a question in ipvs mode for some families, which share the node's tables. */
export function ipvsAnswerTo(
  question: Question,
  asked: readonly (readonly [IPFamily, string])[] = families,
): OurIPVSAnswer {
  const inMode = { ...question, config: { ...question.config, mode: "ipvs" } };
  const answers = new Map(asked.map(([family, key]) => [key, familyAnswer(inMode, family)]));
  const each = [...answers.values()];
  return {
    families: answers,
    node: {
      "ipvsadm-Sn": formatIPVSCommands({
        virtualServers: each.flatMap(({ compiled }) => compiled.table.virtualServers),
      }),
      ipsets: Object.fromEntries(each.flatMap(setsOf)),
      "kube-ipvs0": each.flatMap(({ compiled }) => compiled.addresses.map(({ text }) => text)).sort(),
    },
    sysctls: Object.fromEntries(each[0]?.compiled.sysctls.map(({ name, value }) => [name, value]) ?? []),
    kinds: each.flatMap(({ compiled }) => kindsOf(compiled)),
  };
}

/** `ipvsadm -Sn` without the order of lines and of options; a real server's line names its virtual server. */
export function canonicalServers(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const words = lines.map((line) => {
    const [command = "", ...rest] = line.split(/ (?=-)/);
    return [command, ...rest.sort()].join(" ");
  });
  return words.sort().join("\n");
}

function nodeDifferences(ours: RecordedNode, theirs: RecordedNode): string[] {
  const found: string[] = [];
  const servers = firstDifference(canonicalServers(theirs["ipvsadm-Sn"]), canonicalServers(ours["ipvsadm-Sn"]));
  if (servers !== "") found.push(`virtual servers\n${servers}`);
  for (const name of new Set([...Object.keys(theirs.ipsets), ...Object.keys(ours.ipsets)])) {
    const [want, have] = [theirs.ipsets[name], ours.ipsets[name]];
    const sorted = want === undefined ? undefined : { ...want, entries: [...want.entries].sort() };
    if (!isDeepStrictEqual(sorted, have)) {
      const text = (set: RecordedSet | undefined): string => JSON.stringify(set, undefined, 1) ?? "no set";
      found.push(`set ${name}\n${firstDifference(text(sorted), text(have))}`);
    }
  }
  if (!isDeepStrictEqual([...theirs["kube-ipvs0"]].sort(), ours["kube-ipvs0"])) {
    found.push(`kube-ipvs0: ${theirs["kube-ipvs0"].join(" ")}, ours ${ours["kube-ipvs0"].join(" ")}`);
  }
  return found;
}

function familyDifferences(ours: OurIPVSFamily, accepted: readonly RecordedFamily[]): string[] {
  const found: string[] = [];
  const [first] = accepted;
  if (first === undefined) return ["the record has no answer"];
  const form = canonical(ours.restore);
  if (!accepted.some(({ restoreCanonical }) => restoreCanonical === form)) {
    found.push(`restore text\n${firstDifference(first.restoreCanonical ?? "", form)}`);
  }
  if (!isDeepStrictEqual(ours.commands, first.commands)) {
    found.push(`commands\n${firstDifference((first.commands ?? []).join("\n"), ours.commands.join("\n"))}`);
  }
  if (!accepted.some(({ healthCheck }) => isDeepStrictEqual({ ...ours.healthCheck }, healthCheck))) {
    found.push(`health check: ${JSON.stringify(first.healthCheck)}, ours ${JSON.stringify(ours.healthCheck)}`);
  }
  return found;
}

/** What of a node's answer is none of those that kube-proxy gave; empty when all is. */
export function ipvsDifferences(
  ours: OurIPVSAnswer,
  accepted: readonly { readonly node: RecordedNode; readonly families: ReadonlyMap<string, RecordedFamily> }[],
  sysctls: Readonly<Record<string, number>>,
): string[] {
  const found = [...ours.families].flatMap(([key, own]) => {
    const theirs = accepted.flatMap((answer) => answer.families.get(key) ?? []);
    return familyDifferences(own, theirs).map((difference) => `${key}: ${difference}`);
  });
  const nodes = accepted.map(({ node }) => nodeDifferences(ours.node, node));
  if (!nodes.some((list) => list.length === 0)) found.push(...(nodes[0] ?? ["the record has no answer"]));
  // the kernel of the records starts with zeros, and only what differs is set
  const set = Object.fromEntries(Object.entries(ours.sysctls).filter(([, value]) => value !== 0));
  if (!isDeepStrictEqual(set, sysctls)) {
    found.push(`sysctls: ${JSON.stringify(sysctls)}, ours ${JSON.stringify(ours.sysctls)}`);
  }
  return found;
}

/** All answers of a record's first step. */
export function acceptedNodes(record: Recorded): Parameters<typeof ipvsDifferences>[1] {
  const nodes = acceptedAnswers(record, "ipvs") as unknown as RecordedNode[];
  const own = families.map(([, key]) => [key, acceptedAnswers(record, key)] as const);
  return nodes.map((node, i) => ({
    node,
    families: new Map(own.flatMap(([key, list]) => (list[i] === undefined ? [] : [[key, list[i]] as const]))),
  }));
}

/** Compiles a record's request in ipvs mode and compares it with kube-proxy's answers. `answer` may be one that is wrong on purpose. */
export function compareIPVSRecord(record: Recorded, answer: typeof ipvsAnswerTo = ipvsAnswerTo): Comparison {
  const { minor, name } = record;
  const told = (differences: readonly string[]): string[] =>
    differences.map((difference) => `v1.${minor} ${name}: ${difference}`);
  const question = questionOf(record);
  const refused = refusals({ config: { ...question.config, mode: "ipvs" }, minor });
  const { error, sysctls = {} } = record.answer;
  if (error !== undefined || refused.length > 0) {
    const equal = error !== undefined && refused.length > 0;
    return {
      compared: 1,
      kinds: [],
      failures: equal ? [] : told([`refused by kube-proxy: ${error ?? "no"}; by us: ${refused.join("; ") || "no"}`]),
    };
  }
  try {
    const accepted = acceptedNodes(record);
    const asked = families.filter(([, key]) => accepted[0]?.families.has(key));
    const ours = answer(question, asked);
    return { compared: asked.length, kinds: ours.kinds, failures: told(ipvsDifferences(ours, accepted, sysctls)) };
  } catch (error) {
    return { compared: 1, kinds: [], failures: told([(error as Error).message]) };
  }
}
