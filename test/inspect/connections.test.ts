import test from "ava";
import { explainConnectionsText } from "../../src/inspect/explain-connections.ts";
import { explainJSON } from "../../src/inspect/explain-report.ts";
import { lint } from "../../src/inspect/lint.ts";
import { readOtherDumps } from "../../src/inspect/read-servers.ts";
import { placeColumn } from "../../src/text/position.ts";
import { toolText } from "../rules/ipvs/tool-text.ts";

const TITLE = "IPVS connection entries\npro expire state       source             virtual            destination\n";
const SERVERS =
  "-A -t 10.96.0.1:80 -s rr -p 600\n-a -t 10.96.0.1:80 -r 10.244.1.1:8080 -m -w 1\n-a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 0\n";

function connectionsOf(text: string) {
  const { connections, isAll } = readOtherDumps({ name: "node", text }, ({ message }) => {
    throw new Error(message);
  });
  return { connections, isAll };
}

const words: readonly (readonly [line: string, said: string])[] = [
  [
    "TCP 14:59  ESTABLISHED 10.0.0.1:4000 10.96.0.1:80 10.244.1.1:8080",
    "10.0.0.1:4000 -> 10.244.1.1:8080           ESTABLISHED: open; active; ends in 14 min 59 s without a packet",
  ],
  [
    "TCP 00:59  SYN_RECV 10.0.0.1:4000 10.96.0.1:80 10.244.1.1:8080",
    "10.0.0.1:4000 -> 10.244.1.1:8080           SYN_RECV: the client's SYN was sent on, its ACK has not come; active; ends in 59 s without a packet",
  ],
  [
    "TCP 01:30  FIN_WAIT 10.0.0.1:4000 10.96.0.1:80 10.244.1.1:8080",
    "10.0.0.1:4000 -> 10.244.1.1:8080           FIN_WAIT: the real server has closed its side; inactive; ends in 1 min 30 s without a packet",
  ],
  [
    "SCTP 14:00 ESTABLISHED 10.0.0.1:4000 10.96.0.1:80 10.244.1.1:8080",
    "10.0.0.1:4000 -> 10.244.1.1:8080           ESTABLISHED: open; active; ends in 14 min 0 s without a packet",
  ],
  [
    "SCTP 01:00 COOKIE 10.0.0.1:4000 10.96.0.1:80 10.244.1.1:8080",
    "10.0.0.1:4000 -> 10.244.1.1:8080           COOKIE: in its handshake; inactive; ends in 1 min 0 s without a packet",
  ],
  [
    "UDP 04:58  UDP [fd00::1]:4000 [fd00::96]:53 [fd00::5]:53",
    "[fd00::1]:4000 -> [fd00::5]:53             UDP; inactive; ends in 4 min 58 s without a packet",
  ],
  [
    "TCP 178:12 ASSURED 10.0.0.1:0 10.96.0.1:80 10.244.1.1:8080",
    "client 10.0.0.1 -> 10.244.1.1:8080         the client stays with this real server; ends in 178 min 12 s without a new connection",
  ],
  [
    "TCP 00:40  NONE 10.0.0.1:0 10.96.0.1:80 10.244.1.1:8080",
    "client 10.0.0.1 -> 10.244.1.1:8080         the client stays with this real server, none of whose connections has come about yet; ends in 40 s without a new connection",
  ],
  [
    "TCP 00:40  NONE 10.0.0.1:0 10.96.0.1:65535 10.244.1.1:65535",
    "client 10.0.0.1 -> 10.244.1.1:65535        no longer valid: its real server is gone or has weight 0; it ends in 40 s",
  ],
];

for (const [line, said] of words)
  test(`in words: ${line}`, (t) => {
    const [dump] = connectionsOf(`${TITLE}${line}\n`).connections;
    const text = dump === undefined ? "" : [...explainConnectionsText(dump, { strong: (each) => each })].join("");
    t.is(text.trimEnd().split("\n").at(-1)?.trim(), said);
  });

