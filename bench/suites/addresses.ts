import IPCIDR from "ip-cidr";
import { Netmask } from "netmask";
import { formatIP, parseIP } from "../../src/net/ip.ts";
import { parsePrefix, prefixContains } from "../../src/net/prefix.ts";
import type { Case, Suite } from "../measure.ts";

const COUNT = 20_000;
/** The package makes an object a look-up: fewer of them are enough. */
const FEW = 200;
const NETWORK = "10.128.0.0/9";

function cases(): readonly Case[] {
  const v4 = Array.from({ length: COUNT }, (_, i) => `10.${100 + (i % 100)}.${i >> 8}.${i & 255}`);
  const v6 = Array.from({ length: COUNT }, (_, i) => `2001:db8:${i.toString(16)}::${(i * 7).toString(16)}`);
  const parsed = v4.flatMap((text) => parseIP(text) ?? []);
  const prefix = parsePrefix(NETWORK);
  if (prefix === undefined || parsed.length !== COUNT) throw new Error("the addresses of the suite are wrong");
  const netmask = new Netmask(NETWORK);
  const ipCIDR = new IPCIDR(NETWORK);
  const addresses = { count: COUNT, of: "address" };
  const few = v4.slice(0, FEW);
  return [
    { name: "parse IPv4", work: addresses, run: () => v4.map(parseIP) },
    { name: "parse IPv6", work: addresses, run: () => v6.map(parseIP) },
    { name: "format IPv4", work: addresses, run: () => parsed.map(formatIP) },
    {
      name: "in a prefix, parsed",
      work: addresses,
      run: () => parsed.filter((each) => prefixContains(prefix, each)).length,
    },
    {
      name: "in a prefix, from text",
      work: addresses,
      run: () => v4.filter((each) => prefixContains(prefix, parseIP(each) ?? prefix.address)).length,
    },
    { name: "in a prefix, netmask", work: addresses, run: () => v4.filter((each) => netmask.contains(each)).length },
    {
      name: "in a prefix, ip-cidr",
      work: { count: FEW, of: "address" },
      run: () => few.filter((each) => ipCIDR.contains(each)).length,
    },
  ];
}

/** Addresses and prefixes, own and those of the packages beside each other. */
export const addresses: Suite = { title: "Addresses", cases };
