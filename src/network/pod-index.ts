import type { Host, Interface } from "../kernel/host.ts";
import type { Address } from "../kernel/packet.ts";
import { formatIP } from "../net/ip.ts";
import { textOf } from "./addresses.ts";
import type { AttachedPod } from "./node-host.ts";

/** A node's Pods by what they are looked for. */
interface PodIndex {
  readonly byKey: ReadonlyMap<string, AttachedPod>;
  readonly byAddress: ReadonlyMap<string, AttachedPod>;
  readonly interfaces: ReadonlySet<string>;
}

/** A node can have thousands of Pods, and every packet asks for one. */
const indexes = new WeakMap<readonly AttachedPod[], PodIndex>();

function indexOf(pods: readonly AttachedPod[]): PodIndex {
  const known = indexes.get(pods);
  if (known !== undefined) return known;
  const byKey = new Map<string, AttachedPod>();
  const byAddress = new Map<string, AttachedPod>();
  for (const pod of pods) {
    if (!byKey.has(pod.key)) byKey.set(pod.key, pod);
    for (const ip of pod.addresses) if (!byAddress.has(formatIP(ip))) byAddress.set(formatIP(ip), pod);
  }
  const made = { byKey, byAddress, interfaces: new Set(pods.map((pod) => pod.interface)) };
  indexes.set(pods, made);
  return made;
}

/** The Pod of a key. */
export const podOfKey = (pods: readonly AttachedPod[], key: string): AttachedPod | undefined =>
  indexOf(pods).byKey.get(key);

/** The Pod that has an address. */
export const podOfAddress = (pods: readonly AttachedPod[], address: Address): AttachedPod | undefined =>
  indexOf(pods).byAddress.get(textOf(address));

/** Does an interface lead to a Pod? */
export const leadsToPod = (pods: readonly AttachedPod[], name: string): boolean => indexOf(pods).interfaces.has(name);

const others = new WeakMap<Host, readonly Interface[]>();

/** The interfaces of a host that lead to no Pod, in their order. */
export function interfacesBesidePods(host: Host, pods: readonly AttachedPod[]): readonly Interface[] {
  const known = others.get(host);
  if (known !== undefined) return known;
  const found = host.interfaces.filter(({ name }) => !leadsToPod(pods, name));
  others.set(host, found);
  return found;
}
