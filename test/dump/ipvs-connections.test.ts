import test from "ava";
import { readNodeDumps } from "../../src/dump/node-dumps.ts";
import { explore } from "../../src/kernel/chooser/explore.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import { seededChooser } from "../../src/kernel/chooser/seeded.ts";
import { listEntries } from "../../src/kernel/conntrack/table.ts";
import type { Event } from "../../src/kernel/event.ts";
import type { Host } from "../../src/kernel/host.ts";
import { connectionLines, listConnections } from "../../src/kernel/ipvs/listing.ts";
import { makePacket, protocols, tcpFlag } from "../../src/kernel/packet.ts";
import { endpointText } from "../../src/kernel/packet-text.ts";
import { receive } from "../../src/kernel/run.ts";
import type { HostState } from "../../src/kernel/state.ts";
import { formatIPVSConnections } from "../../src/rules/ipvs/connections.ts";
import { outcomeText } from "../../src/trace/outcome-text.ts";
import { address } from "../matches/support.ts";

interface Dump {
  readonly host: Host;
  readonly state: HostState;
  /** Codes with their places, `TEXT:OFFSET`; without notes. */
  readonly found: readonly string[];
  readonly notes: ReadonlySet<string>;
}

function read(...texts: readonly string[]): Dump {
  const found: string[] = [];
  const notes = new Set<string>();
  const sources = texts.map((text, i) => ({ name: `${i}`, text }));
  const { host, state } = readNodeDumps(sources, "node", ({ severity, code, place }) => {
    if (severity === "note") notes.add(code);
    else found.push(place === undefined ? code : `${code}@${place.source.name}:${place.offset}`);
  });
  return { host, state, found, notes };
}

/** Two real servers for one virtual server, `-Sn`. */
const saved = (scheduler: string, options = "", name = "-t 10.96.0.10:80"): string =>
  `-A ${name} -s ${scheduler}${options}\n-a ${name} -r 10.244.1.5:8080 -m -w 1\n-a ${name} -r 10.244.2.7:8080 -m -w 1\n`;

const listed = (scheduler: string, one: string, other: string, protocol = "TCP "): string =>
  `${protocol} 10.96.0.10:80 ${scheduler}\n  -> 10.244.1.5:8080 Masq 1 ${one}\n  -> 10.244.2.7:8080 Masq 1 ${other}\n`;

const TITLE = "IPVS connection entries\npro expire state       source             virtual            destination\n";
const line = (
  state: string,
  client: string,
  real: string,
  more: { virtual?: string; pro?: string; left?: string } = {},
) => {
  const { virtual = "10.96.0.10:80", pro = "TCP", left = "01:00" } = more;
  return `${pro} ${left}  ${state} ${client} ${virtual} ${real}\n`;
};
const connections = (...lines: readonly string[]): string => `${TITLE}${lines.join("")}`;

interface Asked {
  readonly src?: string;
  readonly sport?: number;
  readonly protocol?: "tcp" | "udp";
  readonly flags?: number;
}

const packetOf = ({ src = "192.0.2.77", sport = 40000, protocol = "tcp", flags = tcpFlag.SYN }: Asked) =>
  makePacket({
    family: "IPv4",
    src: address(src),
    dst: address("10.96.0.10"),
    protocol: protocols[protocol],
    sport,
    dport: 80,
    flags: protocol === "tcp" ? flags : 0,
  });

/** Every way that a packet can go: the real server it comes to, or its end; `?` before those that nobody knows to be the ones. */
function ways({ host, state }: Dump, asked: Asked = {}): readonly string[] {
  const { branches } = explore(state, (chooser) => {
    const { outcome, packet } = receive({ host, state, chooser }, packetOf(asked), "eth0");
    return outcome.kind === "transmitted" || outcome.kind === "delivered"
      ? endpointText(packet.dst, packet.dport)
      : outcomeText(outcome);
  });
  return branches.map(({ value, assumptions }) => `${assumptions.length === 0 ? "" : "? "}${value}`);
}