test("connections are told by virtual server, with their counts", (t) => {
  const text = `${TITLE}TCP 14:59  ESTABLISHED 10.0.0.1:4000 10.96.0.1:80 10.244.1.1:8080\nIP  00:30  NONE 10.0.0.1:0 0.0.0.7:0 10.244.1.1:0\n`;
  const { connections, isAll } = connectionsOf(text);
  t.true(isAll);
  const lines = connections.flatMap((dump) => [
    ...explainConnectionsText(dump, { strong: (each) => each.toUpperCase() }),
  ]);
  t.is(lines[0], "IPVS CONNECTIONS node   1 connection, 1 of them active, 1 template\n");
  t.true(lines.includes("\nTCP 10.96.0.1:80\n") && lines.includes("\nMARK 7 (IPV4)\n"));
  const { ipvsConnections } = JSON.parse([...explainJSON([], [], connections)].join(""));
  t.like(ipvsConnections[0].connections[1], { virtualServer: "mark 7 (IPv4)", template: true, expires: 30 });
  t.is(JSON.parse([...explainJSON([])].join("")).ipvsConnections, undefined);
});

test("all states that ipvsadm lists have words", (t) => {
  const { connections } = connectionsOf(toolText("ipvsadm -Lnc # connections"));
  const lines = connections.flatMap((dump) => [...explainConnectionsText(dump, { strong: (each) => each })]);
  t.is(lines.filter((line) => line.includes(" -> ")).length, 15);
});

const line = (real: string, more: { virtual?: string; client?: string; state?: string; pro?: string } = {}): string => {
  const { virtual = "10.96.0.1:80", client = "10.0.0.1:4000", state = "ESTABLISHED", pro = "TCP" } = more;
  return `${pro} 01:00  ${state} ${client} ${virtual} ${real}\n`;
};

const rows: readonly (readonly [name: string, texts: readonly string[], found: string])[] = [
  ["to a real server that is there", [SERVERS, `${TITLE}${line("10.244.1.1:8080")}`], ""],
  ["… that drains", [SERVERS, `${TITLE}${line("10.244.1.2:8080")}`], ""],
  ["to one that is not", [SERVERS, `${TITLE}${line("10.244.9.9:8080")}`], "connection-without-real-server@1:3:1"],
  ["to another port", [SERVERS, `${TITLE}${line("10.244.1.1:9999")}`], "connection-without-real-server@1:3:1"],
  [
    "of another virtual server",
    [SERVERS, `${TITLE}${line("10.244.1.1:8080", { pro: "UDP", state: "UDP" })}`],
    "connection-without-real-server@1:3:1",
  ],
  [
    "before the virtual servers",
    [`${TITLE}${line("10.244.9.9:8080")}`, SERVERS],
    "connection-without-real-server@0:3:1",
  ],
  [
    "in one text with them",
    [`n:~# ipvsadm -Sn\n${SERVERS}n:~# ipvsadm -Lnc\n${TITLE}${line("10.244.9.9:8080")}`],
    "connection-without-real-server@0:8:1",
  ],
  [
    "several to one are one finding",
    [SERVERS, `${TITLE}${line("10.244.9.9:1")}${line("10.244.9.9:1", { client: "10.0.0.2:1" })}`],
    "connection-without-real-server@1:3:1",
  ],
  [
    "a template",
    [SERVERS, `${TITLE}${line("10.244.9.9:8080", { client: "10.0.0.1:0", state: "ASSURED" })}`],
    "connection-without-real-server@1:3:1",
  ],
  [
    "a template that is not valid any more",
    [
      SERVERS,
      `${TITLE}${line("10.244.9.9:65535", { client: "10.0.0.1:0", state: "NONE", virtual: "10.96.0.1:65535" })}`,
    ],
    "",
  ],
  ["by mark", ["-A -f 7 -s rr\n-a -f 7 -r 10.244.1.1:0 -m\n", `${TITLE}${line("10.244.1.1:80")}`], ""],
  ["without virtual servers nothing can be said", [`${TITLE}${line("10.244.9.9:8080")}`], ""],
  ["a line that is none", [`${TITLE}TCP 1 x\n`], "bad-connection@0:3:1"],
];

for (const [name, texts, expected] of rows)
  test(`lint: a connection ${name}`, (t) => {
    const found = lint(texts.map((text, i) => ({ name: `${i}`, text })))
      .filter(({ code }) => code !== "draining-real-server")
      .map(({ code, place }) => {
        const { line: at, column } = placeColumn(place.source, place.offset);
        return `${code}@${place.source.name}:${at}:${column}`;
      });
    t.is(found.join(" "), expected);
  });
