import test from "ava";
import { ipFamilies } from "../../src/net/family.ts";
import { journeysOf } from "../../src/network/journey.ts";
import { balancerTargets, nextTarget, proxiedPacket } from "../../src/network/load-balancer.ts";
import { address, addressText } from "../routing/support.ts";
import { golden, placeFor } from "./setting.ts";
import { branchText, packetOf } from "./support.ts";

const web = { service: "default/web", port: 80, protocol: "TCP" };

function targetsOf(folder: string, service = web) {
  const place = placeFor(folder);
  return ipFamilies.map((family) => {
    const states = place.network.nodes.map((name) => place.proxy(name, family));
    return balancerTargets(states, service);
  });
}

test("a load balancer takes nodes in turn, by health those with endpoints of their own", (t) => {
  const [targets = [], targets6 = []] = targetsOf(golden("loadbalancer-local-none-here"));
  t.deepEqual(
    targets.map(({ node, health, nodePort }) => [node, health, nodePort]),
    [
      ["worker-1", 503, 30080],
      ["worker-2", 200, 30080],
    ],
  );
  const nodes = (check: "health" | "none") => [0, 1, 2].map((i) => nextTarget(targets, check, i)?.node);
  t.deepEqual(nodes("health"), ["worker-2", "worker-2", "worker-2"]);
  t.deepEqual(nodes("none"), ["worker-1", "worker-2", "worker-1"]);
  t.deepEqual(
    targets6.map((each) => each.address === undefined || addressText(each.address)),
    ["fd00:a::11", "fd00:a::12"],
  );
  t.is(nextTarget([], "health", 3), undefined);
  const [cluster = []] = targetsOf(golden("loadbalancer"));
  t.deepEqual(
    cluster.map(({ health }) => health),
    [undefined, undefined],
  );
  t.is(nextTarget(cluster, "health", 1)?.node, "worker-2");
});

test("a balancer that opens its own connections is the client that the node sees", (t) => {
  const place = placeFor(golden("nodeport-local"));
  const states = place.network.nodes.map((name) => place.proxy(name, "IPv4"));
  const [target] = balancerTargets(states, web);
  if (target === undefined) throw new Error("no target");
  const packet = proxiedPacket(packetOf("tcp 203.0.113.9:40000 > 198.51.100.1:80"), address("192.168.10.200"), target);
  if (packet === undefined) throw new Error("no packet");
  const { branches } = journeysOf(place, packet, { kind: "outside", node: target.node });
  t.deepEqual(branches.map(branchText), [
    "1 worker-1 pod on worker-1 192.168.10.200:40000 > 10.244.1.10:8080 | worker-1 outside from worker-1 192.168.10.11:30080 > 192.168.10.200:40000 as-called",
  ]);
  t.is(proxiedPacket(packetOf("udp 1.1.1.1:1 > 2.2.2.2:2"), 1, target), undefined);
});
