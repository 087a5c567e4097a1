import test from "ava";
import { readDuration, timeText } from "../../src/play/clock.ts";
import { faultsOf, playSteps } from "./support.ts";

/** How long a connection's entry on the client's node lives after its last packet, in seconds (kernel-semantics §1.7, iptables-mode §5.2). */
const lives: readonly (readonly [what: string, steps: string, seconds: number])[] = [
  ["a UDP answer within 2 s", `  - connect: { name: c, from: 10.1.1.9, to: "svc/dns:dns", choose: 10.1.2.53 }`, 30],
  [
    "a UDP stream",
    `  - connect: { name: c, from: 10.1.1.9, to: "svc/dns:dns", choose: 10.1.2.53 }
  - wait: 2s1ms
  - send: c`,
    120,
  ],
  [
    "an open TCP connection, as kube-proxy sets it",
    `  - connect: { name: c, from: 10.1.1.9, to: "svc/web:http" }`,
    86400,
  ],
  [
    "a TCP connection that its client reset",
    `  - connect: { name: c, from: 10.1.1.9, to: "svc/web:http" }
  - reset: c`,
    10,
  ],
  [
    "a TCP connection that was closed",
    `  - connect: { name: c, from: 10.1.1.9, to: "svc/web:http" }
  - close: c`,
    120,
  ],
  ["an SCTP association", `  - connect: { name: c, from: 10.1.1.9, to: "svc/web:sctp" }`, 210],
  ["a ping", `  - connect: { name: c, from: 10.1.1.9, to: 10.1.2.80, proto: icmp }`, 30],
  [
    "a SYN that nobody answers",
    `  - endpoint: { remove: 10.1.2.80, of: web }
  - connect: { name: c, from: 10.1.1.9, to: "10.1.2.80:8080" }`,
    120,
  ],
];
for (const [what, steps, seconds] of lives)
  test(`${what} lives ${seconds} s, and not a millisecond more`, (t) => {
    const played = playSteps(`${steps}
  - wait: ${seconds * 1000 - 1}ms
  - expect: { conntrack: { node: one, count: 1 } }
  - wait: 1ms
  - expect: { conntrack: { node: one, count: 0 } }`);
    t.deepEqual(faultsOf(played), []);
    t.is(played.steps.at(-4)?.lines.length, 0);
    t.true((played.steps.at(-2)?.lines.length ?? 0) > 0);
  });

/** The endpoints that 24 seeds give the second connection, when the first went to one endpoint so long before. */
function seconds(wait: string): ReadonlySet<unknown> {
  const found = Array.from({ length: 24 }, (_, seed) => {
    const played = playSteps(
      `  - connect: { name: a, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.91 }
  - wait: ${wait}
  - connect: { name: b, from: 10.1.1.9, to: "svc/cart:http" }`,
      { seed },
    );
    return played.steps.at(-1)?.data.endpoint;
  });
  return new Set(found);
}

test("affinity holds for its time", (t) => t.deepEqual([...seconds("600s")], ["10.1.2.91:8080"]));
test("and not a millisecond longer", (t) => t.is(seconds("600001ms").size, 3));

test("each new connection counts anew, and further packets do not", (t) => {
  const played = playSteps(`  - connect: { name: a, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.91 }
  - wait: 599s
  - connect: { name: b, from: 10.1.1.9, to: "svc/cart:http" }
    expect: { endpoint: "10.1.2.91:8080" }
  - wait: 500s
  - send: b
  - wait: 100s
  - expect: { affinity: { node: one, of: cart, client: 10.1.1.9, endpoint: "10.1.2.91:8080" } }
  - wait: 1ms
  - expect: { affinity: { node: one, of: cart, client: 10.1.1.9, endpoint: none } }`);
  t.deepEqual(faultsOf(played), []);
});

test("a list lives on over changes of other endpoints, and dies with its own", (t) => {
  const played = playSteps(`  - connect: { name: a, from: 10.1.1.9, to: "svc/cart:http", choose: 10.1.2.91 }
  - endpoint: { remove: 10.1.1.90, of: cart }
  - endpoint: { add: 10.1.1.92, of: cart, node: one }
  - connect: { name: b, from: 10.1.1.9, to: "svc/cart:http" }
    expect: { endpoint: "10.1.2.91:8080" }
  - endpoint: { remove: 10.1.2.91, of: cart, pod: stays }
  - endpoint: { add: 10.1.2.91, of: cart, node: two }
  - expect: { affinity: { node: one, of: cart, client: 10.1.1.9, endpoint: none } }`);
  t.deepEqual(faultsOf(played), []);
});

const durations: readonly (readonly [text: string, milliseconds: number | "refused", shown?: string])[] = [
  ["0", 0, "0s"],
  ["250ms", 250],
  ["30s", 30_000],
  ["1h30m", 5_400_000],
  ["90m", 5_400_000, "1h30m"],
  ["1.5s", 1500, "1s500ms"],
  ["-1s", "refused"],
  ["3", "refused"],
  ["1us", "refused"],
  ["3 hours", "refused"],
  ["90000h", "refused"],
];
for (const [text, milliseconds, shown = text] of durations)
  test(`the duration ${text}`, (t) => {
    const read = readDuration(text);
    if (milliseconds === "refused") t.is(typeof read, "string");
    else t.deepEqual([read, timeText(milliseconds)], [milliseconds, shown]);
  });
