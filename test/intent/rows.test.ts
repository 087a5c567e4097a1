import test from "ava";
import type { OperatorFacts } from "../../src/intent/facts.ts";
import { promised, promiseText, serviceObjects, type Written } from "./cluster-text.ts";

/** One sentence of the specification: endpoints, the Service, a packet, what is promised. */
interface Row {
  readonly says: string;
  readonly endpoints?: string;
  readonly written?: Written;
  readonly facts?: Partial<OperatorFacts>;
  readonly packets: readonly (readonly [packet: string, promise: string])[];
}

const NODE_PORT = { type: "NodePort", ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }] };
const BALANCED = { ...NODE_PORT, type: "LoadBalancer" };
const VIP = { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } };
const LOCAL = { externalTrafficPolicy: "Local" };
const EVERYWHERE = "a@n1 b@n2";

const tables: Readonly<Record<string, readonly Row[]>> = {
  "spec.clusterIPs": [
    {
      says: "inside the cluster the address leads to any ready endpoint, and a Pod keeps its source",
      endpoints: EVERYWHERE,
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a b, source kept"],
        ["node@n1 > 10.96.0.10 80", "a b"],
        ["pod@n3 > fd00:96::10 80", "a b, source kept"],
      ],
    },
    {
      says: "nothing is said of clients elsewhere",
      endpoints: EVERYWHERE,
      packets: [
        ["outside@n1 > 10.96.0.10 80", "unpromised"],
        ["peer@n1 > 10.96.0.10 80", "unpromised"],
      ],
    },
    {
      says: "nothing is said of other ports, other protocols and ICMP",
      endpoints: EVERYWHERE,
      packets: [
        ["pod@n1 > 10.96.0.10 81", "unpromised"],
        ["pod@n1 > 10.96.0.10 80/UDP", "unpromised"],
        ["pod@n1 > 10.96.0.10", "unpromised"],
      ],
    },
    {
      says: "an address that no Service has is nobody's business, nor is an endpoint that is called by its own",
      endpoints: EVERYWHERE,
      packets: [
        ["pod@n1 > 10.96.0.11 80", "none"],
        ["pod@n1 > 10.0.2.12 8080", "none"],
        ["outside@n1 > 192.168.0.1 22", "none"],
        ["pod@n2 > 192.168.0.1", "none"],
      ],
    },
    {
      says: "objects from before dual-stack have one cluster IP and no list",
      endpoints: EVERYWHERE,
      written: { spec: { clusterIP: "10.96.0.10", clusterIPs: undefined, ipFamilies: undefined } },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a b, source kept"],
        ["pod@n1 > fd00:96::10 80", "none"],
      ],
    },
    {
      says: "None: there is nothing to proxy, external IPs are ignored",
      endpoints: EVERYWHERE,
      written: { spec: { clusterIP: "None", clusterIPs: ["None"], externalIPs: ["203.0.113.9"] } },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "none"],
        ["outside@n1 > 203.0.113.9 80", "none"],
      ],
    },
  ],
  "spec.type": [
    {
      says: "ExternalName: an alias in DNS, whatever else the object holds",
      endpoints: EVERYWHERE,
      written: { spec: { type: "ExternalName", externalName: "a.example", externalIPs: ["203.0.113.9"] } },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "none"],
        ["pod@n1 > 203.0.113.9 80", "none"],
      ],
    },
    {
      says: "nothing is said of node ports and load balancer addresses of other types",
      endpoints: EVERYWHERE,
      written: { spec: { ports: NODE_PORT.ports }, status: VIP },
      packets: [
        ["outside@n1 > 192.168.0.1 30080", "unpromised"],
        ["outside@n1 > 198.51.100.1 80", "unpromised"],
        ["pod@n1 > 10.96.0.10 80", "a b, source kept"],
      ],
    },
  ],
  "metadata.labels": [
    {
      says: "service-proxy-name: somebody else's Service",
      endpoints: EVERYWHERE,
      written: { metadata: { labels: { "service.kubernetes.io/service-proxy-name": "" } }, spec: NODE_PORT },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "none"],
        ["outside@n1 > 192.168.0.1 30080", "none"],
      ],
    },
    {
      says: "headless: a label of controllers, which says nothing of a Service with a cluster IP",
      endpoints: EVERYWHERE,
      written: { metadata: { labels: { "service.kubernetes.io/headless": "" } } },
      packets: [["pod@n1 > 10.96.0.10 80", "unpromised"]],
    },
    {
      says: "a slice that claims to be of another kind of Service may count or not",
      endpoints: EVERYWHERE,
      written: { sliceLabels: { "service.kubernetes.io/headless": "" } },
      packets: [["pod@n1 > 10.96.0.10 80", "a b or dropped or refused, source kept"]],
    },
  ],
  "spec.ports": [
    {
      says: "an endpoint's port has the name and the protocol of the Service's",
      endpoints: "a@n1",
      written: {
        spec: {
          ports: [
            { name: "http", port: 80, protocol: "TCP" },
            { name: "dns", port: 53, protocol: "UDP" },
            { name: "other", port: 81, protocol: "TCP" },
          ],
        },
        slicePorts: [
          { name: "http", port: 8080, protocol: "TCP" },
          { name: "dns", port: 5353, protocol: "UDP" },
          { name: "other", port: 8081, protocol: "UDP" },
        ],
      },
      packets: [
        ["pod@n2 > 10.96.0.10 80", "a, source kept"],
        ["pod@n2 > 10.96.0.10 53/UDP", "a:5353, source kept"],
        ["pod@n2 > 10.96.0.10 53", "unpromised"],
        ["pod@n2 > 10.96.0.10 81", "refused"],
      ],
    },
    {
      says: "a port without a name has endpoints' ports without a name; without a number there is nothing to send to",
      endpoints: "a@n1",
      written: {
        spec: { ports: [{ port: 80 }] },
        slicePorts: [{ port: 9000 }, { name: "x", port: 9001, protocol: "TCP" }, { protocol: "UDP" }],
      },
      packets: [["pod@n2 > 10.96.0.10 80", "a:9000, source kept"]],
    },
  ],
  "endpoints[].conditions": [
    {
      says: "ready endpoints get the traffic, and no others",
      endpoints: "a@n1 b@n2- c@n3~ d@n3",
      packets: [["pod@n1 > 10.96.0.10 80", "a d, source kept"]],
    },
    {
      says: "where none is ready, those that terminate and serve stand in",
      endpoints: "a@n1- b@n2~ c@n3x",
      packets: [["pod@n1 > 10.96.0.10 80", "b, source kept"]],
    },
    {
      says: "until 1.25 they do not",
      endpoints: "a@n1- b@n2~",
      facts: { release: { minor: 25 } },
      packets: [["pod@n1 > 10.96.0.10 80", "refused"]],
    },
    {
      says: "without endpoints connections are refused",
      endpoints: "a@n1- b@n2x",
      written: { spec: { ...NODE_PORT, externalIPs: ["203.0.113.9"] } },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "refused"],
        ["outside@n1 > 192.168.0.1 30080", "refused"],
        ["outside@n1 > 203.0.113.9 80", "refused"],
        ["node@n1 > 203.0.113.9 80", "refused"],
      ],
    },
    {
      says: "slices are joined; one that says the same again changes nothing",
      endpoints: "a@n1|a@n1 b@n2",
      packets: [["pod@n1 > 10.96.0.10 80", "a b, source kept"]],
    },
    {
      says: "slices that contradict each other leave it open whether an endpoint counts",
      endpoints: "a@n1|a@n1- b@n2",
      packets: [["pod@n1 > 10.96.0.10 80", "a b, source kept"]],
    },
    {
      says: "and whether there is one at all",
      endpoints: "a@n1|a@n1-",
      packets: [["pod@n1 > 10.96.0.10 80", "a or dropped or refused, source kept"]],
    },
    {
      says: "publishNotReadyAddresses: agents pass over readiness, controllers say ready: a slice that does not is a contradiction",
      endpoints: "a@n1- b@n2",
      written: { spec: { publishNotReadyAddresses: true } },
      packets: [["pod@n1 > 10.96.0.10 80", "a b, source kept"]],
    },
  ],
  "endpoints[].hints, spec.trafficDistribution": [
    {
      says: "endpoints for the zone are preferred, and nobody is held to it",
      endpoints: "a@n1:east b@n2:west c@n3:east",
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a b c rather a c, source kept"],
        ["pod@n2 > 10.96.0.10 80", "a b c rather b, source kept"],
      ],
    },
    {
      says: "endpoints for the node come before those for the zone, since 1.34",
      endpoints: "a@n1:east,n1 c@n3:east,n3",
      packets: [["pod@n1 > 10.96.0.10 80", "a c rather a, source kept"]],
    },
    {
      says: "before, only the zone counts",
      endpoints: "a@n1:east,n1 c@n3:east,n3",
      facts: { release: { minor: 33 } },
      packets: [["pod@n1 > 10.96.0.10 80", "a c rather a c, source kept"]],
    },
    {
      says: "one ready endpoint without a hint, and there is no preference",
      endpoints: "a@n1:east b@n2",
      packets: [["pod@n1 > 10.96.0.10 80", "a b, source kept"]],
    },
    {
      says: "nor where none is for the zone",
      endpoints: "a@n1:east b@n2:east",
      packets: [["pod@n2 > 10.96.0.10 80", "a b, source kept"]],
    },
    {
      says: "Local policies do not look at hints",
      endpoints: "a@n1:west b@n2:east",
      written: { spec: { internalTrafficPolicy: "Local" } },
      packets: [["pod@n1 > 10.96.0.10 80", "a, source kept"]],
    },
  ],
  "spec.internalTrafficPolicy": [
    {
      says: "Local: the client's own node, else nobody; the documentation says dropped, and as without endpoints",
      endpoints: "a@n1 b@n2",
      written: { spec: { internalTrafficPolicy: "Local" } },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a, source kept"],
        ["node@n2 > 10.96.0.10 80", "b"],
        ["pod@n3 > 10.96.0.10 80", "dropped or refused"],
      ],
    },
    {
      says: "an endpoint of no node is on nobody's",
      endpoints: "a@",
      written: { spec: { internalTrafficPolicy: "Local" } },
      packets: [["pod@n1 > 10.96.0.10 80", "dropped or refused"]],
    },
    {
      says: "the node's terminating endpoints stand in, whoever is ready elsewhere",
      endpoints: "a@n1~ b@n2",
      written: { spec: { internalTrafficPolicy: "Local" } },
      packets: [["pod@n1 > 10.96.0.10 80", "a, source kept"]],
    },
    {
      says: "it is about cluster IPs only",
      endpoints: "a@n2",
      written: { spec: { ...NODE_PORT, internalTrafficPolicy: "Local" } },
      packets: [["pod@n1 > 192.168.0.1 30080", "a"]],
    },
    {
      says: "1.21 has it as alpha: it promises nothing",
      endpoints: "a@n1 b@n2",
      written: { spec: { internalTrafficPolicy: "Local" } },
      facts: { release: { minor: 21 } },
      packets: [["pod@n1 > 10.96.0.10 80", "a b, source kept"]],
    },
    {
      says: "until 1.25 it is not used beside externalTrafficPolicy Local",
      endpoints: "a@n2",
      written: { spec: { ...NODE_PORT, ...LOCAL, internalTrafficPolicy: "Local" } },
      facts: { release: { minor: 25 } },
      packets: [["pod@n1 > 10.96.0.10 80", "a or dropped or refused, source kept"]],
    },
  ],
  "spec.ports[].nodePort": [
    {
      says: "every node has it, on all its addresses, for everybody",
      endpoints: EVERYWHERE,
      written: { spec: NODE_PORT },
      packets: [
        ["outside@n3 > 192.168.0.3 30080", "a b"],
        ["outside@n1 > 172.16.0.1 30080", "a b"],
        ["pod@n1 > fd00:192::2 30080", "a b"],
        ["node@n1 > 192.168.0.2 30080", "a b"],
        ["outside@n3 > 192.168.0.3 30081", "none"],
        ["outside@n3 > 192.168.0.3 30080/UDP", "none"],
      ],
    },
    {
      says: "a Service of one family has it in that family",
      endpoints: EVERYWHERE,
      written: { spec: { ...NODE_PORT, clusterIPs: ["10.96.0.10"], ipFamilies: ["IPv4"] } },
      packets: [
        ["outside@n1 > 192.168.0.1 30080", "a b"],
        ["outside@n1 > fd00:192::1 30080", "none"],
      ],
    },
    {
      says: "allocateLoadBalancerNodePorts false: none is there unless one was asked for",
      endpoints: EVERYWHERE,
      written: {
        spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ name: "http", port: 80 }] },
        status: VIP,
      },
      packets: [
        ["outside@n1 > 192.168.0.1 30080", "none"],
        ["outside@n1 > 198.51.100.1 80", "a b"],
      ],
    },
  ],
  nodePortAddresses: [
    {
      says: "node ports are open where the list says, and nowhere else",
      endpoints: EVERYWHERE,
      written: { spec: NODE_PORT },
      facts: { nodePortAddresses: ["192.168.0.0/24"] },
      packets: [
        ["outside@n1 > 192.168.0.1 30080", "a b"],
        ["outside@n1 > 172.16.0.1 30080", "none"],
        ["outside@n1 > fd00:192::1 30080", "none"],
        ["node@n1 > 127.0.0.1 30080", "none"],
      ],
    },
    {
      says: "primary: the addresses of the Node object",
      endpoints: EVERYWHERE,
      written: { spec: NODE_PORT },
      facts: { nodePortAddresses: ["primary"] },
      packets: [
        ["outside@n1 > 192.168.0.1 30080", "a b"],
        ["outside@n1 > fd00:192::1 30080", "a b"],
        ["outside@n1 > 172.16.0.1 30080", "none"],
      ],
    },
    {
      says: "localhost: with localhostNodePorts on IPv4's loopback addresses, never on IPv6's",
      endpoints: EVERYWHERE,
      written: { spec: NODE_PORT },
      facts: { nodePortAddresses: ["localhost"] },
      packets: [
        ["node@n1 > 127.0.0.1 30080", "a b"],
        ["node@n1 > ::1 30080", "none"],
        ["node@n1 > 127.0.0.2 30080", "unpromised"],
        ["outside@n1 > 192.168.0.1 30080", "none"],
      ],
    },
    {
      says: "before 1.26 nothing is said of loopback addresses",
      endpoints: EVERYWHERE,
      written: { spec: NODE_PORT },
      facts: { release: { minor: 25 } },
      packets: [["node@n1 > 127.0.0.1 30080", "unpromised"]],
    },
    {
      says: "localhostNodePorts false: not even there",
      endpoints: EVERYWHERE,
      written: { spec: NODE_PORT },
      facts: { localhostNodePorts: false },
      packets: [
        ["node@n1 > 127.0.0.1 30080", "none"],
        ["node@n1 > 192.168.0.1 30080", "a b"],
      ],
    },
  ],
  "spec.externalIPs": [
    {
      says: "nodes take it in from everybody; where it comes from is the user's business",
      endpoints: EVERYWHERE,
      written: { spec: { externalIPs: ["203.0.113.9"] } },
      packets: [
        ["outside@n3 > 203.0.113.9 80", "a b"],
        ["pod@n1 > 203.0.113.9 80", "a b"],
        ["node@n1 > 203.0.113.9 80", "a b"],
        ["outside@n3 > 203.0.113.9 81", "unpromised"],
      ],
    },
    {
      says: "a node's own address: the Service's port is the Service's, the others stay the node's",
      endpoints: EVERYWHERE,
      written: { spec: { externalIPs: ["192.168.0.1"] } },
      packets: [
        ["outside@n1 > 192.168.0.1 80", "a b"],
        ["outside@n1 > 192.168.0.1 22", "none"],
        ["pod@n2 > 192.168.0.1", "none"],
      ],
    },
    {
      says: "the gate AllowServiceExternalIPs off: they are without effect",
      endpoints: EVERYWHERE,
      written: { spec: { externalIPs: ["203.0.113.9"] } },
      facts: { externalIPs: false },
      packets: [["outside@n3 > 203.0.113.9 80", "none"]],
    },
    {
      says: "nothing is said of one of a family that the Service does not have",
      endpoints: EVERYWHERE,
      written: { spec: { clusterIPs: ["10.96.0.10"], externalIPs: ["2001:db8::9"] } },
      packets: [["outside@n3 > 2001:db8::9 80", "unpromised"]],
    },
  ],
  "spec.externalTrafficPolicy": [
    {
      says: "Local: a node's own endpoints, with the client's source; a node without any drops the traffic",
      endpoints: EVERYWHERE,
      written: { spec: { ...BALANCED, ...LOCAL, externalIPs: ["203.0.113.9"] }, status: VIP },
      packets: [
        ["outside@n1 > 192.168.0.1 30080", "a, source kept"],
        ["outside@n2 > 203.0.113.9 80", "b, source kept"],
        ["outside@n2 > 198.51.100.1 80", "b, source kept"],
        ["outside@n3 > 192.168.0.3 30080", "dropped"],
        ["outside@n3 > 203.0.113.9 80", "dropped"],
        ["outside@n3 > 198.51.100.1 80", "dropped"],
      ],
    },
    {
      says: "where nobody has an endpoint it is as much a Service without endpoints",
      endpoints: "a@n1-",
      written: { spec: { ...NODE_PORT, ...LOCAL } },
      packets: [["outside@n1 > 192.168.0.1 30080", "dropped or refused"]],
    },
    {
      says: "the node's terminating endpoints stand in, whoever is ready elsewhere (since 1.26)",
      endpoints: "a@n1~ b@n2",
      written: { spec: { ...NODE_PORT, ...LOCAL } },
      packets: [["outside@n1 > 192.168.0.1 30080", "a, source kept"]],
    },
    {
      says: "until 1.25 they do not",
      endpoints: "a@n1~ b@n2",
      written: { spec: { ...NODE_PORT, ...LOCAL } },
      facts: { release: { minor: 25 } },
      packets: [["outside@n1 > 192.168.0.1 30080", "dropped"]],
    },
    {
      says: "clients inside that call an external IP or load balancer address always get Cluster",
      endpoints: "b@n2",
      written: { spec: { ...BALANCED, ...LOCAL, externalIPs: ["203.0.113.9"] }, status: VIP },
      packets: [
        ["pod@n1 > 203.0.113.9 80", "b"],
        ["node@n1 > 198.51.100.1 80", "b"],
        ["peer@n1 > 198.51.100.1 80", "b"],
      ],
    },
    {
      says: "1.21 does not say so",
      endpoints: "b@n2",
      written: { spec: { ...BALANCED, ...LOCAL }, status: VIP },
      facts: { release: { minor: 21 } },
      packets: [["pod@n1 > 198.51.100.1 80", "b or dropped"]],
    },
    {
      says: "clients inside that call a node port may be held to the policy",
      endpoints: EVERYWHERE,
      written: { spec: { ...NODE_PORT, ...LOCAL } },
      packets: [
        ["pod@n1 > 192.168.0.2 30080", "a b"],
        ["pod@n1 > 192.168.0.3 30080", "a b or dropped"],
        ["node@n3 > 192.168.0.3 30080", "a b or dropped"],
      ],
    },
    {
      says: "a Pod that nobody can tell from outside may be treated as if it were there",
      endpoints: "b@n2",
      written: { spec: { ...BALANCED, ...LOCAL }, status: VIP },
      facts: { knownPods: ["10.9.0.0/16"] },
      packets: [["pod@n1 > 198.51.100.1 80", "b or dropped"]],
    },
    {
      says: "it is for external IPs of type ClusterIP, too, which old releases do not know",
      endpoints: "b@n2",
      written: { spec: { ...LOCAL, externalIPs: ["203.0.113.9"] } },
      packets: [["outside@n1 > 203.0.113.9 80", "dropped"]],
    },
    {
      says: "there nothing is said of them",
      endpoints: "b@n2",
      written: { spec: { ...LOCAL, externalIPs: ["203.0.113.9"] } },
      facts: { release: { minor: 28 } },
      packets: [["outside@n1 > 203.0.113.9 80", "unpromised"]],
    },
    {
      says: "it is not about cluster IPs",
      endpoints: "b@n2",
      written: { spec: { ...NODE_PORT, ...LOCAL } },
      packets: [["pod@n1 > 10.96.0.10 80", "b, source kept"]],
    },
  ],
  "status.loadBalancer.ingress": [
    {
      says: "VIP: traffic comes to nodes with this destination",
      endpoints: EVERYWHERE,
      written: { spec: BALANCED, status: { loadBalancer: { ingress: [{ ip: "198.51.100.1", ipMode: "VIP" }] } } },
      packets: [
        ["outside@n3 > 198.51.100.1 80", "a b"],
        ["pod@n3 > 198.51.100.1 80", "a b"],
        ["pod@n3 > 198.51.100.1 30080", "unpromised"],
      ],
    },
    {
      says: "Proxy: the load balancer has to see it",
      endpoints: EVERYWHERE,
      written: { spec: BALANCED, status: { loadBalancer: { ingress: [{ ip: "198.51.100.1", ipMode: "Proxy" }] } } },
      packets: [
        ["pod@n3 > 198.51.100.1 80", "none"],
        ["pod@n3 > 198.51.100.1 81", "none"],
      ],
    },
    {
      says: "before 1.30 there is no ipMode",
      endpoints: EVERYWHERE,
      written: { spec: BALANCED, status: { loadBalancer: { ingress: [{ ip: "198.51.100.1", ipMode: "Proxy" }] } } },
      facts: { release: { minor: 29 } },
      packets: [["pod@n3 > 198.51.100.1 80", "a b"]],
    },
  ],
  "spec.loadBalancerSourceRanges": [
    {
      says: "clients outside come in by the load balancer if their address is in a range",
      endpoints: EVERYWHERE,
      written: { spec: { ...BALANCED, loadBalancerSourceRanges: [" 203.0.113.0/24"] }, status: VIP },
      packets: [
        ["outside@n1 > 198.51.100.1 80", "a b"],
        ["outside@n1 192.0.2.1 > 198.51.100.1 80", "dropped"],
      ],
    },
    {
      says: "nothing is said of clients inside that are in no range",
      endpoints: EVERYWHERE,
      written: { spec: { ...BALANCED, loadBalancerSourceRanges: ["203.0.113.0/24", "10.0.2.0/24"] }, status: VIP },
      packets: [
        ["pod@n1 > 198.51.100.1 80", "a b or dropped"],
        ["pod@n2 10.0.2.7 > 198.51.100.1 80", "a b"],
      ],
    },
    {
      says: "other addresses are not restricted",
      endpoints: EVERYWHERE,
      written: {
        spec: { ...BALANCED, externalIPs: ["203.0.113.9"], loadBalancerSourceRanges: ["192.0.2.0/24"] },
        status: VIP,
      },
      packets: [
        ["outside@n1 > 203.0.113.9 80", "a b"],
        ["outside@n1 > 192.168.0.1 30080", "a b"],
        ["outside@n1 > 198.51.100.1 80", "dropped"],
      ],
    },
    {
      says: "ranges of one family admit nobody of the other",
      endpoints: EVERYWHERE,
      written: {
        spec: { ...BALANCED, loadBalancerSourceRanges: ["203.0.113.0/24"] },
        status: { loadBalancer: { ingress: [{ ip: "2001:db8:1::1" }] } },
      },
      packets: [["outside@n1 > 2001:db8:1::1 80", "dropped"]],
    },
    {
      says: "a Service without endpoints may refuse whom it does not admit",
      endpoints: "",
      written: { spec: { ...BALANCED, loadBalancerSourceRanges: ["192.0.2.0/24"] }, status: VIP },
      packets: [["outside@n1 > 198.51.100.1 80", "dropped or refused"]],
    },
    {
      says: "an entry that is no range leaves it open who is admitted",
      endpoints: EVERYWHERE,
      written: { spec: { ...BALANCED, loadBalancerSourceRanges: ["203.0.113.0/33"] }, status: VIP },
      packets: [["outside@n1 > 198.51.100.1 80", "a b or dropped"]],
    },
  ],
  "spec.sessionAffinity": [
    {
      says: "ClientIP: three hours unless it says otherwise",
      endpoints: EVERYWHERE,
      written: { spec: { ...NODE_PORT, sessionAffinity: "ClientIP" } },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a b, source kept, sticks 10800 s"],
        ["outside@n1 > 192.168.0.1 30080", "a b, sticks 10800 s"],
      ],
    },
    {
      says: "timeoutSeconds",
      endpoints: EVERYWHERE,
      written: {
        spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } },
      },
      packets: [["pod@n1 > 10.96.0.10 80", "a b, source kept, sticks 5 s"]],
    },
  ],
  "masqueradeAll, detectLocalMode": [
    {
      says: "masqueradeAll: what is sent to cluster IPs comes from the node",
      endpoints: EVERYWHERE,
      facts: { masqueradeAll: true },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a b, source rewritten"],
        ["node@n1 > 10.96.0.10 80", "a b"],
      ],
    },
    {
      says: "a Pod that nobody can tell from outside may lose its source, in a family without networks too",
      endpoints: EVERYWHERE,
      facts: { knownPods: ["10.0.0.0/16"] },
      packets: [
        ["pod@n1 > 10.96.0.10 80", "a b, source kept"],
        ["pod@n1 172.20.0.1 > 10.96.0.10 80", "a b"],
        ["pod@n1 > fd00:96::10 80", "a b"],
      ],
    },
  ],
  "spec.healthCheckNodePort": [
    {
      says: "every node answers whether it has ready endpoints; those that terminate do not count",
      endpoints: "a@n1 b@n2~",
      written: { spec: { ...BALANCED, ...LOCAL, healthCheckNodePort: 32000 }, status: VIP },
      packets: [
        ["outside@n1 > 192.168.0.1 32000", "health check 200"],
        ["outside@n2 > 192.168.0.2 32000", "health check 503"],
        ["pod@n1 > 192.168.0.3 32000", "health check 503"],
        ["outside@n1 > 192.168.0.1 32000/UDP", "none"],
      ],
    },
    {
      says: "only with type LoadBalancer and externalTrafficPolicy Local",
      endpoints: "a@n1",
      written: { spec: { ...BALANCED, externalTrafficPolicy: "Cluster", healthCheckNodePort: 32000 } },
      packets: [["outside@n1 > 192.168.0.1 32000", "none"]],
    },
    {
      says: "slices that contradict each other leave the answer open",
      endpoints: "a@n1|a@n1-",
      written: { spec: { ...BALANCED, ...LOCAL, healthCheckNodePort: 32000 } },
      packets: [["outside@n1 > 192.168.0.1 32000", "health check open"]],
    },
  ],
};

for (const [field, rows] of Object.entries(tables))
  for (const { says, endpoints = "", written, facts, packets } of rows)
    test(`${field}: ${says}`, (t) => {
      const objects = serviceObjects(endpoints, written);
      const found = packets.map(([packet]) => [packet, promiseText(promised(objects, packet, facts))]);
      t.deepEqual(
        found,
        packets.map((row) => [...row]),
      );
    });
