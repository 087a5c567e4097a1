import type { Difference, Fate } from "./record.ts";

/** Why a difference that nobody found is no hole. */
export interface Argument {
  readonly id: string;
  readonly reason: string;
  readonly covers: (difference: Difference, fate: Fate) => boolean;
}

/** The address behind `-s` of a rule in a chain of an endpoint. */
const endpointOf = ({ place }: Fate): string | undefined =>
  / KUBE-SEP-\w+ \d+: -A KUBE-SEP-\w+ -s ([^/]+)\//.exec(place)?.[1];

/** Does the packet of a difference come from the Pods' network of another node? */
const isFromElsewhere = ({ text }: Difference): boolean =>
  /^(after )?\w+ (10\.244\.(?!1\.)\d+\.\d+|\[fd00:10:244:(?!1:)[0-9a-f:]+\]):/.test(text);

/** Pods of the node have addresses of its own network in all scenarios. */
const isHere = (address: string): boolean => address.startsWith("10.244.1.") || address.startsWith("fd00:10:244:1:");

/** A conversation without the ports that packets have in the end, and without what was translated back. */
const portless = (text = ""): string => text.replace(/ to \S+/g, "").replace(/ \d+(?=[,;]| or | \| |$)/g, "");

/** Is all as before but for some parts of the text? What is left are ends, in any order. */
function sameBut(text: string, parts: RegExp): boolean {
  const [before, now] = text
    .replace(/^.*?: /, "")
    .split(" BECAME ")
    .map((each) => each.split(parts).filter(Boolean).sort().join(" "));
  return before === now;
}

/** The list, reviewed one by one. */
export const argued: readonly Argument[] = [
  {
    id: "a port that masquerading draws",
    reason: "--random-fully changes which free port is drawn, which is no part of a fate: it makes clashes rarer",
    covers: (_, { operator }) => operator === "a flag of masquerading lost",
  },
  {
    id: "an endpoint elsewhere",
    reason:
      "the rule masquerades what an endpoint sends to itself; one on another node meets that node's rules first, so that its packets never come to these, and the addresses beside its own are nobody's",
    covers: (difference, fate) => {
      const address = endpointOf(fate);
      return address !== undefined && !isHere(address) && isFromElsewhere(difference);
    },
  },
  {
    id: "INVALID packets of no Service",
    reason:
      "what conntrack calls INVALID begins nothing and is told nobody; no promise speaks of it but on connections of Services",
    covers: ({ kind }) => kind === "strays",
  },
  {
    id: "the node's own firewall",
    reason:
      "only a node whose own rules drop by default sees a difference, and only where the modes differ there anyway: what such a firewall lets through is promised by nobody",
    covers: ({ kind }) => kind === "FORWARD" || kind === "INPUT",
  },
  {
    id: "what ip_vs does not schedule",
    reason:
      "connections from source port 20, and TCP packets without SYN of no known connection, are no virtual server's: nobody is served so, and how it fails is no matter",
    covers: ({ kind, text }, { mode }) =>
      mode === "ipvs" && kind === "first" && /^\w+ \S+(:20 -> | -> \S+ ACK:)/.test(text),
  },
  {
    id: "ports that a Service has not",
    reason:
      "no promise says whether a Service's address is routed on or refuses at other ports; in ipvs mode it refuses",
    covers: ({ kind, text }, { scenario, mode }) =>
      scenario === "no-endpoints" &&
      mode === "iptables" &&
      kind === "first" &&
      / untouched \([^()]+\) BECAME refused: port unreachable$/.test(text),
  },
  {
    id: "addresses of the node that objects do not tell",
    reason:
      "node ports are served at the addresses of the overlay's device and of Pods' interfaces, too, of which no object tells and so no promise is made; entries of the list excuse what differs there for whole addresses",
    covers: ({ kind, text }, { mode }) =>
      mode === "ipvs" && kind === "first" && / -> (10\.244\.1\.[01]|\[fd00:10:244:1::1?\]):30080\b/.test(text),
  },
  {
    id: "how a Local policy without endpoints fails",
    reason:
      "the documentation leaves open whether such packets are refused or dropped, and the modes do the one and the other",
    covers: ({ kind, text }, { scenario, mode }) =>
      scenario === "internal-local-none-here" &&
      mode === "ipvs" &&
      kind === "first" &&
      / 10\.96\.0\.10:80\b| \[fd00:10:96::10\]:80\b/.test(text) &&
      text.endsWith("refused: port unreachable BECAME dropped, the sender is told nothing"),
  },
  {
    id: "which of its own addresses a node is seen by",
    reason: "no promise says by which of its addresses a node is seen, and the modes differ in it",
    covers: ({ kind, text }) =>
      kind === "first" && /^\w+ (0\.0\.0\.0|\[::\]):/.test(text) && sameBut(text, / \(seen as [^)]+\)| or |; /g),
  },
  {
    id: "a node that talks from its own address",
    reason:
      "its packets are masqueraded to the address that they have already: the number of their port is another, answers find their way back",
    covers: ({ kind, text }) => {
      const [before, now] = text.replace(/^after \S+ (0\.0\.0\.0|\[::\]):.*?: /, "").split(" BECAME ");
      return kind === "later" && /^after \w+ (0\.0\.0\.0|\[::\]):/.test(text) && portless(before) === portless(now);
    },
  },
];

/** The first argument that covers a difference. */
const argumentFor = (difference: Difference, fate: Fate): Argument | undefined =>
  argued.find(({ covers }) => covers(difference, fate));

/** The arguments that cover all that a fault changes; `undefined`: something is not covered. */
export function argumentsFor(fate: Fate): readonly Argument[] | undefined {
  const found = fate.differences.map((difference) => argumentFor(difference, fate));
  return found.every((each) => each !== undefined) ? [...new Set(found)] : undefined;
}

/** The differences that no argument covers. */
export const uncovered = (fate: Fate): readonly Difference[] =>
  fate.differences.filter((difference) => argumentFor(difference, fate) === undefined);