const [ONE, OTHER] = ["10.244.1.5:8080", "10.244.2.7:8080"];
const EITHER = [`? ${OTHER}`, `? ${ONE}`];
const NOBODY = "? stuck: the virtual server has no real server to give (TCP 10.96.0.10:80)";

const counted: readonly (readonly [
  name: string,
  texts: readonly string[],
  expected: readonly string[],
  asked?: Asked,
])[] = [
  // nobody tells how many connections each has
  ...["lc", "wlc", "sed", "nq", "lblc", "lblcr", "twos"].map(
    (name) => [`${name}, -Sn only`, [saved(name)], EITHER] as const,
  ),
  ["ovf, -Sn only", [saved("ovf")], [...EITHER, NOBODY]],
  ["rr, -Sn only: a sequence from its beginning", [saved("rr")], [OTHER]],
  ["fo, -Sn only: no count decides", [saved("fo")], [OTHER]],
  // bucket 58 is even: the newest's
  ["sh, -Sn only: no count decides", [saved("sh")], [OTHER]],
  ["lc with one real server", [saved("lc").split("\n").slice(0, 2).join("\n")], [ONE]],
  ["lc with one that has a weight", [saved("lc").replace("7:8080 -m -w 1", "7:8080 -m -w 0")], [ONE]],
  // a place in mh's table stays with a real server that has no weight any more
  ["mh, one drained", [saved("mh", " -b mh-port").replace("7:8080 -m -w 1", "7:8080 -m -w 0")], [`? ${ONE}`, NOBODY]],
  ["… with fallback", [saved("mh", " -b mh-fallback").replace("7:8080 -m -w 1", "7:8080 -m -w 0")], [ONE]],
  // of UDP nothing is ever active
  ["sed, UDP, -Sn only", [saved("sed", "", "-u 10.96.0.10:80")], [OTHER], { protocol: "udp" }],
  ["ovf, UDP, -Sn only", [saved("ovf", "", "-u 10.96.0.10:80")], [OTHER], { protocol: "udp" }],
  ["wlc, UDP, -Sn only", [saved("wlc", "", "-u 10.96.0.10:80")], EITHER, { protocol: "udp" }],
  // the counts of -Ln decide
  ["lc, -Ln", [listed("lc", "1 0", "0 255")], [OTHER]],
  ["lc, -Ln, as many", [listed("lc", "1 0", "1 0")], [OTHER]],
  ["lc, -Ln, the other way round", [listed("lc", "0 255", "1 0")], [ONE]],
  ["wlc, -Sn and -Ln", [saved("wlc"), listed("wlc", "0 1", "0 2")], [ONE]],
  ["sed, -Ln: inactive ones do not count", [listed("sed", "1 0", "0 9")], [OTHER]],
  ["nq, -Ln", [listed("nq", "0 9", "1 0")], [ONE]],
  ["ovf, -Ln, one has too many", [listed("ovf", "1 0", "2 0")], [ONE]],
  ["ovf, -Ln, both have too many", [listed("ovf", "2 0", "2 0")], [NOBODY.slice(2)]],
  // and those of -Lnc before them
  ["lc, -Lnc", [saved("lc"), connections(line("ESTABLISHED", "192.0.2.1:1", OTHER))], [ONE]],
  ["lc, -Lnc without any", [saved("lc"), TITLE], [OTHER]],
  ["lc, -Ln and -Lnc", [listed("lc", "5 0", "1 0"), connections(line("ESTABLISHED", "192.0.2.1:1", OTHER))], [ONE]],
  ["sed, -Lnc: TIME_WAIT is not active", [saved("sed"), connections(line("TIME_WAIT", "192.0.2.1:1", OTHER))], [OTHER]],
  ["lc, -Lnc: TIME_WAIT counts", [saved("lc"), connections(line("TIME_WAIT", "192.0.2.1:1", OTHER))], [ONE]],
];

for (const [name, texts, expected, asked] of counted)
  test(`whom a scheduler takes: ${name}`, (t) => {
    t.deepEqual(ways(read(...texts), asked), expected);
  });

