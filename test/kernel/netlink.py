"""The few netlink requests that the namespace program needs: packet logs, conntrack entries, rule counters, nfacct."""
import os
import socket
import struct

NETLINK_NETFILTER = 12
ULOG, CTNETLINK, ACCT, NFTABLES = 4, 1, 7, 10
REQUEST, ACK, CREATE, DUMP = 0x1, 0x4, 0x400, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3


def attribute(kind, value):
    """One netlink attribute, padded to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data):
    """The attributes of a message as (kind, value), nested ones still as bytes."""
    found, at, end = [], 0, len(data)
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found.append((kind & 0x3FFF, data[at + 4:at + length]))
        at += (length + 3) & ~3
    return found


def number(value):
    """A big-endian number of any width."""
    return int.from_bytes(value, "big")


def open_socket():
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)


def request(sock, subsystem, message, flags, family, body, resource=0):
    """Sends one request and returns the bodies of all answers behind their nfgenmsg header."""
    payload = struct.pack("=BBH", family, 0, socket.htons(resource)) + body
    header = struct.pack("=IHHII", 16 + len(payload), subsystem << 8 | message, REQUEST | flags, 1, 0)
    sock.send(header + payload)
    answers = []
    while True:
        data = sock.recv(1 << 20)
        at = 0
        while at + 16 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind == NLMSG_DONE:
                return answers
            if kind == NLMSG_ERROR:
                code = struct.unpack_from("=i", data, at + 16)[0]
                if code:
                    raise OSError(-code, os.strerror(-code))
                return answers
            answers.append((data[at + 16], data[at + 20:at + length]))
            at += (length + 3) & ~3


class PacketLog:
    """Listens to NFLOG groups; every packet is a datagram of its own as soon as it is logged."""

    def __init__(self, groups):
        self.socket = open_socket()
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
        for group in groups:
            whole = struct.pack("=IBx", socket.htonl(0xFFFF), 2)  # NFULNL_COPY_PACKET
            for body in (attribute(1, b"\x01"), attribute(2, whole), attribute(5, struct.pack("=I", socket.htonl(1)))):
                request(self.socket, ULOG, 1, ACK, 0, body, group)
        self.socket.setblocking(False)

    def read(self, into):
        """Appends (group, prefix, in-interface index, out-interface index, mark, bytes) of what has arrived."""
        while True:
            try:
                data = self.socket.recv(1 << 17)
            except BlockingIOError:
                return
            at = 0
            while at + 20 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == ULOG << 8:
                    into.append(self.record(data[at + 18:at + length]))
                at += (length + 3) & ~3

    @staticmethod
    def record(data):
        group = data[0] << 8 | data[1]
        prefix, came, leaves, mark, packet = "", 0, 0, 0, b""
        at, end = 2, len(data)
        while at + 4 <= end:
            length, kind = struct.unpack_from("=HH", data, at)
            if kind == 9:
                packet = data[at + 4:at + length]
            elif kind == 2:
                mark = number(data[at + 4:at + length])
            elif kind == 4:
                came = number(data[at + 4:at + length])
            elif kind == 5:
                leaves = number(data[at + 4:at + length])
            elif kind == 10:
                prefix = data[at + 4:at + length].rstrip(b"\0").decode("utf8", "replace")
            at += (length + 3) & ~3
        return group, prefix, came, leaves, mark, packet


def add_nfacct(sock, name):
    """Makes a counter object: rules that name a missing one do not load."""
    try:
        request(sock, ACCT, 0, ACK | CREATE, 0, attribute(1, name.encode() + b"\0"))
    except FileExistsError:
        pass


def read_nfacct(sock):
    """Packets and bytes of every counter object, by name."""
    found = {}
    for _, body in request(sock, ACCT, 1, DUMP, 0, b""):
        values = dict(attributes(body))
        found[values[1].rstrip(b"\0").decode()] = [number(values[2]), number(values[3])]
    return found


def flush_conntrack(sock):
    request(sock, CTNETLINK, 2, ACK, 0, b"")


def read_tuple(data):
    found = {}
    for kind, value in attributes(data):
        if kind == 1:
            for name, address in attributes(value):
                family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
                found["src" if name in (1, 3) else "dst"] = socket.inet_ntop(family, address)
        elif kind == 2:
            for name, field in attributes(value):
                key = {1: "protocol", 2: "sport", 3: "dport", 4: "icmpId", 5: "icmpType", 6: "icmpCode",
                       7: "icmpId", 8: "icmpType", 9: "icmpCode"}.get(name)
                if key:
                    found[key] = number(field)
        elif kind == 3:
            found["zone"] = number(value)
    return found


def read_protocol(data, entry):
    """State of a TCP or SCTP entry as the kernel numbers it, and SCTP's two tags."""
    for kind, nested in attributes(data):
        values = dict(attributes(nested))
        if 1 in values:
            entry["state"] = number(values[1])
        if kind == 3:
            entry["vtags"] = [number(values.get(2, b"")), number(values.get(3, b""))]


def read_conntrack(sock, family):
    """All entries of a family: both tuples, status bits, timeout in seconds, mark, zone, state of the protocol."""
    found = []
    for _, body in request(sock, CTNETLINK, 1, DUMP, family, b""):
        entry = {"family": "IPv4" if family == socket.AF_INET else "IPv6", "mark": 0, "zone": 0, "timeout": 0}
        for kind, value in attributes(body):
            if kind == 1:
                entry["original"] = read_tuple(value)
            elif kind == 2:
                entry["reply"] = read_tuple(value)
            elif kind == 3:
                entry["status"] = number(value)
            elif kind == 4:
                read_protocol(value, entry)
            elif kind == 7:
                entry["timeout"] = number(value)
            elif kind == 8:
                entry["mark"] = number(value)
            elif kind == 18:
                entry["zone"] = number(value)
        found.append(entry)
    return found


# The name of a counter expression; behind it nested attributes: bytes (1), packets (2), eight bytes each.
COUNTER = attribute(1, b"counter\0")
COUNTER_HEADS = (struct.pack("=HH", 12, 1), struct.pack("=HH", 12, 2))


def counted(expressions):
    """Packets that the counter among a rule's expressions holds; -1 when there is none."""
    at = expressions.find(COUNTER)
    if at < 0:
        return -1
    at += len(COUNTER) + 4
    if (expressions[at:at + 4], expressions[at + 12:at + 16]) != COUNTER_HEADS:
        raise RuntimeError("a counter expression in an unknown form")
    return number(expressions[at + 16:at + 24])


def nft_counters(sock, family):
    """Packets of every rule of a family, as {(table, chain): [packets of rule 1, …]}; a rule without counter has -1."""
    found = {}
    for _, body in request(sock, NFTABLES, 7, DUMP, family, b""):
        table = chain = b""
        packets, at, end = -1, 0, len(body)
        while at + 4 <= end:
            length, kind = struct.unpack_from("=HH", body, at)
            kind &= 0x3FFF
            if kind == 1:
                table = body[at + 4:at + length]
            elif kind == 2:
                chain = body[at + 4:at + length]
            elif kind == 4:
                packets = counted(body[at + 4:at + length])
                break
            at += (length + 3) & ~3
        found.setdefault((table, chain), []).append(packets)
    return {(table[:-1].decode(), chain[:-1].decode("utf8", "surrogateescape")): counts
            for (table, chain), counts in found.items()}
