import type { IPFamily } from "../../src/net/family.ts";
import type { Random } from "../../src/net/random.ts";
import type { CaseWords } from "./lab.ts";
import {
  type ClientPlace,
  type DestinationKind,
  endpoint,
  type Frontend,
  type ProtocolName,
  protocolNames,
  type TestNode,
} from "./test-node.ts";

/** A node made up for one run of packets. */
export interface FreshNode extends TestNode {
  readonly words: CaseWords;
  readonly family: IPFamily;
}

/** The addresses of one family. */
interface Plan {
  readonly ifaces: NonNullable<CaseWords["topo"]>["ifaces"];
  readonly routes: readonly string[];
  readonly node: string;
  readonly outside: readonly string[];
  readonly pods: readonly string[];
  readonly remote: readonly string[];
  readonly vip: (n: number) => string;
  readonly pod: (n: number) => string;
  readonly remotePod: (n: number) => string;
  readonly router: string;
  readonly loopback: string;
}

const plans: Readonly<Record<IPFamily, Plan>> = {
  IPv4: {
    ifaces: {
      eth0: { addrs: ["192.168.1.10/24"] },
      cni0: { addrs: ["10.244.1.1/24"] },
      wg0: { addrs: ["10.244.1.0/32"], mtu: 1480 },
    },
    routes: ["default via 192.168.1.1 dev eth0", "10.244.2.0/24 dev wg0"],
    node: "192.168.1.10",
    outside: ["192.168.1.77", "203.0.113.9", "8.8.4.4"],
    pods: ["10.244.1.20", "10.244.1.21"],
    remote: ["10.244.2.30"],
    vip: (n) => `10.96.0.${n}`,
    pod: (n) => `10.244.1.${n}`,
    remotePod: (n) => `10.244.2.${n}`,
    router: "192.168.1.1",
    loopback: "127.0.0.1",
  },
  IPv6: {
    ifaces: {
      eth0: { addrs: ["fd00:192::10/64"] },
      cni0: { addrs: ["fd00:10:244:1::1/64"] },
      wg0: { addrs: ["fd00:10:244::1/128"], mtu: 1480 },
    },
    routes: ["default via fd00:192::1 dev eth0", "fd00:10:244:2::/64 dev wg0"],
    node: "fd00:192::10",
    outside: ["fd00:192::77", "2001:db8::9"],
    pods: ["fd00:10:244:1::20", "fd00:10:244:1::21"],
    remote: ["fd00:10:244:2::30"],
    vip: (n) => `fd00:96::${n}`,
    pod: (n) => `fd00:10:244:1::${n}`,
    remotePod: (n) => `fd00:10:244:2::${n}`,
    router: "fd00:192::1",
    loopback: "::1",
  },
};

const OPTIONS: Readonly<Record<ProtocolName, string>> = { tcp: "-t", udp: "-u", sctp: "--sctp-service" };

function flagsOf(scheduler: string, random: Random): string {
  const flags = scheduler === "sh" || scheduler === "mh" ? [`${scheduler}-port`, `${scheduler}-fallback`] : [];
  const chosen = flags.filter(() => random.below(2) === 0);
  return chosen.length === 0 ? "" : ` -b ${chosen.join(",")}`;
}

/** Real servers: Pods here, Pods elsewhere, and the node itself. */
function realServers(plan: Plan, random: Random): string[] {
  const all = [
    ...[5, 6, 7].map((n) => plan.pod(n)),
    ...[8, 9].map((n) => plan.remotePod(n)),
    ...(random.below(3) === 0 ? [plan.node] : []),
  ];
  const count = random.between(1, 4);
  const from = random.below(all.length);
  return Array.from({ length: count }, (_, i) => all[(from + i) % all.length] as string).filter(
    (each, i, list) => list.indexOf(each) === i,
  );
}

const CHAINS = {
  IPv4: { mark: "0x4000", loop: "127.0.0.0/8" },
  IPv6: { mark: "0x4000", loop: "::1/128" },
} as const;

