import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import fc from "fast-check";
import { readNodeDumps } from "../../src/dump/node-dumps.ts";
import { scriptedChooser } from "../../src/kernel/chooser/scripted.ts";
import type { Event, SetAnswer } from "../../src/kernel/event.ts";
import type { Host } from "../../src/kernel/host.ts";
import { makePacket, type Packet, protocols } from "../../src/kernel/packet.ts";
import { receive } from "../../src/kernel/run.ts";
import { setWords } from "../../src/kernel/set-entry.ts";
import { HostState } from "../../src/kernel/state.ts";
import { eventJSON } from "../../src/trace/json.ts";
import type { Names } from "../../src/trace/names.ts";
import { setAnswerText } from "../../src/trace/set-answer-text.ts";
import { address } from "./support.ts";

const SETS = `create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536
add KUBE-CLUSTER-IP 10.96.0.10,tcp:80
add KUBE-CLUSTER-IP 10.96.0.10,icmp:8/0
create nets hash:net family inet hashsize 1024 maxelem 65536
add nets 10.0.0.0/8
add nets 10.1.0.0/16 nomatch
add nets 10.1.2.0/24
add nets 10.1.2.3
create timed hash:net family inet hashsize 1024 maxelem 65536 timeout 600
add timed 10.0.0.0/8 timeout 0
add timed 10.1.0.0/16 timeout 5
create ifaces hash:net,iface family inet hashsize 1024 maxelem 65536
add ifaces 10.0.0.0/8,eth0
add ifaces 10.1.0.0/16,cni0
add ifaces 10.2.0.0/16,eth wildcard
create ports bitmap:port range 0-65535
add ports 80
create triple hash:ip,port,net family inet hashsize 1024 maxelem 65536
add triple 10.96.0.10,tcp:80,10.1.0.0/16
create six hash:ip family inet6 hashsize 1024 maxelem 65536
create counted hash:ip family inet hashsize 1024 maxelem 65536 counters
add counted 10.1.2.3 packets 3 bytes 300
create marked hash:ip family inet hashsize 1024 maxelem 65536 skbinfo
add marked 10.1.2.3 skbmark 0x7/0xf
create both list:set size 8
add both six
add both ports
add both nets
`;

/** Rules for other packets, so that the chain is long enough for an index. */
const OTHERS = Array.from({ length: 14 }, (_, i) => `-A PREROUTING -d 192.0.2.${i + 9}/32 -j RETURN\n`).join("");

function hostWith(rule: string): Host {
  const rules = `*mangle\n:PREROUTING ACCEPT [0:0]\n${OTHERS}-A PREROUTING ${rule}\nCOMMIT\n`;
  const sources = [rules, SETS].map((text, i) => ({ name: `${i}`, text }));
  return readNodeDumps(sources, "node", ({ severity, message }) => {
    if (severity === "error") throw new Error(message);
  }).host;
}

interface Fields {
  readonly src?: string;
  readonly protocol?: keyof typeof protocols;
  /** Milliseconds since the dump. */
  readonly at?: number;
}

const packetOf = ({ src = "10.1.2.3", protocol = "tcp" }: Fields): Packet =>
  makePacket({
    family: "IPv4",
    src: address(src),
    dst: address("10.96.0.10"),
    protocol: protocols[protocol],
    sport: protocol === "icmp" ? 0 : 40000,
    dport: protocol === "icmp" ? 0 : 80,
    icmpType: 8,
  });

function eventsOf(host: Host, fields: Fields, indexed: boolean): readonly Event[] {
  const state = new HostState();
  state.advance(fields.at ?? 0);
  const events: Event[] = [];
  const record = (event: Event): void => {
    events.push(event);
  };
  receive({ host, state, chooser: scriptedChooser([]), record, indexed }, packetOf(fields), "eth0");
  return events;
}

/** What sets said to the last rule: `+` behind it where it matched. */
function said(events: readonly Event[]): readonly string[] {
  const found: string[] = [];
  for (const event of events) {
    if (event.kind === "matched") found.push(...(event.sets ?? []).map((each) => `+ ${setAnswerText(each)}`));
    if (event.kind === "passed")
      for (const { number, sets } of event.sets ?? [])
        found.push(...sets.map((each) => `${number === 15 ? "-" : number} ${setAnswerText(each)}`));
  }
  return found;
}

