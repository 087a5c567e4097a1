import test from "ava";
import type { InterfaceSwitches, PolicyRule, Route } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { connectedRoutes, localRoutes } from "../../src/kernel/routing/address-routes.ts";
import { entryFault6, forwardFault6, routeInput } from "../../src/kernel/routing/input.ts";
import { firstAddress, masqueradeAddress, routeICMPError } from "../../src/kernel/routing/masquerade.ts";
import { routeAgain, routeOutput } from "../../src/kernel/routing/output.ts";
import { reverseMTU, reversePathOk } from "../../src/kernel/routing/reverse-path.ts";
import {
  address,
  addressText,
  decisionText,
  familyOfText,
  type HostText,
  hostOf,
  received,
  walkOf,
} from "./support.ts";

/** A node: uplink, a veth with a host address, a tunnel; IPv4 and IPv6. */
const node: HostText = {
  interfaces: [
    "lo 127.0.0.1/8 ::1/128",
    "eth0 192.168.7.10/24 192.168.7.11/24!2nd fd00:7::10/64 fe80::10/64",
    "cni0 10.244.0.1/24 fd00:244::1/64 fe80::20/64",
    "tun0",
    "ll0 169.254.1.1/16!link",
  ],
  routes: [
    "local 127.0.0.0/8 dev lo src 127.0.0.1",
    "local 127.0.0.1 dev lo src 127.0.0.1",
    "broadcast 127.255.255.255 dev lo src 127.0.0.1",
    "local 192.168.7.10 dev eth0 src 192.168.7.10",
    "local 192.168.7.11 dev eth0 src 192.168.7.10",
    "broadcast 192.168.7.255 dev eth0 src 192.168.7.10",
    "local 10.244.0.1 dev cni0 src 10.244.0.1",
    "broadcast 10.244.0.255 dev cni0 src 10.244.0.1",
    "local 169.254.1.1 dev ll0 src 169.254.1.1",
    "192.168.7.0/24 dev eth0 src 192.168.7.10",
    "10.244.0.0/24 dev cni0 src 10.244.0.1",
    "169.254.0.0/16 dev ll0 src 169.254.1.1",
    "10.244.3.0/24 dev tun0",
    "10.66.0.0/16 via 192.168.7.50 dev eth0 src 192.168.7.11",
    "blackhole 10.90.0.0/16",
    "unreachable 10.91.0.0/16",
    "prohibit 10.92.0.0/16",
    "throw 10.93.0.0/16",
    "default via 192.168.7.1 dev eth0",
    "local ::1 dev lo",
    "local fd00:7::10 dev eth0",
    "local fe80::10 dev eth0",
    "local fd00:244::1 dev cni0",
    "local fe80::20 dev cni0",
    "anycast fd00:7:: dev eth0",
    "multicast ff00::/8 dev eth0 metric 256",
    "multicast ff00::/8 dev cni0 metric 256",
    "fd00:7::/64 dev eth0 metric 256",
    "fd00:244::/64 dev cni0 metric 256",
    "fe80::/64 dev eth0 metric 256",
    "fe80::/64 dev cni0 metric 256",
    "unreachable fd00:90::/32 dev lo metric 1024",
    "default6 via fd00:7::1 dev eth0 metric 1024",
  ],
};

