import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import { faultSeverities } from "../../src/inspect/finding.ts";
import { lint } from "../../src/inspect/lint.ts";
import { placeColumn } from "../../src/text/position.ts";

const folder = fileURLToPath(new URL("../../../test/upstream/real/", import.meta.url));
const read = (name: string): string => readFileSync(`${folder}v1.37-${name}.iptables-nft.save`, "utf8");

type Edit = (lines: string[]) => void;

/** Removes the lines that match. */
const drop =
  (where: RegExp): Edit =>
  (lines) =>
    lines.splice(0, lines.length, ...lines.filter((line) => !where.test(line)));

/** Replaces a piece of the lines that match. */
const turn =
  (where: RegExp, what: string | RegExp, by: string): Edit =>
  (lines) =>
    lines.forEach((line, i) => {
      if (where.test(line)) lines[i] = line.replace(what, by);
    });

/** Puts lines before the first that matches. */
const before =
  (where: RegExp, ...added: readonly string[]): Edit =>
  (lines) =>
    lines.splice(
      lines.findIndex((line) => where.test(line)),
      0,
      ...added,
    );

/** Puts lines behind the first that matches. */
const after =
  (where: RegExp, ...added: readonly string[]): Edit =>
  (lines) =>
    lines.splice(lines.findIndex((line) => where.test(line)) + 1, 0, ...added);

/** Moves the first line that matches in front of another. */
const move =
  (what: RegExp, to: RegExp): Edit =>
  (lines) => {
    const [line = ""] = lines.splice(
      lines.findIndex((each) => what.test(each)),
      1,
    );
    lines.splice(
      lines.findIndex((each) => to.test(each)),
      0,
      line,
    );
  };

function edited(text: string, ...edits: readonly Edit[]): string {
  const lines = text.split("\n");
  for (const edit of edits) edit(lines);
  return lines.join("\n");
}

/** The chains of a kubelet up to 1.27, and a chain of old releases that uses them. */
const kubelet = edited(
  read("session-affinity-nodeport-local-900.ipv4"),
  before(/^:KUBE-MARK-MASQ/, ":KUBE-MARK-DROP - [0:0]", ":KUBE-KUBELET-CANARY - [0:0]", ":KUBE-IPTABLES-HINT - [0:0]"),
  before(/^-A KUBE-MARK-MASQ/, "-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000"),
  before(/^-A KUBE-FIREWALL/, "-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP"),
);

const dropping = edited(
  kubelet,
  after(/^-A KUBE-NODEPORTS/, "-A KUBE-NODEPORTS -p tcp -m tcp --dport 30081 -j KUBE-MARK-DROP"),
);

const both = `${kubelet}${read("dual-stack.ipv6")}`;

const bases = {
  affinity: read("session-affinity-nodeport-local-900.ipv4"),
  legacy: readFileSync(`${folder}v1.37-session-affinity-nodeport-local-900.ipv4.iptables-legacy.save`, "utf8"),
  ranges: read("source-ranges-contains-node-ip.ipv4"),
  ports: read("multi-port-tcp-udp-sctp.ipv4"),
  none: read("no-endpoints.ipv4"),
  v6: read("dual-stack.ipv6"),
  kubelet,
  dropping,
  both,
} as const;

type Base = keyof typeof bases;

/** Title, base, edits, code, the line it stands at (a pattern, and which of its matches, 0 being the first). */
type Row = readonly [string, Base, readonly Edit[], string, RegExp, number?];

const NODE_PORTS = /^-A KUBE-NODEPORTS/;
const INPUT = /^-A INPUT/;
const SVL = "KUBE-SVL-CDGGSHYLG3RE2FKL";
const EXT = "KUBE-EXT-CDGGSHYLG3RE2FKL";
const A16 = "A".repeat(16);
const HAIRPIN = /^-A KUBE-SEP-5QEL.*-j KUBE-MARK-MASQ/;
const DNAT = /^-A KUBE-SEP-5QEL.*DNAT/;
const THIRD = /^-A KUBE-SVC.*0\.33333333349/;
const HALF = /^-A KUBE-SVC.*0\.50000000000/;
const LAST = /^-A KUBE-SVC.*:8080" -j KUBE-SEP/;
const MASQ_REJECT = "-m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable";

