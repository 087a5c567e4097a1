"""Process 1 of a User-Mode Linux guest in which real_network.py makes its networks: the running kernel need not have ip_vs. Started by
guest.ts; a request {"do": "network", "program": PATH} begins a network, which ends the one before, and {"do": "ask", "line": TEXT} is a line
for it."""

import json
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "ipvs"))

import guest  # noqa: E402

MODULES = """
veth bridge vxlan nfnetlink_log xt_NFLOG nf_conntrack_netlink
""".split()


# what the guest mounts over /tmp hides a checkout there: through this one it is still to be seen
SEEN = os.open(TESTS, os.O_RDONLY | os.O_DIRECTORY)


class Network:
    """The program that holds the namespaces of one network."""

    current = None

    def __init__(self, program):
        program = "/proc/self/fd/%d/%s" % (SEEN, os.path.relpath(program, TESTS))
        if Network.current is not None:
            Network.current.close()
        Network.current = self
        self.child = subprocess.Popen(
            [sys.executable, "-B", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[SEEN]
        )

    def ask(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if answer == "":
            raise RuntimeError("the program of the network ended")
        return json.loads(answer)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def answer(request):
    if request["do"] == "network":
        Network(request["program"])
        return {}
    if request["do"] == "ask":
        return Network.current.ask(request["line"])
    raise RuntimeError("no such request: " + request["do"])


if __name__ == "__main__":
    guest.run_guest(answer, guest.MODULES + MODULES)