test("what is not known of a choice is told with it, and is none of the kernel's chance", (t) => {
  const { host, state } = read(saved("wlc"));
  const events: Event[] = [];
  const chooser = scriptedChooser([]);
  receive({ host, state, chooser, record: (event) => void events.push(event) }, packetOf({}), "eth0");
  const chosen = events.find((event) => event.kind === "virtual-server");
  t.deepEqual(chosen?.kind === "virtual-server" ? chosen.chosen?.reason : undefined, {
    kind: "untold",
    among: 2,
    by: "counts",
  });
  t.deepEqual(chooser.assumptions, [
    {
      what: {
        what: `virtual server TCP 10.96.0.10:80 takes real server ${OTHER} by how many connections each has, which no dump tells`,
      },
      holds: true,
    },
  ]);
});

const assumed: readonly (readonly [name: string, texts: readonly string[], expected: readonly string[]])[] = [
  ["rr", [saved("rr")], ["order", "beginning"]],
  ["rr, a client without a template", [saved("rr", " -p 600")], ["no-template", "order", "beginning"]],
  ["rr, templates listed", [saved("rr", " -p 600"), TITLE], ["order", "beginning"]],
  ["wrr", [saved("wrr")], ["order", "beginning"]],
  ["mh", [saved("mh")], ["order"]],
  ["fo, two alike", [saved("fo")], ["order"]],
  ["fo, one is the heaviest", [saved("fo").replace("5:8080 -m -w 1", "5:8080 -m -w 2")], []],
  ["lc, one is the least loaded", [listed("lc", "1 0", "0 1")], []],
  ["lc, two alike", [listed("lc", "1 0", "1 0")], ["order"]],
  ["nq, two idle", [listed("nq", "0 1", "0 2")], ["order"]],
  ["lblc", [listed("lblc", "1 0", "0 1")], ["beginning"]],
  ["lc, counts not told", [saved("lc")], []],
  ["one real server", [saved("rr").split("\n").slice(0, 2).join("\n")], []],
];

for (const [name, texts, expected] of assumed)
  test(`what a choice rests on: ${name}`, (t) => {
    const { host, state } = read(...texts);
    const found: string[] = [];
    const record = (event: Event): void => {
      if (event.kind === "virtual-server") found.push(...(event.assumed ?? []));
    };
    receive({ host, state, chooser: seededChooser("row"), record }, packetOf({}), "eth0");
    t.deepEqual(found, expected);
  });

const ACK = { flags: tcpFlag.ACK } as const;
const ETH0 = JSON.stringify([
  {
    ifindex: 1,
    ifname: "eth0",
    flags: ["UP", "LOWER_UP"],
    mtu: 1500,
    addr_info: ["192.0.2.1", "10.96.0.10"].map((local) => ({ family: "inet", local, prefixlen: 24, scope: "global" })),
  },
]);
const thresholds = (upper: number, lower: number): string =>
  `-A -t 10.96.0.10:80 -s rr\n-a -t 10.96.0.10:80 -r ${ONE} -m -w 1 -x ${upper} -y ${lower}\n`;
const two = connections(line("ESTABLISHED", "192.0.2.1:1", ONE), line("ESTABLISHED", "192.0.2.1:2", ONE));

