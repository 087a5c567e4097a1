import test from "ava";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { foldAddress, hash32, sipHash32 } from "../../src/kernel/ipvs/hash.ts";
import { addressText } from "../../src/kernel/packet-text.ts";
import { dyadicToNumber } from "../../src/net/dyadic.ts";
import { familyOf, parseIP } from "../../src/net/ip.ts";
import { Lab } from "./lab.ts";
import { packetOf } from "./words.ts";

const VIP = "10.96.0.1";

/** The real server of a place in the kernel's list, which has the newest first. */
const realAt = (place: number): string => `10.244.1.${5 + place}`;

/** Adds real servers such that the list has the weights that are said, in its order. */
function adds(option: string, weights: readonly number[]): string {
  const lines = weights.map((weight, place) => `-a ${option} ${VIP}:80 -r ${realAt(place)}:8080 -m -w ${weight}\n`);
  return lines.reverse().join("");
}

function makeLab(ipvs: string): Lab {
  return new Lab(
    {
      topo: {
        ifaces: { eth0: { addrs: ["192.168.1.2/24"] }, cni0: { addrs: ["10.244.1.1/24"] } },
        dummies: { "kube-ipvs0": { addrs: [`${VIP}/32`] } },
        routes: ["default via 192.168.1.1 dev eth0"],
      },
      ipvs,
    },
    true,
  );
}

/** Whom so many first packets go to, by place in the list; `x` where nobody is to be had. */
function choices(lab: Lab, protocol: "tcp" | "udp", count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const packet = { iface: "eth0", src: "192.168.1.77", dst: VIP, sport: 40000 + i, dport: 80, proto: protocol };
    const [seen] = lab.packet({ ...packet, flags: "S" }).out;
    const dst = `${seen?.dst}`;
    return dst.startsWith("10.244.1.") ? String(Number(dst.slice(9)) - 5) : "x";
  }).join(" ");
}

/** Scheduler, weights in the list's order, protocol, whom the first packets go to (ipvs-mode §10). */
const rows: readonly (readonly [string, readonly number[], "tcp" | "udp", string])[] = [
  ["rr", [1, 1, 1], "tcp", "0 1 2 0 1 2"],
  ["rr", [1, 0, 1], "udp", "0 2 0 2"],
  ["rr", [0, 0], "tcp", "x x"],
  ["wrr", [1, 1, 1], "tcp", "0 1 2 0 1 2"],
  ["wrr", [4, 3, 2], "tcp", "0 1 2 0 0 1 0 1 2 0 1 2 0 0 1"],
  ["wrr", [3, 1, 2], "tcp", "0 1 2 0 0 2 0 1 2 0 0 2"],
  ["wrr", [6, 4, 2], "tcp", "0 1 2 0 0 1 0 1 2 0 0 1"],
  ["wrr", [1, 0, 1], "tcp", "0 2 0 2"],
  ["wrr", [0, 0], "tcp", "x x"],
  ["lc", [5, 1, 1], "tcp", "0 1 2 0 1 2"],
  ["wlc", [1, 1, 1], "udp", "0 1 2 0 1 2"],
  ["wlc", [1, 1, 1], "tcp", "0 1 2 0 1 2"],
  ["wlc", [3, 1, 2], "tcp", "0 1 2 0 2 0 0 1 2 0 2 0"],
  ["sed", [1, 1, 1], "udp", "0 0 0 0"],
  ["sed", [1, 1, 1], "tcp", "0 1 2 0 1 2"],
  ["sed", [3, 1, 2], "tcp", "0 2 0 0 1 2 0 2 0 0 1 2"],
  ["nq", [1, 1], "udp", "0 0 0"],
  ["nq", [3, 1, 2], "tcp", "0 1 2 0 0 2 0 2 0 0 1 2"],
  ["fo", [1, 3, 3, 2], "tcp", "1 1 1"],
  ["ovf", [2, 3, 3], "tcp", "1 1 1 1 2 2 2 2 0 0 0 x"],
  ["lblc", [1, 1, 1], "tcp", "0 0 1 1 2 2 2 2"],
  ["lblcr", [1, 1, 1], "tcp", "0 0 1 1 2 2 2 1"],
];

for (const [scheduler, weights, protocol, wanted] of rows) {
  test(`${scheduler} ${weights.join()} by ${protocol}`, (t) => {
    const option = protocol === "tcp" ? "-t" : "-u";
    const lab = makeLab(`-A ${option} ${VIP}:80 -s ${scheduler}\n${adds(option, weights)}`);
    t.is(choices(lab, protocol, wanted.split(" ").length), wanted);
  });
}

