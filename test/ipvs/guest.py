"""Process 1 of a User-Mode Linux guest: makes nodes with ip_vs in network namespaces, sends packets through them, and tells what left
and what arrived. Started by guest.ts with the folder of the exchange and the folder of the kernel's modules.

A request is a line of JSON in the exchange; the serial line only says that there is one. Interfaces are TUN devices. What arrives is
seen by raw sockets; a policy keeps the protocols themselves from taking and answering it."""

import ctypes
import errno
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import termios
import time
import tty

LIBC = ctypes.CDLL(None, use_errno=True)
EXCHANGE = "/run/exchange"
NEW_NETWORK = 0x40000000
POWER_OFF = 0x4321FEDC
MODULES = """
ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh ip_vs_dh ip_vs_mh ip_vs_sed ip_vs_nq ip_vs_lblc ip_vs_lblcr ip_vs_fo ip_vs_ovf
ipv6 dummy tun xfrm_user nf_conntrack ip_set_hash_ip ip_set_hash_ipport ip_set_hash_ipportip ip_set_hash_ipportnet ip_set_bitmap_port
iptable_nat iptable_filter iptable_mangle iptable_raw ip6table_nat ip6table_filter ip6table_mangle ip6table_raw xt_set xt_comment
xt_addrtype xt_mark xt_MASQUERADE xt_ipvs xt_conntrack xt_tcpudp xt_physdev br_netfilter ipt_REJECT ip6t_REJECT
""".split()


def run(command, text=None):
    done = subprocess.run(command, input=text, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout


def mount(kind, where, data=None):
    source = (data or kind).encode()
    options = data.encode() if data else None
    # the kernel may have mounted /dev by itself
    if LIBC.mount(source, where.encode(), kind.encode(), 0, options) != 0 and ctypes.get_errno() != errno.EBUSY:
        raise OSError(ctypes.get_errno(), "mount " + where)


def write(path, text):
    with open(path, "w") as file:
        file.write(str(text))


def load_modules(folder, names):
    os.makedirs("/run/guest/lib", exist_ok=True)
    os.symlink(folder, "/run/guest/lib/modules")
    run(["modprobe", "-d", "/run/guest", "-a"] + names)


# xfrm_userpolicy_info: 0 allows, 1 blocks
def socket_policy(family):
    selector = struct.pack("=16x16x8xHBBB3xiI", family, 0, 0, 0, 0, 0)
    lifetime = struct.pack("=4Q", *[2**64 - 1] * 4) + bytes(32)
    return selector + lifetime + bytes(32) + struct.pack("=IIBBBB4x", 0, 0, 0, 0, 0, 0)


IP, IPV6 = 0, 41
IP_PKTINFO, IP_FREEBIND, IP_XFRM_POLICY, IPV6_HDRINCL = 8, 15, 17, 36
IPV6_XFRM_POLICY, IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 35, 49, 50, 51, 52
IPV6_RECVTCLASS, IPV6_TCLASS, IPV6_FREEBIND = 66, 67, 78
SO_MARK = 36
LISTENED = {4: (6, 17, 132, 1), 6: (6, 17, 132, 58)}


class Listener:
    """What the node's own stack gets of one protocol."""

    def __init__(self, version, protocol):
        self.version, self.protocol = version, protocol
        self.socket = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_RAW, protocol)
        self.socket.setblocking(False)
        if version == 4:
            self.socket.setsockopt(IP, IP_XFRM_POLICY, socket_policy(socket.AF_INET))
        else:
            self.socket.setsockopt(IPV6, IPV6_XFRM_POLICY, socket_policy(socket.AF_INET6))
            for option in (IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS):
                self.socket.setsockopt(IPV6, option, 1)

    def read(self):
        """The next packet; nothing when there is none."""
        try:
            data, extra, _, peer = self.socket.recvmsg(65536, 512)
        except OSError:
            return None
        return data if self.version == 4 else self.with_header(data, extra, peer)

    def with_header(self, data, extra, peer):
        """IPv6 raw sockets give no header."""
        told = {kind: value for level, kind, value in extra if level == IPV6}
        number = lambda kind: struct.unpack("=i", told[kind])[0]
        head = struct.pack("!IHBB", 6 << 28 | number(IPV6_TCLASS) << 20, len(data), self.protocol, number(IPV6_HOPLIMIT))
        return head + socket.inet_pton(socket.AF_INET6, peer[0].split("%")[0]) + told[IPV6_PKTINFO][:16] + data