type OutputRow = readonly [to: string, from: string, out: string, expected: string];
const outputs: readonly OutputRow[] = [
  ["10.96.0.10", "", "", "eth0 via 192.168.7.1 src 192.168.7.10"],
  ["10.66.1.1", "", "", "eth0 via 192.168.7.50 src 192.168.7.11"],
  ["10.244.0.5", "", "", "cni0 via 10.244.0.5 src 10.244.0.1"],
  ["10.244.3.5", "", "", "tun0 via 10.244.3.5 src 192.168.7.10"],
  ["192.168.7.10", "", "", "local eth0 src 192.168.7.10"],
  ["192.168.7.11", "", "", "local eth0 src 192.168.7.10"],
  ["127.0.0.5", "", "", "local lo src 127.0.0.1"],
  ["192.168.7.10", "127.0.0.1", "", "local eth0 src 127.0.0.1"],
  ["10.244.0.5", "127.0.0.1", "", "martian source-loopback"],
  ["10.244.0.5", "9.9.9.9", "", "martian source-not-own"],
  ["10.244.0.5", "224.0.0.1", "", "martian source-invalid"],
  ["10.244.0.5", "192.168.7.11", "", "cni0 via 10.244.0.5 src 192.168.7.11"],
  ["10.90.1.1", "", "", "refused blackhole"],
  ["10.91.1.1", "", "", "refused unreachable"],
  ["10.92.1.1", "", "", "refused prohibit"],
  ["10.93.1.1", "", "", "refused none"],
  ["10.244.0.5", "", "eth0", "eth0 via 192.168.7.1 src 192.168.7.10"],
  ["10.244.9.5", "", "cni0", "cni0 via 10.244.9.5 src 10.244.0.1"],
  ["255.255.255.255", "", "eth0", "broadcast eth0 via 255.255.255.255 src 192.168.7.10"],
  ["192.168.7.255", "", "", "broadcast eth0 via 192.168.7.255 src 192.168.7.10"],
  ["224.0.0.5", "10.244.0.1", "", "multicast cni0 via 224.0.0.5 src 10.244.0.1"],
  ["0.0.0.0", "", "", "local lo src 127.0.0.1"],
  ["10.244.0.5", "127.0.0.1", "lo", "lo via 10.244.0.5 src 127.0.0.1"],
  ["2001:db8::1", "", "", "eth0 via fd00:7::1 src fd00:7::10"],
  ["fd00:244::9", "", "", "cni0 via fd00:244::9 src fd00:244::1"],
  ["fd00:244::1", "", "", "local cni0 src fd00:244::1"],
  ["::1", "", "", "local lo src ::1"],
  ["fd00:90::1", "", "", "refused unreachable"],
  ["ff02::1", "", "cni0", "multicast cni0 via ff02::1 src fe80::20"],
  ["fe80::99", "", "cni0", "cni0 via fe80::99 src fe80::20"],
];
for (const [to, from, out, expected] of outputs) {
  test(`sent to ${to}${from && ` from ${from}`}${out && ` by ${out}`}: ${expected}`, (t) => {
    const flow = { family: familyOfText(to), dst: address(to), mark: 0, tos: 0, protocol: 17, sport: 1, dport: 2 };
    const src = from === "" ? undefined : address(from);
    const outInterface = out === "" ? undefined : out;
    t.is(decisionText(routeOutput(walkOf(hostOf(node)), { ...flow, src, outInterface })), expected);
  });
}

