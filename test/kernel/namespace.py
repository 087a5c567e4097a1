"""
A Linux node in a network namespace of its own, for packets made by hand. Needs root; everything ends with the process.

Every interface is a TUN device: what is written to it runs the whole receive path before the write returns, and what is
sent through a raw socket the whole send path, so that what came of a packet can be read at once. One JSON request a line
on stdin, one JSON answer a line on stdout; {"error": text} when a request failed. Requests, by "op":

  start    interfaces [name], ip4 / ip6 (lines for `ip -batch`), sysctls {name: value}, logGroups [n]
  load     backend legacy|nft, ipset, v4, v6 (restore texts), nfacct [names], sysctls: loads rules, empties conntrack
  packets  items [[interface or "", hex, mark, uid, gid]], counters none|packet|batch: one observation an item
  conntrack, nfacct, counters, flush, sleep (ms), run (argv, stdin)

An observation holds what is not empty of: e (errno of a local send), o (what left: [interface, mark, hex]), l (what
reached the host itself, behind INPUT: the same), g (records of NFLOG rules: [group, prefix, in, out, mark, hex]),
c (rules that counted: [family, table, chain, number from 1, packets]).
"""
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

import netlink
import xtables
from sender import Sender

CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
TUNSETIFF, TUN_WITHOUT_HEADER = 0x400454CA, 0x0001 | 0x1000
TAP_IN, TAP_OUT = 65001, 65002
FAMILIES = (socket.AF_INET, socket.AF_INET6)
FAMILY_NAMES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}

# Registered before anything that needs conntrack: of two hooks of one priority the later one runs first, so that
# conntrack confirms an entry before the tap takes the packet away.
TAPS = """
table inet rulewalk_tap {
  chain delivered { type filter hook input priority 2147483647; log group %d; drop; }
  chain leaving { type filter hook postrouting priority 2147483647; log group %d; }
}
""" % (TAP_IN, TAP_OUT)

# What answers by itself, or not every time.
QUIET = {
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.icmp_ratemask": 0,
    "net.ipv4.icmp_msgs_per_sec": 10000000,
    "net.ipv4.icmp_msgs_burst": 10000000,
    "net.ipv6.icmp.ratelimit": 0,
    "net.ipv6.conf.default.addr_gen_mode": 1,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.default.router_solicitations": 0,
    "net.ipv6.conf.default.accept_dad": 0,
    # multicast reports of interfaces that come up are repeated at once, not while packets are counted
    "net.ipv6.conf.default.mldv1_unsolicited_report_interval": 10,
    "net.ipv6.conf.default.mldv2_unsolicited_report_interval": 10,
}


def run(argv, text=None, check=True):
    done = subprocess.run(argv, input=text, text=True, capture_output=True)
    if check and done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv), (done.stderr or done.stdout).strip()))
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def set_sysctls(values):
    for name, value in values.items():
        # an interface name may hold dots: they are written as slashes, as sysctl prints them
        path = name.replace(".", "\0").replace("/", ".").replace("\0", "/")
        with open("/proc/sys/" + path, "w", encoding="ascii") as file:
            file.write(str(value))


def is_noise(packet):
    """Neighbour discovery, multicast listener reports and redirects of the kernel itself."""
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return False
    return packet[6] == 0 or packet[6] == 58 and len(packet) > 40 and packet[40] in (133, 134, 135, 136, 137, 143)


def is_later_fragment(packet):
    if packet[0] >> 4 == 4:
        return (packet[6] & 0x1F) << 8 | packet[7] != 0
    return packet[6] == 44 and packet[42] << 8 | packet[43] & 0xF8 != 0


