import test from "ava";
import type { ChosenRealServer, Event } from "../../src/kernel/event.ts";
import type { VirtualServerKey } from "../../src/rules/ipvs/model.ts";
import { outcomeText } from "../../src/trace/outcome-text.ts";
import { connectionText, scheduledText, virtualServerText } from "../../src/trace/virtual-server-text.ts";

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

const scheduled = (chosen: ChosenRealServer["reason"] | undefined, realServers = 3): string => {
  const event = { kind: "virtual-server", key, scheduler: "rr", realServers } as const;
  if (chosen === undefined) return scheduledText(event);
  return scheduledText({ ...event, chosen: { address: 0x0af40105, port: 8080, weight: 1, reason: chosen } });
};

const reasons: readonly (readonly [ChosenRealServer["reason"], string])[] = [
  [{ kind: "position", position: 2, of: 3 }, "number 2 of 3 in the kernel's list is next"],
  [{ kind: "least-connections", load: 256, weight: 1 }, "the least loaded: 256 at weight 1"],
  [{ kind: "hash-bucket", bucket: 248, of: 256 }, "hash bucket 248 of 256"],
  [{ kind: "highest-weight", weight: 3 }, "the highest weight that may be had, 3"],
  [{ kind: "cached" }, "where this address went before"],
  [{ kind: "random" }, "the better of two drawn by weight"],
  [{ kind: "template" }, "this client's by persistence"],
];

for (const [reason, text] of reasons) {
  test(`a choice: ${reason.kind}`, (t) =>
    t.is(scheduled(reason), `virtual server TCP 10.96.0.1:80 (rr) takes real server 10.244.1.5:8080: ${text}`));
}

test("a virtual server that has nobody", (t) => {
  t.is(scheduled(undefined), "virtual server TCP 10.96.0.1:80 (rr) can take none of its 3 real servers");
  t.is(scheduled(undefined, 0), "virtual server TCP 10.96.0.1:80 (rr) has no real server");
  t.is(
    outcomeText({ kind: "stuck", why: "the virtual server has no real server to give", virtualServer: key }),
    "stuck: the virtual server has no real server to give (TCP 10.96.0.1:80)",
  );
});

test("a connection", (t) => {
  const event: Extract<Event, { kind: "ipvs-connection" }> = {
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
  t.is(connectionText(event), `ip_vs: a new connection ${ends} (SYN_RECV)`);
  t.is(connectionText({ ...event, what: "reply" }), `ip_vs: a reply of the connection ${ends} (SYN_RECV)`);
  t.is(connectionText({ ...event, what: "error" }), `ip_vs: an error about the connection ${ends} (SYN_RECV)`);
});
