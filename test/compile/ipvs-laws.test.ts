import test from "ava";
import { resolveKubeProxyConfig } from "../../src/cluster/kubeproxy-config.ts";
import { compileIPVS } from "../../src/compile/ipvs/compile.ts";
import { loadSet } from "../../src/compile/ipvs/sets.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { formatIPSets } from "../../src/rules/ipset/format.ts";
import { parseIPSets } from "../../src/rules/ipset/parse.ts";
import { formatScript } from "../../src/rules/iptables/format.ts";
import { formatIPVSCommands } from "../../src/rules/ipvs/format.ts";
import { parseIPVSCommands } from "../../src/rules/ipvs/parse-commands.ts";
import { sampleCluster } from "../../src/sample/cluster.ts";
import type { WeightChanges } from "../../src/sample/weights.ts";
import { readState } from "../upstream/feed.ts";
import { canonicalServers } from "../upstream/ipvs-compare.ts";
import { compiled, example, ranged, service } from "./ipvs-objects.ts";

const nodePort = (name: string, ip: string, port: object): object =>
  service(name, ip, { type: "NodePort", ports: [{ name: "p", ...port }] });

/** Objects and settings → the codes of what is told of them. */
const findings: readonly (readonly [string, readonly object[], KubeProxyConfiguration, readonly string[]])[] = [
  ["nothing", example, {}, []],
  ["a range of one address", ranged("198.51.100.7/32"), {}, ["source-range-churn"]],
  [
    "an address that two Services have",
    ["a", "b"].map((name, i) =>
      service(`n/${name}`, `10.96.0.${i}`, { externalIPs: ["192.0.2.1"], ports: [{ port: 80 }] }),
    ),
    {},
    ["virtual-server-collision"],
  ],
  [
    "two ports of one number and protocol in one Service",
    [
      service("n/a", "10.96.0.1", {
        ports: [
          { name: "p", port: 80 },
          { name: "q", port: 80 },
        ],
      }),
    ],
    {},
    ["virtual-server-collision"],
  ],
  [
    "node ports on networks of cluster IPs",
    [nodePort("n/a", "10.96.0.1", { port: 80, nodePort: 30080 })],
    { nodePortAddresses: ["10.0.0.0/8"] },
    ["node-ports-on-bound-addresses"],
  ],
  [
    "node ports on all addresses",
    [nodePort("n/a", "10.96.0.1", { port: 80, nodePort: 30080 })],
    { nodePortAddresses: ["0.0.0.0/0"] },
    [],
  ],
  [
    "a port that is a node port",
    [
      nodePort("n/a", "10.96.0.1", { port: 80, nodePort: 30080 }),
      service("n/b", "10.96.0.2", { ports: [{ port: 30080 }] }),
    ],
    {},
    ["port-is-node-port"],
  ],
  [
    "a port that is a node port of policy Local",
    [
      service("n/a", "10.96.0.1", {
        type: "NodePort",
        externalTrafficPolicy: "Local",
        ports: [{ port: 80, nodePort: 30080 }],
      }),
      service("n/b", "10.96.0.2", { ports: [{ port: 30080 }] }),
    ],
    {},
    [],
  ],
  [
    "a port that is a node port of another protocol",
    [
      nodePort("n/a", "10.96.0.1", { port: 80, nodePort: 30080, protocol: "UDP" }),
      service("n/b", "10.96.0.2", { ports: [{ port: 30080 }] }),
    ],
    {},
    [],
  ],
];
for (const [what, items, config, codes] of findings) {
  test(`told of: ${what}`, (t) => {
    t.deepEqual(
      compiled(items, { config }).findings.map(({ code }) => code),
      codes,
    );
  });
}

const seeds = Array.from({ length: 25 }, (_, i) => `ipvs/${i}`);

/** Endpoints are of their virtual server's family, as the API server wants them. */
const oneFamily: WeightChanges = {
  "slice.addressType": { other: 0 },
  "endpoint.address": { "other family": 0, mapped: 0 },
};

/** What holds of any cluster, release and family. */
for (const minor of [21, 24, 25, 28, 37]) {
  test(`random clusters in 1.${minor}: rules name sets that are there, texts read back, bound addresses are in their set`, (t) => {
    for (const seed of seeds) {
      const sample = sampleCluster(seed, { weights: oneFamily });
      const refused = resolveKubeProxyConfig({ ...sample.config, mode: "ipvs" }, { minor }).errors.length > 0;
      if (refused) continue;
      for (const family of ["IPv4", "IPv6"] as const) {
        const made = compileIPVS(readState({ ...sample, minor, config: { ...sample.config, mode: "ipvs" } }, family));
        const known = new Set(made.sets.map(({ name }) => name));
        const used = [...formatScript(made.restore).matchAll(/--match-set (\S+)/g)].map(([, name]) => name ?? "");
        t.deepEqual(
          used.filter((name) => !known.has(name)),
          [],
          seed,
        );
        const sets = new Map(made.sets.map((set) => [set.name, loadSet(set)] as const));
        const text = formatIPSets(sets);
        t.deepEqual(
          parseIPSets({ name: seed, text }, ({ message }) => t.fail(`${seed}: ${message}`)),
          sets,
        );
        const printed = formatIPVSCommands(made.table);
        const read = parseIPVSCommands({ name: seed, text: printed }, ({ message }) => t.fail(`${seed}: ${message}`));
        // where 10, 127 and 192 meet, the printed order depends on the order of adding, which a text does not tell
        t.is(canonicalServers(formatIPVSCommands(read)), canonicalServers(printed), seed);
        const bound = made.addresses.map(({ text: address }) => address);
        const listed = made.sets.find(({ key }) => key === "ipvsIPs")?.entries.map(({ text: address }) => address);
        if (minor >= 26) t.deepEqual(listed, bound, seed);
        for (const { server, endpoints } of made.servers) t.is(server.realServers.length, endpoints.length, seed);
      }
    }
  });
}
