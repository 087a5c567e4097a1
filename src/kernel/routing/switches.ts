import type { Host, InterfaceSwitches } from "../host.ts";

type Flag = "routeLocalnet" | "acceptLocal" | "srcValidMark";

function flag(host: Host, name: string, which: Flag): boolean {
  return switches(host, "all")?.[which] === true || own(host, name)?.[which] === true;
}

function switches(host: Host, name: string): InterfaceSwitches | undefined {
  return host.sysctls.ipv4.get(name);
}

/** The switches of an interface; of one that nothing is said about those of `default`, from which it was made. */
function own(host: Host, name: string): InterfaceSwitches | undefined {
  return switches(host, name) ?? switches(host, "default");
}

/** `route_localnet` of an interface or of all (IN_DEV_ROUTE_LOCALNET). */
export function routeLocalnet(host: Host, name: string): boolean {
  return flag(host, name, "routeLocalnet");
}

/** `accept_local` of an interface or of all (IN_DEV_ACCEPT_LOCAL). */
export function acceptLocal(host: Host, name: string): boolean {
  return flag(host, name, "acceptLocal");
}

/** `src_valid_mark` of an interface or of all (IN_DEV_SRC_VMARK). */
export function srcValidMark(host: Host, name: string): boolean {
  return flag(host, name, "srcValidMark");
}

/** `rp_filter`: the larger of the interface's and that of all (IN_DEV_RPFILTER). */
export function reversePathFilter(host: Host, name: string): number {
  return Math.max(switches(host, "all")?.rpFilter ?? 0, own(host, name)?.rpFilter ?? 0);
}

/** `send_redirects` of an interface or of all, on unless switched off (IN_DEV_TX_REDIRECTS). */
export function sendRedirects(host: Host, name: string): boolean {
  return (switches(host, "all")?.sendRedirects ?? true) || (own(host, name)?.sendRedirects ?? true);
}

/** IPv4 `forwarding` of an interface (IN_DEV_FORWARD); `ip_forward` sets it for all that do not say otherwise. */
export function forwards4(host: Host, name: string): boolean {
  return switches(host, name)?.forwarding ?? host.sysctls.ipForward;
}
