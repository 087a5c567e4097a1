import test from "ava";
import { readNodeDumps } from "../../src/dump/node-dumps.ts";
import type { PacketView } from "../../src/kernel/event.ts";
import { type Address, makePacket, type PacketFields } from "../../src/kernel/packet.ts";
import { parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import type { Entrance } from "../../src/network/wire.ts";
import { hostLog } from "../../src/trace/kernel-log.ts";
import { type LoggedPacket, loggedPacketText } from "../../src/trace/kernel-log-packet.ts";
import { trace } from "../../src/trace/trace.ts";

function ip(text: string): Address {
  const v4 = parseIPv4(text);
  const v6 = v4 === undefined ? parseIPv6(text) : undefined;
  if (v4 === undefined && v6 === undefined) throw new Error(`${text} is no address`);
  return v4 ?? (v6 as Address);
}

function logged(fields: PacketFields, more: Partial<LoggedPacket> & { readonly mark?: number }): LoggedPacket {
  const packet = makePacket(fields);
  const { src, dst, sport, dport, ttl } = packet;
  const view: PacketView = { src, dst, sport, dport, mark: more.mark ?? 0 };
  return { packet, view, ttl, inInterface: "", outInterface: "", owner: undefined, translated: false, ...more };
}

const udp = (src: string, dst: string, sport: number, dport: number, payload: number): PacketFields => ({
  family: src.includes(":") ? "IPv6" : "IPv4",
  src: ip(src),
  dst: ip(dst),
  protocol: 17,
  sport,
  dport,
  payload,
});

/** Lines that a real kernel wrote (Linux 6.18), without what the emulator does not know: MAC of eth0, OPT, flow label. */
const kernelLines: readonly (readonly [LoggedPacket, string])[] = [
  [
    logged(
      {
        ...udp("192.168.7.50", "10.96.10.2", 34964, 443, 0),
        protocol: 6,
        identification: 38172,
        df: true,
        seq: 3757580535,
        window: 64240,
        options: [2, 4, 8, 1, 3].map((kind) => ({ kind, value: 0 })),
      },
      { inInterface: "eth0", mark: 0x4000 },
    ),
    "IN=eth0 OUT= SRC=192.168.7.50 DST=10.96.10.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=38172 DF PROTO=TCP SPT=34964 DPT=443 SEQ=3757580535 ACK=0 WINDOW=64240 RES=0x00 SYN URGP=0 MARK=0x4000 ",
  ],
  [
    logged(
      {
        ...udp("127.0.0.1", "127.0.0.1", 0, 0, 0),
        protocol: 1,
        tos: 0xc0,
        identification: 56938,
        icmpType: 3,
        icmpCode: 3,
        inner: makePacket({
          ...udp("127.0.0.1", "127.0.0.1", 33427, 999, 2),
          identification: 40778,
          df: true,
        }),
      },
      { inInterface: "lo" },
    ),
    "IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=127.0.0.1 DST=127.0.0.1 LEN=58 TOS=0x00 PREC=0xC0 TTL=64 ID=56938 PROTO=ICMP TYPE=3 CODE=3 [SRC=127.0.0.1 DST=127.0.0.1 LEN=30 TOS=0x00 PREC=0x00 TTL=64 ID=40778 DF PROTO=UDP SPT=33427 DPT=999 LEN=10 ] ",
  ],
  [
    logged(
      {
        ...udp("10.244.0.5", "192.168.7.50", 0, 0, 56),
        protocol: 1,
        ttl: 63,
        identification: 27469,
        icmpType: 0,
        icmpId: 3780,
        seq: 1,
      },
      { inInterface: "cni0", outInterface: "eth0" },
    ),
    "IN=cni0 OUT=eth0 SRC=10.244.0.5 DST=192.168.7.50 LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=27469 PROTO=ICMP TYPE=0 CODE=0 ID=3780 SEQ=1 ",
  ],
  [
    logged(
      { ...udp("127.0.0.1", "127.0.0.1", 33427, 999, 2), identification: 40778, df: true },
      { outInterface: "lo", owner: { uid: 0, gid: 0 } },
    ),
    "IN= OUT=lo SRC=127.0.0.1 DST=127.0.0.1 LEN=30 TOS=0x00 PREC=0x00 TTL=64 ID=40778 DF PROTO=UDP SPT=33427 DPT=999 LEN=10 UID=0 GID=0 ",
  ],
  [
    logged(
      { ...udp("fd00:7::50", "fd00:244::5", 41528, 999, 2), ttl: 63 },
      { inInterface: "eth0", outInterface: "cni0" },
    ),
    "IN=eth0 OUT=cni0 SRC=fd00:0007:0000:0000:0000:0000:0000:0050 DST=fd00:0244:0000:0000:0000:0000:0000:0005 LEN=50 TC=0 HOPLIMIT=63 FLOWLBL=0 PROTO=UDP SPT=41528 DPT=999 LEN=10 ",
  ],
];
for (const [packet, line] of kernelLines)
  test(`as the kernel writes it: ${line}`, (t) => t.is(loggedPacketText(packet), line));

const addresses = JSON.stringify(
  [
    ["lo", "127.0.0.1", 8],
    ["eth0", "192.168.0.2", 24],
    ["cni0", "10.244.2.1", 24],
  ].map(([ifname, local, prefixlen], i) => ({
    ifindex: i + 1,
    ifname,
    flags: i === 0 ? ["LOOPBACK", "UP", "LOWER_UP"] : ["BROADCAST", "UP", "LOWER_UP"],
    mtu: i === 0 ? 65536 : 1500,
    operstate: "UP",
    addr_info: [{ family: "inet", local, prefixlen, scope: i === 0 ? "host" : "global" }],
  })),
);
const routes = JSON.stringify([
  { dst: "192.168.0.0/24", dev: "eth0", scope: "link", prefsrc: "192.168.0.2" },
  { dst: "10.244.2.0/24", dev: "cni0", scope: "link", prefsrc: "10.244.2.1" },
  { type: "local", dst: "192.168.0.2", dev: "eth0", table: "local", prefsrc: "192.168.0.2" },
  { type: "local", dst: "10.244.2.1", dev: "cni0", table: "local", prefsrc: "10.244.2.1" },
  { type: "local", dst: "127.0.0.0/8", dev: "lo", table: "local", prefsrc: "127.0.0.1" },
]);
const HOOKS = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/** `TABLE:CHAIN:KIND:NUM IN=… OUT=… destination MARK=…`, without an empty OUT= and the table mangle. */
function short(line: string): string {
  const [, head, inInterface, outInterface, dst, mark = ""] =
    /^TRACE: (\S+) IN=(\S*) OUT=(\S*) .*?DST=(\S+) LEN=28 .*?DPT=80 LEN=8 (MARK=\S+ )?$/.exec(line) ?? [];
  if (head === undefined) return line;
  const out = outInterface === "" ? "" : ` OUT=${outInterface}`;
  return `${head.replace("mangle:", "")} IN=${inInterface}${out} ${dst} ${mark}`.trim();
}

/** The log of a packet from eth0 to `dst` through rules given as `chain rule` (mangle), `nat chain rule`. */
function heads(rules: readonly string[], dst = "10.244.2.8", entrance?: Entrance): string {
  const tables = new Map<string, string[]>();
  for (const rule of rules) {
    const [, table = "mangle", text = ""] = /^(?:(nat|filter|raw) )?(.*)$/.exec(rule) ?? [];
    tables.set(table, [...(tables.get(table) ?? []), text]);
  }
  const text = [...tables].map(([table, lines]) => {
    const chains = new Set(lines.map((line) => line.split(" ")[0] ?? ""));
    const made = [...chains].filter((chain) => !HOOKS.includes(chain)).map((chain) => `:${chain} - [0:0]\n`);
    return `*${table}\n${made.join("")}${lines.map((line) => `-A ${line}\n`).join("")}COMMIT\n`;
  });
  const faults: string[] = [];
  const sources = [
    { name: "rules", text: `# Generated by iptables-save v1.8.9\n${text.join("")}` },
    { name: "addr", text: addresses },
    { name: "route", text: routes },
    { name: "sysctl", text: "net.ipv4.ip_forward = 1\n" },
  ];
  const node = readNodeDumps(sources, "node", ({ severity, message }) => severity === "error" && faults.push(message));
  if (node === undefined || faults.length > 0) throw new Error(faults.join());
  const packet = makePacket({ ...udp("192.168.0.9", dst, 4000, 80, 0) });
  const traced = trace(node.host, node.state, packet, entrance ?? { kind: "received", inInterface: "eth0" });
  const { host } = node;
  const events = traced.branches[0]?.events() ?? [];
  return [
    hostLog({ host, packet, entrance: traced.entrance, events })
      .map((line) => `${line}\n`)
      .join(""),
  ]
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map(short)
    .join("\n");
}

const ends = "INPUT:policy:1 IN=eth0 192.168.0.2";
const through = "FORWARD:policy:1 IN=eth0 OUT=cni0 10.244.2.8\nPOSTROUTING:policy:1 IN=eth0 OUT=cni0 10.244.2.8";
const pre = (text: string): string =>
  text
    .split(" ")
    .map((head) => `PREROUTING:${head} IN=eth0 10.244.2.8`)
    .join("\n");

/** Rules, what the kernel logs of them (dump-formats §2.1, `ip_tables.c`), and the destination. */
const walks: readonly (readonly [string, readonly string[], string, string?])[] = [
  ["a rule that matches, and the policy", ["PREROUTING -p udp"], `${pre("rule:1 policy:2")}\n${through}`],
  ["a rule that does not match", ["PREROUTING -p tcp"], `${pre("policy:2")}\n${through}`],
  ["a bare verdict looks like the policy", ["PREROUTING -j ACCEPT"], `${pre("policy:1")}\n${through}`],
  ["a bare DROP, too", ["PREROUTING -p tcp", "PREROUTING -j DROP"], pre("policy:2")],
  ["a comment is a condition", ["PREROUTING -m comment --comment c -j DROP"], pre("rule:1")],
  [
    "a RETURN, then the policy",
    ["PREROUTING -p udp -j RETURN", "PREROUTING -j DROP"],
    `${pre("rule:1 policy:3")}\n${through}`,
  ],
  ["to this host", ["PREROUTING -p tcp"], `PREROUTING:policy:2 IN=eth0 192.168.0.2\n${ends}`, "192.168.0.2"],
  [
    "a jump, its end, and back without a line",
    ["PREROUTING -p udp -j X", "PREROUTING -p udp", "X -p tcp"],
    `${pre("rule:1")}\nX:return:2 IN=eth0 10.244.2.8\n${pre("rule:2 policy:3")}\n${through}`,
  ],
  [
    "a bare RETURN in a chain",
    ["PREROUTING -p udp -j X", "X -j RETURN", "X -j DROP"],
    `${pre("rule:1")}\nX:return:1 IN=eth0 10.244.2.8\n${pre("policy:2")}\n${through}`,
  ],
  [
    "a goto ends the built-in chain with the chain",
    ["PREROUTING -p udp -g X", "PREROUTING -j DROP", "X -p tcp"],
    `${pre("rule:1")}\nX:return:2 IN=eth0 10.244.2.8\n${pre("policy:3")}\n${through}`,
  ],
  [
    "a goto from a chain: back to the chain that jumped",
    ["PREROUTING -p udp -j X", "PREROUTING -p tcp", "X -p udp -g Y", "X -j DROP", "Y -p udp -j RETURN"],
    `${pre("rule:1")}\nX:rule:1 IN=eth0 10.244.2.8\nY:rule:1 IN=eth0 10.244.2.8\n${pre("policy:3")}\n${through}`,
  ],
  [
    "a mark is shown behind the rule that sets it",
    ["PREROUTING -p udp -j MARK --set-xmark 0x4000/0x4000", "PREROUTING -p udp"],
    `${pre("rule:1")}\n${pre("rule:2 policy:3").replaceAll(/$/gm, " MARK=0x4000")}\n${through.replaceAll(/$/gm, " MARK=0x4000")}`,
  ],
  [
    "the new destination is shown behind the hook",
    ["nat PREROUTING -p udp -j DNAT --to-destination 10.244.2.9"],
    "nat:PREROUTING:rule:1 IN=eth0 10.244.2.8\nnat:POSTROUTING:policy:1 IN=eth0 OUT=cni0 10.244.2.9",
  ],
];
for (const [name, rules, expected, dst] of walks) test(`TRACE: ${name}`, (t) => t.is(heads(rules, dst), expected));
