import test from "ava";
import fc from "fast-check";
import { Netmask } from "netmask";
import type { PolicyRule, Route } from "../../src/kernel/host.ts";
import { makeHost } from "../../src/kernel/make-host.ts";
import { addressType } from "../../src/kernel/routing/address-type.ts";
import { routeInput } from "../../src/kernel/routing/input.ts";
import { routeOutput } from "../../src/kernel/routing/output.ts";
import { addressTypes } from "../../src/rules/iptables/matches/addrtype.ts";
import {
  address,
  addressText,
  decisionText,
  familyOfText,
  hostOf,
  received,
  route,
  scriptedChooser,
  walkOf,
} from "./support.ts";

const small4 = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(7)).map(([a, b, c]) => `10.${a}.${b}.${c}`);
const small6 = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(7)).map(([a, b, c]) => `fd00:${a}:${b}::${c}`);
const length4 = fc.constantFrom(8, 15, 16, 23, 24, 29, 30, 31, 32);
const length6 = fc.constantFrom(16, 31, 32, 33, 47, 48, 64, 65, 125, 127, 128);

/** The bits of an IPv6 address as a text, by BigInt: an arithmetic that shares nothing with the tables. */
function bits6(text: string): bigint {
  const words = address(text);
  if (typeof words === "number") throw new Error(text);
  return words.reduce((value, word) => (value << 32n) | BigInt(word), 0n);
}

function masked6(text: string, length: number): string {
  const shift = BigInt(128 - length);
  const value = (bits6(text) >> shift) << shift;
  const word = (i: number): number => Number((value >> BigInt(96 - 32 * i)) & 0xffffffffn);
  return addressText([word(0), word(1), word(2), word(3)]);
}

const holds = (net: string, length: number, text: string): boolean => {
  if (familyOfText(net) === "IPv4") return new Netmask(`${net}/${length}`).contains(text);
  const shift = BigInt(128 - length);
  return bits6(net) >> shift === bits6(text) >> shift;
};

interface Line {
  readonly net: string;
  readonly length: number;
  readonly device: string;
  readonly metric: number;
  readonly table: number;
}

const lineOf = (ip: fc.Arbitrary<string>, length: fc.Arbitrary<number>): fc.Arbitrary<Line> =>
  fc
    .record({
      ip,
      length,
      device: fc.constantFrom("a", "b", "c"),
      metric: fc.nat(2),
      table: fc.constantFrom(254, 100),
    })
    .map(({ ip: text, length: bits, ...rest }) => ({
      ...rest,
      net: text.includes(":") ? masked6(text, bits) : new Netmask(`${text}/${bits}`).base,
      length: bits,
    }));

/** The obvious look-up: every route of the table in turn, the longest prefix wins, then the metric, then the order. */
function linear(lines: readonly Line[], table: number, dst: string): Line | undefined {
  let best: Line | undefined;
  for (const line of lines) {
    if (line.table !== table || !holds(line.net, line.length, dst)) continue;
    if (best === undefined || line.length > best.length || (line.length === best.length && line.metric < best.metric))
      best = line;
  }
  return best;
}

const asRoute = ({ net, length, device: by, metric, table }: Line): Route =>
  route(`${net}/${length} dev ${by} metric ${metric} table ${table}`);

const interfaces = ["lo 127.0.0.1/8 ::1/128", "a 192.168.1.1/24 2001:db8:1::1/64", "b", "c"];

for (const [family, ip, length] of [
  ["IPv4", small4, length4],
  ["IPv6", small6, length6],
] as const) {
  test(`${family}: a look-up finds what a walk over all routes finds, table after table`, (t) => {
    const host = hostOf({ interfaces, routes: [] });
    const rules: readonly PolicyRule[] = [100, 254].map((table, i) => ({
      family,
      priority: 10 + i,
      negated: false,
      action: { kind: "table", table },
    }));
    fc.assert(
      fc.property(fc.array(lineOf(ip, length), { maxLength: 24 }), ip, (lines, dst) => {
        const made = makeHost({ ...host, routes: lines.map(asRoute), policyRules: rules });
        const expected = linear(lines, 100, dst) ?? linear(lines, 254, dst);
        const flow = { family, dst: address(dst), mark: 0, tos: 0, protocol: 6, sport: 1, dport: 2 };
        const found = routeOutput(walkOf(made), flow);
        if (expected === undefined) return t.is(decisionText(found), "refused none");
        return t.is(found.kind === "unicast" ? found.device.name : found.kind, expected.device);
      }),
      { numRuns: 2000 },
    );
  });
}

