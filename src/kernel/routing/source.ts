import type { IPv6Words } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";
import type { Host, Interface, InterfaceAddress, Route } from "../host.ts";
import { sameAddress } from "../packet.ts";
import { type IPv6Kind, ipv6Kind, scopes } from "./address.ts";
import { routeLocalnet } from "./switches.ts";

export const SCOPE_UNIVERSE = 0;
export const SCOPE_LINK = 253;
export const SCOPE_HOST = 254;

const SCOPES: Readonly<Record<Route["scope"], number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

/** Scope as the kernel's number: the larger, the nearer. */
export function scopeNumber(scope: Route["scope"]): number {
  return SCOPES[scope];
}

const usable4 = (own: InterfaceAddress): boolean => own.family === "IPv4" && !own.secondary;

/** Does an IPv4 address's prefix hold another (`inet_ifa_match`)? Of a point-to-point address it is the peer's prefix. */
function inPrefixOf(own: InterfaceAddress, address: number): boolean {
  const base = own.peer ?? own.address;
  return typeof base === "number" && ((base ^ address) & mask32(own.prefixLength)) === 0;
}

/**
 * The IPv4 source for what leaves by a device: its first primary address, of those that are not of a nearer scope than
 * `scope`, whose prefix holds `near` (0: any), else its first, else that of the first other device that has one
 * (`inet_select_addr`; kernel-semantics §3.5). 0 when there is none.
 */
export function selectAddress4(host: Host, device: Interface, near: number, scope: number): number {
  const localnet = routeLocalnet(host, device.name) ? SCOPE_LINK : SCOPE_HOST;
  let first = 0;
  for (const own of device.addresses) {
    if (!usable4(own) || typeof own.address !== "number") continue;
    if (Math.min(scopeNumber(own.scope), localnet) > scope) continue;
    if (near === 0 || inPrefixOf(own, near)) return own.address;
    if (first === 0) first = own.address;
  }
  if (first !== 0) return first;
  for (const other of host.interfaces) {
    for (const own of other.addresses) {
      if (!usable4(own) || typeof own.address !== "number" || own.scope === "link") continue;
      if (scopeNumber(own.scope) <= scope) return own.address;
    }
  }
  return 0;
}

/** RFC 6724's policy table as the kernel has it (`ip6addrlbl_init_table`), the longest prefixes first. */
const LABELS: readonly (readonly [words: IPv6Words, length: number, label: number])[] = [
  [[0, 0, 0, 1], 128, 0],
  [[0, 0, 0xffff, 0], 96, 4],
  [[0, 0, 0, 0], 96, 3],
  [[0x20010000, 0, 0, 0], 32, 6],
  [[0x20010010, 0, 0, 0], 28, 7],
  [[0x20020000, 0, 0, 0], 16, 2],
  [[0x3ffe0000, 0, 0, 0], 16, 12],
  [[0xfec00000, 0, 0, 0], 10, 11],
  [[0xfc000000, 0, 0, 0], 7, 5],
];

/** How many leading bits two addresses share. */
function commonBits(a: IPv6Words, b: IPv6Words): number {
  for (let i = 0; i < 4; i++) {
    const different = ((a[i] as number) ^ (b[i] as number)) >>> 0;
    if (different !== 0) return 32 * i + Math.clz32(different);
  }
  return 128;
}

function labelOf(words: IPv6Words): number {
  for (const [prefix, length, label] of LABELS) if (commonBits(words, prefix) >= length) return label;
  return 1;
}

const isOrchid = (words: IPv6Words): boolean => words[0] >>> 4 === 0x2001001;

interface Candidate {
  readonly own: InterfaceAddress;
  readonly address: IPv6Words;
  readonly kind: IPv6Kind;
  readonly device: Interface;
}

/** What a destination asks of a source. */
interface Wanted {
  readonly destination: IPv6Words;
  readonly scope: number;
  readonly label: number;
  readonly orchid: boolean;
  /** The device that it leaves by, if one is known. */
  readonly device: Interface | undefined;
}

type Score = (candidate: Candidate, wanted: Wanted) => number;

/** Smaller scopes than the destination's are worst, the smaller the worse; of the others the smallest is best. */
const scopeScore: Score = ({ kind }, { scope }) => (kind.scope >= scope ? -kind.scope : kind.scope - 128);

/** The rules of RFC 6724 §5 in the kernel's order; the larger number wins (`ipv6_get_saddr_eval`). */
const RULES: readonly Score[] = [
  ({ address }, { destination }) => (sameAddress(address, destination) ? 1 : 0),
  scopeScore,
  ({ kind, own }) => (kind.mapped || kind.compatible || kind.loopback || !own.deprecated ? 1 : 0),
  ({ device }, wanted) => (wanted.device === undefined || wanted.device === device ? 1 : 0),
  ({ address }, { label }) => (labelOf(address) === label ? 1 : 0),
  // temporary addresses are shown as secondary ones; the kernel prefers public ones (use_tempaddr below 2)
  ({ own }) => (own.secondary ? 0 : 1),
  ({ address }, { orchid }) => (isOrchid(address) === orchid ? 1 : 0),
  ({ address, own }, { destination }) => Math.min(commonBits(address, destination), own.prefixLength),
];

/** Does a candidate beat the best so far? */
function beats(candidate: Candidate, best: Candidate, wanted: Wanted): boolean {
  for (const rule of RULES) {
    const difference = rule(candidate, wanted) - rule(best, wanted);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function best6(devices: readonly Interface[], wanted: Wanted): IPv6Words | undefined {
  let best: Candidate | undefined;
  for (const device of devices) {
    for (const own of device.addresses) {
      const { address } = own;
      if (typeof address === "number" || own.tentative === true) continue;
      const kind = ipv6Kind(address);
      if (kind.cast !== "unicast") continue;
      const candidate = { own, address, kind, device };
      if (best === undefined || beats(candidate, best, wanted)) best = candidate;
    }
  }
  return best?.address;
}

/**
 * The IPv6 source for a destination (`ipv6_dev_get_saddr`, RFC 6724): from the addresses of the device where the
 * destination is multicast or of link scope, else from those of all devices. Of equal ones the first in the kernel's
 * order. `undefined` when there is none.
 */
export function selectAddress6(
  host: Host,
  device: Interface | undefined,
  destination: IPv6Words,
): IPv6Words | undefined {
  const { cast, scope, loopback } = ipv6Kind(destination);
  const wanted = {
    destination,
    scope,
    label: labelOf(destination),
    orchid: isOrchid(destination),
    device,
  };
  const onlyDevice = device !== undefined && (cast === "multicast" || scope <= scopes.link || loopback);
  return best6(onlyDevice ? [device] : host.interfaces, wanted);
}