test("wrr that is set on a virtual server with real servers begins with the highest weight", (t) => {
  const lab = makeLab(`-A -t ${VIP}:80 -s rr\n${adds("-t", [4, 3, 2])}-E -t ${VIP}:80 -s wrr\n`);
  t.is(choices(lab, "tcp", 12), "0 0 1 0 1 2 0 1 2 0 0 1");
});

test("an overloaded real server gets nothing, until three quarters of its threshold are free", (t) => {
  const lab = makeLab(
    `-A -t ${VIP}:80 -s rr\n-a -t ${VIP}:80 -r ${realAt(1)}:8080 -m -w 1\n-a -t ${VIP}:80 -r ${realAt(0)}:8080 -m -w 1 -x 4\n`,
  );
  t.is(choices(lab, "tcp", 12), "0 1 0 1 0 1 0 1 1 1 1 1");
  // all connections end; the first packet behind finds it free again
  lab.advance(61_000);
  t.is(choices(lab, "tcp", 2), "0 1");
});

/** Address, with port or without, and the bucket of sh (ipvs-mode §10). */
const buckets: readonly (readonly [string, number, number])[] = [
  ["192.168.1.10", 0, 248],
  ["192.168.1.11", 0, 90],
  ["10.0.0.1", 0, 39],
  ["10.96.0.10", 0, 242],
  ["10.244.1.20", 0, 45],
  ["fd00::1", 0, 140],
  ["192.168.1.10", 40000, 156],
  ["192.168.1.11", 40000, 254],
  ["10.0.0.1", 40000, 203],
  ["10.96.0.10", 40000, 150],
  ["10.244.1.20", 40000, 209],
  ["fd00::1", 40000, 48],
];

for (const [text, port, bucket] of buckets) {
  test(`the bucket of ${text} with port ${port}`, (t) => {
    const address = parseIP(text);
    if (address === undefined) throw new Error("no address");
    const folded = foldAddress(address.family === "IPv4" ? address.value : address.words);
    t.is(familyOf(text), address.family);
    t.is(hash32((folded + port) | 0, 8), bucket);
  });
}

test("the hash of Maglev", (t) => {
  t.is(sipHash32(0, 2654435761), 0x1d5a77c2);
  t.is(sipHash32(0, 2654446892), 0xf882433f);
  t.is(sipHash32(1, 2654435761), 0x16ec66b2);
});

test("Maglev's clients", (t) => {
  const lab = makeLab(
    `-A -t ${VIP}:80 -s mh -b mh-port\n${["10.244.1.5", "10.244.2.7", "10.244.3.9"].map((real) => `-a -t ${VIP}:80 -r ${real}:8080 -m -w 1\n`).join("")}`,
  );
  const chosen = (src: string, sport: number): string =>
    addressText(lab.results(packetOf({ src, dst: VIP, sport, dport: 80 }), "eth0", noChance)[0]?.packet.dst ?? 0);
  const wanted = [
    ["192.168.1.10", 40000, "10.244.3.9"],
    ["192.168.1.10", 40001, "10.244.1.5"],
    ["192.168.1.11", 40000, "10.244.1.5"],
    ["10.244.1.20", 51234, "10.244.1.5"],
  ] as const;
  for (const [src, sport, real] of wanted) t.is(chosen(src, sport), real);
});

const noChance = {
  below: () => false,
  share: () => 0,
  port: () => undefined,
  unknown: () => false,
};

test("two choices: each real server by its weight, the first with a little more; the less loaded of two wins", (t) => {
  const lab = makeLab(`-A -t ${VIP}:80 -s twos\n${adds("-t", [3, 1])}`);
  const packet = packetOf({ src: "192.168.1.77", dst: VIP, sport: 40000, dport: 80 });
  const { branches, complete } = explore(lab.state, (chooser) =>
    addressText(lab.results(packet, "eth0", chooser)[0]?.packet.dst ?? 0),
  );
  t.true(complete);
  const chance = new Map<string, number>();
  for (const { value, probability } of branches)
    chance.set(value, (chance.get(value) ?? 0) + dyadicToNumber(probability));
  t.is(
    [...chance.values()].reduce((sum, each) => sum + each, 0),
    1,
  );
  // of the numbers 0 to 4 the first has four; nobody has connections, so the first drawn stays
  t.true(Math.abs((chance.get(realAt(0)) ?? 0) - 0.8) < 1e-8);
});
