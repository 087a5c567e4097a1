import test from "ava";
import { addressText } from "../../src/kernel/packet-text.ts";
import type { EndpointSlice } from "../../src/manifest/endpointslice.ts";
import type { Service } from "../../src/manifest/service.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { canonicalIP } from "../../src/net/ip.ts";
import { seededRandom } from "../../src/net/random.ts";
import { type SampleObject, sampleCluster } from "../../src/sample/cluster.ts";
import { type Compared, compareSides } from "../../src/verify/equivalence/compare.ts";
import { type Mode, modes, placeOf, settingOf, weightsFor } from "../intent/place.ts";

/** Clusters of some Services, none of whose addresses is on two nodes. */
const SEEDS = [34, 36];
const SERVICES = 2;

type Objects = readonly SampleObject[];

const sampleOf = (seed: number, services: number) => sampleCluster(seed, { services, weights: weightsFor(37) });

/** What a change of objects does to packets, class by class, on the node of a sample; nothing where kube-proxy would not start. */
function* changes(
  mode: Mode,
  config: Parameters<typeof settingOf>[0]["config"],
  before: Objects,
  after: Objects,
): Generator<Compared> {
  const [left, right] = [before, after].map((objects) => placeOf(settingOf({ objects, config }), mode));
  if (left === undefined || right === undefined || left.ambiguous.size + right.ambiguous.size > 0) return;
  for (const node of left.network.nodes.slice(0, 1)) {
    const [a, b] = [left.network.node(node)?.host, right.network.node(node)?.host];
    if (a === undefined || b === undefined) continue;
    for (const family of ipFamilies)
      yield* compareSides({ name: "before", host: a }, { name: "after", host: b }, family);
  }
}

const isService = (object: SampleObject): object is Service => object.kind === "Service";
const isSlice = (object: SampleObject): object is EndpointSlice => object.kind === "EndpointSlice";
const texts = (list: readonly (string | undefined)[]): string[] =>
  list.flatMap((text) => canonicalIP(text ?? "") ?? []);

/** All addresses and ports that have to do with some objects. */
function namedBy(objects: Objects): { readonly addresses: ReadonlySet<string>; readonly ports: ReadonlySet<number> } {
  const services = objects.filter(isService);
  const addresses = [
    ...services.flatMap(({ spec, status }) => [
      spec?.clusterIP,
      ...(spec?.clusterIPs ?? []),
      ...(spec?.externalIPs ?? []),
      ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
    ]),
    ...objects.filter(isSlice).flatMap(({ endpoints = [] }) => endpoints.flatMap((each) => each.addresses ?? [])),
  ];
  const ports = services.flatMap(({ spec }) => [
    spec?.healthCheckNodePort,
    ...(spec?.ports ?? []).map(({ nodePort }) => nodePort),
  ]);
  return { addresses: new Set(texts(addresses)), ports: new Set(ports.flatMap((port) => port ?? [])) };
}

/** Addresses of a slice's endpoints that are ready. */
function readyAddresses({ endpoints = [] }: EndpointSlice): readonly string[] {
  return endpoints.flatMap(({ addresses = [], conditions }) => (conditions?.ready === false ? [] : addresses));
}

for (const mode of modes) {
  test(`slow: law: a Service more changes nothing for packets that do not name it, ${mode}`, (t) => {
    let differing = 0;
    for (const seed of SEEDS) {
      const { objects: after, config } = sampleOf(seed, SERVICES + 1);
      // a Service comes before its slices
      const last = after.findLastIndex(isService);
      const before = after.slice(0, last);
      const { addresses, ports } = namedBy(after.slice(last));
      for (const { class: found, differs } of changes(mode, config, before, after)) {
        if (!differs) continue;
        differing++;
        const { src, dst, dport } = found.packet;
        const isNamed = addresses.has(addressText(dst)) || addresses.has(addressText(src)) || ports.has(dport);
        t.true(isNamed, `seed ${seed}: ${addressText(src)} -> ${addressText(dst)} port ${dport}`);
      }
    }
    t.true(differing > 0);
  });

  test(`slow: law: an endpoint that is gone gets no new connection, ${mode}`, (t) => {
    let [asked, led] = [0, 0];
    for (const seed of SEEDS) {
      const { objects, config } = sampleOf(seed, SERVICES);
      const [gone] = objects.filter(isSlice).flatMap(readyAddresses);
      const address = canonicalIP(gone ?? "");
      if (address === undefined) continue;
      const without = (slice: EndpointSlice): EndpointSlice => ({
        ...slice,
        endpoints: (slice.endpoints ?? []).filter((each) => !texts(each.addresses ?? []).includes(address)),
      });
      const after = objects.map((object) => (isSlice(object) ? without(object) : object));
      const leads = (text: string | undefined): boolean =>
        text?.slice(0, text.lastIndexOf(":")).replace(/[[\]]/g, "") === address;
      for (const { class: found, fates } of changes(mode, config, objects, after)) {
        if (addressText(found.packet.dst) === address) continue;
        asked++;
        const [before, now] = fates.map((each) => [...each.values()].some((fate) => "to" in fate && leads(fate.to)));
        if (before) led++;
        t.false(now, `seed ${seed}: ${addressText(found.packet.dst)} port ${found.packet.dport}`);
      }
    }
    t.true(asked > 0 && led > 0);
  });

  test(`slow: law: the order of objects is nothing to packets, ${mode}`, (t) => {
    let classes = 0;
    for (const seed of SEEDS) {
      const { objects, config } = sampleOf(seed, SERVICES);
      const random = seededRandom(`order ${seed}`);
      const shuffled = objects.map((object) => ({ object, at: random.below(2 ** 32) })).sort((a, b) => a.at - b.at);
      for (const { differs, class: found } of changes(
        mode,
        config,
        objects,
        shuffled.map(({ object }) => object),
      )) {
        classes++;
        t.false(differs, `seed ${seed}: ${addressText(found.packet.dst)} port ${found.packet.dport}`);
      }
    }
    t.true(classes > 0);
  });
}
