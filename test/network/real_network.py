"""
A small network of real hosts: one network namespace for each node, Pod and everything outside, all held by this process
and gone with it. Needs root. One JSON request a line on stdin, one JSON answer a line on stdout; {"error": text} when a
request failed. Requests, by "op":

  start     hosts [{name, taps: node|end, sysctls {name: value}}], then links [{host, ip, bridge}]: lines for `ip -batch`, in
            which @NAME stands for the namespace of that host, and for `bridge -batch`; means nft|raw: how the taps are made
  load      host, backend legacy|nft, v4, v6 (restore texts), nfacct [names], ipset, sysctls {name: value}
  balance   hosts {name: text for `ipvsadm -R`}: nodes whose virtual servers are others, or have connections, get these anew
  ip        host, lines (for `ip -batch`)
  send      host, hex, quiet (ms): sends one packet as a process of the host; what was seen until nothing more came
  hits      host: rules of the loaded rule sets that counted since the last time
  flush     empties conntrack tables and `recent` lists of all nodes
  sleep     ms

What is seen: [host, "came" | "got", interface, hex]. "came": a node received it from another host, before any rule;
"got": a host's own stack has it, behind all rules. Nothing answers by itself but the kernels' rules.
"""
import ctypes
import errno
import glob
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "kernel"))

import netlink  # noqa: E402
import xtables  # noqa: E402
import raw_taps  # noqa: E402
from namespace import QUIET, FAMILIES, FAMILY_NAMES, is_noise, run, set_sysctls  # noqa: E402
from sender import Sender  # noqa: E402

CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
GOT, CAME = 65001, 65003
OVERLAY_PORT = 8472
CONNECTIONS = "/proc/thread-self/net/ip_vs_conn"

# Registered before anything that needs conntrack, so that it confirms an entry before the tap takes the packet away. What
# carries the overlay's packets is let through unseen.
TAP_GOT = """
table inet rulewalk_tap {
  chain got { type filter hook input priority 2147483647; udp dport %d accept; log group %d; drop; }
}
""" % (OVERLAY_PORT, GOT)
TAP_CAME = """
table inet rulewalk_tap {
  chain came { type filter hook prerouting priority -500; iif lo accept; udp dport %d accept; log group %d; }
}
""" % (OVERLAY_PORT, CAME)
RECENT = "/proc/thread-self/net/xt_recent/*"


class NftTaps:
    """What a host gets, seen and taken by rules behind all others."""

    def __init__(self, is_node):
        run(["nft", "-f", "-"], TAP_GOT + (TAP_CAME if is_node else ""))
        self.log = netlink.PacketLog([GOT, CAME] if is_node else [GOT])
        self.descriptors = [self.log.socket.fileno()]

    def read(self, _descriptor):
        records = []
        self.log.read(records)
        return [("got" if group == GOT else "came", came, packet) for group, _, came, _, _, packet in records]


class Host:
    """One namespace, and sockets that were opened in it."""

    def __init__(self, network, name, taps, sysctls, means):
        libc = network.libc
        if libc.unshare(CLONE_NEWNET):
            raise RuntimeError("no network namespace: " + os.strerror(ctypes.get_errno()))
        self.name, self.is_node = name, taps == "node"
        self.namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if os.readlink("/proc/thread-self/ns/net") == network.outside:
            raise RuntimeError("not in a namespace of its own")
        set_sysctls({**QUIET, **sysctls})
        # with ::1 as init systems add it: the kernel's own one has no route in the table main
        policies = raw_taps.policies(OVERLAY_PORT) if means == "raw" else ""
        run(["ip", "-batch", "-"], "link set lo up\naddr replace ::1/128 dev lo\n" + policies)
        self.taps = raw_taps.RawTaps(self.is_node, CAME, OVERLAY_PORT) if means == "raw" else NftTaps(self.is_node)
        self.sender = Sender(libc)
        for family in FAMILIES:
            self.sender.socket_of(family, 0, 0)
        self.control = netlink.open_socket()
        self.xtables = {family: socket.socket(family, socket.SOCK_RAW, 255) for family in FAMILIES}
        self.indices, self.backend, self.loaded, self.before = {}, "legacy", set(), {}
        self.servers = None

    def load(self, ask):
        self.backend = ask["backend"]
        for name in ask.get("nfacct", []):
            netlink.add_nfacct(self.control, name)
        if ask.get("ipset"):
            run(["ipset", "restore"], ask["ipset"])
        for family, key, tool in zip(FAMILIES, ("v4", "v6"), ("iptables", "ip6tables")):
            self.loaded.add(family)
            # what the taps have in the table raw stays
            run(["%s-%s-restore" % (tool, self.backend)], ask[key])
        set_sysctls(ask.get("sysctls", {}))
        self.before = self.counters()

    def balance(self, text):
        """Makes virtual servers that have seen nothing; their connections end soon behind their real servers (expire_nodest_conn)."""
        if text == self.servers and not self.connections():
            return
        run(["ipvsadm", "-C"])
        tries = 0
        while self.connections():
            tries += 1
            if tries > 400:
                raise RuntimeError("connections stay: %s" % self.connections())
            time.sleep(0.005)
        run(["ipvsadm", "-R"], text)
        self.servers = text

    @staticmethod
    def connections():
        with open(CONNECTIONS, encoding="ascii") as file:
            return file.read().splitlines()[1:]

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
        """[family, table, chain, number from 1] of the rules that counted since the last time."""
        now, rows = self.counters(), []
        for chain, packets in now.items():
            last = self.before.get(chain, [])
            rows += [[*chain, i + 1] for i, count in enumerate(packets) if count != (last[i] if i < len(last) else 0)]
        self.before = now
        return rows