/** Packets of connections that are listed, and others. */
const known: readonly (readonly [name: string, texts: readonly string[], asked: Asked, expected: readonly string[]])[] =
  [
    [
      "a connection's packet goes where the listing says",
      [saved("rr"), connections(line("ESTABLISHED", "192.0.2.77:40000", ONE))],
      ACK,
      [ONE],
    ],
    [
      "… not to the node's own socket",
      [saved("rr"), connections(line("ESTABLISHED", "192.0.2.77:40001", ONE))],
      ACK,
      ["10.96.0.10:80"],
    ],
    [
      "a SYN on one that is over starts a new one",
      [saved("rr"), connections(line("TIME_WAIT", "192.0.2.77:40000", ONE))],
      {},
      [OTHER],
    ],
    [
      "a template keeps its client with its real server",
      [saved("rr", " -p 600"), connections(line("NONE", "192.0.2.77:0", ONE))],
      {},
      [ONE],
    ],
    [
      "… the whole network under the mask",
      [saved("rr", " -p 600 -M 255.255.255.0"), connections(line("ASSURED", "192.0.2.0:0", ONE))],
      {},
      [ONE],
    ],
    [
      "… but not another one",
      [saved("rr", " -p 600 -M 255.255.255.0"), connections(line("ASSURED", "192.0.3.0:0", ONE))],
      {},
      [OTHER],
    ],
    [
      "… nor when it has become invalid",
      [
        saved("rr", " -p 600"),
        connections(line("NONE", "192.0.2.77:0", "10.244.1.5:65535", { virtual: "10.96.0.10:65535" })),
      ],
      {},
      [OTHER],
    ],
    [
      "the SYN of a connection that has a template stays with it when it is over",
      [
        saved("rr", " -p 600"),
        connections(line("ASSURED", "192.0.2.77:0", ONE), line("TIME_WAIT", "192.0.2.77:40000", ONE)),
      ],
      {},
      [ONE],
    ],
    [
      "a real server that is gone: its connection ends, as the node wants",
      [saved("rr"), connections(line("ESTABLISHED", "192.0.2.77:40000", "10.244.9.9:8080"))],
      ACK,
      ["10.96.0.10:80"],
    ],
    [
      "… or its packets are dropped",
      [
        saved("rr"),
        connections(line("ESTABLISHED", "192.0.2.77:40000", "10.244.9.9:8080")),
        "net.ipv4.vs.expire_nodest_conn = 0\n",
        ETH0,
      ],
      ACK,
      ["dropped by ip_vs: the real server of its connection is no longer there"],
    ],
    [
      "a state that nobody has",
      [saved("rr"), connections(line("UDP", "192.0.2.77:40000", ONE))],
      ACK,
      ["unknown: it is not known what ip_vs does with a connection in state UDP"],
    ],
    [
      "direct routing is not modelled",
      [saved("rr").replaceAll(" -m ", " -g "), connections(line("ESTABLISHED", "192.0.2.77:40000", "10.244.1.5:80"))],
      ACK,
      ["unknown: it is not modelled whether a real server gets packets by direct routing"],
    ],
    ["at its upper threshold it takes no more", [thresholds(2, 0), two], {}, [NOBODY.slice(2)]],
    ["below the lower one it does", [thresholds(4, 3), two], {}, [ONE]],
    ["in between it depends on where the count came from", [thresholds(4, 2), two], {}, [`? ${ONE}`, NOBODY]],
    ["without a lower one that is from three quarters on", [thresholds(3, 0), two], {}, [ONE]],
    ["… and with thresholds, counts that are not told", [thresholds(4, 2)], {}, [`? ${ONE}`, NOBODY]],
  ];

for (const [name, texts, asked, expected] of known)
  test(`listed connections: ${name}`, (t) => {
    const dump = read(...texts);
    t.deepEqual(ways(dump, asked), expected);
  });

test("a virtual server by firewall mark: its template shows the mark", (t) => {
  const servers = `-A -f 7 -s rr -p 600\n-a -f 7 -r 10.244.1.5:0 -m -w 1\n-a -f 7 -r 10.244.2.7:0 -m -w 1\n`;
  const text = connections(
    line("ASSURED", "192.0.2.77:0", "10.244.1.5:0", { virtual: "0.0.0.7:0", pro: "IP " }),
    line("ESTABLISHED", "192.0.2.77:40000", "10.244.1.5:80"),
  );
  const { host, state, found } = read(servers, text);
  t.deepEqual(found, []);
  const [template, connection] = listConnections(state);
  t.is(connection?.control, template);
  t.deepEqual([template?.service, connection?.service], ["mark IPv4 7", "mark IPv4 7"]);
  t.is(template?.destination, connection?.destination);
  t.is(host.ipvsPast?.connections, "listed");
});

const SYN_RECEIVED = line("SYN_RECV", "192.0.2.77:40000", ONE);
const at = (texts: readonly string[], text: number, part: string): string => `${text}:${texts[text]?.indexOf(part)}`;

