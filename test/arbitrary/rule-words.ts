import type { IPFamily } from "../../src/net/family.ts";
import type { Random } from "../../src/net/random.ts";

/** Addresses, ports and names that rules and packets of one family share, few enough that they meet. */
export interface Vocabulary {
  readonly family: IPFamily;
  readonly addresses: readonly string[];
  readonly networks: readonly string[];
  /** An address that nothing else names and that no packet has. */
  readonly nowhere: string;
}

/** 101 is one of those that rules draw at random. */
const PORTS = [53, 80, 80, 101, 443, 1000, 8080, 40000, 65535, 0];
const INTERFACES = ["eth0", "eth1", "cni0", "veth77", "veth+", "flannel.1", "docker0", "lo", "e+", "absent0"];
const MARKS = ["0x0/0x0", "0x4000/0x4000", "0x1/0xff", "0x200/0x200", "0x0/0xffffffff", "0xff/0xf"];
const PROTOCOLS = ["tcp", "tcp", "tcp", "udp", "udp", "sctp", "icmp", "47", "136", "33"];
const STATES = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "RELATED,ESTABLISHED", "DNAT", "SNAT,DNAT"];

export const vocabularies: Readonly<Record<IPFamily, Vocabulary>> = {
  IPv4: {
    family: "IPv4",
    addresses: [
      ...["10.96.0.1", "10.96.0.10", "192.168.0.1", "192.168.0.9", "203.0.113.77", "192.168.0.2", "127.0.0.1"],
      ...["10.244.1.5", "10.244.1.6", "10.244.1.77", "10.244.2.8", "172.17.0.2", "8.8.4.4", "198.18.1.5"],
    ],
    networks: ["10.244.0.0/16", "10.96.0.0/12", "192.168.0.0/24", "0.0.0.0/0", "224.0.0.0/4", "127.0.0.0/8"],
    nowhere: "198.51.100.254",
  },
  IPv6: {
    family: "IPv6",
    addresses: [
      ...["fd00:10:96::1", "fd00:10:96::a", "fd00:192:168::1", "fd00:192:168::2", "2001:db8:cafe::77", "::1"],
      ...["fd00:10:244:1::5", "fd00:10:244:1::6", "fd00:10:244:1::77", "fd00:10:244:2::8", "fd00:172:17::2"],
    ],
    networks: ["fd00:10:244::/48", "fd00:10:96::/112", "fd00:192:168::/64", "::/0", "ff00::/8", "fe80::/10"],
    nowhere: "2001:db8:ffff::1",
  },
};

/** What the words of one rule are drawn with. `transport` is the protocol that the rule names before. */
export interface Draw {
  readonly random: Random;
  readonly words: Vocabulary;
  readonly transport: string;
}

const not = (random: Random): string => (random.chance(0.2) ? "! " : "");
const port = (random: Random): string => `${random.pick(PORTS)}`;

function range(random: Random): string {
  const [a, b] = [random.pick(PORTS), random.pick(PORTS)];
  return random.chance(0.7) ? `${a}` : `${Math.min(a, b)}:${Math.max(a, b)}`;
}

/** `-s -d -i -o`, each drawn by its own chance. */
export function generalWords({ random, words }: Draw): string[] {
  const found: string[] = [];
  const place = (): string => (random.chance(0.8) ? random.pick(words.addresses) : random.pick(words.networks));
  if (random.chance(0.12)) found.push(`${not(random)}-s ${place()}`);
  if (random.chance(0.4)) found.push(`${not(random)}-d ${place()}`);
  if (random.chance(0.1)) found.push(`${not(random)}-i ${random.pick(INTERFACES)}`);
  if (random.chance(0.06)) found.push(`${not(random)}-o ${random.pick(INTERFACES)}`);
  return found;
}

const HAVE_PORTS = new Set(["tcp", "udp", "sctp"]);

/** `-p`, or nothing; of a rule with ports the name of the protocol. */
export function transportWord(random: Random, family: IPFamily): string {
  if (random.chance(0.35)) return "";
  const name = random.pick(PROTOCOLS);
  return name === "icmp" && family === "IPv6" ? "ipv6-icmp" : name;
}

type Maker = (draw: Draw) => string;

const transportMatch: Maker = ({ random, words: { family }, transport }) => {
  if (transport === "icmp") return `-m icmp ${not(random)}--icmp-type ${random.pick(["8", "0", "3/4", "any", "13"])}`;
  if (transport === "ipv6-icmp") return `-m icmp6 ${not(random)}--icmpv6-type ${random.pick(["128", "129", "1/4"])}`;
  if (!HAVE_PORTS.has(transport)) return family === "IPv4" ? "-m ttl --ttl-gt 1" : "-m hl --hl-gt 1";
  if (random.chance(0.2)) return `-m multiport ${not(random)}--${random.pick(["dports", "sports", "ports"])} 53,80:443`;
  if (transport === "tcp" && random.chance(0.3))
    return `-m tcp ${random.pick(["--syn", "! --syn", "--tcp-flags SYN,RST SYN", "--tcp-option 2"])}`;
  const source = random.chance(0.2) ? ` ${not(random)}--sport ${range(random)}` : "";
  return `-m ${transport} ${not(random)}--dport ${range(random)}${source}`;
};