class Network:
    def __init__(self, libc):
        self.libc, self.outside = libc, os.readlink("/proc/self/ns/net")
        self.hosts, self.logs, self.poll = {}, {}, select.epoll()

    def enter(self, host):
        if self.libc.setns(host.namespace, CLONE_NEWNET):
            raise RuntimeError("setns: " + os.strerror(ctypes.get_errno()))

    def lines(self, host, lines, tool="ip"):
        """Runs lines of `ip -batch` (or bridge) in a host."""
        if not lines:
            return
        self.enter(host)
        text = "\n".join(lines) + "\n"
        for name, other in self.hosts.items():
            text = text.replace("@%s " % name, "/proc/%d/fd/%d " % (os.getpid(), other.namespace))
        run([tool, "-batch", "-"], text)

    def start(self, ask):
        for each in ask["hosts"]:
            host = Host(self, each["name"], each["taps"], each["sysctls"], ask.get("means", "nft"))
            self.hosts[host.name] = host
            for descriptor in host.taps.descriptors:
                self.logs[descriptor] = host
                self.poll.register(descriptor, select.EPOLLIN)
        for each in ask["links"]:
            self.lines(self.hosts[each["host"]], each["ip"])
            self.lines(self.hosts[each["host"]], each.get("bridge", []), "bridge")
        for host in self.hosts.values():
            self.enter(host)
            host.indices = dict(socket.if_nameindex())
        return {}

    def collect(self, quiet):
        """What the taps saw, until nothing more comes for so many milliseconds."""
        seen = []
        while True:
            ready = self.poll.poll(quiet / 1000)
            if not ready:
                return seen
            for descriptor, _ in ready:
                host = self.logs[descriptor]
                for what, came, packet in host.taps.read(descriptor):
                    if not is_noise(packet):
                        seen.append([host.name, what, host.indices.get(came, "lo"), packet.hex()])

    def send(self, ask):
        host, packet = self.hosts[ask["host"]], bytes.fromhex(ask["hex"])
        late = self.collect(0)
        answer = {"late": len(late)}
        try:
            host.sender.send(packet, 0, 0, 0)
        except OSError as error:
            answer["errno"] = errno.errorcode.get(error.errno, str(error.errno))
        answer["seen"] = self.collect(ask["quiet"])
        return answer

    def flush(self):
        for host in self.hosts.values():
            if not host.is_node:
                continue
            netlink.flush_conntrack(host.control)
            self.enter(host)
            for path in glob.glob(RECENT):
                with open(path, "w", encoding="ascii") as file:
                    file.write("/")
        return {}

    def answer(self, ask):
        op = ask["op"]
        if op in ("start", "send"):
            return getattr(self, op)(ask)
        if op == "load":
            host = self.hosts[ask["host"]]
            self.enter(host)
            host.load(ask)
            return {}
        if op == "balance":
            for name, text in ask["hosts"].items():
                self.enter(self.hosts[name])
                self.hosts[name].balance(text)
            return {}
        if op == "ip":
            self.lines(self.hosts[ask["host"]], ask["lines"])
            return {}
        if op == "run":
            self.enter(self.hosts[ask["host"]])
            done = subprocess.run(ask["argv"], text=True, capture_output=True, check=False)
            return {"out": done.stdout, "err": done.stderr, "code": done.returncode}
        if op == "hits":
            # the names of legacy tables are those of the namespace that asks
            self.enter(self.hosts[ask["host"]])
            return {"rules": self.hosts[ask["host"]].hits()}
        if op == "flush":
            return self.flush()
        if op == "sleep":
            time.sleep(ask["ms"] / 1000)
            return {}
        raise RuntimeError("unknown request " + op)


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    network = Network(libc)
    for line in sys.stdin:
        try:
            answer = network.answer(json.loads(line))
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            answer = {"error": str(error) or type(error).__name__}
        sys.stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