type InputRow = readonly [by: string, from: string, to: string, expected: string, eth0?: InterfaceSwitches];
const inputs: readonly InputRow[] = [
  ["eth0", "192.168.7.50", "192.168.7.10", "local eth0 src 192.168.7.10"],
  ["eth0", "192.168.7.50", "10.244.0.1", "local cni0 src 10.244.0.1"],
  ["eth0", "192.168.7.50", "10.244.0.5", "cni0 via 10.244.0.5"],
  ["eth0", "192.168.7.50", "127.0.0.1", "martian destination-loopback"],
  ["eth0", "192.168.7.50", "127.0.0.1", "local lo src 127.0.0.1", { routeLocalnet: true }],
  ["eth0", "127.0.0.1", "10.244.0.5", "martian source-loopback"],
  ["eth0", "127.0.0.1", "10.244.0.5", "martian source-is-own", { routeLocalnet: true }],
  ["eth0", "192.168.7.10", "10.244.0.5", "martian source-is-own"],
  ["eth0", "192.168.7.10", "10.244.0.5", "cni0 via 10.244.0.5", { acceptLocal: true }],
  ["eth0", "0.0.0.0", "10.244.0.5", "martian source-invalid"],
  ["eth0", "0.0.0.0", "255.255.255.255", "broadcast eth0 src 255.255.255.255"],
  ["eth0", "224.0.0.9", "10.244.0.5", "martian source-invalid"],
  ["eth0", "255.255.255.255", "10.244.0.5", "martian source-invalid"],
  ["eth0", "192.168.7.50", "0.0.0.0", "martian destination-invalid"],
  ["eth0", "192.168.7.50", "192.168.7.255", "broadcast eth0 src 192.168.7.255"],
  ["eth0", "192.168.7.50", "224.0.0.1", "multicast eth0 src 224.0.0.1"],
  ["eth0", "192.168.7.50", "224.0.0.251", "martian no-membership"],
  ["eth0", "192.168.7.50", "10.91.0.1", "refused unreachable"],
  ["eth0", "192.168.7.50", "10.91.0.1", "refused not-forwarding", { forwarding: false }],
  ["eth0", "192.168.7.50", "10.244.0.5", "refused not-forwarding", { forwarding: false }],
  ["eth0", "192.168.7.50", "192.168.7.10", "local eth0 src 192.168.7.10", { forwarding: false }],
  ["eth0", "10.244.0.9", "192.168.7.10", "martian reverse-path", { rpFilter: 1 }],
  ["eth0", "10.244.0.9", "192.168.7.10", "local eth0 src 192.168.7.10", { rpFilter: 2 }],
  ["eth0", "10.91.0.9", "192.168.7.10", "martian reverse-path", { rpFilter: 2 }],
  ["eth0", "10.91.0.9", "192.168.7.10", "local eth0 src 192.168.7.10"],
  ["eth0", "fd00:7::10", "fd00:244::5", "cni0 via fd00:244::5"],
  ["eth0", "fd00:7::50", "fd00:244::1", "local cni0 src fd00:244::1"],
  ["eth0", "fd00:7::50", "fd00:90::1", "refused unreachable"],
  ["eth0", "fd00:7::50", "fd00:7::", "local eth0 src fd00:7::"],
  ["eth0", "fe80::50", "fe80::20", "eth0 via fe80::20"],
  ["cni0", "fe80::50", "fe80::20", "local cni0 src fe80::20"],
  ["eth0", "fe80::50", "ff02::1:ff00:10", "multicast eth0 src ff02::1:ff00:10"],
  ["eth0", "fe80::50", "ff02::1:ff00:99", "martian no-membership"],
  ["eth0", "fe80::50", "ff02::2", "multicast eth0 src ff02::2"],
];
for (const [by, from, to, expected, eth0 = {}] of inputs) {
  test(`received by ${by} from ${from} to ${to} ${JSON.stringify(eth0)}: ${expected}`, (t) => {
    const host = hostOf({ ...node, ipv4: { eth0 } });
    t.is(decisionText(routeInput(walkOf(host), received(host, by, from, to))), expected);
  });
}

const host = hostOf(node);

type MasqueradeRow = readonly [out: string, to: string, expected: string];
const masquerades: readonly MasqueradeRow[] = [
  ["eth0", "10.66.1.1", "192.168.7.10"],
  ["cni0", "10.244.0.5", "10.244.0.1"],
  ["tun0", "10.244.3.5", "192.168.7.10"],
  ["ll0", "169.254.3.5", "192.168.7.10"],
  ["lo", "127.0.0.1", "192.168.7.10"],
  ["cni0", "fd00:244::5", "fd00:244::1"],
  ["tun0", "fd00:7::99", "fd00:7::10"],
  ["cni0", "2001:db8::1", "fd00:244::1"],
  ["cni0", "fe80::5", "fe80::20"],
];
for (const [out, to, expected] of masquerades) {
  test(`masqueraded to ${to} by ${out}: ${expected}`, (t) => {
    const skb = received(host, "cni0", to.includes(":") ? "fd00:244::9" : "10.244.0.9", to);
    skb.outInterface = host.byName.get(out);
    t.is(addressText(masqueradeAddress(walkOf(host), skb)), expected);
  });
}