class Namespace:
    def __init__(self, libc):
        self.tuns, self.tun_names, self.indices = {}, {}, {}
        self.sender = Sender(libc)
        self.poll = select.epoll()
        self.control = netlink.open_socket()
        self.xtables = {family: socket.socket(family, socket.SOCK_RAW, 255) for family in FAMILIES}
        self.backend, self.loaded, self.before, self.log = "legacy", set(), {}, None

    def start(self, ask):
        set_sysctls(QUIET)
        run(["ip", "link", "set", "lo", "up"])
        for name in ask["interfaces"]:
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), TUN_WITHOUT_HEADER))
            self.tuns[name], self.tun_names[device] = device, name
            self.poll.register(device, select.EPOLLIN)
        for family in ("4", "6"):
            run(["ip", "-" + family, "-batch", "-"], "\n".join(ask["ip" + family]) + "\n")
        set_sysctls(ask.get("sysctls", {}))
        self.indices = dict(socket.if_nameindex())
        run(["nft", "-f", "-"], TAPS)
        self.log = netlink.PacketLog([TAP_IN, TAP_OUT, *ask.get("logGroups", [])])
        self.poll.register(self.log.socket.fileno(), select.EPOLLIN)
        return {"indices": self.indices}

    def load(self, ask):
        self.backend = ask["backend"]
        for name in ask.get("nfacct", []):
            netlink.add_nfacct(self.control, name)
        if ask.get("ipset"):
            run(["ipset", "restore"], ask["ipset"])
        for family, key, tool in zip(FAMILIES, ("v4", "v6"), ("iptables", "ip6tables")):
            if ask.get(key):
                self.loaded.add(family)
                run(["%s-%s-restore" % (tool, self.backend)], ask[key])
        set_sysctls(ask.get("sysctls", {}))
        netlink.flush_conntrack(self.control)
        time.sleep(0.05)
        self.collect([], [])
        self.before = {}
        return {}

    def counters(self):
        found = {}
        for family in self.loaded:
            if self.backend == "legacy":
                counts = xtables.legacy_counters(self.xtables[family], family)
            else:
                counts = netlink.nft_counters(self.control, family)
            for chain, packets in counts.items():
                found[FAMILY_NAMES[family], *chain] = packets
        return found

    def hits(self):
        """Rules that counted since the last time."""
        now, rows = self.counters(), []
        for chain, packets in now.items():
            last = self.before.get(chain)
            if last != packets:
                for i, count in enumerate(packets):
                    added = count - (last[i] if last and i < len(last) else 0)
                    if added:
                        rows.append([*chain, i + 1, added])
        self.before = now
        return rows

    def collect(self, outs, records):
        """Reads all that is there: (interface, bytes) from the devices, records from the log."""
        log = self.log.socket.fileno()
        while True:
            ready = self.poll.poll(0)
            if not ready:
                return
            for descriptor, _ in ready:
                if descriptor == log:
                    self.log.read(records)
                    continue
                packet = os.read(descriptor, 65536)
                if not is_noise(packet):
                    outs.append((self.tun_names[descriptor], packet))

    def packet(self, item, count):
        """Sends or receives one packet; what came of it."""
        name, text, mark, uid, gid = item
        packet, outs, records = bytes.fromhex(text), [], []
        seen = {"t": round(1000 * time.monotonic())}
        try:
            if name:
                os.write(self.tuns[name], packet)
            else:
                self.sender.send(packet, mark, uid, gid)
        except OSError as error:
            seen["e"] = errno.errorcode.get(error.errno, str(error.errno))
        seen["u"] = round(1000 * time.monotonic())
        self.collect(outs, records)
        local, logged, marks = [], [], {}
        for group, prefix, came, leaves, its_mark, data in records:
            if is_noise(data):
                continue
            if group == TAP_OUT:
                marks.setdefault(self.indices.get(leaves), []).append(its_mark)
            elif group == TAP_IN:
                local.append([self.indices.get(came), its_mark, data.hex()])
            else:
                both = [self.indices.get(came), self.indices.get(leaves)]
                logged.append([group, prefix, *both, its_mark, data.hex()])
        if outs:
            seen["o"] = self.with_marks(outs, marks)
        if local:
            seen["l"] = local
        if logged:
            seen["g"] = logged
        if count:
            seen["c"] = self.hits()
        return seen

    @staticmethod
    def with_marks(outs, marks):
        """The tap sees a packet before it is cut into fragments: they share its mark."""
        left = {}
        for name, _ in outs:
            left[name] = left.get(name, 0) + 1
        # a broadcast passes the tap twice: the copy that the node keeps is the first in IPv4 and the last in IPv6
        first = bool(outs) and outs[0][1][0] >> 4 == 6
        marks = {n: seen[:left[n]] if first else seen[-left[n]:] for n, seen in marks.items() if n in left}
        rows, last = [], {}
        for name, packet in outs:
            own = marks.get(name, [])
            if own and (len(own) >= left[name] or not is_later_fragment(packet)):
                last[name] = own.pop(0)
            left[name] -= 1
            rows.append([name, last.get(name), packet.hex()])
        return rows

    def packets(self, ask):
        mode = ask.get("counters", "none")
        if mode != "none" and not self.before:
            self.before = self.counters()
        begin = time.perf_counter()
        seen = [self.packet(item, mode == "packet") for item in ask["items"]]
        answer = {"seen": seen, "seconds": time.perf_counter() - begin}
        if mode == "batch":
            answer["c"] = self.hits()
        late, records = [], []
        self.collect(late, records)
        answer["late"] = len(late) + sum(not is_noise(record[5]) for record in records)
        return answer

    def answer(self, ask):
        op = ask["op"]
        if op in ("start", "load", "packets"):
            return getattr(self, op)(ask)
        if op == "conntrack":
            entries = [e for family in FAMILIES for e in netlink.read_conntrack(self.control, family)]
            return {"entries": entries, "t": round(1000 * time.monotonic())}
        if op == "nfacct":
            return {"objects": netlink.read_nfacct(self.control)}
        if op == "counters":
            return {"rules": [[*chain, packets] for chain, packets in self.counters().items()]}
        if op == "flush":
            netlink.flush_conntrack(self.control)
            return {}
        if op == "sleep":
            time.sleep(ask["ms"] / 1000)
            return {}
        if op == "run":
            return run(ask["argv"], ask.get("stdin"), check=False)
        raise RuntimeError("unknown request " + op)


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    outside = os.readlink("/proc/self/ns/net")
    if libc.unshare(CLONE_NEWNET) or os.readlink("/proc/self/ns/net") == outside:
        sys.exit("no network namespace of its own: " + os.strerror(ctypes.get_errno()))
    namespace = Namespace(libc)
    for line in sys.stdin:
        try:
            answer = namespace.answer(json.loads(line))
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            answer = {"error": str(error) or type(error).__name__}
        sys.stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
