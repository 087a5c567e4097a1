import { formatIPv4, type IPAddress } from "../../net/ip.ts";
import { mask32 } from "../../net/prefix.ts";
import { formatAddress } from "../iptables/values.ts";
import type { Persistence, VirtualServer, VirtualServerKey } from "./model.ts";

/** Protocols of virtual servers: number, name in listings, option in commands. */
export const protocols = [
  { number: 6, name: "TCP", option: "-t" },
  { number: 17, name: "UDP", option: "-u" },
  { number: 132, name: "SCTP", option: "--sctp-service" },
] as const;

/** `10.0.0.1:80`, `[fd00::1]:80`: an address as `inet_ntop` writes it, with its port. */
export function formatEnd(address: IPAddress, port: number): string {
  const text = formatAddress(address);
  return address.family === "IPv4" ? `${text}:${port}` : `[${text}]:${port}`;
}

/** The options that name a virtual server: `-t 10.0.0.1:80`, `-f 5 -6`. Marks are printed as signed numbers. */
export function formatKey(key: VirtualServerKey): string {
  if (key.kind === "fwmark") return `-f ${key.mark | 0}${key.family === "IPv6" ? " -6" : ""}`;
  const option = protocols.find(({ number }) => number === key.protocol)?.option ?? "-t";
  return `${option} ${formatEnd(key.address, key.port)}`;
}

/** The family of what a virtual server takes. */
export function familyOfKey(key: VirtualServerKey): IPAddress["family"] {
  return key.kind === "address" ? key.address.family : key.family;
}

/** A scheduler's name as the kernel has it. */
export function schedulerName({ scheduler }: Pick<VirtualServer, "scheduler">): string {
  return typeof scheduler === "string" ? scheduler : scheduler.unknown;
}

/** The three flags of a virtual server that are its scheduler's (`IP_VS_SVC_F_SCHED1` … `3`). */
const plainFlags = ["flag-1", "flag-2", "flag-3"] as const;

/** What the first two of them are called with schedulers that have a meaning for them. */
const ownFlags: Readonly<Record<string, readonly string[]>> = {
  sh: ["sh-fallback", "sh-port"],
  mh: ["mh-fallback", "mh-port"],
};

/** The names of a scheduler's flags in the kernel's order. */
function flagNames(scheduler: string): readonly string[] {
  const own = Object.hasOwn(ownFlags, scheduler) ? (ownFlags[scheduler] ?? []) : [];
  return plainFlags.map((plain, i) => own[i] ?? plain);
}

/** The flags by their canonical names, in the kernel's order, none twice; `undefined` when one is not the scheduler's. */
export function canonicalFlags(scheduler: string, words: readonly string[]): readonly string[] | undefined {
  const names = flagNames(scheduler);
  const found = new Set<number>();
  for (const word of words) {
    const plain = plainFlags.indexOf(word as "flag-1");
    const at = plain >= 0 ? plain : names.indexOf(word);
    if (at < 0) return undefined;
    found.add(at);
  }
  return names.filter((_, i) => found.has(i));
}

/** ipvsadm has no name for the third flag of sh and mh, and prints nothing for it. */
export function hasNameless(scheduler: string): boolean {
  return Object.hasOwn(ownFlags, scheduler);
}

/** The flags as ipvsadm prints them. */
export function formatFlags({
  scheduler,
  schedulerFlags,
}: Pick<VirtualServer, "scheduler" | "schedulerFlags">): string {
  const name = schedulerName({ scheduler });
  const flags = canonicalFlags(name, schedulerFlags) ?? schedulerFlags;
  return flags.filter((flag) => flag !== "flag-3" || !hasNameless(name)).join(",");
}

/** The mask that clients are grouped by, where ipvsadm prints it: dotted or a prefix length; `undefined` for single clients. */
export function formatClientMask(persistence: Persistence, family: IPAddress["family"]): string | undefined {
  const { maskLength, mask } = persistence;
  if (family === "IPv6") return maskLength === 128 ? undefined : `${maskLength}`;
  const value = mask ?? mask32(maskLength);
  return value === 0xffffffff ? undefined : formatIPv4(value);
}
