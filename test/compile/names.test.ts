import { createHash, hash } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { chainHash } from "../../src/compile/iptables/names.ts";
import { probabilityText } from "../../src/compile/iptables/probability.ts";
import { markText } from "../../src/compile/iptables/words.ts";
import { portableSHA256 } from "../../src/net/sha256.ts";

/** Hash inputs whose names stand in kube-proxy's own tests or in every real cluster. */
const nameRows: readonly (readonly [string, string])[] = [
  ["ns1/svc1:p80tcp", "XPGD46QRK7WJZT7O"],
  ["ns2/svc2:p80tcp", "GNZBNJ2PO5MGZ6GT"],
  ["ns5/svc5:p80tcp", "NUKIZ6OKUXPJNT4C"],
  ["ns1/svc1:p80tcp10.180.0.1:80", "SXIVWICOYRO3J4NJ"],
  ["ns3/svc3:p8081tcp203.0.113.4:8081", "RUVVH7YV3PHQBDOS"],
  ["default/kubernetes:httpstcp", "NPX46M4PTMTKRN6Y"],
  ["kube-system/kube-dns:dnsudp", "TCOU7JCQXEZGVUNU"],
  ["kube-system/kube-dns:dns-tcptcp", "ERIFXISQEP7F7OF4"],
  ["kube-system/kube-dns:metricstcp", "JD5MR3NA4I4DYORP"],
  ["ns1/svc1tcp", "AQI2S6QIMU7PVVRP"],
  ["ns1/svc1:p80sctp", "GFCIFIA5VTFSTMSM"],
  ["ns1/svc1:p80tcp[fd00:10:180::1]:80", "OGYCNMB4EMRUSJ6N"],
];

for (const [text, name] of nameRows) test(`chain of ${text}`, (t) => t.is(chainHash(portableSHA256, text), name));

/** RFC 4648 by the book: five bits at a time from the whole number. */
function base32(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let shift = BigInt(bytes.length * 8 - 5); shift >= 0n; shift -= 5n) {
    text += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number((bits >> shift) & 31n)];
  }
  return text;
}

test("every name is the base32 of the first ten digest bytes, with either SHA-256", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const expected = base32(createHash("sha256").update(text).digest().subarray(0, 10));
      t.is(chainHash(portableSHA256, text), expected);
      t.is(
        chainHash((input) => hash("sha256", input, "hex"), text),
        expected,
      );
    }),
  );
});

const probabilityRows: readonly (readonly [number, string])[] = [
  [1, "1.0000000000"],
  [2, "0.5000000000"],
  [3, "0.3333333333"],
  [7, "0.1428571429"],
  [2048, "0.0004882812"],
  [10000, "0.0001000000"],
  [100001, "0.0000099999"],
];
for (const [n, text] of probabilityRows) test(`1/${n} is ${text}`, (t) => t.is(probabilityText(n), text));

test("probabilities equal exact half-to-even rounding for every n up to 20000", (t) => {
  const scale = 10n ** 10n;
  for (let n = 1n; n <= 20000n; n++) {
    let quotient = scale / n;
    const twice = 2n * (scale % n);
    if (twice > n || (twice === n && quotient % 2n === 1n)) quotient++;
    const digits = quotient.toString().padStart(11, "0");
    const expected = `${digits.slice(0, -10)}.${digits.slice(-10)}`;
    if (probabilityText(Number(n)) !== expected) t.fail(`1/${n}: ${probabilityText(Number(n))}, not ${expected}`);
  }
  t.pass();
});

for (const [bit, text] of [
  [0, "0x00000001"],
  [14, "0x00004000"],
  [31, "0x80000000"],
] as const) {
  test(`mark of bit ${bit}`, (t) => t.is(markText(bit), text));
}