const rows: readonly Row[] = [
  ["a jump to no chain", "affinity", [before(INPUT, "-A INPUT -j KUBE-GONE")], "missing-chain", /KUBE-GONE/],
  ["a goto to no chain", "affinity", [before(INPUT, "-A INPUT -s 10.0.0.1/32 -g GONE")], "missing-chain", /GONE/],
  ["no chain in nat", "v6", [before(NODE_PORTS, "-A OUTPUT -j KUBE-X")], "missing-chain", /KUBE-X/],
  ["an empty chain", "affinity", [before(INPUT, ":MINE - [0:0]", "-A INPUT -j MINE")], "empty-chain", /^:MINE/],
  ["an empty kube-proxy chain", "ranges", [drop(/^-A KUBE-FW/)], "empty-chain", /^:KUBE-FW/],
  ["an unused chain", "affinity", [before(INPUT, ":MINE - [0:0]", "-A MINE -j DROP")], "unused-chain", /^:MINE/],
  ["a stale chain", "affinity", [before(/^:KUBE-SVC/, `:KUBE-SVC-${A16} - [0:0]`)], "unused-chain", /AAAA/],
  ["a service rule lost", "affinity", [drop(NODE_PORTS)], "unused-chain", /^:KUBE-EXT-/],
  ["a rule behind RETURN", "affinity", [before(/INVALID/, "-A KUBE-FORWARD -j RETURN")], "unreachable-rule", /INVALID/],
  ["a rule behind ACCEPT", "affinity", [before(INPUT, "-A INPUT -j ACCEPT")], "unreachable-rule", /^-A INPUT/, 1],
  ["a rule behind a goto", "affinity", [before(INPUT, "-A INPUT -g KUBE-NODEPORTS")], "unreachable-rule", INPUT, 1],
  [
    "a rule behind a chain of no return",
    "affinity",
    [before(INPUT, ":MINE - [0:0]", ":MINE2 - [0:0]", "-A MINE -j DROP", "-A MINE2 -j MINE", "-A INPUT -j MINE2")],
    "unreachable-rule",
    INPUT,
    1,
  ],
  [
    "a shadowed rule",
    "affinity",
    [after(/--ctstate INVALID -j DROP/, "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j ACCEPT")],
    "shadowed-rule",
    /INVALID -j ACCEPT/,
  ],
  [
    "a rule twice",
    "affinity",
    [
      after(
        HAIRPIN,
        '-A KUBE-SEP-5QELHRCC7S7TONMB -s 10.244.1.13/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ',
      ),
    ],
    "duplicate-rule",
    HAIRPIN,
    1,
  ],
  [
    "a jump twice",
    "v6",
    [before(/^-A FORWARD .*FORWARD$/, '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD')],
    "duplicate-rule",
    /^-A FORWARD .*KUBE-FORWARD$/,
    1,
  ],
  [
    "a circle",
    "affinity",
    [after(/^-A KUBE-SVL.*13:8080" -j/, `-A ${SVL} -j ${EXT}`)],
    "chain-loop",
    /-j KUBE-EXT-/,
    1,
  ],
  [
    "a circle of one",
    "affinity",
    [before(/^COMMIT/, "-A KUBE-FIREWALL -j KUBE-FIREWALL")],
    "chain-loop",
    /KUBE-FIREWALL -j KUBE-F/,
  ],
  ["no jump to the postrouting chain", "affinity", [drop(/^-A POSTROUTING/)], "base-jump-missing", /^:KUBE-POSTR/],
  ["no jump before routing", "affinity", [drop(/^-A PREROUTING/)], "base-jump-missing", /^:KUBE-SERVICES/, 1],
  ["no jump of the node's own", "v6", [drop(/^-A OUTPUT -m comment/)], "base-jump-missing", /^:KUBE-SERVICES/, 1],
  [
    "no jump to the forward chain",
    "affinity",
    [drop(/^-A FORWARD.*-j KUBE-FORWARD/)],
    "base-jump-missing",
    /^:KUBE-FORW/,
  ],
  ["no jump to the firewall", "ranges", [drop(/^-A FORWARD.*PROXY-FIREWALL/)], "base-jump-missing", /^:KUBE-PROXY-F/],
  ["no endpoints", "affinity", [drop(/^-A KUBE-SVL/)], "no-endpoints", /^:KUBE-SVL/],
  ["a wrong probability", "affinity", [turn(THIRD, "0.33333333349", "0.3")], "wrong-probability", /probability 0\.3 /],
  ["a threshold less by one", "affinity", [turn(THIRD, "3349", "3302")], "wrong-probability", /0\.33333333302/],
  [
    "a probability lost",
    "affinity",
    [turn(HALF, /-m statistic.*0000 /, "")],
    "wrong-probability",
    /^-A KUBE-SVC.*11:8080" -j/,
  ],
  [
    "nth for random",
    "affinity",
    [turn(THIRD, /random --prob\S+ \S+/, "nth --every 3 --packet 0")],
    "wrong-probability",
    /nth/,
  ],
  ["a choice lost", "affinity", [drop(THIRD)], "wrong-probability", /^-A KUBE-SVC.*0\.25/],
  ["the last choice lost", "affinity", [drop(LAST)], "balance-incomplete", HALF],
  [
    "the last choice by chance",
    "affinity",
    [turn(LAST, " -j", " -m statistic --mode random --probability 0.5 -j")],
    "balance-incomplete",
    /probability 0\.5 /,
  ],
  [
    "all choices lost",
    "affinity",
    [drop(/^-A KUBE-SVL.*(?:statistic|13:8080" -j)/)],
    "balance-incomplete",
    /^-A KUBE-SVL.*13:8080/,
  ],
  ["no DNAT rule", "ranges", [drop(/^-A KUBE-SEP-YY.*DNAT/)], "endpoint-without-dnat", /^:KUBE-SEP-YY/],
  ["no hairpin rule", "affinity", [drop(HAIRPIN)], "hairpin-missing", DNAT],
  ["a hairpin rule too late", "affinity", [move(HAIRPIN, /^-A KUBE-SEP-GWQ/)], "hairpin-missing", DNAT],
  ["another hairpin address", "affinity", [turn(HAIRPIN, "1.13/32", "1.14/32")], "hairpin-address", HAIRPIN],
  ["a hairpin network", "ranges", [turn(/1\.10\/32/, "1.10/32", "1.10/31")], "hairpin-address", /1\.10\/31/],
  ["an empty endpoint chain", "ranges", [drop(/^-A KUBE-SEP-YY/)], "endpoint-without-dnat", /^:KUBE-SEP-YY/],
  ["a COMMIT lost", "affinity", [(lines) => lines.splice(lines.indexOf("COMMIT"), 1)], "missing-commit", /^\*nat/],
  ["another DNAT address", "affinity", [turn(DNAT, "1.13:8080", "1.14:8080")], "hairpin-address", HAIRPIN],
  [
    "another IPv6 address",
    "v6",
    [turn(/-j DNAT/, "[fd00:10:244:1::10]", "[fd00::1]")],
    "hairpin-address",
    /^-A KUBE-SEP.*MASQ/,
  ],
  ["no masquerade mark", "affinity", [drop(/^-A KUBE-MARK-MASQ/)], "mark-missing", /^:KUBE-MARK-MASQ/],
  ["another mark tested", "affinity", [turn(/RETURN/, "0x4000/0x4000", "0x8000/0x8000")], "mark-mismatch", /RETURN/],
  ["a wider mask tested", "affinity", [turn(/RETURN/, "0x4000/0x4000", "0x4000/0xc000")], "mark-mismatch", /RETURN/],
  ["another mark removed", "affinity", [turn(/0x4000\/0x0/, "0x4000/0x0", "0x8000/0x0")], "mark-mismatch", /0x8000/],
  [
    "another mark let through",
    "affinity",
    [turn(/ACCEPT$/, "0x4000/0x4000", "0x8000/0x8000")],
    "mark-mismatch",
    /0x8000/,
  ],
  ["no MASQUERADE", "affinity", [drop(/-j MASQUERADE/)], "masquerade-missing", /^:KUBE-POSTROUTING/],
  ["no drop mark", "kubelet", [drop(/^-A KUBE-MARK-DROP/)], "drop-without-mark", /0x8000.*DROP/],
  [
    "another drop mark",
    "kubelet",
    [turn(/DROP -j MARK/, "0x8000/0x8000", "0x2000/0x2000")],
    "mark-mismatch",
    /0x8000.*DROP/,
  ],
  ["no drop rule", "dropping", [drop(/0x8000.*-j DROP/)], "drop-missing", /^-A KUBE-MARK-DROP/],
  [
    "an address dispatched twice",
    "affinity",
    [after(/^-A KUBE-SERVICES -d/, `-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j ${SVL}`)],
    "dispatch-twice",
    /dport 80 -j KUBE-SVL/,
  ],
  [
    "a node port dispatched twice",
    "affinity",
    [after(NODE_PORTS, `-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j ${SVL}`)],
    "dispatch-twice",
    /30080 -j KUBE-SVL/,
  ],
  [
    "an address rejected, too",
    "affinity",
    [before(/^COMMIT/, `-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp ${MASQ_REJECT}`)],
    "dispatched-and-rejected",
    /REJECT/,
  ],
  [
    "a node port rejected, too",
    "affinity",
    [before(/^COMMIT/, "-A KUBE-EXTERNAL-SERVICES -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j REJECT")],
    "dispatched-and-rejected",
    /REJECT/,
  ],
  [
    "node ports not last",
    "affinity",
    [move(/^-A KUBE-SERVICES.*must be the last/, /^-A KUBE-SERVICES -d/)],
    "node-ports-not-last",
    /must be the last/,
  ],
  [
    "affinity without memory",
    "affinity",
    [turn(DNAT, /-m recent.*rsource /, "")],
    "affinity-never-set",
    /^-A KUBE-SVC.*rcheck.*5QEL/,
  ],
  [
    "affinity never asked for",
    "affinity",
    [drop(/rcheck.*KUBE-SEP-RDEK/)],
    "affinity-never-checked",
    /^-A KUBE-SEP-RDEK.*--set/,
  ],
  [
    "a chain of ipvs mode",
    "affinity",
    [before(/^:KUBE-MARK-MASQ/, ":KUBE-LOAD-BALANCER - [0:0]")],
    "two-modes",
    /LOAD-B/,
  ],
  [
    "a chain of userspace mode",
    "affinity",
    [
      before(/^:KUBE-MARK-MASQ/, ":KUBE-NODEPORT-HOST - [0:0]"),
      before(/^-A OUTPUT -m comment/, "-A OUTPUT -m addrtype --dst-type LOCAL -j KUBE-NODEPORT-HOST"),
      before(NODE_PORTS, "-A KUBE-NODEPORT-HOST -p tcp -m tcp --dport 9 -j REDIRECT --to-ports 99"),
    ],
    "two-modes",
    /^:KUBE-NODEPORT-HOST/,
  ],
  ["a chain of an old release", "affinity", [before(/^:KUBE-SVC/, `:KUBE-XLB-${A16} - [0:0]`)], "two-releases", /XLB/],
  [
    "both back ends",
    "affinity",
    [before(/^\*filter/, "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them")],
    "two-backends",
    /^# Warning/,
  ],
  [
    "a table that is not shown",
    "affinity",
    [before(/^\*filter/, "# Table `mangle' is incompatible, use 'nft' tool.")],
    "table-not-shown",
    /^# Table/,
  ],
  ["a bad port", "affinity", [before(INPUT, "-A INPUT -p tcp -m tcp --dport 70000 -j ACCEPT")], "bad-option", /70000/],
  [
    "a target of another table",
    "affinity",
    [before(INPUT, "-A INPUT -s 10.0.0.1/32 -j MASQUERADE")],
    "target-in-table",
    /^-A INPUT.*MASQ/,
  ],
  ["a rule of no chain", "affinity", [before(INPUT, "-A NOWHERE -j ACCEPT")], "no-such-chain", /NOWHERE/],
  [
    "a list without end",
    "affinity",
    [before(INPUT, `-A INPUT -s ${"10.0.0.1,".repeat(2000)}10.0.0.2 -j ACCEPT`)],
    "too-many-addresses",
    /10\.0\.0\.1,10/,
  ],
  [
    "a fault of the second family",
    "both",
    [turn(/-j DNAT/, "[fd00:10:244:1::10]", "[fd00::1]")],
    "hairpin-address",
    /^-A KUBE-SEP.*-s fd00.*MASQ/,
  ],
  ["no table", "none", [drop(/./)], "no-table", /^/],
];

/** `CODE LINE` of the findings that are not notes. */
function faults(text: string): string[] {
  const source = { name: "dump", text };
  return lint([source], { severity: "warning" }).map(
    ({ code, place }) => `${code} ${placeColumn(source, place.offset).line}`,
  );
}

for (const name of Object.keys(bases) as Base[]) test(`clean: ${name}`, (t) => t.deepEqual(faults(bases[name]), []));

for (const [title, base, edits, code, where, nth = 0] of rows) {
  test(`${code}: ${title}`, (t) => {
    const text = edited(bases[base], ...edits);
    t.not(text, bases[base]);
    const lines = [...text.split("\n").entries()].filter(([, line]) => where.test(line)).map(([i]) => i + 1);
    t.deepEqual(faults(text), [`${code} ${lines[nth]}`]);
  });
}

test("a mark that is set otherwise is told wherever it is used", (t) => {
  const text = edited(bases.affinity, turn(/^-A KUBE-MARK-MASQ/, "0x4000/0x4000", "0x2000/0x2000"));
  t.deepEqual(faults(text), ["mark-mismatch 24", "mark-mismatch 52"]);
});

/** What is no fault: nothing but notes, and these among them. */
const harmless: readonly (readonly [string, Base, readonly Edit[], string | undefined])[] = [
  ["chains of the kubelet", "kubelet", [], "unused-chain"],
  ["no guard against invalid packets", "affinity", [drop(/INVALID/)], "invalid-drop-missing"],
  ["an unmodelled match", "affinity", [before(INPUT, "-A INPUT -m bpf --bytecode 1 -j DROP")], "unmodelled-match"],
  ["an unknown match", "affinity", [before(INPUT, "-A INPUT -m mine --x 1 -j DROP")], "unknown-match"],
  ["Calico's empty chain", "affinity", [before(INPUT, ":cali-wl - [0:0]", "-A INPUT -j cali-wl")], "empty-chain"],
  ["an unused chain of Docker's", "affinity", [before(INPUT, ":DOCKER-USER - [0:0]")], "unused-chain"],
  ["a text without built-in chains", "affinity", [drop(/^(?::|-A )[A-Z]+ /)], "partial-text"],
  ["a text without the names of its tables", "affinity", [drop(/^\*/)], "extract"],
  [
    "a Service that names an address twice",
    "affinity",
    [
      after(
        /^-A KUBE-SERVICES -d/,
        "-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment x -m tcp --dport 80 -j KUBE-SVC-CDGGSHYLG3RE2FKL",
      ),
    ],
    "duplicate-rule",
  ],
  [
    "two random choices alike",
    "affinity",
    [before(INPUT, ...Array(2).fill("-A INPUT -m statistic --mode random --probability 0.5 -j DROP"))],
    undefined,
  ],
  [
    "a mark looked at again after a change",
    "affinity",
    [
      before(
        INPUT,
        "-A INPUT -m mark --mark 0x1 -j ACCEPT",
        "-A INPUT -j MARK --set-xmark 0x1/0x1",
        "-A INPUT -m mark --mark 0x1 -j ACCEPT",
      ),
    ],
    undefined,
  ],
  [
    "a chain that may return",
    "affinity",
    [before(INPUT, ":MINE - [0:0]", "-A MINE -s 10.0.0.1/32 -j RETURN", "-A MINE -j DROP", "-A INPUT -j MINE")],
    undefined,
  ],
  ["hairpin for every source", "affinity", [turn(HAIRPIN, "-s 10.244.1.13/32 ", "")], undefined],
  [
    "a jump out of a text without built-in chains",
    "affinity",
    [drop(/^(?::|-A )[A-Z]+ /), turn(NODE_PORTS, /KUBE-EXT-.*/, `KUBE-EXT-${A16}`)],
    "missing-chain",
  ],
  [
    "a local chain of 1.24 that drops",
    "kubelet",
    [drop(/^-A KUBE-SVL/), after(/^-A KUBE-SVC/, `-A ${SVL} -j KUBE-MARK-DROP`)],
    undefined,
  ],
  [
    "a dispatch of some sources only",
    "affinity",
    [
      before(
        /^-A KUBE-SERVICES -d/,
        `-A KUBE-SERVICES -s 10.0.0.0/8 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j ${SVL}`,
      ),
    ],
    undefined,
  ],
  [
    "a dispatch with a condition more",
    "affinity",
    [
      before(
        /^-A KUBE-SERVICES -d/,
        `-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -m physdev ! --physdev-is-in -j ${SVL}`,
      ),
    ],
    undefined,
  ],
  [
    "tables of two back ends side by side",
    "affinity",
    [
      turn(/0x4000/, /0x4000/g, "0x8000"),
      turn(/^\*filter/, /^/, "# Generated by iptables-nft-save v1.8.9 (nf_tables) on x\n"),
      turn(/^\*nat/, /^/, "# Generated by iptables-save v1.8.9 on x\n"),
      turn(/^-A KUBE-FORWARD/, "0x8000/0x8000", "0x4000/0x4000"),
    ],
    undefined,
  ],
];
for (const [title, base, edits, code] of harmless) {
  test(`no fault: ${title}`, (t) => {
    const found = lint([{ name: "dump", text: edited(bases[base], ...edits) }]);
    t.deepEqual(faults(edited(bases[base], ...edits)), []);
    if (code !== undefined) t.true(found.some((finding) => finding.code === code));
  });
}

test("every fault that is looked for has a row", (t) => {
  const seen = new Set([...rows.map((row) => row[3]), ...harmless.map((row) => row[3]), "family-assumed"]);
  t.deepEqual(
    Object.keys(faultSeverities).filter((code) => !seen.has(code)),
    [],
  );
});

const familyRows: readonly (readonly [string, string, string, string])[] = [
  ["-", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", "IPv4", "family-assumed"],
  ["node.ip6tables.save", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", "IPv6", "family-assumed"],
  ["-", "*filter\n-A INPUT -s fd00::/8 -j NONE\nCOMMIT\n", "IPv6", "missing-chain"],
  ["-", "*filter\n-A INPUT -d ::1/128 -j NONE\nCOMMIT\n", "IPv6", "missing-chain"],
  ["ip6tables", "*filter\n-A INPUT -d 10.0.0.1/32 -j NONE\nCOMMIT\n", "IPv4", "missing-chain"],
  ["-", "# Generated by ip6tables-save v1.8.9\n*filter\n-A INPUT -j NONE\nCOMMIT\n", "IPv6", "missing-chain"],
];
for (const [name, text, family, code] of familyRows) {
  test(`the family of ${name}: ${JSON.stringify(text.slice(0, 40))}`, (t) => {
    const found = lint([{ name, text }]).find((finding) => finding.code === code);
    t.is<string | undefined, string>(found?.family, family);
  });
}

test("tables of two families in one text are told apart by their addresses", (t) => {
  const text =
    "*filter\n-A INPUT -s 10.0.0.1/32 -j X\nCOMMIT\n*nat\n:OUTPUT ACCEPT\n-A OUTPUT -d fd00::1/128 -j X\nCOMMIT\n";
  t.deepEqual(
    lint([{ name: "-", text }]).map(({ code, family }) => `${code} ${family}`),
    ["missing-chain IPv4", "missing-chain IPv6"],
  );
});

test("a circle among chains of others is a warning", (t) => {
  const text = edited(bases.affinity, before(INPUT, ":MINE - [0:0]", "-A MINE -j MINE", "-A INPUT -j MINE"));
  const found = lint([{ name: "-", text }], { severity: "warning" });
  t.deepEqual(
    found.map(({ code, severity }) => `${code} ${severity}`),
    ["chain-loop warning"],
  );
});

test("a guard against invalid packets is seen", (t) => {
  t.false(lint([{ name: "-", text: bases.affinity }]).some(({ code }) => code === "invalid-drop-missing"));
});

test("the caret stands at the word that is wrong", (t) => {
  const source = { name: "-", text: edited(bases.affinity, before(INPUT, "-A INPUT -s 10.0.0.1/32 -j KUBE-GONE")) };
  const [found] = lint([source]);
  t.is(placeColumn(source, found?.place.offset ?? 0).column, "-A INPUT -s 10.0.0.1/32 ".length + 1);
});

test("a balanced choice whose last rule asks for more is left alone", (t) => {
  t.deepEqual(faults(edited(bases.affinity, turn(LAST, " -m comment", " -s 10.0.0.0/8 -m comment"), drop(HALF))), []);
});