test("without any global address MASQUERADE has none", (t) => {
  const bare = hostOf({ interfaces: ["lo 127.0.0.1/8", "eth0 169.254.0.2/16!link"], routes: [] });
  const skb = received(bare, "eth0", "169.254.0.9", "169.254.0.7");
  skb.outInterface = bare.byName.get("eth0");
  t.is(masqueradeAddress(walkOf(bare), skb), undefined);
});

const first: readonly (readonly [by: string, to: string, expected: string])[] = [
  ["eth0", "10.0.0.1", "192.168.7.10"],
  ["tun0", "10.0.0.1", "-"],
  ["eth0", "2001:db8::1", "fd00:7::10"],
  ["eth0", "fe80::1", "fe80::10"],
];
for (const [by, to, expected] of first) {
  test(`redirected from ${to} by ${by}: ${expected}`, (t) => {
    const device = host.byName.get(by);
    if (device === undefined) throw new Error(by);
    t.is(addressText(firstAddress(device, familyOfText(to), address(to))), expected);
  });
}

const errors: readonly (readonly [by: string, from: string, to: string, expected: string])[] = [
  ["eth0", "192.168.7.50", "10.91.0.1", "eth0 via 192.168.7.50 src 192.168.7.10"],
  ["eth0", "192.168.7.50", "10.244.0.1", "eth0 via 192.168.7.50 src 10.244.0.1"],
  ["tun0", "10.244.3.5", "10.91.0.1", "tun0 via 10.244.3.5 src 192.168.7.10"],
  ["tun0", "10.66.0.1", "10.91.0.1", "eth0 via 192.168.7.50 src 192.168.7.11"],
  ["cni0", "fd00:244::9", "fd00:90::1", "cni0 via fd00:244::9 src fd00:244::1"],
  ["cni0", "2001:db8::9", "fd00:90::1", "eth0 via fd00:7::1 src fd00:244::1"],
  ["eth0", "fd00:7::50", "fd00:244::1", "eth0 via fd00:7::50 src fd00:244::1"],
];
for (const [by, from, to, expected] of errors) {
  test(`ICMP error about ${from} > ${to} by ${by}: ${expected}`, (t) => {
    const skb = received(host, by, from, to);
    skb.route = routeInput(walkOf(host), skb);
    t.is(decisionText(routeICMPError(walkOf(host), skb)), expected);
  });
}

const entries: readonly (readonly [by: string, from: string, to: string, expected: string | undefined])[] = [
  ["eth0", "fd00:7::50", "::1", "destination-loopback"],
  ["eth0", "::1", "fd00:7::10", "source-loopback"],
  ["lo", "::1", "::1", undefined],
  ["eth0", "ff02::1", "fd00:7::10", "source-invalid"],
  ["eth0", "fd00:7::50", "ff01::1", "destination-invalid"],
  ["eth0", "fd00:7::50", "ff00::1", "destination-invalid"],
  ["eth0", "fd00:7::50", "ff02::1", undefined],
  ["eth0", "192.168.7.50", "127.0.0.1", undefined],
];
for (const [by, from, to, expected] of entries) {
  test(`before the hooks, by ${by} from ${from} to ${to}: ${expected ?? "passes"}`, (t) => {
    const skb = received(host, by, from, to);
    if (skb.inInterface === undefined) throw new Error(by);
    t.is<string | undefined, string | undefined>(entryFault6(skb, skb.inInterface), expected);
  });
}

