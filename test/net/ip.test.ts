import { BlockList, isIPv4, isIPv6 } from "node:net";
import test from "ava";
import fc from "fast-check";
import { Netmask } from "netmask";
import { canonicalIP, formatIP, formatIPv4, formatIPv6, parseIP, parseIPv4, parseIPv6 } from "../../src/net/ip.ts";
import { formatPrefix, parsePrefix, prefixContains } from "../../src/net/prefix.ts";

/** Text in → canonical text, or refused. */
const addressRows: readonly (readonly [string, string | undefined])[] = [
  ["10.0.0.1", "10.0.0.1"],
  ["192.168.099.022", "192.168.99.22"],
  ["255.255.255.255", "255.255.255.255"],
  ["256.0.0.1", undefined],
  ["1.2.3", undefined],
  ["1.2.3.4.5", undefined],
  ["1..2.3", undefined],
  [" 10.0.0.1", undefined],
  ["", undefined],
  ["0x7f.0.0.1", undefined],
  ["::", "::"],
  ["::1", "::1"],
  ["FD00:0:0::1", "fd00::1"],
  ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["::ffff:10.96.10.1", "10.96.10.1"],
  ["::ffff:0a60:0a01", "10.96.10.1"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ["fe80::1%eth0", undefined],
  [":::", undefined],
  ["1::2::3", undefined],
  ["12345::", undefined],
  ["00001::0000f", "1::f"],
  ["1:2:3:4:5:6:7:8:9", undefined],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["1:2:3:4:5:6:7:8::", undefined],
  [":1:2:3:4:5:6:7", undefined],
  ["1.2.3.4::", undefined],
];

for (const [text, expected] of addressRows) {
  test(`canonicalIP(${JSON.stringify(text)})`, (t) => t.is(canonicalIP(text), expected));
}

const prefixRows: readonly (readonly [string, string | undefined])[] = [
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["203.0.113.000/025", "203.0.113.0/25"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["1.2.3.4/0", "0.0.0.0/0"],
  ["10.0.0.0/33", undefined],
  ["10.0.0.0", undefined],
  ["10.0.0.0/", undefined],
  ["10.0.0.0/+8", undefined],
  ["fd00:10:244::1/48", "fd00:10:244::/48"],
  ["::/0", "::/0"],
  ["::/129", undefined],
  ["::ffff:203.0.113.0/121", "203.0.113.0/25"],
];

for (const [text, expected] of prefixRows) {
  test(`parsePrefix(${JSON.stringify(text)})`, (t) => {
    const prefix = parsePrefix(text);
    t.is(prefix === undefined ? undefined : formatPrefix(prefix), expected);
  });
}

const uint32 = fc.integer({ min: 0, max: 0xffffffff });

test("IPv4 texts are read and written as netmask does", (t) => {
  fc.assert(
    fc.property(uint32, (value) => {
      const text = formatIPv4(value);
      t.is(new Netmask(`${text}/32`).netLong, value);
      return parseIPv4(text) === value;
    }),
  );
});

test("IPv4 networks contain what netmask says they contain", (t) => {
  fc.assert(
    fc.property(uint32, fc.integer({ min: 0, max: 32 }), uint32, fc.nat(32), (network, length, address, shared) => {
      // an address that shares some leading bits with the network, so that both answers are frequent
      const mask = shared === 0 ? 0 : (0xffffffff << (32 - shared)) >>> 0;
      const near = ((network & mask) | (address & ~mask)) >>> 0;
      const prefix = parsePrefix(`${formatIPv4(network)}/${length}`);
      const oracle = new Netmask(`${formatIPv4(network)}/${length}`);
      t.truthy(prefix);
      return (
        prefix !== undefined &&
        prefixContains(prefix, { family: "IPv4", value: near }) === oracle.contains(formatIPv4(near))
      );
    }),
  );
});

const words = fc.tuple(
  fc.oneof(uint32, fc.constantFrom(0, 1, 0xffff, 0x10000)),
  fc.oneof(uint32, fc.constantFrom(0, 1, 0xffff, 0x10000)),
  fc.oneof(uint32, fc.constantFrom(0, 1, 0xffff, 0x10000)),
  fc.oneof(uint32, fc.constantFrom(0, 1, 0xffff, 0x10000)),
);

test("IPv6 texts are written as a URL host is, and read back", (t) => {
  fc.assert(
    fc.property(words, (address) => {
      const text = formatIPv6(address);
      t.is(`[${text}]`, new URL(`http://[${text}]/`).hostname);
      t.deepEqual(parseIPv6(text), address);
    }),
    { numRuns: 500 },
  );
});

test("IPv6 networks contain what BlockList says they contain", (t) => {
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 128 }), words, fc.nat(4), (network, length, other, shared) => {
      const near = network.map((word, i) => (i < shared ? word : other[i])) as unknown as typeof network;
      const [a, b] = [formatIPv6(network), formatIPv6(near)];
      const prefix = parsePrefix(`${a}/${length}`);
      const address = parseIP(b);
      if (prefix?.address.family !== "IPv6" || address?.family !== "IPv6") return;
      const oracle = new BlockList();
      oracle.addSubnet(a, length, "ipv6");
      t.is(prefixContains(prefix, address), oracle.check(b, "ipv6"), `${a}/${length} ${b}`);
    }),
    { numRuns: 500 },
  );
});

test("any text is an address exactly when node:net says so, leading zeros aside", (t) => {
  const characters = fc.constantFrom(..."0123456789abcf:.", ":", ".", "::", "1", "0", "ffff");
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 20 }), (parts) => {
      const text = parts.join("");
      if (/[0-9a-f]{5}/.test(text) || (/(^|[.:])0\d/.test(text) && text.includes("."))) return;
      const parsed = parseIP(text);
      t.is(parsed !== undefined, isIPv4(text) || isIPv6(text), text);
      if (parsed !== undefined) t.is(canonicalIP(formatIP(parsed)), formatIP(parsed));
    }),
    { numRuns: 5000 },
  );
});
