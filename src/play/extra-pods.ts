import type { EndpointSlice } from "../manifest/endpointslice.ts";
import type { Located } from "../manifest/object.ts";
import type { Pod } from "../manifest/pod.ts";
import { formatIP, type IPAddress, parseIP } from "../net/ip.ts";
import type { ExtraPods } from "./scene.ts";

/**
 * Pods behind endpoints that are taken out but stay where they are: the one that the endpoint names on the node that it names,
 * or just its address. `wanted` chooses endpoints by their canonical address.
 */
export function stayingPods(
  slices: readonly Located<EndpointSlice>[],
  wanted: (address: string) => boolean,
  before: ExtraPods,
): ExtraPods {
  const pods: Located<Pod>[] = [];
  const addresses: IPAddress[] = [];
  for (const { value, origin } of slices)
    for (const { addresses: [text = ""] = [], targetRef, nodeName } of value.endpoints ?? []) {
      const ip = parseIP(text);
      if (ip === undefined || !wanted(formatIP(ip))) continue;
      if (targetRef?.kind !== "Pod") {
        addresses.push(ip);
        continue;
      }
      const { name, namespace = value.metadata.namespace } = targetRef;
      const metadata = { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) };
      const spec = nodeName === undefined ? {} : { nodeName };
      const status = { podIP: formatIP(ip), podIPs: [{ ip: formatIP(ip) }] };
      pods.push({ value: { apiVersion: "v1", kind: "Pod", metadata, spec, status }, origin });
    }
  return { addresses: [...before.addresses, ...addresses], pods: [...before.pods, ...pods] };
}
