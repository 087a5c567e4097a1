import test from "ava";
import { makeSets } from "../../src/kernel/sets.ts";
import { HostState } from "../../src/kernel/state.ts";
import { applyTarget, type ContinuingTarget } from "../../src/kernel/targets/apply.ts";
import type { IPAddress } from "../../src/net/ip.ts";
import { parseIP } from "../../src/net/ip.ts";
import type { IPSet, SetElement, SetOptions, SetType, Value } from "../../src/rules/ipset/model.ts";
import { makeTestSkb, makeWalk, matches, rule, type SkbFields } from "./support.ts";

const ip = (text: string): Value => ({ kind: "ip", address: parseIP(text) as IPAddress });
const net = (text: string): Value => {
  const [address = "", length] = text.split("/");
  return { kind: "net", address: parseIP(address) as IPAddress, length: Number(length) };
};
const port = (protocol: number | undefined, number: number): Value =>
  protocol === undefined ? { kind: "port", port: number } : { kind: "port", protocol, port: number };
const iface = (name: string, wildcard = false): Value => ({ kind: "iface", name, physdev: false, wildcard });
const element = (values: readonly Value[], more: Partial<SetElement> = {}): SetElement => ({ values, ...more });
const no = (...values: Value[]): SetElement => element(values, { nomatch: true });

function isList(each: SetElement | readonly Value[]): each is readonly Value[] {
  return Array.isArray(each);
}

function set(name: string, type: SetType, options: SetOptions, ...elements: (SetElement | readonly Value[])[]): IPSet {
  return { name, type, options, elements: elements.map((each) => (isList(each) ? element(each) : each)) };
}

const sets = makeSets([
  set("ips", "hash:ip", {}, [ip("10.0.0.1")]),
  set("v6", "hash:ip", { family: "IPv6" }, [ip("fd00:1::1")]),
  set("masked", "hash:ip", { netmask: 24 }, [ip("10.0.0.0")]),
  set("nets", "hash:net", {}, [net("10.0.0.0/8")], no(net("10.0.0.0/24")), [net("10.0.0.7/32")]),
  set(
    "ipport",
    "hash:ip,port",
    {},
    [ip("10.0.0.2"), port(6, 80)],
    [ip("10.0.0.2"), port(1, 0x800)],
    [ip("10.0.0.2"), port(50, 0)],
  ),
  set("triple", "hash:ip,port,net", {}, [ip("10.0.0.2"), port(6, 80), net("10.0.0.0/24")]),
  set("pair", "hash:net,net", {}, [net("10.0.0.0/24"), net("10.0.0.0/31")], no(net("10.0.0.0/31"), net("10.0.0.0/8"))),
  set("ports", "bitmap:port", { range: { from: 0, to: 1000 } }, [port(undefined, 80)]),
  set("ifaces", "hash:net,iface", {}, [net("10.0.0.0/8"), iface("eth0")], [net("10.0.0.0/24"), iface("cni", true)]),
  set("marks", "hash:ip,mark", { markMask: 0xf }, [ip("10.0.0.1"), { kind: "mark", mark: 5 }]),
  set(
    "counted",
    "hash:ip",
    { counters: true },
    element([ip("10.0.0.1")], { packets: "10", bytes: "18446744073709551000" }),
  ),
  set("timed", "hash:ip", { timeout: 60 }, element([ip("10.0.0.1")], { timeout: 10 })),
  set("macs", "hash:mac", {}, [{ kind: "mac", mac: "00:11:22:33:44:55" }]),
  set(
    "list",
    "list:set",
    {},
    [{ kind: "set", set: "v6" }],
    [{ kind: "set", set: "ipport" }],
    [{ kind: "set", set: "ips" }],
  ),
  set("full", "hash:ip", { maxElements: 1 }, [ip("10.0.0.9")]),
]);