def is_discovery(data):
    """Neighbour discovery and group membership: the kernel's own talk."""
    return data[0] >> 4 == 6 and (data[6] == 0 or (data[6] == 58 and 130 <= data[40] <= 143 and data[40] not in (138, 139, 140)))


class Node:
    """A node in a namespace of its own."""

    current = None

    def __init__(self, words):
        if Node.current is not None:
            Node.current.close()
        if LIBC.unshare(NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Node.current = self
        for family in ("ipv4", "ipv6"):
            for name in ("all", "default"):
                conf = "/proc/sys/net/%s/conf/%s/" % (family, name)
                if family == "ipv4":
                    write(conf + "send_redirects", 0)
                else:
                    write(conf + "accept_dad", 0)
                    write(conf + "router_solicitations", 0)
                    write(conf + "addr_gen_mode", 1)
        self.devices, self.names, self.listening = {}, {}, {}
        self.ready = select.epoll()
        # the stack takes nothing but what raw sockets with a policy of their own see
        block = ["xfrm policy add src %s dst %s dir in action block" % (any_, any_) for any_ in ("0.0.0.0/0", "::/0")]
        dummies = []
        for name, addresses in words["dummies"].items():
            dummies.append("link add %s type dummy" % name)
            dummies += ["addr add %s dev %s" % (address, name) for address in addresses]
        self.attach(words["interfaces"], ["link set lo up"] + block, dummies + ["route add " + route for route in words["routes"]])
        write("/proc/sys/net/ipv4/conf/lo/disable_policy", 0)
        write("/proc/sys/net/ipv6/conf/lo/disable_policy", 0)
        # IPv6 addresses get their routes by work that the kernel puts off
        time.sleep(0.03)
        if words["ipset"]:
            run(["ipset", "restore"], words["ipset"])
        for tool, key in (("iptables-legacy-restore", "rules4"), ("ip6tables-legacy-restore", "rules6")):
            if words[key]:
                run([tool], words[key])
        self.balance(words["ipvs"])
        self.set(words["sysctls"])
        self.listeners = [Listener(version, protocol) for version in (4, 6) for protocol in LISTENED[version]]
        for listener in self.listeners:
            self.listening[listener.socket.fileno()] = listener
            self.ready.register(listener.socket, select.EPOLLIN)
        self.raw = {
            4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
            6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
        }
        self.raw[4].setsockopt(IP, IP_FREEBIND, 1)
        self.raw[6].setsockopt(IPV6, IPV6_HDRINCL, 1)
        self.raw[6].setsockopt(IPV6, IPV6_FREEBIND, 1)
        self.begin()

    def attach(self, interfaces, before, after):
        """Interfaces with lines of `ip -batch` before and behind their own."""
        batch = list(before)
        for name, device in interfaces.items():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))
            self.devices[name], self.names[fd] = fd, name
            self.ready.register(fd, select.EPOLLIN)
            batch += ["addr add %s dev %s" % (address, name) for address in device["addresses"]]
            batch.append("link set %s up mtu %d" % (name, device["mtu"]))
        run(["ip", "-batch", "-"], "\n".join(batch + after) + "\n")

    def set(self, sysctls):
        for name, value in sysctls.items():
            write("/proc/sys/" + name.replace(".", "/"), value)

    def begin(self):
        """Everything before is the node's making."""
        self.drain()
        self.since = time.monotonic()

    def balance(self, text):
        """Lines of `ipvsadm -R`."""
        if text:
            run(["ipvsadm", "-R"], text)

    def drain(self):
        """All that is there: only what is ready is read, as each call into the guest's kernel costs."""
        out, local = [], []
        while True:
            ready = self.ready.poll(0)
            if not ready:
                return out, local
            for fd, _ in ready:
                listener = self.listening.get(fd)
                data = os.read(fd, 65536) if listener is None else listener.read()
                if data is None or is_discovery(data):
                    continue
                if listener is None:
                    out.append([self.names[fd], data.hex()])
                else:
                    local.append(data.hex())

    def send(self, device, text, mark):
        data = bytes.fromhex(text)
        problem = None
        try:
            if device is not None:
                os.write(self.devices[device], data)
            else:
                version = data[0] >> 4
                kind, source, target = (socket.AF_INET, data[12:16], data[16:20]) if version == 4 else (socket.AF_INET6, data[8:24], data[24:40])
                to = socket.inet_ntop(kind, target)
                self.raw[version].setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
                # a process has its source before it asks for a way
                self.raw[version].bind((socket.inet_ntop(kind, source), 0))
                self.raw[version].sendto(data, (to, 0))
        except OSError as error:
            problem = errno.errorcode.get(error.errno, str(error.errno))
        out, local = self.drain()
        for wait in (0, 0, 0.002):
            if out or local:
                break
            # what goes over lo may be left to a thread of the kernel's own
            time.sleep(wait) if wait and device is None else os.sched_yield()
            out, local = self.drain()
        return {"out": out, "local": local, "errno": problem}

    def close(self):
        self.ready.close()
        for fd in self.devices.values():
            os.close(fd)
        for each in [listener.socket for listener in self.listeners] + list(self.raw.values()):
            each.close()


