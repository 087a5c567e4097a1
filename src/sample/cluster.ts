import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { HostFile } from "../manifest/hostfile.ts";
import type { KubeProxyConfiguration } from "../manifest/kubeproxy.ts";
import type { Node } from "../manifest/node.ts";
import type { Service } from "../manifest/service.ts";
import { seededRandom } from "../net/random.ts";
import { type Maker, makerOf } from "./chooser.ts";
import { sampleConfig } from "./config.ts";
import { sampleHost, sampleNodes, thisNode } from "./node.ts";
import { planService, sampleService } from "./service.ts";
import { type SliceOptions, sampleSlices } from "./slices.ts";
import { mixedWeights, type WeightChanges } from "./weights.ts";

/** A number, or one drawn from a range with both ends included. */
export type Amount = number | { readonly from: number; readonly to: number };

export interface SampleOptions {
  /** How many Services; 1 to 5 unless given. */
  readonly services?: Amount;
  /** How many endpoints each Service has in each family; by weight unless given. */
  readonly endpoints?: Amount;
  /** Weights that differ from the default mix. */
  readonly weights?: WeightChanges;
}

/** Objects as an API server may hold them: nothing in here is left for it to default. */
export type SampleObject = Service | EndpointSlice | Node;

/** A cluster, and the node of it whose kube-proxy is asked. */
export interface SampleCluster {
  readonly objects: readonly SampleObject[];
  readonly config: KubeProxyConfiguration;
  readonly host: HostFile;
  readonly nodeName: string;
}

const USUAL = { from: 1, to: 5 };
const USUAL_STRIDE = 64;
/** Above 1000 endpoints kube-proxy leaves comments out (iptables-mode §3.1). */
const LARGE = { from: 1001, to: 1040 };

function range(amount: Amount): { readonly from: number; readonly to: number } {
  return typeof amount === "number" ? { from: amount, to: amount } : amount;
}

/**
 * A cluster drawn from a seed by weights; the same seed and options give the same cluster. Every Service has a random
 * source of its own, so that of two clusters of one seed the smaller is the beginning of the larger. At most one
 * Service has slices that contradict each other.
 */
export function sampleCluster(seed: string | number, options: SampleOptions = {}): SampleCluster {
  const maker: Maker = makerOf(seededRandom(seed), mixedWeights(options.weights ?? {}));
  const { from, to } = range(options.services ?? USUAL);
  const count = maker.fork("services").random.between(from, to);
  const given = options.endpoints === undefined ? undefined : range(options.endpoints);
  const large = given === undefined && maker.fork("size").choose("cluster.endpoints") === "large";
  const stride = Math.max(USUAL_STRIDE, given?.to ?? 0, large ? LARGE.to : 0);
  const contradicting = maker.fork("contradicting").random.below(Math.max(count, 1));
  const objects: SampleObject[] = [...sampleNodes(maker.fork("nodes"))];
  for (let i = 0; i < count; i++) {
    const plan = planService(i, maker.fork(`service ${i}`));
    const service = sampleService(plan);
    const endpoints = large && i === 0 ? LARGE : given;
    const slices: SliceOptions = { endpoints, contradictions: i === contradicting, stride };
    objects.push(service, ...sampleSlices(plan, service, slices));
  }
  return {
    objects,
    config: sampleConfig(maker.fork("config")),
    host: sampleHost(maker.fork("host")),
    nodeName: thisNode,
  };
}