const web: SkbFields = { dport: 80 };
const rows: readonly (readonly [match: string, packet: SkbFields, expected: string])[] = [
  ["ips src", {}, "yes"],
  ["ips dst", {}, "no"],
  ["ips src,dst", {}, "yes"],
  ["v6 src", {}, "no"],
  ["masked src", { src: "10.0.0.77" }, "yes"],
  ["masked src", { src: "10.0.1.77" }, "no"],
  ["nets src", { src: "10.1.0.1" }, "yes"],
  ["nets src", { src: "10.0.0.1" }, "no"],
  ["nets src", { src: "10.0.0.7" }, "yes"],
  ["nets src --return-nomatch", { src: "10.0.0.1" }, "yes"],
  ["nets src --return-nomatch", { src: "10.0.0.7" }, "no"],
  ["ips src --return-nomatch", {}, "yes"],
  ["ipport dst,dst", web, "yes"],
  ["ipport dst,src", web, "no"],
  ["ipport dst", web, "no"],
  ["ipport dst,dst", { protocol: 17, ...web }, "no"],
  ["ipport dst,src", { protocol: 1 }, "yes"],
  ["ipport dst,dst", { protocol: 50 }, "yes"],
  ["ipport dst,dst", { ...web, fragmentOffset: 5 }, "no"],
  ["ipport dst,dst", { protocol: 50, fragmentOffset: 5 }, "yes"],
  [
    "ipport dst,dst",
    { ...web, dportChoice: { from: 1, to: 100 } },
    "unknown: set ipport holds a port that the kernel drew from 1-100",
  ],
  ["triple dst,dst,src", web, "yes"],
  ["triple dst,dst,src", { ...web, src: "10.0.1.1" }, "no"],
  ["pair src,src", {}, "no"],
  ["pair src,dst", { src: "10.0.0.0" }, "no"],
  ["pair src,dst", { src: "10.0.0.5", dst: "10.0.0.1" }, "yes"],
  ["ports dst", web, "yes"],
  ["ports dst", { ...web, protocol: 17 }, "yes"],
  ["ports dst", { ...web, protocol: 132 }, "no"],
  ["ifaces src,src", { src: "10.9.0.1", in: "eth0" }, "yes"],
  ["ifaces src,src", { src: "10.0.0.1", in: "eth0" }, "no"],
  ["ifaces src,src", { src: "10.0.0.1", in: "cni0" }, "yes"],
  ["ifaces src,dst", { src: "10.9.0.1", in: "eth0" }, "no"],
  ["marks src,src", { mark: 0x15 }, "yes"],
  ["marks src,src", { mark: 0x16 }, "no"],
  ["macs src", { in: "eth0" }, "unknown: set macs holds the hardware address of the frame"],
  ["macs src", { in: "lo" }, "no"],
  ["list src", {}, "yes"],
  ["list dst,dst", web, "yes"],
  ["list dst", web, "no"],
  ["counted src --packets-eq 11", {}, "yes"],
  ["counted src --packets-eq 10", {}, "no"],
  ["counted src ! --update-counters --packets-eq 10", {}, "yes"],
  ["counted src --bytes-gt 18446744073709551039", {}, "yes"],
  ["counted src --bytes-gt 18446744073709551040", {}, "no"],
  ["ips src --packets-eq 5", {}, "yes"],
  ["gone src", {}, "unknown: set gone, which is not given, holds the packet"],
];

const INVERSE: Readonly<Record<string, string>> = { yes: "no", no: "yes" };

for (const [text, fields, expected] of rows) {
  test(`${text} | ${JSON.stringify(fields)}: ${expected}, and behind ! the reverse`, (t) => {
    const ask = (negation: string): string => {
      const asked: string[] = [];
      const chooser = { ...makeWalk().chooser, unknown: ({ what }: { what: string }) => asked.push(what) > 0 };
      const walk = makeWalk({ host: { ...makeWalk().host, sets }, chooser });
      const found = matches(walk, makeTestSkb(fields), rule(`-m set ${negation}--match-set ${text}`));
      return asked.length > 0 ? `unknown: ${asked[0]}` : found ? "yes" : "no";
    };
    t.is(ask(""), expected);
    t.is(ask("! "), INVERSE[expected] ?? expected);
  });
}

