import { hash } from "node:crypto";
import { compileIptables } from "../../src/compile/iptables/compile.ts";
import type { KubeProxyConfiguration } from "../../src/manifest/kubeproxy.ts";
import { ipFamilies } from "../../src/net/family.ts";
import { type SampleCluster, sampleCluster } from "../../src/sample/cluster.ts";
import type { WeightChanges } from "../../src/sample/weights.ts";
import { saveText } from "../../src/view/iptables-text.ts";
import { answerTo, refusals } from "../upstream/feed.ts";
import { counterNames, type RuleCase } from "./rule-cases.ts";
import { backends } from "./tools.ts";
import type { Topology } from "./topology.ts";

/** The newest release, and one with the old forms of the rules. */
const MINORS = [37, 21];
const SERVICES = { from: 3, to: 6 };
const ENDPOINTS = { from: 1, to: 4 };
/** More Services that work than the mix for comparing texts has: packets to one without endpoints all end alike. */
const WEIGHTS: WeightChanges = {
  "service.type": { ExternalName: 0 },
  "service.clusterIP": { None: 0, absent: 0 },
  "service.ports": { none: 0 },
  "slice.count": { none: 0 },
  "slice.label": { headless: 0, "proxy-name": 0, "no service": 0 },
  "slice.addressType": { FQDN: 0, other: 0 },
  "slice.ports": { none: 0, "no number": 0, "other name": 0, "other protocol": 0 },
  "slice.state": { ready: 12, unready: 1, "none ready": 1, mixed: 3 },
  "endpoint.address": { "other family": 0, none: 0, broken: 0 },
};

const sha256 = (text: string): string => hash("sha256", text, "hex");

/** Local traffic is told by the interfaces that the topology has. */
function onTopology({ detectLocal, ...config }: KubeProxyConfiguration): KubeProxyConfiguration {
  if (detectLocal === undefined) return config;
  return {
    ...config,
    detectLocal: {
      ...(detectLocal.bridgeInterface !== undefined && { bridgeInterface: "cni0" }),
      ...(detectLocal.interfaceNamePrefix !== undefined && { interfaceNamePrefix: "veth" }),
    },
  };
}

function casesOf(sample: SampleCluster, name: string, topology: Topology, minor: number): RuleCase[] {
  const config = onTopology(sample.config);
  if (refusals({ config, minor }).length > 0) return [];
  const interfaces = [{ name: "lo", addresses: ["127.0.0.1/8", "::1/128"] }, ...topology.interfaces];
  const question = { ...sample, config, minor, host: { ...sample.host, interfaces } };
  return ipFamilies.flatMap((family) => {
    const { state } = answerTo(question, family);
    const compiled = compileIptables(state, { sha256 });
    const liberal = sample.host.conntrackTCPLiberal === true ? 1 : 0;
    return backends.flatMap((backend) => {
      let refused = false;
      const rules = saveText(state, compiled, backend, () => {
        refused = true;
      });
      // what kube-proxy cannot load either (an IPv4-mapped endpoint) leaves nothing to send packets through
      if (refused) return [];
      return {
        name: `${name}/1.${minor}/${family}/${backend}`,
        about: "a sampled cluster as kube-proxy writes it",
        family,
        backend,
        rules,
        ipset: "",
        nfacct: counterNames(rules),
        sysctls: {
          "net.netfilter.nf_conntrack_tcp_be_liberal": liberal,
          // kube-proxy sets it when node ports are to be reached on localhost (iptables-mode §1.1)
          "net.ipv4.conf.all.route_localnet": sample.config.iptables?.localhostNodePorts === false ? 0 : 1,
        },
      };
    });
  });
}

/** Compiled rule sets of sampled clusters: both families and back ends, the newest release and an old one. */
export function clusterCases(seed: string, count: number, topology: Topology): RuleCase[] {
  const cases: RuleCase[] = [];
  for (let i = 0; i < count; i++) {
    const name = `cluster ${seed}/${i}`;
    const sample = sampleCluster(`${seed}/${i}`, { services: SERVICES, endpoints: ENDPOINTS, weights: WEIGHTS });
    cases.push(...casesOf(sample, name, topology, MINORS[i % MINORS.length] ?? 37));
  }
  return cases;
}
