"""Packet counters of the legacy tables, read as iptables does: two getsockopt calls a table."""
import ctypes
import os
import socket
import struct

GET_INFO, GET_ENTRIES = 64, 65
BUILTIN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
# socket level; where struct ipt_entry / ip6t_entry hold target_offset and the packet counter
LAYOUT = {socket.AF_INET: (0, 88, 96), socket.AF_INET6: (41, 140, 152)}
NAMES = {socket.AF_INET: "/proc/net/ip_tables_names", socket.AF_INET6: "/proc/net/ip6_tables_names"}

libc = ctypes.CDLL(None, use_errno=True)


def getsockopt(sock, level, option, buffer):
    """getsockopt whose buffer is an input, too."""
    data = ctypes.create_string_buffer(buffer, len(buffer))
    length = ctypes.c_uint32(len(buffer))
    if libc.getsockopt(sock.fileno(), level, option, data, ctypes.byref(length)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return data.raw


def table_counters(sock, family, table, found):
    level, offset_at, counter_at = LAYOUT[family]
    name = table.encode().ljust(32, b"\0")
    info = struct.unpack("=32s13I", getsockopt(sock, level, GET_INFO, name + bytes(52)))
    valid, entries, underflow, size = info[1], info[2:7], info[7:12], info[13]
    hooks = [h for h in range(5) if valid >> h & 1]
    begins = {entries[h]: BUILTIN[h] for h in hooks}
    policies = {underflow[h] for h in hooks}
    blob = getsockopt(sock, level, GET_ENTRIES, name + struct.pack("=I4x", size) + bytes(size))[40:]
    at, counts, user = 0, [], False
    while at < size:
        target, length = struct.unpack_from("=HH", blob, at + offset_at)
        if at in begins:
            counts, user = found.setdefault((table, begins[at]), []), False
        if blob[at + target + 2:at + target + 8] == b"ERROR\0":
            # the head of a user chain; the rule before it was the implicit RETURN of the user chain before
            if user:
                counts.pop()
            chain = blob[at + target + 32:at + length].split(b"\0")[0].decode("utf8", "surrogateescape")
            counts, user = found.setdefault((table, chain), []), True
        elif at not in policies:
            counts.append(struct.unpack_from("=Q", blob, at + counter_at)[0])
        at += length
    found.pop((table, "ERROR"), None)


def legacy_counters(sock, family):
    """Packets of every rule of a family, as {(table, chain): [packets of rule 1, …]}."""
    found = {}
    with open(NAMES[family], encoding="ascii") as names:
        for table in names.read().split():
            table_counters(sock, family, table, found)
    return found