const conntrackMatch: Maker = ({ random, words }) => {
  const options = [
    `${not(random)}--ctstate ${random.pick(STATES)}`,
    `${not(random)}--ctorigdst ${random.pick(words.addresses)}`,
    `${not(random)}--ctreplsrc ${random.pick(words.addresses)}`,
    `${not(random)}--ctorigdstport ${port(random)}`,
    `${not(random)}--ctrepldstport ${range(random)}`,
    `--ctrepldstport 1025:40000`,
    `--ctdir ${random.pick(["ORIGINAL", "REPLY"])}`,
    `${not(random)}--ctstatus ${random.pick(["NONE", "ASSURED", "SEEN_REPLY", "CONFIRMED"])}`,
    `${not(random)}--ctexpire 1:100`,
    `${not(random)}--ctproto tcp`,
  ];
  return `-m conntrack ${random.chance(0.6) ? options[0] : random.pick(options)}`;
};

const recentMatch: Maker = ({ random }) => {
  const list = `--name ${random.pick(["A", "B"])} ${random.pick(["--rsource", "--rdest"])}`;
  const hits = random.chance(0.3) ? ` --hitcount ${random.between(1, 3)}` : "";
  const act = random.pick(["--set", "--remove", `--rcheck --seconds 30${hits}`, `--update --seconds 5 --reap${hits}`]);
  return `-m recent ${not(random)}${act} ${list}`;
};

/** What is not modelled, or depends on what a host does not tell. */
const uncertainMatch: Maker = ({ random }) =>
  random.pick([
    `-m u32 --u32 "0>>22&0x3C@${random.below(3)}=1"`,
    "-m bpf --bytecode 1,6 0 0 0",
    '-m string --string "GET" --algo bm --to 65535',
    "-m time --timestart 08:00 --timestop 17:00",
    "-m connbytes --connbytes 1000 --connbytes-dir both --connbytes-mode bytes",
    "-m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr",
    "-m socket",
    "-m devgroup --src-group 1",
    "-m realm --realm 3",
    "-m cpu --cpu 1",
    "-m mac --mac-source 02:00:00:00:00:01",
  ]);

const matchMakers: Readonly<Record<string, Maker>> = {
  addrtype: ({ random }) =>
    `-m addrtype ${not(random)}--${random.pick(["dst", "src"])}-type ${random.pick(["LOCAL", "UNICAST", "MULTICAST"])}`,
  comment: () => '-m comment --comment "why not"',
  connmark: ({ random }) => `-m connmark ${not(random)}--mark ${random.pick(MARKS)}`,
  conntrack: conntrackMatch,
  dscp: ({ random }) => `-m dscp ${not(random)}--dscp 0x04`,
  hashlimit: ({ random }) =>
    `-m hashlimit --hashlimit-upto ${random.between(1, 9)}/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name h`,
  iprange: ({ random, words: { family } }) =>
    `-m iprange ${not(random)}--dst-range ${family === "IPv4" ? "10.0.0.0-10.244.1.9" : "fd00::-fd00:10:244:1::9"}`,
  length: ({ random }) => `-m length ${not(random)}--length 40:${random.between(40, 100)}`,
  limit: ({ random }) => `-m limit --limit ${random.between(1, 9)}/sec --limit-burst ${random.between(1, 3)}`,
  mark: ({ random }) => `-m mark ${not(random)}--mark ${random.pick(MARKS)}`,
  owner: ({ random }) => `-m owner ${not(random)}--uid-owner ${random.pick([0, 1000])}`,
  physdev: ({ random }) => `-m physdev ${not(random)}--physdev-in veth77`,
  pkttype: ({ random }) => `-m pkttype ${not(random)}--pkt-type ${random.pick(["unicast", "broadcast", "multicast"])}`,
  recent: recentMatch,
  rpfilter: ({ random }) => `-m rpfilter${random.pick(["", " --loose", " --validmark", " --invert"])}`,
  set: ({ random }) => `-m set ${not(random)}--match-set ${random.pick(["pairs dst,dst", "nets src", "nets dst"])}`,
  state: ({ random }) => `-m state ${not(random)}--state ${random.pick(["NEW", "RELATED,ESTABLISHED", "INVALID"])}`,
  nth: ({ random }) => `-m statistic --mode nth ${not(random)}--every ${random.between(1, 4)} --packet 0`,
  random: ({ random }) =>
    `-m statistic --mode random ${not(random)}--probability ${random.pick(["0.5", "0.33333333349", "0.1", "1.0", "0.0"])}`,
  tos: ({ random }) => `-m tos ${not(random)}--tos 0x10`,
  transport: transportMatch,
  uncertain: uncertainMatch,
};

