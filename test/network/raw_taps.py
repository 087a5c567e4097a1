"""Taps for a kernel whose nf_tables know neither IPv4 nor IPv6, as that of User-Mode Linux: what a host gets is read by raw sockets, and a
policy keeps the protocols themselves from taking it; what comes to a node is logged by rules of the table raw."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "ipvs"))
sys.path.insert(0, os.path.join(HERE, "..", "kernel"))

import guest  # noqa: E402
import netlink  # noqa: E402
from namespace import run, set_sysctls  # noqa: E402

CAME = """*raw
-A PREROUTING -i lo -j RETURN
-A PREROUTING -p udp --dport %d -j RETURN
-A PREROUTING -j NFLOG --nflog-group %d
COMMIT
"""
# lower priorities come first: the overlay's packets are taken
POLICIES = """xfrm policy add src %(any)s dst %(any)s proto udp dport %(port)d dir in priority 1 action allow
xfrm policy add src %(any)s dst %(any)s dir in priority 2 action block
"""


def policies(port):
    """Lines for `ip -batch`: the protocols themselves get nothing but what carries the overlay."""
    return "".join(POLICIES % {"any": any_, "port": port} for any_ in ("0.0.0.0/0", "::/0"))


class RawTaps:
    """In a namespace that has the policies."""

    def __init__(self, is_node, group, overlay_port):
        self.overlay = overlay_port.to_bytes(2, "big")
        set_sysctls({"net.ipv4.conf.lo.disable_policy": 0, "net.ipv6.conf.lo.disable_policy": 0})
        listeners = [guest.Listener(version, protocol) for version in (4, 6) for protocol in guest.LISTENED[version]]
        self.listeners = {listener.socket.fileno(): listener for listener in listeners}
        self.descriptors = list(self.listeners)
        self.log = None
        if is_node:
            for tool in ("iptables", "ip6tables"):
                run(["%s-legacy-restore" % tool], CAME % (overlay_port, group))
            self.log = netlink.PacketLog([group])
            self.descriptors.append(self.log.socket.fileno())

    def read(self, descriptor):
        if descriptor in self.listeners:
            packets = iter(self.listeners[descriptor].read, None)
            return [("got", 0, packet) for packet in packets if not self.is_overlay(packet)]
        records = []
        self.log.read(records)
        return [("came", came, packet) for _, _, came, _, _, packet in records]

    def is_overlay(self, packet):
        if packet[0] >> 4 == 4:
            at = 4 * (packet[0] & 15)
            return packet[9] == 17 and packet[at + 2:at + 4] == self.overlay
        return packet[6] == 17 and packet[42:44] == self.overlay
