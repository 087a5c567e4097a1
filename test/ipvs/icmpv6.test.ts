import test from "ava";
import { Lab } from "./lab.ts";

const RULES = {
  none: "",
  filter: "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j ACCEPT\nCOMMIT\n",
  nat: "*nat\n-A POSTROUTING -m mark --mark 7 -j MASQUERADE\nCOMMIT\n",
} as const;

const REMOTE = "fd00:10:244:1::5";
const LOCAL = "fd00:192::10";

/**
 * Which errors about an IPv6 request get back to the client: seen in a guest (Linux 6.1.176). `ip_vs_checksum_complete` sums up ICMPv6
 * without the addresses, so that only what conntrack (received) or NAT (sent) has looked at passes.
 */
const rows: readonly (readonly [rules: keyof typeof RULES, real: string, passes: boolean])[] = [
  ["none", REMOTE, false],
  ["none", LOCAL, false],
  ["filter", REMOTE, true],
  ["filter", LOCAL, false],
  ["nat", REMOTE, true],
  ["nat", LOCAL, true],
];

for (const [rules, real, passes] of rows) {
  test(`an ICMPv6 error from ${real}, rules: ${rules}`, (t) => {
    const lab = new Lab(
      {
        topo: {
          ifaces: { eth0: { addrs: [`${LOCAL}/64`] }, cni0: { addrs: ["fd00:10:244:1::1/64"] } },
          dummies: { "kube-ipvs0": { addrs: ["fd00:96::1/128"] } },
          routes: ["default via fd00:192::1 dev eth0"],
          sysctl: { "net.ipv4.vs.conntrack": 1 },
        },
        rules6: RULES[rules],
        ipvs: `-A -t [fd00:96::1]:80 -s rr\n-a -t [fd00:96::1]:80 -r [${real}]:8080 -m -w 1\n`,
      },
      true,
    );
    const request = { src: "fd00:192::77", dst: "fd00:96::1", sport: 4000, dport: 80 };
    lab.packet({ ...request, iface: "eth0" });
    const inner = { ...request, dst: real, dport: 8080 };
    const error = { src: real, dst: "fd00:192::77", proto: "icmp", type: 1, code: 4, inner };
    const { out } = lab.packet({ ...error, iface: real === REMOTE ? "cni0" : "local" });
    t.deepEqual(
      out.map(({ iface, src }) => [iface, src]),
      passes ? [["eth0", "fd00:96::1"]] : [],
    );
    // an error about a reply is not looked at so: it gets to the real server
    const about = { src: "fd00:96::1", dst: "fd00:192::77", sport: 80, dport: 4000 };
    const toServer = { src: "fd00:192::77", dst: "fd00:96::1", proto: "icmp", type: 1, code: 4, inner: about };
    const seen = lab.packet({ ...toServer, iface: "eth0" });
    t.deepEqual(
      [...seen.out, ...seen.local].map(({ dst }) => dst),
      [real],
    );
  });
}
