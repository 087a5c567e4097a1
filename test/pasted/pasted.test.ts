import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import fc from "fast-check";
import { readNodeDumps } from "../../src/dump/node-dumps.ts";
import { explain } from "../../src/inspect/explain.ts";
import { explainText } from "../../src/inspect/explain-report.ts";
import { lint } from "../../src/inspect/lint.ts";
import { readDump } from "../../src/inspect/read-dump.ts";
import { formatListing } from "../../src/kernel/conntrack/listing.ts";
import { readPasted } from "../../src/pasted/pasted.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { placeColumn } from "../../src/text/position.ts";
import { damages } from "./damages.ts";

const folder = fileURLToPath(new URL("../../../test/upstream/real/", import.meta.url));
const real = (name: string): string => readFileSync(`${folder}v1.37-${name}.iptables-nft.save`, "utf8");
const DUMP = real("session-affinity-nodeport-local-900.ipv4");

/** `CODE LINE` of what is said about a text. */
function said(text: string): readonly string[] {
  const source = { name: "paste", text };
  const found: Diagnostic[] = [];
  readPasted(source, { forLoading: true }, (each) => found.push(each));
  return found.map(
    ({ code, place }) => `${code} ${place === undefined ? "-" : placeColumn(source, place.offset).line}`,
  );
}

test("a clean text is handed on as it is, the same object", (t) => {
  for (const text of [
    DUMP,
    `${DUMP}${real("dual-stack.ipv6")}`,
    '[{"ifindex":1}]\n',
    "net.ipv4.ip_forward = 1\n",
    "hello\n",
    "",
  ]) {
    const source = { name: "x", text };
    const found: Diagnostic[] = [];
    const parts = readPasted(source, { forLoading: true }, (each) => found.push(each));
    t.deepEqual(
      parts.map((part) => part.text.source === source),
      [true],
      text.slice(0, 40),
    );
    t.deepEqual(found, []);
  }
});

const SVC = "KUBE-SVC-CDGGSHYLG3RE2FKL";
const SEP = "KUBE-SEP-GWQABTP5GBYXHJY5";

/** The chains that become rules of each table, from lines without `*table`. */
const inferred: readonly (readonly [string, readonly string[], string])[] = [
  ["a chain of a Service", [`-A ${SVC} -j ${SEP}`], `nat ${SVC}`],
  ["a jump to it", [`-A OUTPUT -d 10.96.0.1/32 -j ${SVC}`], "nat OUTPUT"],
  ["a DNAT", ["-A OUTPUT -j DNAT --to-destination 10.0.0.1"], "nat OUTPUT"],
  ["a chain that leads to one", ["-A MINE -j YOURS", "-A YOURS -j MASQUERADE"], "nat MINE, nat YOURS"],
  ["a REJECT", ["-A INPUT -j REJECT --reject-with icmp-port-unreachable"], "filter INPUT"],
  ["a NOTRACK", ["-A PREROUTING -p udp -j NOTRACK"], "raw PREROUTING"],
  ["a CT", ["-A OUTPUT -p udp -j CT --notrack"], "raw OUTPUT"],
  ["a TTL", ["-A POSTROUTING -j TTL --ttl-set 1"], "mangle POSTROUTING"],
  ["no DROP in nat", ["-A PREROUTING -m rpfilter --invert -j DROP"], ""],
  [
    "both tables of a chain",
    [
      "-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES",
      "-A OUTPUT -j KUBE-SERVICES",
      "-A KUBE-SERVICES -p tcp -j REJECT --reject-with icmp-port-unreachable",
      `-A KUBE-SERVICES -d 10.96.0.1/32 -j ${SVC}`,
    ],
    "filter KUBE-SERVICES, filter OUTPUT, nat KUBE-SERVICES, nat OUTPUT",
  ],
  [
    "-S of filter",
    ["-P INPUT ACCEPT", "-P FORWARD DROP", "-P OUTPUT ACCEPT", "-N MINE", "-A MINE -j ACCEPT"],
    "filter MINE",
  ],
  [
    "-S of nat",
    ["-P PREROUTING ACCEPT", "-P INPUT ACCEPT", "-P OUTPUT ACCEPT", "-P POSTROUTING ACCEPT", "-A OUTPUT -j ACCEPT"],
    "nat OUTPUT",
  ],
  ["-S of one chain", ["-P FORWARD DROP", "-A FORWARD -j ACCEPT"], "filter FORWARD"],
  ["-S with counters", ["-P FORWARD DROP -c 1 2", "-A FORWARD -i eth0 -c 3 4 -j ACCEPT"], "filter FORWARD"],
  [
    "the command's table",
    ["$ iptables -t mangle -S OUTPUT", "-P OUTPUT ACCEPT", "-A OUTPUT -j ACCEPT", "$"],
    "mangle OUTPUT",
  ],
  ["the command's default", ["# iptables -S MINE", "-N MINE", "-A MINE -j ACCEPT"], "filter MINE"],
  ["nothing that tells", ["-A MINE -p tcp -j ACCEPT"], ""],
];
for (const [about, lines, expected] of inferred) {
  test(`the table is told by ${about}`, (t) => {
    const found: Diagnostic[] = [];
    const { host } = readNodeDumps([{ name: "x", text: `${lines.join("\n")}\n` }], "n", (each) => found.push(each));
    const chains = [...host.rules.IPv4.tables].flatMap(([table, { chains: all }]) =>
      [...all.values()].flatMap(({ name, rules }) => (rules.length > 0 ? [`${table} ${name}`] : [])),
    );
    t.is(chains.sort().join(", "), expected);
    t.is(
      found.some(({ code }) => code === "table-unknown"),
      expected === "",
    );
    t.deepEqual(
      found.filter(({ severity }) => severity === "error"),
      [],
    );
  });
}