/** Targets and looks (`?`) at a set, in order, for one packet from 10.0.0.1 to 10.0.0.2:80; numbers are milliseconds that pass. */
const plays: readonly (readonly [title: string, steps: readonly (string | number)[], expected: string])[] = [
  ["what is added is found", ["? ips dst", "--add-set ips dst", "? ips dst", "? ips src"], "nyy"],
  ["what is removed is not", ["--del-set ips src", "? ips src", "--add-set ips src", "? ips src"], "ny"],
  ["an element has its time", ["? timed src", 10_001, "? timed src"], "yn"],
  ["a new one has the time of the set", ["--add-set timed dst", 60_000, "? timed dst", 1, "? timed dst"], "yn"],
  ["or its own", ["--add-set timed dst --timeout 5", 5001, "? timed dst"], "n"],
  ["time is not given again", ["--add-set timed src", 10_001, "? timed src"], "n"],
  ["but with --exist", ["--add-set timed src --exist", 10_001, "? timed src"], "y"],
  ["a network is added as the longest in use", ["--add-set nets src", "? nets src"], "y"],
  [
    "a list adds to the first member that takes the packet",
    ["--add-set list dst,dst", "? ipport dst,dst", "--add-set list src", "? ips src"],
    "yy",
  ],
  ["too few directions", ["--add-set ipport src", "? ipport src,dst"], "n"],
  ["a full set takes no more", ["--add-set full src", "? full src"], "n"],
];

for (const [title, steps, expected] of plays) {
  test(`SET: ${title}`, (t) => {
    const state = new HostState();
    const walk = makeWalk({ host: { ...makeWalk().host, sets }, state });
    const play = (): string => {
      let answers = "";
      for (const step of steps) {
        if (typeof step === "number") state.advance(step);
        else if (step.startsWith("? "))
          answers += matches(walk, makeTestSkb(web), rule(`-m set --match-set ${step.slice(2)}`)) ? "y" : "n";
        else applyTarget(walk, makeTestSkb(web), rule(`-j SET ${step}`).target as ContinuingTarget);
      }
      return answers;
    };
    const mark = state.mark();
    t.is(play(), expected);
    state.rollback(mark);
    t.deepEqual([state.ofName.size, state.now], [0, 0]);
    t.is(play(), expected, "again, after everything was undone");
  });
}

test("SET with a packet of which not all is known leaves the set unknown", (t) => {
  const asked: string[] = [];
  const chooser = { ...makeWalk().chooser, unknown: ({ what }: { what: string }) => asked.push(what) < 0 };
  const walk = makeWalk({ host: { ...makeWalk().host, sets }, chooser });
  const drawn = makeTestSkb({ dport: 80, dportChoice: { from: 1, to: 100 } });
  const target = rule("-j SET --add-set ipport dst,dst").target as ContinuingTarget;
  t.deepEqual(applyTarget(walk, drawn, target), { kind: "applied", target: "SET", change: "perhaps added to ipport" });
  t.false(matches(walk, makeTestSkb(web), rule("-m set --match-set ipport dst,dst")));
  t.is(asked.length, 1);
});

test("--map-set gives the packet the mark of the element", (t) => {
  const values = [ip("10.0.0.1")];
  const given = set("skb", "hash:ip", { skbinfo: true }, element(values, { skb: { mark: { value: 0x5, mask: 0xf } } }));
  const walk = makeWalk({ host: { ...makeWalk().host, sets: makeSets([given]) } });
  const skb = makeTestSkb({ mark: 0x13 });
  const target = rule("-j SET --map-set skb src --map-mark").target as ContinuingTarget;
  t.deepEqual(applyTarget(walk, skb, target), { kind: "applied", target: "SET", change: "mark 0x13 -> 0x15" });
});