const faults: readonly (readonly [name: string, texts: readonly string[], ...found: readonly string[]])[] = [
  ["nothing is wrong", [saved("rr"), connections(SYN_RECEIVED)]],
  ["no virtual servers", [connections(SYN_RECEIVED)], "ipvs-connections-left-out"],
  [
    "of a real server that is not there",
    [saved("rr"), connections(SYN_RECEIVED, line("CLOSE", "192.0.2.1:1", "1.1.1.1:1"))],
    "ipvs-real-server-gone@1:CLOSE",
  ],
  [
    "of a virtual server that is not there",
    [saved("rr"), connections(line("CLOSE", "192.0.2.1:1", ONE, { virtual: "10.9.9.9:80" }))],
    "ipvs-real-server-gone@1:CLOSE",
  ],
  [
    "a state of another protocol",
    [saved("rr"), connections(line("UDP", "192.0.2.1:1", ONE))],
    "ipvs-state-unknown@1:UDP",
  ],
  [
    "a template for any port, two real servers with its address",
    [
      `-A -t 10.96.0.10:0 -s rr -p 9\n-a -t 10.96.0.10:0 -r 10.244.1.5:80 -m -w 1\n-a -t 10.96.0.10:0 -r 10.244.1.5:81 -m -w 1\n`,
      connections(line("NONE", "192.0.2.77:0", "10.244.1.5:0", { virtual: "10.96.0.10:0" })),
    ],
    "ipvs-real-server-ambiguous@1:NONE",
  ],
  [
    "counts of another time",
    [listed("lc", "1 0", "0 0"), connections(SYN_RECEIVED, line("CLOSE", "192.0.2.1:1", OTHER))],
    "ipvs-counts-differ",
  ],
  [
    "counts of the same time",
    [listed("lc", "1 0", "0 1"), connections(SYN_RECEIVED, line("CLOSE", "192.0.2.1:1", OTHER))],
  ],
  ["the same text twice", [saved("rr"), connections(SYN_RECEIVED), connections(SYN_RECEIVED)]],
  [
    "texts of two times",
    [saved("rr"), connections(SYN_RECEIVED), connections(line("CLOSE", "192.0.2.1:1", ONE))],
    "ipvs-dumps-differ@2:CLOSE",
  ],
  [
    "the old connection beside the one that took its place",
    [saved("rr"), connections(line("TIME_WAIT", "192.0.2.77:40000", OTHER, { left: "00:00" }), SYN_RECEIVED)],
  ],
  [
    "… the other way round",
    [saved("rr"), connections(SYN_RECEIVED, line("TIME_WAIT", "192.0.2.77:40000", OTHER, { left: "00:00" }))],
  ],
  [
    "two that have become invalid",
    [
      saved("rr", " -p 9"),
      connections(
        ...[ONE, OTHER].map((real) =>
          line("NONE", "192.0.2.77:0", real.replace(/8080/, "65535"), { virtual: "10.96.0.10:65535" }),
        ),
      ),
    ],
  ],
  ["columns that are missing", [saved("rr"), connections("TCP 01:00  CLOSE 192.0.2.1:1\n")], "bad-connection@1:TCP 01"],
  [
    "a time that is none",
    [saved("rr"), connections(line("CLOSE", "192.0.2.1:1", ONE, { left: "1:99" }))],
    "bad-time@1:1:99",
  ],
  ["a name for an address", [saved("rr"), connections(line("CLOSE", "client:1", ONE))], "name-not-number@1:client"],
  ["a port that is none", [saved("rr"), connections(line("CLOSE", "192.0.2.1:70000", ONE))], "bad-address@1:192.0.2.1"],
];

for (const [name, texts, ...expected] of faults)
  test(`what is said of ipvsadm -Lnc: ${name}`, (t) => {
    const places = expected.map((each) => {
      const [code = "", text, ...part] = each.split(/[@:]/);
      if (text === undefined) return code;
      const column = part.join(":");
      // faults of the whole line stand at its beginning
      const start = ["CLOSE", "UDP", "NONE"].includes(column) ? lineOf(texts[Number(text)] ?? "", column) : column;
      return `${code}@${at(texts, Number(text), start)}`;
    });
    t.deepEqual(read(...texts).found, places);
  });

