import test from "ava";
import type { ChosenRealServer, Event } from "../../src/kernel/event.ts";
import { virtualServerText } from "../../src/kernel/ipvs/service-name.ts";
import type { VirtualServerKey } from "../../src/rules/ipvs/model.ts";
import { outcomeText } from "../../src/trace/outcome-text.ts";
import { connectionText, scheduledText } from "../../src/trace/virtual-server-text.ts";

const key: VirtualServerKey = {
  kind: "address",
  protocol: 6,
  address: { family: "IPv4", value: 0x0a600001 },
  port: 80,
};
const six: VirtualServerKey = {
  kind: "address",
  protocol: 17,
  address: { family: "IPv6", words: [0xfd000096, 0, 0, 1] },
  port: 53,
};

test("virtual servers by name", (t) => {
  t.is(virtualServerText(key), "TCP 10.96.0.1:80");
  t.is(virtualServerText(six), "UDP [fd00:96::1]:53");
  t.is(virtualServerText({ kind: "fwmark", family: "IPv4", mark: 7 }), "FWM 7");
});

const event = (scheduler: string, realServers: number) =>
  ({ kind: "virtual-server", key, scheduler, realServers }) as const;

const scheduled = (scheduler: string, reason: ChosenRealServer["reason"] | undefined, realServers = 3): string => {
  if (reason === undefined) return scheduledText(event(scheduler, realServers));
  return scheduledText({
    ...event(scheduler, realServers),
    chosen: { address: 0x0af40105, port: 8080, weight: 1, reason },
  });
};

type Row = readonly [scheduler: string, reason: ChosenRealServer["reason"], text: string];

const inTurn = { kind: "position", position: 2, of: 3 } as const;
const hashed = { kind: "hash-bucket", bucket: 248, of: 256, hashed: "source" } as const;
const least = { kind: "least-connections", load: 256, weight: 1, equals: 0 } as const;

/** Each reason of each scheduler that has one of its own. */
const rows: readonly Row[] = [
  ["rr", inTurn, "number 2 of 3 in the kernel's list is next"],
  [
    "wrr",
    { ...inTurn, round: 1 },
    "number 2 of 3 in the kernel's list is next in the round of those that weigh 1 or more; it weighs 1",
  ],
  ["lc", least, "the least loaded: 256"],
  ["lc", { ...least, equals: 1 }, "the least loaded: 256, the first of 2 alike in the kernel's list"],
  ["wlc", least, "the least loaded: 256 at weight 1"],
  ["sed", { ...least, load: 2 }, "the shortest expected delay: 2 at weight 1"],
  ["nq", { ...least, load: 2 }, "the shortest expected delay: 2 at weight 1"],
  ["nq", { kind: "idle", equals: 0 }, "it has no active connection"],
  ["nq", { kind: "idle", equals: 2 }, "it has no active connection, the first of 3 alike in the kernel's list"],
  ["lblc", { kind: "cached" }, "where packets to this address went before, and not with too many connections"],
  [
    "lblc",
    { ...least, cache: "none" },
    "no real server is remembered for this address; the least loaded: 256 at weight 1",
  ],
  [
    "lblcr",
    { ...least, cache: "not-usable" },
    "the one remembered for this address cannot be had or has too many connections; the least loaded: 256 at weight 1",
  ],
  [
    "lblcr",
    { kind: "cached" },
    "the least loaded of those that packets to this address went to before, and not with too many connections",
  ],
  ["sh", hashed, "hash bucket 248 of 256, by the source"],
  ["sh", { ...hashed, hashed: "source and port" }, "hash bucket 248 of 256, by source and port"],
  ["dh", { ...hashed, hashed: "destination" }, "hash bucket 248 of 256, by the destination"],
  [
    "mh",
    { ...hashed, instead: 3, hashed: "source and port" },
    "hash bucket 248 of 256, as the real server of bucket 3, which it is by source and port, cannot be had",
  ],
  ["fo", { kind: "highest-weight", weight: 3, equals: 0 }, "the highest weight that may be had, 3"],
  [
    "ovf",
    { kind: "highest-weight", weight: 3, equals: 1 },
    "the highest weight among those with no more active connections than they weigh, 3, the first of 2 alike in the kernel's list",
  ],
  ["twos", { kind: "random" }, "the better of two drawn by weight"],
  [
    "wlc",
    { kind: "untold", among: 3, by: "counts" },
    "one of 3 real servers, by counts of connections, which no dump tells",
  ],
  [
    "mh",
    { kind: "untold", among: 1, by: "last-weights" },
    "one of 1 real server, by the earlier weights of those without one now, which no dump tells",
  ],
  ["rr", { kind: "template" }, "this client's by persistence"],
];