const WEIGHTS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.keys(matchMakers).map((name) => [name, 1])),
  transport: 14,
  conntrack: 4,
  mark: 3,
  random: 2,
  nth: 2,
};

/** Matches of a rule as texts in any order; `uncertain`: how often one of those that are not modelled comes. */
export function matchWords(draw: Draw, uncertain: number): string[] {
  const { random } = draw;
  const count = random.weighted({ 0: 3, 1: 5, 2: 2, 3: 1 });
  const weights = { ...WEIGHTS, uncertain };
  return Array.from({ length: Number(count) }, () => matchMakers[random.weighted(weights)]?.(draw) ?? "");
}

const natMakers: readonly Maker[] = [
  ({ random, words }) => `-j DNAT --to-destination ${withPorts(random, words, random.pick(words.addresses))}`,
  ({ random, words }) => `-j SNAT --to-source ${withPorts(random, words, random.pick(words.addresses))}`,
  ({ random }) => `-j MASQUERADE${random.pick(["", " --random-fully", " --to-ports 1024-1026", " --random"])}`,
  ({ random }) => `-j REDIRECT --to-ports ${random.pick(["8080", "100-103"])}`,
  ({ words: { family } }) => `-j NETMAP --to ${family === "IPv4" ? "10.244.1.0/24" : "fd00:10:244:1::/64"}`,
];

function withPorts(random: Random, { family }: Vocabulary, address: string): string {
  const ports = random.pick(["", ":80", ":8080", ":100-102"]);
  if (ports === "") return address;
  const drawn = random.chance(0.4) ? `${ports} --random` : ports;
  return family === "IPv4" ? `${address}${drawn}` : `[${address}]${drawn}`;
}

const otherMakers: readonly Maker[] = [
  ({ random }) => `-j MARK --set-xmark ${random.pick(MARKS)}`,
  ({ random }) => `-j MARK --or-mark ${random.pick(["0x4000", "0x200"])}`,
  ({ random }) => `-j CONNMARK ${random.pick(["--save-mark", "--restore-mark", "--set-xmark 0x1/0xff"])}`,
  ({ random, words: { family } }) =>
    `-j REJECT${random.pick(family === "IPv4" ? ["", " --reject-with icmp-host-prohibited", " --reject-with tcp-reset"] : ["", " --reject-with icmp6-adm-prohibited", " --reject-with tcp-reset"])}`,
  () => "-j LOG --log-prefix x",
  () => "-j NOTRACK",
  ({ random }) => `-j CT ${random.pick(["--notrack", "--zone 1", "--zone 2", "--helper ftp"])}`,
  ({ random }) => `-j SET --${random.pick(["add-set", "del-set"])} ${random.pick(["pairs dst,dst", "nets src"])}`,
  ({ random }) => `-j TCPMSS ${random.pick(["--clamp-mss-to-pmtu", "--set-mss 1200"])}`,
  ({ words: { family } }) => (family === "IPv4" ? "-j TTL --ttl-set 9" : "-j HL --hl-set 9"),
  () => "-j TOS --set-tos 0x10",
  () => "-j TRACE",
  () => "",
];

const uncertainTargets: readonly Maker[] = [
  () => "-j NFQUEUE --queue-num 1",
  () => "-j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",
  () => "-j IDLETIMER --timeout 5 --label x",
  () => "-j SYNPROXY --sack-perm",
];

/** A target as text: `chains` are those that may be jumped to, `uncertain` how often one that is not modelled comes. */
export function targetWord(draw: Draw, chains: readonly string[], uncertain: number): string {
  const { random } = draw;
  const weights = { verdict: 5, chain: chains.length > 0 ? 5 : 0, nat: 4, other: 5, uncertain };
  switch (random.weighted(weights)) {
    case "verdict":
      return `-j ${random.pick(["ACCEPT", "ACCEPT", "RETURN", "RETURN", "DROP"])}`;
    case "chain":
      return `${random.chance(0.8) ? "-j" : "-g"} ${random.pick(chains)}`;
    case "nat":
      return random.pick(natMakers)(draw);
    case "other":
      return random.pick(otherMakers)(draw);
    case "uncertain":
      return random.pick(uncertainTargets)(draw);
  }
}

/** A match that nobody can decide, as text; no two with different numbers are the same question. */
export function undecidable(number: number): string {
  return `-m u32 --u32 "0>>22&0x3C@${number}=1"`;
}