function lineOf(text: string, word: string): string {
  return text.split("\n").find((each) => each.includes(` ${word} `)) ?? word;
}

test("a line without the title is known as what it is, with persistence engines and IPv6 too", (t) => {
  const six = `-A -t [fd00::a]:80 -s rr -p 60 --pe sip\n-a -t [fd00::a]:80 -r [fd00::5]:8080 -m -w 1\n`;
  const text =
    "TCP 00:59  SYN_RECV    [fd00::77]:40000 [fd00::a]:80 [fd00::5]:8080\nTCP 00:30  NONE [fd00::77]:0 [fd00::a]:80 [fd00::5]:8080 sip 12345@host\n";
  const dump = read(six, text);
  t.deepEqual(dump.found, []);
  t.is(
    formatIPVSConnections(connectionLines(dump.state)).split("\n").slice(2).join("\n"),
    "TCP 00:59  SYN_RECV    [fd00::77]:40000   [fd00::a]:80       [fd00::5]:8080\nTCP 00:30  NONE        [fd00::77]:0       [fd00::a]:80       [fd00::5]:8080\n",
  );
});

const CONNTRACK =
  "tcp      6 86399 ESTABLISHED src=192.0.2.77 dst=10.96.0.10 sport=40000 dport=80 src=10.244.1.5 dst=192.0.2.77 sport=8080 dport=40000 [ASSURED] mark=0 use=1\n";
const TRACKING = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n";

test("an entry of conntrack's that ip_vs made is none of DNAT's", (t) => {
  const known = [saved("rr"), connections(line("ESTABLISHED", "192.0.2.77:40000", ONE)), CONNTRACK, TRACKING];
  const listedOne = read(...known);
  const [entry] = listEntries(listedOne.state);
  t.false(entry?.destinationChanged);
  t.deepEqual(ways(listedOne, ACK), [ONE]);
  // the connection is known, but not where it goes
  const unlisted = read(saved("rr"), CONNTRACK, TRACKING);
  t.deepEqual(ways(unlisted, ACK), [
    "unknown: it is not known which connection ip_vs has for the one that conntrack knows (ipvsadm -Lnc tells)",
  ]);
  t.deepEqual(ways(unlisted, { ...ACK, sport: 41000 }), ["10.96.0.10:80"]);
  // without a virtual server it is
  const [translated] = listEntries(read(CONNTRACK, TRACKING).state);
  t.true(translated?.destinationChanged);
});

test("so is one that a real server began", (t) => {
  const begun =
    "tcp      6 300 ESTABLISHED src=10.244.1.5 dst=192.0.2.77 sport=8080 dport=40000 [UNREPLIED] src=192.0.2.77 dst=10.96.0.10 sport=40000 dport=80 mark=0 use=1\n";
  const listedOne = connections(line("ESTABLISHED", "192.0.2.77:40000", ONE));
  for (const texts of [[saved("rr"), listedOne], [saved("rr")]]) {
    const [entry] = listEntries(read(...texts, begun, TRACKING).state);
    t.deepEqual([entry?.sourceChanged, entry?.destinationChanged], [false, false]);
  }
  t.true(listEntries(read(begun, TRACKING).state)[0]?.sourceChanged);
});

test("what is assumed of connections is noted", (t) => {
  t.true(read(saved("rr")).notes.has("ipvs-connections-assumed"));
  const { notes } = read(saved("rr"), connections(SYN_RECEIVED));
  t.true(notes.has("ipvs-connections-assumed") && notes.has("conntrack-assumed") && notes.has("schedulers-assumed"));
  t.false(read(saved("rr"), connections(SYN_RECEIVED), CONNTRACK).notes.has("conntrack-assumed"));
});

test("many connections are read once", (t) => {
  const many = Array.from({ length: 50_000 }, (_, i) =>
    line(
      "ESTABLISHED",
      `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:${1 + (i % 60000)}`,
      i % 3 === 0 ? ONE : "10.9.9.9:1",
    ),
  );
  const { state, found } = read(saved("lc"), connections(...many));
  t.is(listConnections(state).length, 50_000);
  t.deepEqual(found.length, 1);
});
