import { formatIPVSTimeouts } from "../../src/rules/ipvs/format.ts";
import type { IPVSTable } from "../../src/rules/ipvs/model.ts";
import { firstDifference } from "../upstream/compare.ts";
import type { CompiledNode } from "./compiled-node.ts";

/** What the guest's tools print of a node, as far as they were asked. */
export type ReadBack = Readonly<
  Partial<
    Record<
      | "ipvsadm"
      | "listing"
      | "timeouts"
      | "ipset"
      | "addresses"
      | "sysctl"
      | "IPv4"
      | "IPv6"
      | "links"
      | "routes4"
      | "routes6",
      string
    >
  >
>;

/** Newer kernels tell two more parameters of a hash, one of them random (ipvs-mode §11.5). */
const ipsetForm = (text: string): string => text.replace(/ bucketsize \d+ initval 0x[0-9a-f]{8}$/gm, "");

/** Comment lines tell version and date, counters what packets made them. */
const saveForm = (text: string): string =>
  text.replace(/^#.*\n/gm, "").replace(/^(:\S+ \S+) \[\d+:\d+\]$/gm, "$1 [0:0]");

/** `ip -d addr` as the commands that make it so; the kernel lists an interface's IPv6 addresses newest first (ipvs-mode §11.7). */
function addressesForm(text: string): string {
  const [, name = "?"] = /^\d+: ([^:@]+)/.exec(text) ?? [];
  const type = /^ +dummy /m.test(text) && / state DOWN /.test(text) ? "dummy" : "of another kind, or up";
  const found = [...text.matchAll(/^ +(inet6?) (\S+) scope global/gm)].map(([, family, address]) => ({
    family,
    address,
  }));
  const v4 = found.filter(({ family }) => family === "inet");
  const v6 = found.filter(({ family }) => family === "inet6").reverse();
  return [
    `link add ${name} type ${type}\n`,
    ...[...v4, ...v6].map(({ address }) => `address add ${address} dev ${name}\n`),
  ].join("");
}

/** Virtual servers with their real servers, one text each. */
const blocks = (text: string, first: RegExp): readonly string[] => {
  const found: string[] = [];
  for (const line of text.split("\n")) {
    if (first.test(line) || found.length === 0) found.push(line);
    else found[found.length - 1] += `\n${line}`;
  }
  return found;
};

/** ipvsadm's comparison of words (ipvs-mode §11.3). */
const wrapped = (a: number, b: number): number => (a - b) | 0;

function compareWords(a: readonly number[], b: readonly number[]): number {
  for (const [i, word] of a.entries()) {
    const difference = wrapped(word, b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Do addresses of virtual servers go in a circle by ipvsadm's comparison, or are two of them exactly 2^31 apart? Then the order in which the
 * kernel's hash tells them decides what is printed, and with it a constant that each network namespace has for itself (§9.7, §11.3).
 */
export function orderIsTheKernels({ virtualServers }: IPVSTable): boolean {
  const texts = new Map<string, readonly number[]>();
  for (const { key } of virtualServers) {
    if (key.kind !== "address") return true;
    const { address } = key;
    const words = address.family === "IPv4" ? [address.value] : address.words;
    texts.set(`${key.protocol} ${words.join()}`, [key.protocol, ...words]);
  }
  const all = [...texts.values()];
  const before = (a: readonly number[], b: readonly number[]): boolean => compareWords(a, b) < 0;
  return all.some((a) =>
    all.some((b) => {
      if (a === b || a.length !== b.length || !before(a, b)) return false;
      return before(b, a) || all.some((c) => c.length === a.length && before(b, c) && before(c, a));
    }),
  );
}

/** How a text differs, in words; nothing where it does not. */
const differ = (what: string, theirs: string | undefined, ours: string): readonly string[] =>
  theirs === ours ? [] : [`${what}: ${firstDifference(theirs ?? "", ours)}`];

/** How what the tools print differs from our texts. Byte by byte, but for what the two functions above take away. */
export function readBackDifferences(
  { texts, results }: Pick<CompiledNode, "texts" | "results">,
  printed: ReadBack,
  timeouts: IPVSTable["timeouts"],
): { readonly differences: readonly string[]; readonly unordered: boolean; readonly compared: number } {
  let unordered = false;
  const servers = (what: string, theirs: string, ours: string, first: RegExp): readonly string[] => {
    const found = differ(what, theirs, ours);
    if (found.length === 0) return [];
    const tables = results.map(({ compiled }) => compiled.table);
    if (!tables.some(orderIsTheKernels)) return found;
    unordered = true;
    const sorted = (text: string): string => [...blocks(text, first)].sort().join("\n");
    return differ(`${what}, in any order`, sorted(theirs), sorted(ours));
  };
  const [tcp, tcpFin, udp] = [timeouts?.tcp || 900, timeouts?.tcpFin || 120, timeouts?.udp || 300];
  const differences = [
    ...servers("ipvsadm -Sn", printed.ipvsadm ?? "", texts.ipvsadm, /^-A /),
    ...servers("ipvsadm -Ln", printed.listing ?? "", texts.listing, /^(?:IP|Prot|TCP|UDP|SCTP) /),
    ...(timeouts === undefined
      ? []
      : differ("ipvsadm -Ln --timeout", printed.timeouts, formatIPVSTimeouts({ tcp, tcpFin, udp }))),
    ...differ("ipset -sorted save", ipsetForm(printed.ipset ?? ""), texts.ipset),
    ...differ("ip addr", addressesForm(printed.addresses ?? ""), texts.addresses),
    ...differ("sysctl", printed.sysctl, texts.sysctl),
    ...texts.families.flatMap(({ family, save }) => differ(`${family} save`, saveForm(printed[family] ?? ""), save)),
  ];
  const all = [texts.ipvsadm, texts.listing, texts.ipset, texts.addresses, texts.sysctl];
  const lines = [...all, ...texts.families.map(({ save }) => save)].join("").split("\n").length - 1;
  return { differences, unordered, compared: lines };
}
