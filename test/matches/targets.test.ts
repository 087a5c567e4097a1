import test from "ava";
import type { ConntrackEntry } from "../../src/kernel/entry.ts";
import type { Skb } from "../../src/kernel/skb.ts";
import { applyTarget, type ContinuingTarget } from "../../src/kernel/targets/apply.ts";
import type { IPFamily } from "../../src/net/family.ts";
import { devices, makeTestSkb, makeWalk, rule, type SkbFields } from "./support.ts";

const connection = (mark: number): ConntrackEntry => ({ mark }) as unknown as ConntrackEntry;
const syn = (mss?: number): SkbFields => ({
  options:
    mss === undefined
      ? []
      : [
          { kind: 1, value: 0 },
          { kind: 2, value: mss },
        ],
});

/** Target, packet, what is said to have changed, and what of the packet is looked at afterwards. */
type Row = readonly [
  target: string,
  packet: SkbFields,
  change: string | undefined,
  after?: Partial<Skb>,
  family?: IPFamily,
];

const rows: readonly Row[] = [
  ["MARK --set-xmark 0x4000/0x4000", { mark: 1 }, "mark 0x1 -> 0x4001", { mark: 0x4001 }],
  ["MARK --xor-mark 0x4000", { mark: 0x4000 }, "mark 0x4000 -> 0x0", { mark: 0 }],
  ["MARK --or-mark 0x4000", { mark: 0x4000 }, undefined, { mark: 0x4000 }],
  ["MARK --and-mark 0xff", { mark: 0xffffffff }, "mark 0xffffffff -> 0xff", { mark: 0xff }],
  ["MARK --set-mark 0x80000000", {}, "mark 0x0 -> 0x80000000", { mark: 0x80000000 }],
  ["CONNMARK --save-mark", { mark: 5 }, undefined],
  ["CONNMARK --restore-mark", { mark: 5 }, undefined, { mark: 5 }],
  ["CONNMARK --set-xmark 0x1/0xf", { entry: connection(0xff) }, "connection mark 0xff -> 0xf1"],
  [
    "CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0",
    { entry: connection(0xff), mark: 0x35 },
    "connection mark 0xff -> 0xa",
  ],
  [
    "CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf",
    { entry: connection(0x77), mark: 0x135 },
    "mark 0x135 -> 0x107",
    { mark: 0x107 },
  ],
  ["NOTRACK", {}, "untracked", { state: "untracked" }],
  ["NOTRACK", { entry: connection(0), state: "new" }, undefined, { state: "new" }],
  ["NOTRACK", { zone: 5 }, undefined, { state: "none" }],
  ["CT --notrack", {}, "untracked", { state: "untracked" }],
  ["CT --zone 5", {}, "zone 5", { zone: 5 }],
  ["CT --zone 6", { zone: 5 }, undefined, { zone: 5 }],
  ["CT --zone 6", { state: "untracked" }, undefined, { zone: 0 }],
  ["CT --zone mark", { mark: 0x1_0007 }, "zone 7", { zone: 7 }],
  ["LOG --log-prefix x", { mark: 1 }, undefined, { mark: 1 }],
  ["NFLOG --nflog-group 5", {}, undefined],
  ["TRACE", {}, undefined],
  ["CHECKSUM --checksum-fill", {}, undefined],
  ["TTL --ttl-set 5", {}, "TTL 64 -> 5", { ttl: 5 }],
  ["TTL --ttl-dec 100", {}, "TTL 64 -> 0", { ttl: 0 }],
  ["TTL --ttl-inc 200", {}, "TTL 64 -> 255", { ttl: 255 }],
  ["HL --hl-dec 1", {}, "hop limit 64 -> 63", { ttl: 63 }, "IPv6"],
  ["DSCP --set-dscp 0x2e", { tos: 3 }, "TOS 0x3 -> 0xbb", { tos: 0xbb }],
  ["DSCP --set-dscp 0", { tos: 3 }, undefined, { tos: 3 }],
  ["TOS --set-tos 0x10/0xfc", { tos: 0xff }, "TOS 0xff -> 0x13", { tos: 0x13 }],
  ["CLASSIFY --set-class 1:a", {}, "priority 1:a"],
  [
    "TCPMSS --set-mss 1400",
    syn(1460),
    "MSS 1460 -> 1400",
    {
      options: [
        { kind: 1, value: 0 },
        { kind: 2, value: 1400 },
      ],
    },
  ],
  ["TCPMSS --set-mss 1500", syn(1460), undefined],
  ["TCPMSS --set-mss 1400", syn(), "MSS 536 added", { options: [{ kind: 2, value: 536 }] }],
  ["TCPMSS --set-mss 1400", syn(), "MSS 1220 added", { options: [{ kind: 2, value: 1220 }] }, "IPv6"],
  ["TCPMSS --set-mss 1400", { payload: 1 }, undefined, { options: [] }],
  ["TCPMSS --set-mss 1400", { fragmentOffset: 9 }, undefined, { options: [] }],
  ["TCPMSS --clamp-mss-to-pmtu", { ...syn(1500), in: "eth0", out: "cni0" }, "MSS 1500 -> 1460"],
  ["TCPMSS --clamp-mss-to-pmtu", { ...syn(1500), in: "eth0", out: "cni0" }, "MSS 1500 -> 1440", {}, "IPv6"],
];

function targetOf(text: string, family: IPFamily): ContinuingTarget {
  return rule(`-p tcp -j ${text}`, family).target as ContinuingTarget;
}

for (const [text, fields, change, after = {}, family = "IPv4"] of rows) {
  test(`${text} | ${JSON.stringify(fields)} (${family}): ${change}`, (t) => {
    const skb = makeTestSkb(fields, family);
    const target = targetOf(text, family);
    t.deepEqual(applyTarget(makeWalk(), skb, target), {
      kind: "applied",
      target: target.kind,
      ...(change === undefined ? {} : { change }),
    });
    t.like(skb, { family, ...after });
  });
}

test("a connection's mark is undone with the state", (t) => {
  const walk = makeWalk();
  const entry = connection(1);
  const mark = walk.state.mark();
  applyTarget(walk, makeTestSkb({ entry }), targetOf("CONNMARK --set-mark 7", "IPv4"));
  t.is(entry.mark, 7);
  walk.state.rollback(mark);
  t.is(entry.mark, 1);
});

test("a link too narrow for headers makes --clamp-mss-to-pmtu drop", (t) => {
  const skb = makeTestSkb({ ...syn(1460), in: "eth0", out: "cni0" });
  skb.outInterface = { ...devices.cni0, mtu: 40 };
  t.deepEqual(applyTarget(makeWalk(), skb, targetOf("TCPMSS --clamp-mss-to-pmtu", "IPv4")), { kind: "dropped" });
});

for (const text of ["CT --zone-orig 5", "CT --zone-reply 5", "CT --helper ftp"]) {
  test(`${text} is not modelled, and changes nothing`, (t) => {
    const skb = makeTestSkb({});
    t.deepEqual(applyTarget(makeWalk(), skb, targetOf(text, "IPv4")), { kind: "not-modelled", target: "CT" });
    t.deepEqual(skb, makeTestSkb({}));
  });
}