const anyAddress4 = fc.oneof(
  small4,
  fc.constantFrom("0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "192.168.1.1", "192.168.1.255"),
  fc.nat(0xffffffff).map((value) => addressText(value)),
);
const anyAddress6 = fc.oneof(
  small6,
  fc.constantFrom("::", "::1", "fe80::1", "ff02::1", "ff05::2", "::ffff:1.2.3.4", "2001:db8:1::1", "2001:db8:1::"),
  fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)).map(([a, d]) => addressText([a, 0, 0, d])),
);

for (const [family, ip, line] of [
  ["IPv4", anyAddress4, lineOf(small4, length4)],
  ["IPv6", anyAddress6, lineOf(small6, length6)],
] as const) {
  test(`${family}: routing never throws and answers the same twice`, (t) => {
    const type = fc.constantFrom("", "local ", "blackhole ", "throw ", "broadcast ", "anycast ", "multicast ");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(type, line), { maxLength: 8 }),
        ip,
        ip,
        fc.constantFrom("lo", "a", "b"),
        fc.boolean(),
        (lines, src, dst, by, unknown) => {
          const routes = lines.map(([kind, { net, length, device: out }]) => `${kind}${net}/${length} dev ${out}`);
          const host = hostOf({ interfaces, routes, ipv4: { a: { rpFilter: 1 }, b: { rpFilter: 2 } } });
          const walk = walkOf(host, scriptedChooser(undefined, unknown));
          const once = (): string => {
            const flow = {
              family,
              src: address(src),
              dst: address(dst),
              mark: 1,
              tos: 4,
              protocol: 6,
              sport: 1,
              dport: 2,
            };
            const types = addressType(host, family, address(dst), host.byName.get(by));
            return `${decisionText(routeInput(walk, received(host, by, src, dst)))} ${decisionText(routeOutput(walk, flow))} ${types}`;
          };
          t.is(once(), once());
        },
      ),
      { numRuns: 2000 },
    );
  });
}

/** Shares of 2^31 that a walk is asked to choose by. */
function sharesOf(routes: readonly string[], src?: string): readonly number[] {
  const host = hostOf({ interfaces: ["lo 127.0.0.1/8", "a 10.0.0.1/24", "b 10.0.1.1/24", "c 10.0.2.1/24"], routes });
  let asked: readonly number[] = [2 ** 31];
  const chooser = scriptedChooser((shares) => {
    asked = shares;
    return 0;
  });
  const flow = { family: "IPv4", dst: address("9.9.9.9"), mark: 0, tos: 0, protocol: 6, sport: 1, dport: 2 } as const;
  routeOutput(walkOf(host, chooser), { ...flow, ...(src === undefined ? {} : { src: address(src) }) });
  return asked;
}

const local = ["local 10.0.0.1 dev a", "local 10.0.1.1 dev b", "local 10.0.2.1 dev c"];
const shareRows: readonly (readonly [hops: string, src: string | undefined, expected: readonly number[]])[] = [
  ["hop 10.0.0.9 a 1 hop 10.0.1.9 b 1", undefined, [2 ** 30, 2 ** 30]],
  ["hop 10.0.0.9 a 1 hop 10.0.1.9 b 2", undefined, [715827883, 1431655765]],
  ["hop 10.0.0.9 a 1 hop 10.0.1.9 b 1 hop 10.0.2.9 c 1", undefined, [715827883, 715827882, 715827883]],
  ["hop 10.0.0.9 a 1 hop 10.0.1.9 b 1", "10.0.1.1", [2 ** 31]],
  ["hop 10.0.0.9 a 3", undefined, [2 ** 31]],
];
for (const [hops, src, expected] of shareRows) {
  test(`next hops ${hops}${src === undefined ? "" : ` from ${src}`}: ${expected.join(" ")}`, (t) =>
    t.deepEqual(sharesOf([...local, `default ${hops}`], src), expected));
}