const forwards: readonly (readonly [from: string, out: string, expected: string | undefined])[] = [
  ["fe80::50", "cni0", "not-neighbour"],
  ["fe80::50", "eth0", undefined],
  ["::", "cni0", "drop"],
  ["::1", "cni0", "drop"],
  ["fd00:7::50", "cni0", undefined],
];
for (const [from, out, expected] of forwards) {
  test(`forwarded from ${from} by eth0 to ${out}: ${expected ?? "passes"}`, (t) => {
    const device = host.byName.get(out);
    if (device === undefined) throw new Error(out);
    t.is<string | undefined, string | undefined>(
      forwardFault6(received(host, "eth0", from, "fd00:244::5"), device),
      expected,
    );
  });
}

const again: readonly (readonly [from: string, to: string, expected: string])[] = [
  ["192.168.7.10", "10.244.0.5", "cni0 via 10.244.0.5 src 192.168.7.10"],
  ["9.9.9.9", "10.244.0.5", "cni0 via 10.244.0.5 src 9.9.9.9"],
  ["127.0.0.1", "10.244.0.5", "martian source-loopback"],
  ["127.0.0.1", "192.168.7.10", "local eth0 src 127.0.0.1"],
  ["192.168.7.10", "10.90.0.1", "refused blackhole"],
  ["::1", "fd00:244::5", "cni0 via fd00:244::5 src ::1"],
];
for (const [from, to, expected] of again) {
  test(`routed again from ${from} to ${to}: ${expected}`, (t) => {
    t.is(decisionText(routeAgain(walkOf(host), received(host, "lo", from, to))), expected);
  });
}

const localSources: readonly (readonly [routes: readonly string[], from: string, expected: string])[] = [
  // an address on lo with a prefix: the kernel's own local route, no custom one
  [["local 10.88.0.0/24 dev lo"], "127.0.0.9", "cni0 via 10.244.0.5"],
  [["local 10.89.0.0/24 dev lo"], "127.0.0.9", "martian source-is-own"],
  [[], "192.168.7.255", "cni0 via 10.244.0.5"],
  [["local 10.89.0.0/24 dev lo"], "192.168.7.255", "martian source-invalid"],
];
for (const [routes, from, expected] of localSources) {
  test(`received from ${from} with ${routes.join() || "no other local routes"}: ${expected}`, (t) => {
    const interfaces = node.interfaces.map((text) => (text.startsWith("lo") ? `${text} 10.88.0.7/24` : text));
    const made = hostOf({
      ...node,
      interfaces,
      routes: [...node.routes, "local 10.88.0.7 dev lo", ...routes],
      ipv4: { eth0: { routeLocalnet: true, sendRedirects: false } },
    });
    t.is(decisionText(routeInput(walkOf(made), received(made, "eth0", from, "10.244.0.5"))), expected);
  });
}

const prefixesOnLo: readonly (readonly [to: string, expected: string])[] = [
  ["fd00:99::5", "refused none"],
  ["fd00:99::1", "local lo src fd00:99::1"],
];
for (const [to, expected] of prefixesOnLo) {
  test(`IPv6 has no true routes by lo: to ${to} ${expected}`, (t) => {
    const routes = [...node.routes, "fd00:99::/64 dev lo metric 256", "local fd00:99::1 dev lo"];
    const made = hostOf({ ...node, routes });
    t.is(decisionText(routeInput(walkOf(made), received(made, "eth0", "fd00:7::50", to))), expected);
  });
}

