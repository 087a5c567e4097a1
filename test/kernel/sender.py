"""Packets that the host itself sends, as an ordinary socket of any user would."""
import socket
import struct

SO_MARK, IPV6_HDRINCL, IPV6_PKTINFO, IP_PKTINFO = 36, 36, 50, 8


class Sender:
    """Raw sockets with the header included, one for each family and user."""

    def __init__(self, libc):
        self.libc = libc
        self.sockets = {}

    def socket_of(self, family, uid, gid):
        """A raw socket of this user: who opened it is what the owner match sees."""
        key = (family, uid, gid)
        if key not in self.sockets:
            self.libc.setfsgid(gid)
            self.libc.setfsuid(uid)
            sock = socket.socket(family, socket.SOCK_RAW, 255)
            self.libc.setfsuid(0)
            self.libc.setfsgid(0)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self.sockets[key] = [sock, 0]
        return self.sockets[key]

    def send(self, packet, mark, uid, gid):
        """Sends as an ordinary socket bound to the packet's source would: the source takes part in routing."""
        v4 = packet[0] >> 4 == 4
        family = socket.AF_INET if v4 else socket.AF_INET6
        holder = self.socket_of(family, uid, gid)
        sock = holder[0]
        if holder[1] != mark:
            sock.setsockopt(socket.SOL_SOCKET, SO_MARK, struct.pack("=I", mark))
            holder[1] = mark
        if v4:
            info = (socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + packet[12:16] + bytes(4))
            target = (socket.inet_ntop(family, packet[16:20]), 0)
        else:
            info = (socket.IPPROTO_IPV6, IPV6_PKTINFO, packet[8:24] + bytes(4))
            target = (socket.inet_ntop(family, packet[24:40]), 0)
        sock.sendmsg([packet], [info], 0, target)