/** Rules of several kinds: none that track, those that masquerade what was marked, and filters before and behind ip_vs. */
function rulesOf(plan: Plan, family: IPFamily, random: Random): string {
  const { mark } = CHAINS[family];
  const kind = random.below(5);
  if (kind === 0) return "";
  const tracked = ["-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"];
  const vip = plan.vip(1);
  const filters = [
    `-A OUTPUT -d ${plan.pod(5)} -m ipvs --vaddr ${vip} -j DROP`,
    `-A INPUT -d ${vip} -p icmp -j ACCEPT`,
    "-A INPUT -m conntrack --ctstate INVALID -j DROP",
    `-A INPUT -s ${plan.outside[1]} -d ${vip} -p tcp -j REJECT`,
    `-A OUTPUT -s ${vip} -m ipvs --vdir ORIGINAL --vmethod MASQ -p udp -j DROP`,
  ].filter((rule) => random.below(3) === 0 && !(family === "IPv6" && rule.includes("-p icmp ")));
  const policy = random.below(2) === 0 ? "DROP" : "ACCEPT";
  const text = [`*filter`, `:FORWARD ${policy} [0:0]`, ...tracked, ...filters, "COMMIT"];
  if (kind > 1) {
    const sources = random.pick([`! -s ${plan.pod(20)}`, `-s ${plan.outside[0]}`, ""]);
    text.push(
      "*nat",
      `-A PREROUTING ${sources} -j MARK --set-xmark ${mark}/${mark}`,
      ...(random.below(2) === 0 ? [`-A OUTPUT -j MARK --set-xmark ${mark}/${mark}`] : []),
      `-A POSTROUTING -m mark --mark ${mark}/${mark} -j MASQUERADE`,
      "COMMIT",
    );
  }
  return `${text.join("\n")}\n`;
}

function sysctlsOf(random: Random): Record<string, number> {
  const often = (value: number): number => (random.below(4) === 0 ? 1 - value : value);
  return {
    "net.ipv4.vs.conntrack": often(1),
    "net.ipv4.vs.expire_nodest_conn": often(1),
    "net.ipv4.vs.expire_quiescent_template": often(1),
    "net.ipv4.vs.conn_reuse_mode": often(1),
    "net.ipv4.vs.nat_icmp_send": random.below(6) === 0 ? 1 : 0,
    "net.ipv4.vs.sloppy_tcp": random.below(6) === 0 ? 1 : 0,
    "net.ipv4.vs.sloppy_sctp": random.below(6) === 0 ? 1 : 0,
  };
}

/** What stands around a node of one family. */
function around(family: IPFamily): Pick<TestNode, "routers" | "spare"> {
  const { router, pod } = plans[family];
  return { routers: { [family]: router }, spare: () => Array.from({ length: 60 }, (_, i) => pod(40 + i)) };
}

