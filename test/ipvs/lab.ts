import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import type { Event, Recorder } from "../../src/kernel/event.ts";
import type { HostDescription } from "../../src/kernel/host.ts";
import { defaultIPVSSwitches, type IPVSSwitches } from "../../src/kernel/ipvs/switches.ts";
import type { Result } from "../../src/kernel/outcome.ts";
import { type Packet, protocols } from "../../src/kernel/packet.ts";
import { receive, send } from "../../src/kernel/run.ts";
import { makeSets } from "../../src/kernel/sets.ts";
import { toPacket } from "../../src/kernel/skb.ts";
import type { RuleObserver } from "../../src/kernel/walk.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { parseScript } from "../../src/rules/iptables/parse.ts";
import { applyScript } from "../../src/rules/iptables/restore.ts";
import { emptyRuleset, type Ruleset } from "../../src/rules/iptables/ruleset.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { topologyHost } from "../kernel/topology-host.ts";
import { allResults, EmulatedNode } from "./emulated-node.ts";
import { type PacketWords, packetOf, resetOf, seenWords } from "./words.ts";

interface InterfaceWords {
  readonly addrs?: readonly string[];
  readonly mtu?: number;
  readonly up?: boolean;
}

/** A node in the words of the recordings. */
export interface CaseWords {
  readonly topo?: {
    readonly ifaces?: Readonly<Record<string, InterfaceWords>>;
    readonly dummies?: Readonly<Record<string, InterfaceWords>>;
    readonly routes?: readonly string[];
    readonly sysctl?: Readonly<Record<string, number>>;
  };
  readonly ipset?: string;
  readonly rules4?: string;
  readonly rules6?: string;
  readonly ipvs?: string;
  /** The node's own stack is there, without a socket. */
  readonly listen?: boolean;
}

function fail(diagnostic: Diagnostic): void {
  throw new Error(`${diagnostic.code}: ${diagnostic.message}`);
}

function rulesOf(text: string | undefined, family: "IPv4" | "IPv6"): Ruleset {
  if (text === undefined) return emptyRuleset;
  return applyScript(emptyRuleset, parseScript({ name: family, text }, fail), { family, backend: "legacy" }, fail);
}

const SWITCHES: Readonly<Record<string, keyof IPVSSwitches>> = {
  conntrack: "conntrack",
  expire_nodest_conn: "expireNodestConn",
  expire_quiescent_template: "expireQuiescentTemplate",
  nat_icmp_send: "natICMPSend",
  sloppy_tcp: "sloppyTCP",
  sloppy_sctp: "sloppySCTP",
  schedule_icmp: "scheduleICMP",
  snat_reroute: "snatReroute",
};

function switchesOf(sysctls: Readonly<Record<string, number>>): IPVSSwitches {
  const found = Object.entries(sysctls).flatMap(([name, value]): [string, boolean | number][] => {
    const key = name.replace("net.ipv4.vs.", "");
    const known = SWITCHES[key];
    if (key === "conn_reuse_mode") return [["connReuseMode", value]];
    return known === undefined ? [] : [[known, value !== 0]];
  });
  return { ...defaultIPVSSwitches, ...Object.fromEntries(found) };
}

const ROUTE_TYPES = ["prohibit", "unreachable", "blackhole", "throw"] as const;

