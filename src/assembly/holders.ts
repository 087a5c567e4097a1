import type { Cluster } from "../cluster/cluster.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import { canonicalIP } from "../net/ip.ts";
import { textOf } from "../network/addresses.ts";
import { podNetworks } from "../network/node-addresses.ts";
import { behind } from "../network/node-host.ts";
import { serviceOfSlice } from "../proxy/endpoints.ts";

/** Who has an address, by its canonical text: `Pod shop/web-1`, `node worker-1`, `Service shop/web`. */
export function holders(cluster: Cluster, pods: readonly Located<Pod>[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (text: string | undefined, name: string): void => {
    const ip = canonicalIP(text ?? "");
    if (ip !== undefined && !found.has(ip)) found.set(ip, name);
  };
  for (const { value } of cluster.nodes) {
    const name = `node ${value.metadata.name ?? ""}`;
    for (const { address } of value.status?.addresses ?? []) add(address, name);
    for (const { network } of podNetworks(value)) {
      add(textOf(network), name);
      add(textOf(behind(network, 1)), `${name}, the gateway of its Pods`);
    }
  }
  for (const { value } of pods) {
    if (value.spec?.hostNetwork === true) continue;
    const name = `Pod ${value.metadata.namespace ?? ""}/${value.metadata.name ?? ""}`;
    for (const { ip } of value.status?.podIPs ?? [{ ip: value.status?.podIP ?? "" }]) add(ip, name);
  }
  const unnamed: [text: string, service: string][] = [];
  for (const { value } of cluster.endpointSlices) {
    if (value.addressType === "FQDN") continue;
    const service = serviceOfSlice(value);
    for (const { targetRef, addresses = [] } of value.endpoints ?? [])
      for (const text of addresses) {
        if (targetRef?.kind === "Pod" && targetRef.name !== undefined)
          add(text, `Pod ${targetRef.namespace ?? value.metadata.namespace ?? ""}/${targetRef.name}`);
        else if (service !== undefined) unnamed.push([text, service]);
      }
  }
  // an endpoint that names no Pod is told by its Service
  for (const [text, service] of unnamed) add(text, `an endpoint of Service ${service}`);
  for (const { value } of cluster.services) {
    const name = `Service ${value.metadata.namespace ?? ""}/${value.metadata.name ?? ""}`;
    const { clusterIP = "", clusterIPs = [], externalIPs = [] } = value.spec ?? {};
    for (const text of [clusterIP, ...clusterIPs, ...externalIPs]) add(text, name);
    for (const { ip } of value.status?.loadBalancer?.ingress ?? []) add(ip, name);
  }
  return found;
}
