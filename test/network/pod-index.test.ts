import test from "ava";
import { ownerOf } from "../../src/kernel/routing/address.ts";
import { textOf } from "../../src/network/addresses.ts";
import { interfacesBesidePods, leadsToPod, podOfAddress, podOfKey } from "../../src/network/pod-index.ts";
import { placeOf } from "./support.ts";

const { network } = placeOf("examples/shop", ["10.244.1.7"]);

for (const name of network.nodes)
  test(`look-ups on ${name} find what a search from the front finds`, (t) => {
    const node = network.node(name);
    if (node === undefined) return t.fail();
    const { host, pods } = node;
    t.true(pods.length > 1);
    for (const pod of pods) {
      t.is(podOfKey(pods, pod.key), pod);
      t.true(leadsToPod(pods, pod.interface));
      for (const ip of pod.addresses) t.is(podOfAddress(pods, ip.family === "IPv4" ? ip.value : ip.words), pod);
    }
    t.deepEqual(
      [podOfKey(pods, "shop/nobody"), podOfAddress(pods, 1), leadsToPod(pods, "eth0")],
      [undefined, undefined, false],
    );
    t.deepEqual(
      interfacesBesidePods(host, pods).map((each) => each.name),
      ["lo", "eth0", "flannel.1"],
    );
    // the gateway's address is on every Pod's interface
    for (const { address } of host.interfaces.flatMap(({ addresses }) => addresses)) {
      const first = host.interfaces.find(({ addresses }) =>
        addresses.some((own) => textOf(own.address) === textOf(address)),
      );
      t.is(ownerOf(host, address), first);
    }
    t.is(ownerOf(host, 0x01020304), undefined);
  });