function routeOf(text: string) {
  const words = text.split(" ");
  const type = ROUTE_TYPES.find((each) => each === words[0]);
  if (type !== undefined) words.shift();
  const after = (word: string): string | undefined => {
    const at = words.indexOf(word);
    return at < 0 ? undefined : words[at + 1];
  };
  const device = after("dev");
  const gateway = after("via");
  const [net = ""] = words;
  const destination = net !== "default" ? net : gateway?.includes(":") === true ? "::/0" : "0.0.0.0/0";
  return {
    destination,
    ...(type === undefined ? {} : { type }),
    ...(device === undefined ? {} : { device }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** The node without its virtual servers. */
function describe({ topo = {}, rules4, rules6 }: CaseWords): HostDescription {
  const { ifaces = {}, dummies = {}, routes = [], sysctl = {} } = topo;
  const all = Object.entries({ ...ifaces, ...dummies });
  const sysctls = { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, ...sysctl };
  const description = topologyHost(
    {
      interfaces: all.map(([name, { addrs = [], mtu = 1500 }]) => ({
        name,
        role: "uplink",
        mtu,
        addresses: addrs,
        peers: [],
      })),
      routes: routes.map(routeOf),
      rules: [],
      sysctls,
    },
    { IPv4: rulesOf(rules4, "IPv4"), IPv6: rulesOf(rules6, "IPv6") },
    {},
  );
  return {
    ...description,
    interfaces: description.interfaces.map((each) => ({
      ...each,
      bridge: false,
      ...(each.name in dummies ? { up: dummies[each.name]?.up === true } : {}),
    })),
    sysctls: { ...description.sysctls, ipvs: switchesOf(sysctl) },
    backend: "legacy",
  };
}

/** `log`: the packet at a rule `-j NFLOG`, in the order of the rules. */
function watchLog(log: SeenWords[]): RuleObserver {
  return (_walk, skb, { target, matches }, part, holds) => {
    if (!holds || part !== matches.length - 1 || target?.kind !== "NFLOG") return;
    log.push({
      tap: target.prefix,
      in: skb.inInterface?.name ?? null,
      to: skb.outInterface?.name ?? null,
      mark: skb.mark,
      ...seenWords(toPacket(skb)),
    });
  };
}

const marked = (mark: number): object => (mark === 0 ? {} : { mark });

/** What went over lo: as it came in again. */
function watchLo(lo: SeenWords[]): Recorder {
  return (event: Event) => {
    if (event.kind !== "hook" || event.hook !== "PREROUTING" || event.inInterface !== "lo") return;
    lo.push({ ...event.view });
  };
}

/** A packet where it was seen. */
type SeenWords = Record<string, unknown>;

/** What became of one packet, in the words of the recordings. */
interface Seen {
  readonly out: readonly SeenWords[];
  readonly local: readonly SeenWords[];
  readonly lo: readonly SeenWords[];
  readonly log: readonly SeenWords[];
}

/** A node of the emulator that answers in the words of the recordings. */
export class Lab extends EmulatedNode {
  readonly #case: CaseWords;
  #ipset = "";

  constructor(words: CaseWords, indexed: boolean) {
    super(describe(words), new Map(), indexed);
    this.#case = words;
    this.load(words);
  }

  /** More of the same kind; rules replace those that were there. */
  load({ ipset = "", rules4, ipvs = "" }: CaseWords): void {
    this.#ipset += ipset;
    const sets = makeSets(parseIPSets({ name: "ipset", text: this.#ipset }, fail).values());
    const { rules } = this.host;
    this.replace(rules4 === undefined ? {} : { rules: { ...rules, IPv4: rulesOf(rules4, "IPv4") } }, sets);
    this.balance(ipvs);
  }

  /** As `results`, and tells a recorder; chance and what is not modelled follow a seed. */
  recorded(packet: Packet, from: string | undefined, record: Recorder): readonly Result[] {
    const chooser = seededChooser("lab");
    const options = { host: this.host, state: this.state, chooser, indexed: this.indexed, record };
    return allResults(from === undefined ? send(options, packet) : receive(options, packet, from));
  }

  /** The policy of a chain (`iptables -P`), or an element of a set (`ipset add`): all that recordings do by hand. */
  command(text: string): boolean {
    const policy = /^iptables-legacy -P (\S+) (\S+)$/.exec(text);
    if (policy !== null) {
      const [, chain = "", to = ""] = policy;
      const rules = (this.#case.rules4 ?? "").replace("*filter\n", `*filter\n:${chain} ${to} [0:0]\n`);
      this.load({ rules4: rules });
      return true;
    }
    const element = /^ipset (add .*)$/.exec(text);
    if (element === null) return false;
    this.load({ ipset: `${element[1]}\n` });
    return true;
  }

  packet(words: PacketWords): Seen {
    const log: SeenWords[] = [];
    const lo: SeenWords[] = [];
    const options = {
      host: this.host,
      state: this.state,
      chooser: seededChooser("lab"),
      indexed: this.indexed,
      record: watchLo(lo),
      ...(this.indexed ? {} : { observe: watchLog(log) }),
    };
    const packet = packetOf(words);
    const local = words.iface === undefined || words.iface === "local";
    const first = local
      ? send(options, packet, { mark: words.mark ?? 0, anySource: words.src === undefined })
      : receive(options, packet, words.iface ?? "");
    const results = allResults(first);
    if (this.#case.listen === true && first.outcome.kind === "delivered" && packet.protocol === protocols.tcp)
      results.push(...allResults(send(options, resetOf(first.packet))));
    const out: SeenWords[] = [];
    const delivered: SeenWords[] = [];
    for (const { outcome, packet: seen, mark } of results) {
      if (outcome.kind === "transmitted")
        out.push({ iface: outcome.outInterface, ...seenWords(seen), ...marked(mark) });
      if (outcome.kind === "delivered")
        delivered.push({ iface: outcome.inInterface, ...seenWords(seen), ...marked(mark) });
      if (outcome.kind === "unknown") throw new Error(`not modelled: ${outcome.what.what}`);
    }
    return { out, local: delivered, log, lo };
  }
}
