import test from "ava";
import { parseIP } from "../../../src/net/ip.ts";
import { formatIPVSCommands, formatIPVSListing, formatIPVSTimeouts } from "../../../src/rules/ipvs/format.ts";
import type { IPVSTable, RealServer, VirtualServer } from "../../../src/rules/ipvs/model.ts";
import { kernelOrder } from "../../../src/rules/ipvs/order.ts";

function address(text: string) {
  const read = parseIP(text);
  if (read === undefined) throw new Error(text);
  return read;
}

const bare = { scheduler: "rr", schedulerFlags: [], onePacket: false, realServers: [] } as const;

function virtual(end: string, protocol = 6): VirtualServer {
  const [host = "", port = "80"] = end.split(":");
  return { key: { kind: "address", protocol, address: address(host), port: Number(port) }, ...bare };
}

function real(host: string, port: number): RealServer {
  return { address: address(host), port, method: "masquerade", weight: 1, upper: 0, lower: 0 };
}

const ends = (table: IPVSTable): string =>
  formatIPVSCommands(table)
    .split("\n")
    .map((line) => /^-A (-\S+ \S+)/.exec(line)?.[1] ?? "")
    .filter((end) => end !== "")
    .join(" ")
    .replaceAll("-t ", "")
    .replaceAll("-u ", "udp/");

/** What ipvsadm 1.31 (glibc 2.36) printed for virtual servers that the kernel told it in the first order (Linux 6.1). */
const printed: readonly (readonly [added: string, printed: string])[] = [
  ["172.16.0.1:80 10.96.0.1:80 192.168.0.1:80", "172.16.0.1:80 192.168.0.1:80 10.96.0.1:80"],
  ["203.0.113.1:80 10.0.0.1:80 10.0.0.1:79", "203.0.113.1:80 10.0.0.1:79 10.0.0.1:80"],
  [
    "10.96.0.1:443 192.168.10.5:80 172.16.5.5:80 10.96.0.2:80 1.1.1.1:80 224.0.0.1:80 100.64.0.1:80 10.96.0.1:80 203.0.113.10:80 8.8.8.8:80",
    "172.16.5.5:80 192.168.10.5:80 203.0.113.10:80 224.0.0.1:80 1.1.1.1:80 8.8.8.8:80 10.96.0.1:80 10.96.0.1:443 10.96.0.2:80 100.64.0.1:80",
  ],
];

test("virtual servers are printed in ipvsadm's order", (t) => {
  for (const [added, expected] of printed) {
    t.is(ends({ virtualServers: added.split(" ").map((end) => virtual(end)) }), expected);
    t.is(
      ends({
        virtualServers: added
          .split(" ")
          .toReversed()
          .map((end) => virtual(end)),
      }),
      expected,
    );
  }
});

test("protocols come by number, IPv6 behind IPv4, marks last", (t) => {
  const mark = { key: { kind: "fwmark", family: "IPv4", mark: 1 }, ...bare } as const;
  const six = {
    ...virtual("1.1.1.1"),
    key: { kind: "address", protocol: 6, address: address("::1"), port: 80 },
  } as const;
  const table = { virtualServers: [mark, six, virtual("9.9.9.9", 132), virtual("9.9.9.9", 17), virtual("9.9.9.9", 6)] };
  t.is(ends(table), "9.9.9.9:80 udp/9.9.9.9:80 --sctp-service 9.9.9.9:80 [::1]:80 -f 1");
});

/** Buckets as §9.7 of the IPVS notes computes them: 189, 46, 57 and 246, with a namespace constant of 0. */
test("the kernel tells its buckets in order, and in each of them and in lists of real servers the newest first", (t) => {
  const servers = [
    virtual("10.96.0.1:443"),
    virtual("10.96.0.10:53", 17),
    virtual("10.96.0.10:53"),
    virtual("192.168.10.5:30080"),
  ];
  const order = [...servers.slice(1, 3), servers[0], servers[3]];
  t.deepEqual(kernelOrder({ virtualServers: servers }), order as VirtualServer[]);
  const [a, b] = [virtual("10.0.0.1"), virtual("10.0.1.1")];
  t.deepEqual(kernelOrder({ virtualServers: [a, b] }), [b, a]);
  const two = { ...a, realServers: [real("10.1.0.1", 1), real("10.1.0.2", 1)] };
  t.deepEqual(kernelOrder({ virtualServers: [two] })[0]?.realServers, two.realServers.toReversed());
});

test("marks of 2^31 and above are printed as negative numbers", (t) => {
  const mark = { key: { kind: "fwmark", family: "IPv6", mark: 0xffffffff }, ...bare } as const;
  t.is(formatIPVSCommands({ virtualServers: [mark] }), "-A -f -1 -6 -s rr\n");
  t.is(
    formatIPVSListing({ virtualServers: [mark] })
      .split("\n")
      .at(-2),
    "FWM  -1 IPv6 rr",
  );
});

test("a listing has title lines, a size and columns", (t) => {
  const server = { ...virtual("10.96.0.1:443"), persistence: { timeout: 10800, maskLength: 32 } };
  const realServers = [{ ...real("192.168.1.10", 6443), connections: { active: 3, inactive: 12 } }];
  const text = formatIPVSListing({ virtualServers: [{ ...server, realServers }] }, { size: 8192 });
  t.is(
    text,
    "IP Virtual Server version 1.2.1 (size=8192)\n" +
      "Prot LocalAddress:Port Scheduler Flags\n" +
      "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n" +
      "TCP  10.96.0.1:443 rr persistent 10800\n" +
      "  -> 192.168.1.10:6443            Masq    1      3          12        \n",
  );
  t.is(formatIPVSTimeouts({ tcp: 900, tcpFin: 120, udp: 300 }), "Timeout (tcp tcpfin udp): 900 120 300\n");
});