for (const [scheduler, reason, text] of rows) {
  test(`a choice of ${scheduler}: ${text}`, (t) =>
    t.is(
      scheduled(scheduler, reason),
      `virtual server TCP 10.96.0.1:80 (${scheduler}) takes real server 10.244.1.5:8080: ${text}`,
    ));
}

test("the numbers that were compared are told, the one that was taken first", (t) => {
  const other = { address: 0x0af40106, port: 8080, weight: 2, active: 4, inactive: 0, load: 1024 };
  const compared = [other, { ...other, address: 0x0af40105, weight: 1, active: 1, load: 256 }];
  const of = (scheduler: string, list: ChosenRealServer["compared"]): string =>
    scheduledText({
      ...event(scheduler, 3),
      chosen: { address: 0x0af40105, port: 8080, weight: 1, reason: least, ...(list && { compared: list }) },
    }).replace(/^.*?: /, "");
  t.is(
    of("wlc", compared),
    "the least loaded: 256 at weight 1 (10.244.1.5:8080 has 1 active, 0 inactive at weight 1; 10.244.1.6:8080 has 4 active, 0 inactive at weight 2)",
  );
  t.is(
    of("lc", compared),
    "the least loaded: 256 (10.244.1.5:8080 has 1 active, 0 inactive; 10.244.1.6:8080 has 4 active, 0 inactive)",
  );
  const many = Array.from({ length: 9 }, (_, i) => ({ ...other, address: 0x0af40200 + i }));
  t.true(
    of("sed", [...compared, ...many]).endsWith(
      "10.244.2.2:8080 has 4 active at weight 2; 6 others are not less loaded)",
    ),
  );
});

test("what a choice rests on is said with it", (t) => {
  const chosen = { address: 0x0af40105, port: 8080, weight: 1, reason: inTurn } as const;
  t.true(
    scheduledText({ ...event("rr", 3), chosen, assumed: ["no-template", "order", "beginning"] }).endsWith(
      "is next; this assumes that this client has none that persistence keeps it with, and that the real servers were added in the dump's order, and that the scheduler stands at its beginning",
    ),
  );
});

test("a virtual server that has nobody", (t) => {
  t.is(scheduled("rr", undefined), "virtual server TCP 10.96.0.1:80 (rr) can take none of its 3 real servers");
  t.is(scheduled("rr", undefined, 0), "virtual server TCP 10.96.0.1:80 (rr) has no real server");
  const ofHash = "can take none: the real server of this packet's hash bucket cannot be had";
  t.is(scheduled("mh", undefined), `virtual server TCP 10.96.0.1:80 (mh) ${ofHash}`);
  t.true(scheduled("ovf", undefined).endsWith("each weighs nothing or has more active connections than it weighs"));
  t.true(
    scheduledText({ ...event("rr", 3), nobody: "other-port" }).endsWith(
      "takes packets to other ports than its own only with persistence",
    ),
  );
  t.is(
    outcomeText({ kind: "stuck", why: "the virtual server has no real server to give", virtualServer: key }),
    "stuck: the virtual server has no real server to give (TCP 10.96.0.1:80)",
  );
});

test("a connection", (t) => {
  const first: Extract<Event, { kind: "ipvs-connection" }> = {
    kind: "ipvs-connection",
    what: "new",
    id: 1,
    protocol: 6,
    client: { address: 0xc0a8014d, port: 40000 },
    virtual: { address: 0x0a600001, port: 80 },
    real: { address: 0x0af40105, port: 8080 },
    state: "SYN_RECV",
  };
  const ends = "192.168.1.77:40000 -> 10.96.0.1:80 -> 10.244.1.5:8080";
  t.is(connectionText(first), `ip_vs: a new connection ${ends} (SYN_RECV)`);
  t.is(connectionText({ ...first, what: "reply" }), `ip_vs: a reply of the connection ${ends} (SYN_RECV)`);
  t.is(connectionText({ ...first, what: "error" }), `ip_vs: an error about the connection ${ends} (SYN_RECV)`);
});
