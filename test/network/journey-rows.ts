import { client, golden, type Setting, shop } from "./setting.ts";

/** A packet, and for each branch its chance, its way there and behind `|` the reply's (`branchText`). */
type Row = readonly [folder: string, packet: string, expected: readonly string[], setting?: Setting];

/** Packets and their journeys. */
export const rows: readonly Row[] = [
  // Pod → ClusterIP: the reply comes back translated from the other node
  [
    shop,
    "udp 10.244.1.7:40000 > 10.96.0.10:53",
    [
      "1/2^1 worker-1,control-plane-1 pod on control-plane-1 10.244.1.7:40000 > 10.244.0.2:53 | control-plane-1,worker-1 pod on worker-1 10.96.0.10:53 > 10.244.1.7:40000 as-called",
      "1/2^1 worker-1,worker-2 pod on worker-2 10.244.1.7:40000 > 10.244.2.3:53 | worker-2,worker-1 pod on worker-1 10.96.0.10:53 > 10.244.1.7:40000 as-called",
    ],
    client,
  ],
  [
    shop,
    "tcp [fd00:10:244:1::10]:40000 > [fd00:10:96::2002]:80",
    [
      "1/2^1 worker-1 pod on worker-1 [fd00:10:244:1::10]:40000 > [fd00:10:244:1::20]:8080 | worker-1 pod on worker-1 [fd00:10:96::2002]:80 > [fd00:10:244:1::10]:40000 as-called",
      "1/2^1 worker-1,worker-2 pod on worker-2 [fd00:10:244:1::10]:40000 > [fd00:10:244:2::20]:8080 | worker-2,worker-1 pod on worker-1 [fd00:10:96::2002]:80 > [fd00:10:244:1::10]:40000 as-called",
    ],
  ],
  // the endpoint is a process on a node: out by eth0, back by the overlay
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.0.1:443",
    [
      "1 worker-1,control-plane-1 host control-plane-1 10.244.1.7:40000 > 192.168.10.10:6443 | control-plane-1,worker-1 pod on worker-1 10.96.0.1:443 > 10.244.1.7:40000 as-called",
    ],
    client,
  ],
  // outside → NodePort, policy Cluster: the client's address is lost; the reply goes by the node that was called
  [
    shop,
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.0:drawn > 10.244.2.40:8000 | worker-2,worker-1 outside from worker-1 192.168.10.11:30080 > 203.0.113.9:40000 as-called",
    ],
  ],
  // policy Local: the client's address is seen, and a node without endpoints drops
  [
    golden("nodeport-local"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    [
      "1 worker-1 pod on worker-1 203.0.113.9:40000 > 10.244.1.10:8080 | worker-1 outside from worker-1 192.168.10.11:30080 > 203.0.113.9:40000 as-called",
    ],
  ],
  [
    golden("nodeport-local-none-here"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    ["1 worker-1 dropped on worker-1 by KUBE-EXTERNAL-SERVICES 203.0.113.9:40000 > 192.168.10.11:30080"],
  ],
  [
    golden("nodeport-local-none-here"),
    "tcp 203.0.113.9:40000 > 192.168.10.12:30080",
    [
      "1 worker-2 pod on worker-2 203.0.113.9:40000 > 10.244.2.10:8080 | worker-2 outside from worker-2 192.168.10.12:30080 > 203.0.113.9:40000 as-called",
    ],
  ],
  // policy Local does not bind Pods: another node's Pod is reached by a node port of this one
  [
    golden("nodeport-local-none-here"),
    "tcp 10.244.1.7:40000 > 192.168.10.11:30080",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.7:40000 > 10.244.2.10:8080 | worker-2,worker-1 pod on worker-1 192.168.10.11:30080 > 10.244.1.7:40000 as-called",
    ],
    client,
  ],
  // hairpin: the Pod reaches itself and sees its gateway
  [
    shop,
    "tcp 10.244.2.40:40000 > 10.96.20.4:80",
    [
      "1 worker-2 pod on worker-2 10.244.2.1:drawn > 10.244.2.40:8000 | worker-2 pod on worker-2 10.96.20.4:80 > 10.244.2.40:40000 as-called",
    ],
  ],
  // node → ClusterIP
  [
    shop,
    "tcp 192.168.10.11:40000 > 10.96.20.4:80",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.0:drawn > 10.244.2.40:8000 | worker-2,worker-1 host worker-1 10.96.20.4:80 > 192.168.10.11:40000 as-called",
    ],
  ],
  // no endpoints: the answer comes back to whoever asked
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.20.5:80",
    [
      "1 worker-1 rejected on worker-1 by KUBE-SERVICES 10.244.1.7:40000 > 10.96.20.5:80 ! from worker-1 pod on worker-1 10.244.1.1 > 10.244.1.7",
    ],
    client,
  ],
  [
    shop,
    "tcp 192.168.10.11:40000 > 10.96.20.5:80",
    [
      "1 worker-1 rejected on worker-1 by KUBE-SERVICES 192.168.10.11:40000 > 10.96.20.5:80 ! from worker-1 host worker-1 192.168.10.11 > 192.168.10.11",
    ],
  ],
  [
    golden("no-endpoints"),
    "tcp 203.0.113.9:40000 > 192.168.10.11:30080",
    [
      "1 worker-1 rejected on worker-1 by KUBE-EXTERNAL-SERVICES 203.0.113.9:40000 > 192.168.10.11:30080 ! from worker-1 outside from worker-1 192.168.10.11 > 203.0.113.9",
    ],
  ],
  // a Pod of another node asks a node's port without endpoints: the answer crosses the overlay
  [
    golden("no-endpoints"),
    "tcp 10.244.2.7:40000 > 192.168.10.11:30080",
    [
      "1 worker-2,worker-1 rejected on worker-1 by KUBE-EXTERNAL-SERVICES 10.244.2.7:40000 > 192.168.10.11:30080 ! from worker-1 worker-2 pod on worker-2 192.168.10.11 > 10.244.2.7",
    ],
    { asked: ["10.244.2.7"] },
  ],
  // … and where the endpoint's reply goes past the node that translated, a datagram comes from a stranger
  [
    golden("nodeport-tcp-and-udp"),
    "udp 10.244.2.7:40000 > 192.168.10.11:30053",
    [
      "1/2^1 worker-2,worker-1 pod on worker-1 10.244.2.7:40000 > 10.244.1.10:53 | worker-1,worker-2 pod on worker-2 192.168.10.11:30053 > 10.244.2.7:40000 as-called",
      "1/2^1 worker-2,worker-1,worker-2 pod on worker-2 10.244.2.7:40000 > 10.244.2.10:53 | worker-2 pod on worker-2 10.244.2.10:53 > 10.244.2.7:40000 not-as-called",
    ],
    {
      asked: ["10.244.2.7"],
      settings: { edit: ["externalTrafficPolicy: Cluster", "externalTrafficPolicy: Local"] },
    },
  ],
  // … and a SYN,ACK is INVALID on the way
  [
    shop,
    "tcp 10.244.0.2:40000 > 192.168.10.11:30443",
    [
      "1/2^1 control-plane-1,worker-1 pod on worker-1 10.244.0.2:40000 > 10.244.1.10:8443 | worker-1,control-plane-1 pod on control-plane-1 192.168.10.11:30443 > 10.244.0.2:40000 as-called",
      "1/2^1 control-plane-1,worker-1,worker-2 pod on worker-2 10.244.0.2:40000 > 10.244.2.10:8443 | worker-2,control-plane-1 dropped on control-plane-1 by KUBE-FORWARD 10.244.2.10:8443 > 10.244.0.2:40000 lost",
    ],
  ],
  // external addresses: which node they enter is said, or unknown
  [
    golden("external-ips-local"),
    "tcp 203.0.113.9:40000 > 198.51.100.1:80",
    [
      "1 worker-2 pod on worker-2 203.0.113.9:40000 > 10.244.2.10:8080 | worker-2 outside from worker-2 198.51.100.1:80 > 203.0.113.9:40000 as-called",
    ],
    { entry: "worker-2" },
  ],
  [
    golden("external-ips-local"),
    "tcp 203.0.113.9:40000 > 198.51.100.1:80",
    ["1 unknown: which node packets to 198.51.100.1 are handed to from outside 203.0.113.9:40000 > 198.51.100.1:80"],
  ],
  // what leaves untranslated finds back only where routers outside know the Pods
  [
    shop,
    "tcp 10.244.1.7:40000 > 8.8.8.8:443",
    [
      "1 worker-1 outside from worker-1 10.244.1.7:40000 > 8.8.8.8:443 | unknown: whether routers outside lead to the Pod address 10.244.1.7 8.8.8.8:443 > 10.244.1.7:40000 unknown",
    ],
    client,
  ],
  [
    shop,
    "tcp 10.244.1.7:40000 > 8.8.8.8:443",
    [
      "1 worker-1 outside from worker-1 10.244.1.7:40000 > 8.8.8.8:443 | nobody: routers outside do not lead to Pod addresses 8.8.8.8:443 > 10.244.1.7:40000 lost",
    ],
    { ...client, settings: { outsideRoutesPods: false } },
  ],
  [
    shop,
    "tcp 10.244.1.7:40000 > 8.8.8.8:443",
    [
      "1 worker-1 outside from worker-1 10.244.1.7:40000 > 8.8.8.8:443 | worker-1 pod on worker-1 8.8.8.8:443 > 10.244.1.7:40000 as-called",
    ],
    { ...client, settings: { outsideRoutesPods: true } },
  ],
  // nobody has them
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.96.20.4:81",
    ["1 worker-1 nobody: no host has a ClusterIP, and no rule translated it 10.244.1.7:40000 > 10.96.20.4:81"],
    client,
  ],
  [
    shop,
    "tcp 203.0.113.9:40000 > 10.96.20.4:80",
    ["1 nobody: no host has a ClusterIP, and no rule translated it 203.0.113.9:40000 > 10.96.20.4:80"],
  ],
  [
    shop,
    "tcp 10.244.1.99:40000 > 10.96.20.4:80",
    ["1 unknown: who sends from 10.244.1.99 10.244.1.99:40000 > 10.96.20.4:80"],
  ],
  // a Pod address that no Pod has, in a circle between a node and a router that leads back to it
  [
    shop,
    "icmp 10.244.1.7 > 10.244.2.99 ttl 5",
    [
      "1 worker-1,worker-2,worker-2,worker-2,worker-2 dropped on worker-2 by ttl 10.244.1.7 > 10.244.2.99 ! from worker-2 worker-1 pod on worker-1 10.244.2.0 > 10.244.1.7",
    ],
    { ...client, settings: { outsideRoutesPods: true } },
  ],
  [
    shop,
    "udp 10.244.1.7:1 > 10.244.2.99:2",
    [`1 worker-1${",worker-2".repeat(15)} stuck on worker-2 10.244.1.7:1 > 10.244.2.99:2`],
    { ...client, settings: { outsideRoutesPods: true } },
  ],
  // Pod → Pod without a Service
  [
    shop,
    "icmp 10.244.1.7 > 10.244.2.10",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.7 > 10.244.2.10 | worker-2,worker-1 pod on worker-1 10.244.2.10 > 10.244.1.7 as-called",
    ],
    client,
  ],
  // only first packets are answered
  [
    shop,
    "tcp 10.244.1.7:40000 > 10.244.1.10:1 ACK",
    ["1 worker-1 pod on worker-1 10.244.1.7:40000 > 10.244.1.10:1"],
    client,
  ],
  // a process of a node that says who it is only by its address on lo
  [
    shop,
    "tcp 127.0.0.1:40000 > 127.0.0.1:30080",
    [
      "1 worker-1,worker-2 pod on worker-2 10.244.1.0:drawn > 10.244.2.40:8000 | worker-2,worker-1 host worker-1 127.0.0.1:30080 > 127.0.0.1:40000 as-called",
    ],
    { sender: { kind: "node", node: "worker-1" } },
  ],
];