def read_lines(path):
    with open(path) as file:
        return file.read().splitlines()


def answer(request):
    kind = request["do"]
    if kind == "versions":
        tools = (["uname", "-sr"], ["ipvsadm", "--version"], ["ipset", "--version"], ["iptables-legacy", "--version"])
        return {"lines": [run(tool).splitlines()[0] for tool in tools]}
    if kind == "node":
        Node(request)
        return {}
    node = Node.current
    if kind == "packet":
        return node.send(request["from"], request["bytes"], request["mark"])
    if kind == "ipvs":
        node.balance(request["text"])
        return {}
    if kind == "attach":
        node.attach(request["interfaces"], [], request["lines"])
        # as above
        time.sleep(0.03)
        return {}
    if kind == "run":
        return {"outputs": [run(each["command"], each.get("input")) for each in request["programs"]]}
    if kind == "sysctls":
        node.set(request["sysctls"])
        return {"values": {name: int(read_lines("/proc/sys/" + name.replace(".", "/"))[0]) for name in request["sysctls"]}}
    if kind == "begin":
        node.begin()
        return {}
    if kind == "sleep":
        time.sleep(request["ms"] / 1000)
        out, local = node.drain()
        return {"out": out, "local": local, "errno": None}
    if kind == "list":
        return {
            "connections": read_lines("/proc/net/ip_vs_conn")[1:],
            "services": read_lines("/proc/net/ip_vs")[3:],
            "conntrack": read_lines("/proc/net/nf_conntrack"),
            "seconds": time.monotonic() - node.since,
        }
    raise RuntimeError("no such request: " + kind)


def serve(answer, modules):
    """Answers requests until the other side has no more; `modules`: of the kernel, loaded before."""
    for kind, where in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/run"), ("tmpfs", "/tmp")):
        mount(kind, where)
    os.mkdir(EXCHANGE)
    mount("hostfs", EXCHANGE, sys.argv[1])
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C", TZ="UTC0", XTABLES_LOCKFILE="/run/xtables.lock", HOME="/tmp")
    load_modules(sys.argv[2], modules)
    bell = os.open("/dev/ttyS0", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(bell, termios.TCSANOW)
    os.write(bell, b"+")
    while True:
        rung = os.read(bell, 1)
        if rung in (b"", b"q"):
            return
        answers = []
        for line in read_lines(EXCHANGE + "/requests"):
            try:
                answers.append(json.dumps(answer(json.loads(line))))
            except Exception as error:  # whatever it is, the other side has to know
                answers.append(json.dumps({"error": "%s: %s" % (type(error).__name__, error)}))
        write(EXCHANGE + "/answers", "".join(each + "\n" for each in answers))
        os.write(bell, b"+")


def run_guest(answer, modules):
    """Serves as the first process, and turns the guest off."""
    try:
        serve(answer, modules)
    except BaseException as problem:
        print("guest:", type(problem).__name__, problem, flush=True)
    os.sync()
    LIBC.reboot(POWER_OFF)


if __name__ == "__main__":
    run_guest(answer, MODULES)
