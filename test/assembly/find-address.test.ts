import test from "ava";
import { findAddress } from "../../src/assembly/find-address.ts";
import { buildCluster } from "../../src/cluster/build.ts";
import { readManifests } from "../../src/manifest/read-manifests.ts";
import type { IPFamily } from "../../src/net/family.ts";
import type { Diagnostic } from "../../src/text/diagnostic.ts";
import { addressText } from "../routing/support.ts";

const OBJECTS = `
apiVersion: v1
kind: Node
metadata: { name: worker-1.example }
status:
  addresses:
    - { type: ExternalIP, address: 198.51.100.7 }
    - { type: InternalIP, address: 192.168.10.11 }
    - { type: InternalIP, address: "fd00:a::11" }
---
apiVersion: v1
kind: Service
metadata: { name: api, namespace: shop }
spec:
  clusterIP: "fd00:96::41"
  clusterIPs: ["fd00:96::41", 10.96.0.41]
  ipFamilies: [IPv6, IPv4]
  ports: [{ name: http, port: 80 }]
---
apiVersion: v1
kind: Service
metadata: { name: dns, namespace: default }
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  ipFamilies: [IPv4]
  ports: [{ name: dns, port: 53, protocol: UDP }, { name: dns-tcp, port: 53 }, { name: metrics, port: 9153 }]
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { clusterIP: None, clusterIPs: [None], ports: [{ port: 3306 }] }
---
apiVersion: v1
kind: Service
metadata: { name: mirror, namespace: shop }
spec: { type: ExternalName, externalName: mirror.example.org }
---
apiVersion: v1
kind: Pod
metadata: { name: cart-1, namespace: shop }
spec: { nodeName: worker-1.example }
status: { podIP: 10.244.1.7, podIPs: [{ ip: 10.244.1.7 }, { ip: "fd00:10:244:1::7" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: cart-2, namespace: shop }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: api-1, namespace: shop, labels: { kubernetes.io/service-name: api } }
addressType: IPv4
endpoints:
  - { addresses: [10.244.1.20], targetRef: { kind: Pod, name: api-0, namespace: shop } }
  - { addresses: [10.244.1.99], targetRef: { kind: Pod, name: cart-1, namespace: shop } }
  - { addresses: [10.244.1.21] }
ports: [{ name: http, port: 8080 }]
`;

const found: Diagnostic[] = [];
const report = (diagnostic: Diagnostic): void => {
  found.push(diagnostic);
};
const manifests = readManifests([{ name: "objects", text: OBJECTS }], { validate: "strict" }, report);
const cluster = buildCluster(manifests, { validate: "ignore" }, report);
const book = { cluster, pods: manifests.pods };

function told(text: string, family?: IPFamily): string {
  const answer = findAddress(book, text, family);
  if (answer.kind === "not-found") return answer.code;
  const { port = "", protocol = "" } = answer;
  return `${addressText(answer.address)} ${port} ${protocol}`.trim();
}

/** What is asked, of which family, and what comes: address, port, protocol, or the code of what is wrong. */
const rows: readonly (readonly [text: string, family: IPFamily | "any", expected: string])[] = [
  ["10.0.0.5", "any", "10.0.0.5"],
  ["10.0.0.5:53", "any", "10.0.0.5 53"],
  ["10.0.0.5", "IPv6", "other-family"],
  ["fd00::1", "any", "fd00::1"],
  ["[fd00::1]:443", "IPv6", "fd00::1 443"],
  ["10.0.0.5:65536", "any", "no-such-port"],
  ["10.0.0.5:", "any", "no-such-port"],
  ["10.0.0.256", "any", "no-address"],
  ["", "any", "no-address"],
  ["svc/shop/api", "any", "fd00:96::41 80 TCP"],
  ["svc/shop/api:http", "IPv4", "10.96.0.41 80 TCP"],
  ["service/shop/api:80", "IPv4", "10.96.0.41 80 TCP"],
  ["svc/shop/api:81", "IPv4", "10.96.0.41 81"],
  ["svc/shop/api:htpp", "IPv4", "no-such-port"],
  ["svc/dns", "any", "10.96.0.10"],
  ["svc/dns:53", "any", "10.96.0.10 53"],
  ["svc/default/dns:dns", "any", "10.96.0.10 53 UDP"],
  ["svc/dns:metrics", "any", "10.96.0.10 9153 TCP"],
  ["svc/dns", "IPv6", "other-family"],
  ["svc/shop/db:3306", "any", "no-address"],
  ["svc/shop/mirror", "any", "no-address"],
  ["svc/shop/apo", "any", "no-such-object"],
  ["svc/a/b/c", "any", "no-such-object"],
  ["pod/shop/cart-1", "any", "10.244.1.7"],
  ["pod/shop/cart-1:8080", "IPv6", "fd00:10:244:1::7 8080"],
  ["pod/shop/cart-1:http", "any", "no-such-port"],
  ["pod/shop/cart-2", "any", "no-address"],
  ["pod/shop/api-0", "any", "10.244.1.20"],
  ["pod/shop/api-0", "IPv6", "other-family"],
  ["pod/cart-1", "any", "no-such-object"],
  ["node/worker-1.example", "any", "192.168.10.11"],
  ["node/worker-1.example:30080", "IPv6", "fd00:a::11 30080"],
  ["node/worker-1", "any", "no-such-object"],
  ["pods/shop/cart-1", "any", "10.244.1.7"],
  ["deploy/shop/api", "any", "no-such-object"],
];
for (const [text, family, expected] of rows)
  test(`${JSON.stringify(text)} of ${family}: ${expected}`, (t) =>
    t.is(told(text, family === "any" ? undefined : family), expected));

/** Misspelt names, and what is offered instead. */
const hints: readonly (readonly [text: string, offered: string])[] = [
  ["svc/shop/apo", '"shop/api"'],
  ["svc/api", '"shop/api"'],
  ["pod/shop/crat-1", '"shop/cart-1"'],
  ["node/worker-1.exmaple", '"worker-1.example"'],
  ["svcs/shop/api", '"svc/shop/api"'],
  ["svc/shop/api:htpp", '"http"'],
];
for (const [text, offered] of hints)
  test(`${text} offers ${offered}`, (t) => {
    const answer = findAddress(book, text);
    t.true(answer.kind === "not-found" && answer.message.includes(offered), JSON.stringify(answer));
  });

test("the objects of these rows are read without an error", (t) =>
  t.deepEqual(
    found.filter(({ severity }) => severity === "error"),
    [],
  ));