/** Sources of MASQUERADE by `out`; the addresses stand in the order in which the kernel holds them. */
const sources: readonly (readonly [interfaces: readonly string[], to: string, expected: string])[] = [
  [["out 10.0.0.1/24 10.0.1.1/24"], "10.0.1.9", "10.0.1.1"],
  [["out 10.0.0.1/24 10.0.1.1/24"], "9.9.9.9", "10.0.0.1"],
  [["out 10.0.0.2/24!2nd 10.0.0.1/24"], "10.0.0.9", "10.0.0.1"],
  [["out 10.0.0.1/32@10.0.1.9"], "10.0.1.9", "10.0.0.1"],
  [["out", "x 169.254.1.1/16!link", "y 10.3.0.1/24"], "9.9.9.9", "10.3.0.1"],
  [["out", "y 10.3.0.1/24!2nd 10.3.0.2/24"], "9.9.9.9", "10.3.0.2"],
  [["out fd00::1/64 fd00:1::1/64"], "fd00:1::9", "fd00:1::1"],
  [["out fd00::1/64 fd00:1::1/64"], "fd00::9", "fd00::1"],
  [["out fd00::1/64 2001:db8::1/64"], "2001:db8:9::1", "2001:db8::1"],
  [["out fd00::1/64 2001:db8::1/64"], "fd00:9::1", "fd00::1"],
  [["out fd00::1/64!2nd fd00::2/64"], "fd00::9", "fd00::2"],
  [["out fd00::1/64!old fd00:9::2/64"], "fd00::9", "fd00:9::2"],
  [["out fd00:9::1/64", "x fd00::1/64"], "fd00::9", "fd00:9::1"],
  [["out", "x fd00::1/64", "y fd00:8::1/64"], "fd00:8::9", "fd00:8::1"],
  [["out fe80::1/64 fd00::1/64"], "fe80::9", "fe80::1"],
  [["out fe80::1/64", "x fd00::1/64"], "fd00:5::9", "fd00::1"],
  [["out 2002:1::1/64 2001:db8::1/64"], "2002:9::9", "2002:1::1"],
  // a prefix counts no further than its length: the first of two that both end at /48
  [["out fd00:0:0:1::1/48 fd00::1/48"], "fd00::9", "fd00:0:0:1::1"],
];
for (const [interfaces, to, expected] of sources) {
  test(`source by out of ${interfaces.join(", ")} to ${to}: ${expected}`, (t) => {
    const made = hostOf({ interfaces: ["lo 127.0.0.1/8 ::1/128", ...interfaces], routes: [] });
    const skb = received(made, "out", to.includes(":") ? "fd00:77::1" : "10.77.0.1", to);
    skb.outInterface = made.byName.get("out");
    t.is(addressText(masqueradeAddress(walkOf(made), skb)), expected);
  });
}

/** The routes of `local` and of `main` that come with an address. */
const madeRoutes: readonly (readonly [text: string, local: readonly string[], main: readonly string[]])[] = [
  ["a 10.0.0.1/24", ["local 10.0.0.1/32", "broadcast 10.0.0.255/32"], ["unicast 10.0.0.0/24"]],
  ["a 10.0.0.1/31", ["local 10.0.0.1/32"], ["unicast 10.0.0.0/31"]],
  ["a 10.0.0.1/32", ["local 10.0.0.1/32"], []],
  ["a 10.0.0.1/32@10.0.0.2", ["local 10.0.0.1/32"], ["unicast 10.0.0.2/32"]],
  [
    "a 10.0.0.1/24 10.0.0.2/24!2nd",
    ["local 10.0.0.1/32", "broadcast 10.0.0.255/32", "local 10.0.0.2/32"],
    ["unicast 10.0.0.0/24"],
  ],
  ["lo 127.0.0.1/8", ["local 127.0.0.1/32", "local 127.0.0.0/8", "broadcast 127.255.255.255/32"], []],
  ["a fd00::1/64", ["local fd00::1/128", "anycast fd00::/128", "multicast ff00::/8"], ["unicast fd00::/64"]],
  ["a fd00::1/127", ["local fd00::1/128", "multicast ff00::/8"], ["unicast fd00::/127"]],
  ["lo ::1/128", ["local ::1/128"], ["unicast ::1/128"]],
];
for (const [text, local, main] of madeRoutes) {
  test(`routes for ${text}: ${[...local, ...main].join(", ")}`, (t) => {
    const family = familyOfText(text.split(" ")[1] ?? "");
    const { interfaces } = hostOf({ interfaces: [text], routes: [] });
    const lines = (routes: readonly Route[]): readonly string[] =>
      routes.map((each) => `${each.type} ${addressText(each.destination)}/${each.prefixLength}`);
    t.deepEqual(lines(localRoutes(interfaces, family, true)), [...local]);
    t.deepEqual(lines(connectedRoutes(interfaces, family)), [...main]);
  });
}

