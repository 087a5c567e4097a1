import test from "ava";
import { tcpFlag } from "../../src/kernel/packet.ts";
import { addressOf } from "../../src/network/addresses.ts";
import { NetworkState } from "../../src/network/network-state.ts";
import { affinityLaw, another, connect, endsOf, type Living, wait } from "./affinity-law.ts";
import { HOST, NODES, packetOf, serviceObjects } from "./cluster-text.ts";
import { type Call, callOf, sourcesOf } from "./journey-law.ts";
import { type Mode, modes, placeOf } from "./place.ts";

const SECOND = 1000;

for (const mode of modes)
  test(`${mode}: under ClientIP a client comes back to its endpoint within its time, and may come to others after it`, (t) => {
    const { pairs, parted, freed } = affinityLaw(mode, 0, 40, 30);
    t.true(pairs > 100, `${pairs}`);
    t.deepEqual(parted, []);
    t.true(freed > 5, `${freed}`);
  });

test("without affinity connections part", (t) => {
  t.true(affinityLaw("iptables", 0, 30, 40, { wanted: "None" }).parted.length > 5);
});

for (const mode of modes)
  test(`${mode}: the law sees who believes that affinity lasts longer`, (t) => {
    // ip_vs keeps a template while it has connections: those of a SYN or datagram last minutes
    const gap = mode === "iptables" ? 1 : 3600 * SECOND;
    const { parted } = affinityLaw(mode, 0, 30, 30, { gaps: (seconds) => [seconds * SECOND + gap] });
    t.true(parted.length > 0);
  });

const TIMEOUT = 200;
const VIP = "203.0.113.9";

/** A Service with two endpoints and ClientIP affinity, by its cluster IP and an external IP. */
function livingIn(mode: Mode): Living {
  const spec = {
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: TIMEOUT } },
    externalIPs: [VIP],
  };
  const objects = [...NODES, ...serviceObjects("b@n2 c@n3", { spec })];
  const place = placeOf({ objects, config: {}, host: HOST }, mode);
  if (place === undefined) throw new Error("kube-proxy does not start");
  return { place, state: new NetworkState() };
}

/** A client on or beside the first node, that calls an address of the Service. */
function clientOf({ place }: Living, from: "outside" | "node", text: string): Call {
  const source = sourcesOf(place).find(
    (each) => each.from === from && each.node === "n1" && typeof each.address === "number",
  );
  const { destination } = packetOf(`${from}@n1 > ${text} 80`);
  const call = source && callOf(place, source, { address: addressOf(destination), port: 80, protocol: "TCP" });
  if (call === undefined) throw new Error("no client");
  return call;
}

/** A client outside, by number. */
function stranger(living: Living, number: number): Call {
  const call = clientOf(living, "outside", VIP);
  return { ...call, packet: { ...call.packet, src: 0xc6336400 + number } };
}

/** The call's packet with other flags: a further one of its connection. */
const withFlags = (call: Call, flags: number): Call => ({ ...call, packet: { ...call.packet, flags } });

const ends = (living: Living, call: Call): readonly string[] => [...endsOf(living, call).keys()].sort();

/** A connection that comes to an endpoint, if it may. */
function connectTo(living: Living, call: Call, where: string): boolean {
  const way = endsOf(living, call).get(where);
  if (way !== undefined) connect(living, call, way);
  return way !== undefined;
}

/** The first connection of client 0, and where it came to. */
function begin(living: Living): { readonly first: Call; readonly where: string } {
  const first = stranger(living, 0);
  const where = ends(living, first)[0] ?? "";
  connectTo(living, first, where);
  return { first, where };
}

test("iptables: the list of an endpoint holds 100 clients: the hundredth other one takes the place of the first", (t) => {
  const living = livingIn("iptables");
  const { first, where } = begin(living);
  for (let other = 1; other < 100; other++) connectTo(living, stranger(living, other), where);
  t.deepEqual(ends(living, another(first)), [where]);
  connectTo(living, stranger(living, 100), where);
  t.is(ends(living, another(first)).length, 2);
});

test("ipvs: templates have no such limit", (t) => {
  const living = livingIn("ipvs");
  const { first, where } = begin(living);
  for (let other = 1; other < 150; other++)
    for (const end of ends(living, stranger(living, other))) connectTo(living, stranger(living, other), end);
  t.deepEqual(ends(living, another(first)), [where]);
});

test("iptables: all addresses of a Service share an affinity; ipvs: each has one of its own", (t) => {
  for (const mode of modes) {
    const living = livingIn(mode);
    const [byClusterIP, byVIP] = [clientOf(living, "node", "10.96.0.10"), another(clientOf(living, "node", VIP))];
    const where = ends(living, byClusterIP)[0] ?? "";
    connectTo(living, byClusterIP, where);
    // somebody else moves the round of the other virtual server on
    const [first = ""] = ends(living, stranger(living, 1));
    connectTo(living, stranger(living, 1), first);
    t.deepEqual(ends(living, another(byClusterIP)), [where]);
    const own = ends(living, byVIP);
    if (mode === "iptables") t.deepEqual(own, [where]);
    else t.false(own.includes(where));
  }
});

test("iptables: further packets of a connection do not prolong its affinity, new connections do", (t) => {
  const [living, renewed] = [livingIn("iptables"), livingIn("iptables")];
  const { first, where } = begin(living);
  wait(living, 50 * SECOND);
  connectTo(living, withFlags(first, tcpFlag.ACK), where);
  wait(living, (TIMEOUT - 49) * SECOND);
  t.is(ends(living, another(first)).length, 2);
  const again = begin(renewed);
  wait(renewed, 50 * SECOND);
  connectTo(renewed, another(again.first), again.where);
  wait(renewed, (TIMEOUT - 49) * SECOND);
  t.deepEqual(ends(renewed, another(another(again.first))), [again.where]);
});

test("ipvs: a template that outlives its time by open connections starts anew with 60 s, not with its timeout", (t) => {
  const living = livingIn("ipvs");
  const { first, where } = begin(living);
  connectTo(living, withFlags(first, tcpFlag.ACK), where);
  // open, so that the template stays when its time is over
  wait(living, (TIMEOUT + 50) * SECOND);
  const second = another(first);
  t.true(connectTo(living, second, where));
  connectTo(living, withFlags(first, tcpFlag.RST), where);
  // well within the timeout of the second connection: what is promised is its endpoint
  wait(living, (TIMEOUT - 20) * SECOND);
  const [third, more] = ends(living, another(second));
  t.truthy(third);
  t.not(third, where);
  t.is(more, undefined);
  // the same without the past: the second connection keeps its time
  const fresh = livingIn("ipvs");
  const begun = begin(fresh);
  wait(fresh, (TIMEOUT - 20) * SECOND);
  t.deepEqual(ends(fresh, another(begun.first)), [begun.where]);
});