test("shares of next hops add up to 2^31", (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 2, maxLength: 9 }), (weights) => {
      const hops = weights.map((weight, i) => `hop 10.0.0.${9 + i} a ${weight}`).join(" ");
      t.is(
        sharesOf([...local, `default ${hops}`]).reduce((sum, share) => sum + share, 0),
        2 ** 31,
      );
    }),
  );
});

const typed: readonly (readonly [text: string, by: string, expected: readonly (keyof typeof addressTypes)[]])[] = [
  ["10.0.0.1", "", ["LOCAL"]],
  ["10.0.0.1", "a", ["LOCAL"]],
  ["10.0.0.1", "b", ["UNICAST"]],
  ["127.0.0.9", "", ["LOCAL"]],
  ["10.0.0.255", "", ["BROADCAST"]],
  ["0.0.0.0", "", ["BROADCAST"]],
  ["255.255.255.255", "", ["BROADCAST"]],
  ["224.9.9.9", "", ["MULTICAST"]],
  ["10.0.0.0", "", ["UNICAST"]],
  ["10.90.1.1", "", ["UNICAST"]],
  ["241.1.1.1", "", ["UNICAST"]],
  ["10.77.0.5", "", ["LOCAL"]],
  ["fd00::1", "", ["UNICAST", "LOCAL"]],
  ["fd00::1", "a", ["UNICAST", "LOCAL"]],
  ["fd00::1", "b", ["UNICAST", "UNREACHABLE"]],
  ["fd00::", "", ["UNICAST", "ANYCAST"]],
  ["fd00::9", "", ["UNICAST"]],
  ["fd00:90::9", "", ["UNICAST", "UNREACHABLE"]],
  ["2001:db8::1", "", ["UNICAST", "UNREACHABLE"]],
  ["ff02::1", "", ["MULTICAST"]],
];
for (const [text, by, expected] of typed) {
  test(`address type of ${text}${by && ` on ${by}`}: ${expected.join(" ")}`, (t) => {
    const host = hostOf({
      interfaces: ["lo 127.0.0.1/8", "a 10.0.0.1/24 fd00::1/64", "b"],
      routes: [
        "local 127.0.0.0/8 dev lo",
        "local 10.0.0.1 dev a",
        "broadcast 10.0.0.255 dev a",
        "local 10.77.0.0/16 dev lo",
        "10.0.0.0/24 dev a",
        "blackhole 10.90.0.0/16",
        "local fd00::1 dev a",
        "fd00::/64 dev a metric 256",
        "unreachable fd00:90::/32",
        "multicast ff00::/8 dev a metric 256",
      ],
    });
    const device = by === "" ? undefined : host.byName.get(by);
    const bits = addressType(host, familyOfText(text), address(text), device);
    t.is(
      bits,
      expected.reduce((sum, name) => sum | addressTypes[name], 0),
    );
  });
}

test("local and main are one table until somebody adds a policy rule", (t) => {
  const routes = ["local 10.5.0.0/16 dev lo", "10.5.5.0/24 via 10.0.0.9 dev a"];
  const interfaceTexts = ["lo 127.0.0.1/8", "a 10.0.0.1/24"];
  const rule: PolicyRule = {
    family: "IPv4",
    priority: 100,
    negated: false,
    mark: { value: 7, mask: 0xffffffff },
    action: { kind: "table", table: 100 },
  };
  const usual = (
    [
      [0, 255],
      [32766, 254],
      [32767, 253],
    ] as const
  ).map(
    ([priority, table]): PolicyRule => ({ family: "IPv4", priority, negated: false, action: { kind: "table", table } }),
  );
  const ask = (rules: readonly PolicyRule[], unknown: boolean): string => {
    const host = hostOf({ interfaces: interfaceTexts, routes, rules });
    const flow = {
      family: "IPv4",
      dst: address("10.5.5.5"),
      mark: 0,
      tos: 0,
      protocol: 6,
      sport: 1,
      dport: 2,
    } as const;
    return decisionText(routeOutput(walkOf(host, scriptedChooser(undefined, unknown)), flow));
  };
  t.is(ask([], true), "a via 10.0.0.9 src 10.0.0.1");
  t.is(ask(usual, false), "local lo src 10.5.5.5");
  t.is(ask([...usual, rule], true), "local lo src 10.5.5.5");
});

