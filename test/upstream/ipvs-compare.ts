import { BlockList, isIPv6 } from "node:net";
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

/** The networks in which kube-proxy leaves virtual servers alone. */
function excludedBy(record: Recorded): BlockList {
  const ipvs = record.request.config.ipvs as { readonly excludeCIDRs?: readonly string[] } | undefined;
  const list = new BlockList();
  for (const cidr of ipvs?.excludeCIDRs ?? []) {
    const [address = "", length = ""] = cidr.split("/");
    list.addSubnet(address, Number(length), isIPv6(address) ? "ipv6" : "ipv4");
  }
  return list;
}

const isInside = (list: BlockList, address: string): boolean => list.check(address, isIPv6(address) ? "ipv6" : "ipv4");

/** The virtual server's address in a line of `ipvsadm -Sn`. */
const addressIn = (line: string): string => /^-[Aa] \S+ \[?([0-9a-f.:]+?)\]?:\d+ /.exec(line)?.[1] ?? "";

/**
 * What a full sync makes of a later step, out of what is there: real servers of weight 0 are leftovers that still have
 * connections (ipvs-mode §7.2), and virtual servers in excluded networks stay whatever is wanted (§7.4).
 */
function withoutLeftovers(node: RecordedNode, excluded: BlockList): RecordedNode {
  const lines = node["ipvsadm-Sn"]
    .split("\n")
    .filter((line) => !line.endsWith(" -w 0") && !isInside(excluded, addressIn(line)));
  const bound = node["kube-ipvs0"].filter((address) => !isInside(excluded, address));
  return { ...node, "ipvsadm-Sn": lines.join("\n"), "kube-ipvs0": bound };
}

/** All answers of a record's step. */
export function acceptedNodes(record: Recorded, number = 0): Parameters<typeof ipvsDifferences>[1] {
  const nodes = acceptedAnswers(record, "ipvs", number) as unknown as RecordedNode[];
  const own = families.map(([, key]) => [key, acceptedAnswers(record, key, number)] as const);
  const excluded = excludedBy(record);
  return nodes.map((node, i) => ({
    node: number === 0 ? node : withoutLeftovers(node, excluded),
    families: new Map(own.flatMap(([key, list]) => (list[i] === undefined ? [] : [[key, list[i]] as const]))),
  }));
}

/** Later steps after which the node is not as a full sync makes it: nothing could be written. */
function isUnwritten(record: Recorded, number: number): boolean {
  const step = record.request.steps[number];
  return typeof step === "object" && "failWrites" in step && step.failWrites === true;
}

function compareStep(record: Recorded, number: number, answer: typeof ipvsAnswerTo): Comparison {
  const accepted = acceptedNodes(record, number);
  const asked = families.filter(([, key]) => accepted[0]?.families.has(key));
  const ours = answer(questionOf(record, number), asked);
  // single commands are not given again
  const again: OurIPVSAnswer = {
    ...ours,
    node: withoutLeftovers(ours.node, excludedBy(record)),
    families: new Map([...ours.families].map(([key, own]) => [key, { ...own, commands: undefined as never }])),
  };
  const differences = ipvsDifferences(number === 0 ? ours : again, accepted, record.answer.sysctls ?? {});
  return { compared: asked.length, kinds: ours.kinds, failures: differences.map((text) => `step ${number}: ${text}`) };
}

/**
 * Compiles the steps of a record in ipvs mode and compares them with kube-proxy's answers. A step after the first is compared
 * with a full sync: leftovers of graceful termination and of excluded networks do not count, nor do steps in which nothing
 * could be written. `answer` may be one that is wrong on purpose.
 */
export function compareIPVSRecord(record: Recorded, answer: typeof ipvsAnswerTo = ipvsAnswerTo): Comparison {
  const { minor, name } = record;
  const told = (differences: readonly string[]): string[] =>
    differences.map((difference) => `v1.${minor} ${name}: ${difference}`);
  const refused = refusals({ config: { ...questionOf(record).config, mode: "ipvs" }, minor });
  const { error, steps } = record.answer;
  if (error !== undefined || refused.length > 0) {
    const equal = error !== undefined && refused.length > 0;
    return {
      compared: 1,
      kinds: [],
      failures: equal ? [] : told([`refused by kube-proxy: ${error ?? "no"}; by us: ${refused.join("; ") || "no"}`]),
    };
  }
  try {
    const results = steps.flatMap((_, i) => (isUnwritten(record, i) ? [] : [compareStep(record, i, answer)]));
    return {
      compared: results.reduce((sum, { compared }) => sum + compared, 0),
      kinds: results.flatMap(({ kinds }) => kinds),
      failures: told(results.flatMap(({ failures }) => failures)),
    };
  } catch (error) {
    return { compared: 1, kinds: [], failures: told([(error as Error).message]) };
  }
}