/** What is said, with the line of the text as it was given. */
const remarks: readonly (readonly [string, string, readonly string[]])[] = [
  ["a line of something else", DUMP.replace("-A INPUT", "hello\n-A INPUT"), ["unknown-line 11", "extract 1"]],
  [
    "a rule that is cut",
    `${DUMP.slice(0, DUMP.indexOf("COMMIT"))}-A KUBE-FORWARD -s 10.`,
    ["line-left-out 26", "extract 1"],
  ],
  ["lines that are joined", DUMP.replace("-A INPUT -m conntrack", "-A INPUT -m\nconntrack"), ["folded-line 12"]],
  [
    "what a diff removes",
    DUMP.replace(/^/gm, " ").replace(" -A INPUT", "--A INPUT -j DROP\n -A INPUT"),
    ["removed-lines 11"],
  ],
  ["a prefix", DUMP.replace(/^/gm, "> "), ["line-prefix 1"]],
  ["line ends", DUMP.replaceAll("\n", "\r\n"), ["carriage-return 1"]],
  [
    "a hunk from the middle",
    `@@ -10,3 +10,3 @@\n -A INPUT -j ACCEPT\n+-A FORWARD -j REJECT\n`,
    ["table-unknown 2", "table-told 3", "extract 3", "policy-assumed 3"],
  ],
  [
    "numbers that are not in a row",
    "3:*filter\n4::INPUT ACCEPT [0:0]\n9:COMMIT\n",
    ["line-prefix 1", "extract 1", "policy-assumed 1"],
  ],
  ["a listing", "-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n-A OUTPUT -j NOTRACK\n", ["table-told 1", "tables-assumed 1"]],
];
for (const [about, text, expected] of remarks) {
  test(`said: ${about}`, (t) => t.deepEqual(said(text), expected));
}

test("a listing that is not read says what to give instead", (t) => {
  const found: Diagnostic[] = [];
  readNodeDumps(
    [{ name: "x", text: "Chain INPUT (policy ACCEPT)\ntarget prot opt source destination\n" }],
    "n",
    (each) => found.push(each),
  );
  t.true(found.some(({ code, message }) => code === "unknown-dump" && message.includes("iptables-save")));
});

const ADDR =
  '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},{"ifindex":2,"ifname":"eth0","flags":["BROADCAST","UP"],"mtu":1500,"addr_info":[{"family":"inet","local":"192.168.10.11","prefixlen":24,"scope":"global"}]}]';
const FLOW =
  "tcp      6 431992 ESTABLISHED src=192.168.10.50 dst=10.96.10.2 sport=44818 dport=443 src=10.244.0.7 dst=10.244.0.1 sport=8443 dport=25820 [ASSURED] mark=0 use=1";

