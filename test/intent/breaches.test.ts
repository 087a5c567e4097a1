import test from "ava";
import { type Breach, breachesOf, type Seen } from "../../src/intent/breaches.ts";
import { parseIP } from "../../src/net/ip.ts";
import { promised, serviceObjects, type Written } from "./cluster-text.ts";

const ip = (text: string) => parseIP(text) as NonNullable<ReturnType<typeof parseIP>>;
const at = (text: string, more: Partial<Extract<Seen, { kind: "arrived" }>> = {}): Seen => ({
  kind: "arrived",
  ip: ip(text),
  port: 8080,
  source: "kept",
  itself: false,
  ...more,
});

const NODE_PORT = { type: "NodePort", ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }] };
const LOCAL = { ...NODE_PORT, externalTrafficPolicy: "Local" };
const CHECKED = { ...LOCAL, type: "LoadBalancer", healthCheckNodePort: 32000 };
const CLUSTER_IP = "pod@n1 > 10.96.0.10 80";

/** Endpoints, the Service, a packet, what was seen of it, and what is wrong with that. */
const rows: readonly (readonly [string, Written, string, Seen, readonly Breach[]])[] = [
  ["a@n1 b@n2", {}, CLUSTER_IP, at("10.0.2.12"), []],
  ["a@n1 b@n2", {}, CLUSTER_IP, at("10.0.2.12", { port: 80 }), ["wrong endpoint"]],
  ["a@n1 b@n2-", {}, CLUSTER_IP, at("10.0.2.12"), ["wrong endpoint"]],
  ["a@n1 b@n2", {}, CLUSTER_IP, at("10.0.2.12", { source: "rewritten" }), ["source rewritten"]],
  ["a@n1 b@n2", {}, CLUSTER_IP, at("10.0.1.11", { source: "rewritten", itself: true }), []],
  ["a@n1 b@n2", {}, CLUSTER_IP, at("10.0.2.12", { answered: true }), []],
  ["a@n1 b@n2", {}, CLUSTER_IP, at("10.0.2.12", { answered: false }), ["no answer"]],
  ["a@n1 b@n2", {}, CLUSTER_IP, { kind: "refused" }, ["not served"]],
  ["a@n1 b@n2", {}, CLUSTER_IP, { kind: "passed" }, ["not served"]],
  ["a@n1|a@n1-", {}, CLUSTER_IP, { kind: "refused" }, []],
  ["a@n1|a@n1-", {}, CLUSTER_IP, at("10.0.1.11", { answered: false }), []],
  ["", {}, CLUSTER_IP, { kind: "refused" }, []],
  ["", {}, CLUSTER_IP, { kind: "dropped" }, ["dropped"]],
  ["", {}, CLUSTER_IP, { kind: "passed" }, ["let in"]],
  ["a@n1-", {}, CLUSTER_IP, at("10.0.1.11"), ["let in"]],
  ["b@n2", { spec: LOCAL }, "outside@n1 > 192.168.0.1 30080", { kind: "dropped" }, []],
  ["b@n2", { spec: LOCAL }, "outside@n1 > 192.168.0.1 30080", { kind: "refused" }, ["refused"]],
  ["b@n2", { spec: LOCAL }, "outside@n1 > 192.168.0.1 30080", { kind: "node", node: "n1" }, ["let in"]],
  ["a@n1", { spec: CHECKED }, "outside@n1 > 192.168.0.1 32000", { kind: "node", node: "n1" }, []],
  ["a@n1", { spec: CHECKED }, "outside@n1 > 192.168.0.1 32000", { kind: "refused" }, ["no health check"]],
  ["a@n1", {}, "pod@n1 > 10.96.0.10 81", { kind: "dropped" }, []],
];

for (const [endpoints, written, packet, seen, breaches] of rows)
  test(`${packet} with [${endpoints}] ${JSON.stringify(written)}: ${JSON.stringify(seen)}`, (t) =>
    t.deepEqual(breachesOf(promised(serviceObjects(endpoints, written), packet), seen, false), breaches));

test("what is nobody's business goes as it would without Services", (t) => {
  const promise = promised(serviceObjects("a@n1"), "pod@n1 > 10.0.2.12 8080");
  t.deepEqual(breachesOf(promise, { kind: "dropped" }, true), []);
  t.deepEqual(breachesOf(promise, { kind: "dropped" }, false), ["interfered"]);
});

test("masqueradeAll is a promise as well", (t) => {
  const promise = promised(serviceObjects("a@n1"), CLUSTER_IP, { masqueradeAll: true });
  t.deepEqual(breachesOf(promise, at("10.0.1.11"), false), ["source kept"]);
  t.deepEqual(breachesOf(promise, at("10.0.1.11", { source: "rewritten" }), false), []);
});

test("a promise names its Service, the port and the sentences at stake", (t) => {
  const {
    service,
    port,
    at: node,
    clauses,
  } = promised(serviceObjects("b@n2", { spec: LOCAL }), "outside@n1 > 192.168.0.1 30080");
  t.deepEqual([service?.value.metadata.name, port, node], ["web", 0, "n1"]);
  t.deepEqual(
    clauses.map(({ field }) => field),
    ["spec.ports[].nodePort", "spec.externalTrafficPolicy"],
  );
});

test("two Services with one external address and port: nothing says whose it is", (t) => {
  const first = serviceObjects("a@n1", { spec: { externalIPs: ["203.0.113.9"] } });
  const second = serviceObjects("b@n2", {
    metadata: { name: "other" },
    spec: { clusterIP: "10.96.0.11", clusterIPs: ["10.96.0.11"], externalIPs: ["203.0.113.9"] },
  });
  const { outcome, service } = promised([...first, ...second.slice(0, 1)], "outside@n1 > 203.0.113.9 80");
  t.deepEqual([outcome.kind, service], ["unpromised", undefined]);
});

test("no clause is without a source, and none is said twice", (t) => {
  const { clauses } = promised(serviceObjects("a@n1 b@n2", { spec: { sessionAffinity: "ClientIP" } }), CLUSTER_IP);
  t.true(clauses.every(({ source, says }) => source !== "" && says !== ""));
  t.is(new Set(clauses).size, clauses.length);
});