const policies: readonly (readonly [rule: Partial<PolicyRule>, mark: number, src: string, expected: string])[] = [
  [{ mark: { value: 1, mask: 1 } }, 3, "10.0.0.1", "b"],
  [{ mark: { value: 1, mask: 1 } }, 2, "10.0.0.1", "a"],
  [{ mark: { value: 1, mask: 1 }, negated: true }, 2, "10.0.0.1", "b"],
  [{ source: { address: address("10.0.0.0"), prefixLength: 24 } }, 0, "10.0.0.1", "b"],
  [{ source: { address: address("10.0.1.0"), prefixLength: 24 } }, 0, "10.0.0.1", "a"],
  [{ destination: { address: address("9.9.9.0"), prefixLength: 24 } }, 0, "10.0.0.1", "b"],
  [{ inInterface: "lo" }, 0, "10.0.0.1", "b"],
  [{ inInterface: "a" }, 0, "10.0.0.1", "a"],
  [{ tos: 8 }, 0, "10.0.0.1", "a"],
  [{ protocol: 6, destinationPorts: { from: 1, to: 2 } }, 0, "10.0.0.1", "b"],
  [{ protocol: 6, sourcePorts: { from: 2, to: 9 } }, 0, "10.0.0.1", "a"],
  [{ suppressPrefixLength: 0 }, 0, "10.0.0.1", "a"],
  [{ action: { kind: "prohibit" } }, 0, "10.0.0.1", "refused prohibit"],
  [{ action: { kind: "unreachable" } }, 0, "10.0.0.1", "refused none"],
  [{ action: { kind: "nop" } }, 0, "10.0.0.1", "a"],
  [{ action: { kind: "goto", priority: 300 } }, 0, "10.0.0.1", "refused blackhole"],
  [{ notModelled: "uidrange 0-5" }, 0, "10.0.0.1", "a"],
];
for (const [fields, mark, src, expected] of policies) {
  test(`policy rule ${JSON.stringify(fields)} mark ${mark}: ${expected}`, (t) => {
    const table = (priority: number, number: number): PolicyRule => ({
      family: "IPv4",
      priority,
      negated: false,
      action: { kind: "table", table: number },
    });
    const host = hostOf({
      interfaces: ["lo 127.0.0.1/8", "a 10.0.0.1/24", "b 10.0.1.1/24"],
      routes: ["local 10.0.0.1 dev a", "default via 10.0.0.9 dev a", "default via 10.0.1.9 dev b table 100"],
      rules: [
        table(0, 255),
        { ...table(10, 100), ...fields },
        table(200, 254),
        { ...table(300, 1), action: { kind: "blackhole" } },
      ],
    });
    const flow = { family: "IPv4", dst: address("9.9.9.9"), tos: 0, protocol: 6, sport: 1, dport: 2 } as const;
    const found = routeOutput(walkOf(host), { ...flow, mark, src: address(src) });
    t.is(found.kind === "unicast" ? found.device.name : decisionText(found), expected);
  });
}

/** Addresses of kube-ipvs0 looked at while a host with so many of them is made. */
function looksAtAddresses(count: number): number {
  let looks = 0;
  const texts = Array.from({ length: count }, (_, i) => `10.96.${Math.floor(i / 200)}.${(i % 200) + 1}`);
  const host = hostOf({
    interfaces: ["lo 127.0.0.1/8", `kube-ipvs0 ${texts.map((text) => `${text}/32`).join(" ")}`],
    routes: texts.map((text) => `local ${text} dev kube-ipvs0`),
  });
  const interfaces = host.interfaces.map((device) => ({
    ...device,
    addresses: device.addresses.map((own) => ({
      ...own,
      get address() {
        looks++;
        return own.address;
      },
    })),
  }));
  makeHost({ ...host, interfaces });
  return looks;
}

test("the work to make a host is linear in its addresses, as a node in ipvs mode has thousands", (t) => {
  const [some, more] = [looksAtAddresses(200), looksAtAddresses(2000)];
  t.true(some > 0);
  t.true(more <= 10 * some, `${some} looks at 200 addresses, ${more} at 2,000`);
});