const rows: readonly (readonly [match: string, fields: Fields, ...said: readonly string[]])[] = [
  ["--match-set KUBE-CLUSTER-IP dst,dst", {}, "+ KUBE-CLUSTER-IP has 10.96.0.10,tcp:80"],
  ["! --match-set KUBE-CLUSTER-IP dst,dst", {}, "- KUBE-CLUSTER-IP has 10.96.0.10,tcp:80"],
  ["--match-set KUBE-CLUSTER-IP dst,dst", { protocol: "udp" }, "- KUBE-CLUSTER-IP has no entry for 10.96.0.10,udp:80"],
  [
    "! --match-set KUBE-CLUSTER-IP dst,dst",
    { protocol: "udp" },
    "+ KUBE-CLUSTER-IP has no entry for 10.96.0.10,udp:80",
  ],
  ["--match-set KUBE-CLUSTER-IP dst,dst", { protocol: "icmp" }, "+ KUBE-CLUSTER-IP has 10.96.0.10,icmp:echo-request"],
  // the longest prefix decides, and may say that it does not
  ["--match-set nets src", { src: "10.9.0.1" }, "+ nets has 10.0.0.0/8, which covers 10.9.0.1"],
  ["--match-set nets src", { src: "10.1.9.9" }, "- nets has 10.1.0.0/16, which covers 10.1.9.9, and says nomatch"],
  [
    "--match-set nets src --return-nomatch",
    { src: "10.1.9.9" },
    "+ nets has 10.1.0.0/16, which covers 10.1.9.9, and says nomatch",
  ],
  ["--match-set nets src", { src: "10.1.2.9" }, "+ nets has 10.1.2.0/24, which covers 10.1.2.9"],
  ["--match-set nets src", {}, "+ nets has 10.1.2.3"],
  ["--match-set nets src", { src: "11.0.0.1" }, "- nets has no entry for 11.0.0.1"],
  // an element that has expired covers nothing
  ["--match-set timed src", { at: 4000 }, "+ timed has 10.1.0.0/16, which covers 10.1.2.3"],
  ["--match-set timed src", { at: 6000 }, "+ timed has 10.0.0.0/8, which covers 10.1.2.3"],
  ["--match-set ifaces src,src", { src: "10.9.0.1" }, "+ ifaces has 10.0.0.0/8,eth0, which covers 10.9.0.1,eth0"],
  [
    "--match-set ifaces src,src",
    { src: "10.2.0.1" },
    "+ ifaces has 10.2.0.0/16,eth wildcard, which covers 10.2.0.1,eth0",
  ],
  // a longer prefix of another interface hides the shorter one
  ["--match-set ifaces src,src", { src: "10.1.0.1" }, "- ifaces has no entry for 10.1.0.1,eth0"],
  ["--match-set ports dst", {}, "+ ports has 80"],
  ["--match-set ports dst", { protocol: "icmp" }, "- ports has no entry for it"],
  [
    "--match-set triple dst,dst,src",
    {},
    "+ triple has 10.96.0.10,tcp:80,10.1.0.0/16, which covers 10.96.0.10,tcp:80,10.1.2.3",
  ],
  ["--match-set six src", {}, "- six has no entry for it"],
  ["--match-set both dst", {}, "+ both has 80 by its member ports"],
  ["--match-set both src", { protocol: "icmp" }, "+ both has 10.1.2.3 by its member nets"],
  ["--match-set both src", { src: "11.0.0.1", protocol: "icmp" }, "- both has no entry for it"],
  ["--match-set counted src --packets-gt 3", {}, "+ counted has 10.1.2.3"],
  ["--match-set counted src --packets-lt 3", {}, "- counted has 10.1.2.3, whose counters are not as the rule asks"],
  // one match after the other: what is not asked says nothing
  ["--match-set nets src -m set ! --match-set ports dst", {}, "- nets has 10.1.2.3", "- ports has 80"],
  ["--match-set six src -m set --match-set ports dst", {}, "- six has no entry for it"],
];