test("several dumps in one paste are taken apart and read each by its own reader", (t) => {
  const fold = (text: string): string => text.match(/.{1,80}/g)?.join("\n") ?? "";
  const text = [
    "root@node:~# iptables-save",
    DUMP.trimEnd(),
    "root@node:~# ip -j addr",
    fold(ADDR),
    "root@node:~# conntrack -L",
    fold(FLOW),
    "conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.",
    "root@node:~# ipset save",
    "create web hash:ip family inet hashsize 1024 maxelem 65536",
    "add web 10.0.0.1",
    "root@node:~# sysctl net.ipv4.ip_forward",
    "net.ipv4.ip_forward = 0",
    "root@node:~# kubectl get nodes",
    "NAME     STATUS   ROLES",
    "root@node:~# ",
  ].join("\n");
  const found: Diagnostic[] = [];
  const source = { name: "paste", text };
  const { host, state } = readNodeDumps([source], "n", (each) => found.push(each));
  t.deepEqual(
    found.filter(({ severity }) => severity === "error"),
    [],
  );
  t.deepEqual(
    host.interfaces.map(({ name }) => name),
    ["lo", "eth0"],
  );
  t.deepEqual([...host.sets.keys()], ["web"]);
  t.false(host.sysctls.ipForward);
  t.is(host.rules.IPv4.isExtract, undefined);
  t.regex(formatListing(state), /src=192\.168\.10\.50 dst=10\.96\.10\.2 sport=44818/);
  const unknown = found.find(({ code }) => code === "unknown-dump");
  t.is(placeColumn(source, unknown?.place?.offset ?? 0).line, text.split("\n").indexOf("NAME     STATUS   ROLES") + 1);
});

const COLORS = new RegExp(`(?:${String.fromCharCode(27)}|\\^\\[)\\[[0-9;]*[mK]`, "g");

/** The characters at a place, as they are seen. */
function characters(text: string, offset: number): string {
  return text
    .slice(offset, offset + 60)
    .replace(COLORS, "")
    .slice(0, 3);
}

const REALS = ["session-affinity-nodeport-local-900.ipv4", "dual-stack.ipv6", "no-endpoints.ipv4"].map(real);

for (const { name, apply } of damages.filter((each) => !/window|diff without/.test(each.name))) {
  test(`slow: lint finds the same at the same characters behind: ${name}`, (t) => {
    for (const clean of REALS) {
      const broken = clean.replace(/^-A POSTROUTING .*\n/m, "").replace(/^-A KUBE-SEP-\S+ .*DNAT.*\n/m, "");
      const key = (text: string): string[] =>
        lint([{ name: "x", text }])
          .filter(({ table, code }) => table !== undefined && code !== "family-assumed")
          .map(({ code, message, place }) => `${code} ${message} ${characters(text, place.offset)}`)
          .sort();
      t.deepEqual(key(apply(broken)), key(broken));
      t.true(key(broken).length > 1);
    }
  });
}

test("slow: explain tells a damaged dump as it tells the clean one", (t) => {
  const text = (dump: string): string =>
    readDump({ name: "x", text: dump }, {}, () => undefined)
      .map((each) => [...explainText(explain(each), { strong: String })].join(""))
      .join("\n");
  for (const { name, apply } of damages) t.is(text(apply(DUMP)), text(DUMP), name);
});

const line = fc.oneof(
  fc.constantFrom(...DUMP.split("\n")),
  fc.constantFrom(
    "*nat",
    "COMMIT",
    ":A - [0:0]",
    "-A A -j B",
    "$ iptables-save",
    "[{",
    "}]",
    "@@ -1 +1 @@",
    "--A X",
    "> -A X",
    "\u001b[1m",
    "1\t-A X",
    '-A X -m comment --comment "',
    "-N X",
    "-P INPUT DROP",
  ),
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const anything = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r", "", " ", "\n> ", "\n\n")), { maxLength: 40 })
  .map((lines) => lines.map((pair) => pair.join("")).join(""));

test("whatever is pasted is read without a throw, and every place lies in it", (t) => {
  fc.assert(
    fc.property(anything, (text) => {
      const source = { name: "x", text };
      const check = ({ place }: Diagnostic): void => {
        if (place === undefined) return;
        if (place.source !== source || place.offset < 0 || place.offset > text.length)
          throw new Error(`${place.offset} is not in it`);
      };
      readNodeDumps([source], "n", check);
      for (const found of lint([source])) check(found);
      readDump(source, {}, check).map((dump) => [...explainText(explain(dump), { strong: String })]);
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("slow: texts that are made to keep the reader busy are read in time", (t) => {
  const busy = [
    `${'-A X -m comment --comment "\nfoo -j\n'.repeat(5000)}`,
    `*nat\n${"-A X -j Y\nhello\nhello\n".repeat(5000)}`,
    `${"12:34:56 ".repeat(20000)}\n${"> ".repeat(20000)}\n-A X`,
    `[${"[{".repeat(30000)}\n`.repeat(3),
    `${"\u001b]".repeat(50000)}\n-A X -j Y\n`,
    `${" ".repeat(200000)}\n${" ".repeat(200000)}-A X -j DNAT\n`,
    `${"a-b.c/".repeat(30000)}: -A X\n`,
    `:X - [0:0]\n${"@".repeat(100000)}# ls\n`,
  ];
  for (const text of busy) {
    readNodeDumps([{ name: "x", text }], "n", () => undefined);
    t.pass();
  }
});