test("an address of link scope on another interface is no source, even for what stays on a link", (t) => {
  const interfaces = ["lo 127.0.0.1/8", "out", "x 169.254.1.1/16!link", "y 10.3.0.1/24"];
  const made = hostOf({ interfaces, routes: ["9.9.9.0/24 dev out"] });
  const flow = { family: "IPv4", dst: address("9.9.9.9"), mark: 0, tos: 0, protocol: 17, sport: 1, dport: 2 } as const;
  t.is(decisionText(routeOutput(walkOf(made), flow)), "out via 9.9.9.9 src 10.3.0.1");
});

for (const srcValidMark of [false, true]) {
  test(`the way back is looked up ${srcValidMark ? "with" : "without"} the mark: src_valid_mark ${srcValidMark}`, (t) => {
    const lookUp = (priority: number, table: number, mark?: number): PolicyRule => ({
      family: "IPv4",
      priority,
      negated: false,
      ...(mark === undefined ? {} : { mark: { value: mark, mask: 0xffffffff } }),
      action: { kind: "table", table },
    });
    const rules = [lookUp(0, 255), lookUp(10, 100, 7), lookUp(32766, 254)];
    const routes = [...node.routes, "default dev tun0 table 100", "local 192.168.7.10 dev eth0 table 100"];
    const made = hostOf({ ...node, rules, routes, ipv4: { eth0: { rpFilter: 1, srcValidMark } } });
    const found = routeInput(walkOf(made), received(made, "eth0", "192.168.7.50", "192.168.7.10", 7));
    t.is(decisionText(found), srcValidMark ? "martian reverse-path" : "local eth0 src 192.168.7.10");
  });
}

test("without neighbour discovery an interface joins no solicited-node group", (t) => {
  const interfaces = host.interfaces.map((each) => ({ ...each, noARP: true }));
  const made = makeHost({ ...host, interfaces });
  const to = (dst: string): string => decisionText(routeInput(walkOf(made), received(made, "eth0", "fd00:7::50", dst)));
  t.is(to("ff02::1:ff00:10"), "martian no-membership");
  t.is(to("ff02::1"), "multicast eth0 src ff02::1");
});

const reverse: readonly (readonly [by: string, from: string, strict: boolean, loose: boolean])[] = [
  ["eth0", "192.168.7.50", true, true],
  ["eth0", "8.8.8.8", true, true],
  ["cni0", "8.8.8.8", false, true],
  ["eth0", "10.91.0.1", false, false],
  ["eth0", "192.168.7.10", false, false],
  ["eth0", "192.168.7.255", false, false],
  ["eth0", "fd00:7::50", true, true],
  ["cni0", "fd00:7::50", false, true],
  ["cni0", "fe80::50", true, true],
  ["tun0", "fe80::50", false, false],
  ["eth0", "fd00:90::1", false, false],
  ["eth0", "fd00:7::10", false, false],
];
for (const [by, from, strict, loose] of reverse) {
  test(`the way back to ${from} by ${by}: ${strict}, loose ${loose}`, (t) => {
    const skb = received(host, by, from, from.includes(":") ? "fd00:244::5" : "10.244.0.5");
    const ask = (isLoose: boolean): boolean =>
      reversePathOk(walkOf(host), skb, { loose: isLoose, validMark: false, acceptLocal: false });
    t.deepEqual([ask(false), ask(true)], [strict, loose]);
  });
}

test("the MTU of the way back", (t) => {
  const mtu = (from: string): number => reverseMTU(walkOf(host), received(host, "eth0", from, "10.244.0.5"));
  t.deepEqual([mtu("10.244.3.5"), mtu("192.168.7.10"), mtu("10.91.0.1")], [1500, 1500, 0xffffffff]);
});