/** A node with virtual servers of all protocols: three of the schedulers that are given, in turn. */
export function freshNode(family: IPFamily, given: readonly string[], random: Random): FreshNode {
  const plan = plans[family];
  const frontends: Frontend[] = [];
  const lines: string[] = [];
  let next = 0;
  const add = (kind: DestinationKind, protocol: ProtocolName, address: string, port: number): void => {
    const scheduler = given[next++ % given.length] as string;
    frontends.push({ kind, protocol, address, port, scheduler });
    const server = `${OPTIONS[protocol]} ${endpoint(address, port)}`;
    const sticky = kind === "sticky" ? ` -p ${random.pick([60, 600])}` : "";
    lines.push(`-A ${server} -s ${scheduler}${sticky}${flagsOf(scheduler, random)}`);
    if (kind === "empty" && random.below(2) === 0) return;
    for (const real of realServers(plan, random)) {
      const weight = kind === "empty" ? 0 : random.pick([1, 1, 1, 0, 2, 3, 5]);
      lines.push(`-a ${server} -r ${endpoint(real, random.between(8080, 8083))} -m -w ${weight}`);
    }
  };
  protocolNames.forEach((protocol, i) => {
    add("cluster-ip", protocol, plan.vip(1), 80 + i);
    add("cluster-ip", protocol, plan.vip(2), 80);
    add("node-port", protocol, plan.node, 30080 + i);
    add("sticky", protocol, plan.vip(3), 443);
    add("empty", protocol, plan.vip(4), 80);
    frontends.push({ kind: "other-port", protocol, address: plan.vip(1), port: 9999, scheduler: "-" });
  });
  const rules = rulesOf(plan, family, random);
  const words: CaseWords = {
    topo: {
      ifaces: plan.ifaces ?? {},
      dummies: { "kube-ipvs0": { addrs: [1, 2, 3, 4].map((n) => `${plan.vip(n)}/${family === "IPv4" ? 32 : 128}`) } },
      routes: plan.routes,
      sysctl: sysctlsOf(random),
    },
    ...(rules === "" ? {} : family === "IPv4" ? { rules4: rules } : { rules6: rules }),
    ipvs: `${lines.join("\n")}\n`,
  };
  const clients: ClientPlace[] = [
    { kind: "outside", device: "eth0", addresses: plan.outside },
    { kind: "pod", device: "cni0", addresses: plan.pods },
    { kind: "other-pod", device: "wg0", addresses: plan.remote },
    { kind: "node", device: undefined, addresses: [plan.node, plan.vip(1)] },
    { kind: "loopback", device: undefined, addresses: [plan.loopback] },
  ];
  return { name: `made up: ${family}, ${given.join(", ")}`, words, family, frontends, clients, ...around(family) };
}

const PROTOCOL_OF: Readonly<Record<string, ProtocolName>> = { "-t": "tcp", "-u": "udp", "--sctp-service": "sctp" };

/** The virtual servers of `ipvsadm -R` lines as frontends. */
function frontendsOf(lines: readonly string[]): Frontend[] {
  return lines.flatMap((line): Frontend[] => {
    const [command, option = "", at = "", , scheduler = ""] = line.split(" ");
    const protocol = PROTOCOL_OF[option];
    if (command !== "-A" || protocol === undefined) return [];
    const [address = "", port] = at.split(":");
    const isEmpty = !lines.some((each) => each.startsWith(`-a ${option} ${at} `));
    const isNodes = Number(port) >= 30000;
    const kind = isEmpty ? "empty" : line.includes(" -p ") ? "sticky" : isNodes ? "node-port" : "cluster-ip";
    return [{ kind, protocol, address, port: Number(port), scheduler }];
  });
}

/** A node as kube-proxy makes it, sets and rules and all, with a scheduler of one's own. */
export function kubeNode(recorded: CaseWords, scheduler: string): FreshNode {
  const { topo, ipset, rules4 = "", ipvs = "" } = recorded;
  const text = ipvs.replaceAll("-s rr", `-s ${scheduler}`);
  const words: CaseWords = {
    ...(topo === undefined ? {} : { topo }),
    ...(ipset === undefined ? {} : { ipset }),
    rules4,
    ipvs: text,
  };
  const plan = plans.IPv4;
  const clients: ClientPlace[] = [
    { kind: "outside", device: "eth0", addresses: [...plan.outside, "198.51.100.9"] },
    { kind: "pod", device: "cni0", addresses: ["10.244.1.5", "10.244.1.6", ...plan.pods] },
    { kind: "other-pod", device: "wg0", addresses: plan.remote },
    { kind: "node", device: undefined, addresses: [plan.node, "10.96.0.1", "203.0.113.10"] },
    { kind: "loopback", device: undefined, addresses: [plan.loopback] },
  ];
  const frontends = frontendsOf(text.split("\n"));
  return { name: `recorded: ${scheduler}`, words, family: "IPv4", frontends, clients, ...around("IPv4") };
}