for (const [match, fields, ...expected] of rows) {
  test(`-m set ${match} ${JSON.stringify(fields)}`, (t) => {
    const host = hostWith(`-m set ${match} -j ACCEPT`);
    t.deepEqual(said(eventsOf(host, fields, true)), expected);
    t.deepEqual(said(eventsOf(host, fields, false)), expected);
  });
}

test("a set that a target maps from says what it has", (t) => {
  const host = hostWith("-m set --match-set ports dst -j SET --map-set marked src --map-mark");
  t.deepEqual(said(eventsOf(host, {}, true)), ["+ ports has 80", "+ marked has 10.1.2.3"]);
  t.deepEqual(said(eventsOf(host, { src: "10.1.2.4" }, true)), [
    "+ ports has 80",
    "+ marked has no entry for 10.1.2.4",
  ]);
});

test("what sets say is in the JSON form as its schema has it", (t) => {
  const { $defs } = JSON.parse(readFileSync("docs/trace.schema.json", "utf8")) as { readonly $defs: object };
  const ajv = new Ajv2020({ allErrors: true, strict: true });
  const isEvent = ajv.compile({ $defs, $ref: "#/$defs/event" });
  const noNames = { holder: () => undefined, why: () => undefined } as unknown as Names;
  for (const [match, fields] of rows) {
    const host = hostWith(`-m set ${match} -j ACCEPT`);
    for (const event of eventsOf(host, fields, true)) {
      const json = JSON.parse(JSON.stringify(eventJSON(host, "node", noNames, event)));
      t.true(isEvent(json), `${JSON.stringify(json)}: ${ajv.errorsText(isEvent.errors)}`);
    }
  }
});

test("a set that is not given says nothing", (t) => {
  t.deepEqual(said(eventsOf(hostWith("-m set --match-set none src -j ACCEPT"), {}, true)), []);
});

/** A network of an IPv4 address, its host bits cleared, in an own way. */
function network(value: number, length: number): string {
  const kept = Math.floor(value / 2 ** (32 - length)) * 2 ** (32 - length);
  const text = [24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join(".");
  return length === 32 ? text : `${text}/${length}`;
}

test("the entry that is told is the longest prefix that covers the packet, and decides", (t) => {
  const nets = fc.uniqueArray(fc.tuple(fc.nat({ max: 0xff }), fc.integer({ min: 24, max: 32 }), fc.boolean()), {
    minLength: 1,
    maxLength: 12,
    selector: ([low, length]) => network(0x0a010200 + low, length),
  });
  fc.assert(
    fc.property(nets, fc.nat({ max: 0xff }), (given, low) => {
      const lines = given.map(
        ([at, length, no]) => `add r ${network(0x0a010200 + at, length)}${no ? " nomatch" : ""}\n`,
      );
      const text = `create r hash:net family inet hashsize 1024 maxelem 65536\n${lines.join("")}`;
      const rules = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m set --match-set r src -j ACCEPT\nCOMMIT\n";
      const sources = [rules, text].map((each, i) => ({ name: `${i}`, text: each }));
      const { host } = readNodeDumps(sources, "node", () => {});
      const answers = eventsOf(host, { src: network(0x0a010200 + low, 32) }, true).flatMap(
        (event): readonly SetAnswer[] =>
          event.kind === "matched" ? (event.sets ?? []) : event.kind === "passed" ? (event.sets?.[0]?.sets ?? []) : [],
      );
      const covering = given.filter(
        ([at, length]) => network(0x0a010200 + at, length) === network(0x0a010200 + low, length),
      );
      const [best] = covering.sort(([, a], [, b]) => b - a);
      t.is(
        answers[0] && setWords(answers[0]).entry,
        best === undefined ? undefined : network(0x0a010200 + best[0], best[1]),
      );
      t.is(answers[0]?.nomatch ?? false, best?.[2] === true);
    }),
    { numRuns: 200 },
  );
});
